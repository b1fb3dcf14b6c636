"""Let any provider's ``execute`` take part in the hook of that name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from qcos_core.errors import InvalidArguments

_OPTIONAL = ("seed", "options")


def check_execute(provider: Any) -> None:
    """Refuse a provider whose ``execute`` could not be waited for.

    Raises:
        InvalidArguments: an async method or a generator.
    """
    adapt(provider.execute)


def adapt(execute: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the hook's own arguments that calls ``execute`` as its author wrote it.

    The circuit, the shots and the node go by position; ``seed`` and ``options`` go by name where
    the method takes them. ``NotImplementedError`` becomes ``None``.

    Raises:
        InvalidArguments: an async method or a generator, which could not be waited for, or a
            method without room for the three.
    """
    if inspect.iscoroutinefunction(execute) or inspect.isasyncgenfunction(execute):
        message = f"{execute.__qualname__} is async; execute must be a plain method."
        raise InvalidArguments(message, hint="Wrap the body in asyncio.run(...).")
    if inspect.isgeneratorfunction(execute):
        message = f"{execute.__qualname__} is a generator; execute must return its counts."
        raise InvalidArguments(message)
    passed = _taken_by_name(execute)

    def adapted(
        circuit: Any, shots: int, node_spec: Any, seed: int | None, options: Mapping[str, Any]
    ) -> Any:
        values = {"seed": seed, "options": options}
        try:
            counts = execute(circuit, shots, node_spec, **{name: values[name] for name in passed})
        except NotImplementedError:
            return None
        # by identity: comparing an array, which nobody should return, would be an error by itself
        return None if counts is NotImplemented or counts is NotImplementedError else counts

    return adapted


def _taken_by_name(execute: Callable[..., Any]) -> list[str]:
    """Which of ``seed`` and ``options`` a method takes by name, beside its three arguments."""
    parameters = inspect.signature(execute).parameters.values()
    kinds = {p.kind for p in parameters}
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 3 and inspect.Parameter.VAR_POSITIONAL not in kinds:
        message = f"{execute.__qualname__} does not take circuit, shots and node by position."
        raise InvalidArguments(message, hint="Write def execute(self, circuit, shots, node_spec).")
    three = {p.name for p in positional[:3]}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return [name for name in _OPTIONAL if name not in three]
    return [p.name for p in parameters if p.name in _OPTIONAL and p.name not in three]
