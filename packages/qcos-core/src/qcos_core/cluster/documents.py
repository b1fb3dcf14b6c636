"""A cluster as a document without secrets, from which another process builds it again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from qcos_core.cluster.builder import ClusterBuilder
from qcos_core.cluster.registry import QPURegistry, Slot
from qcos_core.cluster.secrets import scrubber_of
from qcos_core.errors import InvalidArguments, UnknownProvider
from qcos_core.model.redaction import leaves
from qcos_core.model.schema import read_document
from qcos_core.model.scrubber import Scrubber
from qcos_core.model.secrets import Secret, look_up

SCHEMA = "qcos.cluster/1"

_REFERENCE = "$secret"
_HINT = (
    "Pass cluster= when loading the job. Next time, put a secret into an environment variable and "
    'write Secret.env("NAME"), or {env = "NAME"} in a cluster.toml.'
)


def cluster_to_dict(registry: QPURegistry) -> dict[str, Any]:
    """What :func:`cluster_from_dict` needs to build a cluster again, JSON-able, without secrets.

    It holds each slot's key, its plain arguments and the references of its secrets; tuples become
    lists. What it could not hold, :func:`obstacle` says. It does not hold what was done by hand to
    a cluster once it was built: changes of its specs, or plugins registered in it.
    """
    by_hand = [node for node in registry.nodes() if node.slot not in registry.slots]
    if by_hand:
        return _document([], f"the node {by_hand[0].spec.node_id} was registered by hand.")
    scrubber = scrubber_of(registry)
    secrets = {node.slot: node.provider.SECRETS for node in registry.nodes()}
    slots = []
    for name, slot in registry.slots.items():
        try:
            slots.append(_slot(slot, secrets[name], scrubber))
        except TypeError as error:
            return _document([], f"{name}: {error}")
    return _document(slots, None)


def cluster_from_dict(data: Mapping[str, Any]) -> QPURegistry:
    """Build a cluster again, with secrets looked up and health asked for anew.

    Raises:
        InvalidArguments: what :func:`builder_from_dict` or ``ClusterBuilder.build`` refuses.
        UnknownProvider: a key that nothing brings to this process.
        ProviderLoadError: a plugin cannot be used.
    """
    return builder_from_dict(data).build()


def builder_from_dict(data: Mapping[str, Any]) -> ClusterBuilder:
    """The slots of a cluster, with secrets looked up.

    Raises:
        InvalidArguments: no such document, an :func:`obstacle`, or a secret that is not there any
            more.
        UnknownProvider: a key that nothing brings to this process.
    """
    check_rebuilt(data)
    builder = ClusterBuilder()
    for key, kwargs in read_document(data, SCHEMA, _slots):
        try:
            builder.add(key, **kwargs)
        except UnknownProvider as error:
            hint = f"{error.hint} Or register it, or pass cluster= when loading the job."
            raise UnknownProvider(error.message, hint=hint) from None
    return builder


def check_rebuilt(data: Mapping[str, Any]) -> None:
    """Refuse a cluster that another process could not build again.

    Raises:
        InvalidArguments: no such document, or an :func:`obstacle`.
    """
    reason = obstacle(data)
    if reason:
        message = f"this cluster cannot be built again: {reason}"
        raise InvalidArguments(message, hint=_HINT)


def obstacle(data: Mapping[str, Any]) -> str | None:
    """Why a cluster cannot be built again from this document; ``None`` if it can.

    Raises:
        InvalidArguments: no such document.
    """
    return read_document(data, SCHEMA, _obstacle)


def secrets_asked(data: Mapping[str, Any]) -> list[str]:
    """What a cluster's document would have looked up, such as ``"env TOKEN"``.

    Raises:
        InvalidArguments: no such document.
    """
    return read_document(data, SCHEMA, lambda document: list(_asked(document["slots"])))


def _asked(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if set(value) == {_REFERENCE}:
            yield " ".join(f"{kind} {place}" for kind, place in value[_REFERENCE].items())
        else:
            yield from (name for item in value.values() for name in _asked(item))
    elif isinstance(value, list):
        yield from (name for item in value for name in _asked(item))


def _document(slots: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
    return {"schema": SCHEMA, "slots": slots, "reason": reason}


def _slot(slot: Slot, secrets: Collection[str], scrubber: Scrubber) -> dict[str, Any]:
    kwargs, missing = {}, []
    for name, value in slot.kwargs.items():
        unknown = any(
            secret and not isinstance(leaf, Secret)
            for leaf, secret in leaves({name: value}, secrets)
        )
        written = None if unknown else _written(value, name)
        # a provider may have forgotten to declare a secret that it puts into credentials
        if unknown or scrubber.scrub_json(written) != written:
            missing.append(name)
        else:
            kwargs[name] = written
    return {"provider": slot.key, "kwargs": kwargs, "missing": missing}


def _written(value: Any, name: str) -> Any:
    if isinstance(value, Secret):
        return {_REFERENCE: value.reference}
    if value is None or isinstance(value, (str, int, float)):
        return json.loads(json.dumps(value))  # a member of an Enum becomes its value
    if isinstance(value, (list, tuple)):
        return [_written(item, name) for item in value]
    if isinstance(value, Mapping) and set(map(type, value)) <= {str} and set(value) != {_REFERENCE}:
        return {key: _written(item, name) for key, item in value.items()}
    message = f"{name} holds a {type(value).__name__} that cannot be stored."
    raise TypeError(message)


def _obstacle(data: Mapping[str, Any]) -> str | None:
    if data["reason"] is not None:
        return str(data["reason"])
    for index, slot in enumerate(data["slots"]):
        if slot["missing"]:
            names = ", ".join(slot["missing"])
            return f"slot [{index}] {slot['provider']}: secrets are not stored: {names}."
    return None


def _slots(data: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            slot["provider"],
            {
                name: _read(value, f"slot [{index}] {slot['provider']}: {name}")
                for name, value in slot["kwargs"].items()
            },
        )
        for index, slot in enumerate(data["slots"])
    ]


def _read(value: Any, where: str) -> Any:
    if isinstance(value, list):
        return [_read(item, where) for item in value]
    if isinstance(value, Mapping):
        if set(value) == {_REFERENCE}:
            return look_up(value[_REFERENCE], where)
        return {name: _read(item, where) for name, item in value.items()}
    return value
