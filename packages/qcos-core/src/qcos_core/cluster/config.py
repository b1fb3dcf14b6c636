"""Clusters written down: ``cluster.toml`` and the command line's ``--on``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qcos_core.cluster.builder import ClusterBuilder
from qcos_core.cluster.secrets import secrets_of
from qcos_core.errors import InvalidArguments
from qcos_core.model.redaction import redact
from qcos_core.model.secrets import is_reference, look_up
from qcos_core.providers.registry import NodeProviderRegistry

_JSON_START = ("[", "{", *"0123456789")


def load_cluster(path: str | Path) -> ClusterBuilder:
    """Read a ``cluster.toml``.

    It holds one ``[[slot]]`` for each slot, with ``provider`` and its arguments. A secret is
    written as ``{env = "NAME"}`` or ``{keyring = "service/user"}``; it is looked up now, and the
    provider is given a :class:`Secret`.

    Raises:
        InvalidArguments: no such file, not TOML, a wrong table, or a secret that is not there.
        UnknownProvider: a key that nothing installed brings.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"cannot read {path}: {error.strerror or error}."
        raise InvalidArguments(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not TOML: {error}."
        raise InvalidArguments(message) from None
    slots = data.pop("slot", None)
    if data or not isinstance(slots, list) or not slots:
        message = f"{path} must hold [[slot]] tables and nothing else."
        raise InvalidArguments(message, hint='Write [[slot]] and provider = "local_cpu" below it.')
    builder = ClusterBuilder()
    for index, slot in enumerate(slots):
        key = slot.pop("provider", None) if isinstance(slot, dict) else None
        if not isinstance(key, str):
            message = f'{path}: slot [{index}] needs provider = "KEY".'
            raise InvalidArguments(message)
        builder.add(
            key, **{name: _resolved(value, f"{path}: {name}") for name, value in slot.items()}
        )
    return builder


def parse_slots(slots: Sequence[str]) -> ClusterBuilder:
    """Read ``KEY[:name=value[,name=value]]``, one string per slot, as ``--on`` takes them.

    The first ``:`` ends the key. A name repeated makes a list. A value is JSON if it begins
    with a bracket, a brace or a digit, or is ``true`` or ``false``, and text otherwise; commas
    inside brackets and quotes belong to the value.

    Raises:
        InvalidArguments: text that cannot be read so, or a secret.
        UnknownProvider: a key that nothing installed brings.
    """
    builder = ClusterBuilder()
    for text in slots:
        key, _, rest = text.partition(":")
        builder.add(key, **_pairs(key, rest))
    return builder


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """Read options of a run, ``name=value`` each, as ``--option`` takes them.

    A value is read as in :func:`parse_slots`; a name that is repeated makes a list.

    Raises:
        InvalidArguments: text that cannot be read so, or a secret.
    """
    read: dict[str, Any] = {}
    for text in options:
        for name, value in _pairs("--option", text).items():
            if name not in read:
                read[name] = value
            else:
                before = read[name]
                read[name] = [*before, value] if isinstance(before, list) else [before, value]
    return read


def default_cluster() -> ClusterBuilder:
    """``local_cpu`` if it is installed, else ``local_numpy``."""
    key = "local_cpu" if "local_cpu" in NodeProviderRegistry.keys() else "local_numpy"
    return ClusterBuilder().add(key)


def _pairs(key: str, rest: str) -> dict[str, Any]:
    kwargs: dict[str, Any] = {}
    repeated: set[str] = set()
    secrets = secrets_of(key)
    for part in _split(rest):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            message = f"cannot read {name!r} among the arguments of {key}."
            raise InvalidArguments(message, hint="Write KEY:name=value,name=value.")
        parsed = _value(name, value.strip())
        if redact({name: parsed}, secrets) != {name: parsed}:
            message = f"{name} is a secret; command lines are seen by everyone on this machine."
            hint = f'Put it in a cluster.toml as {name} = {{env = "NAME"}} and use --cluster.'
            raise InvalidArguments(message, hint=hint)
        if name not in kwargs:
            kwargs[name] = parsed
        elif name in repeated:
            kwargs[name].append(parsed)
        else:
            kwargs[name] = [kwargs[name], parsed]
            repeated.add(name)
    return kwargs


def _split(rest: str) -> list[str]:
    parts, depth, quoted, start = [], 0, False, 0
    for place, char in enumerate(rest):
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "[{":
            depth += 1
        elif not quoted and char in "]}":
            depth -= 1
        elif char == "," and depth == 0 and not quoted:
            parts.append(rest[start:place])
            start = place + 1
    return [part for part in [*parts, rest[start:]] if part.strip()]


def _value(name: str, value: str) -> Any:
    if value not in ("true", "false") and not value.startswith(_JSON_START):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        if value.startswith(("[", "{")):
            message = f"the value of {name} begins like JSON, but it is not."
            raise InvalidArguments(message) from None
        return value


def _resolved(value: Any, where: str) -> Any:
    if isinstance(value, list):
        return [_resolved(item, where) for item in value]
    if is_reference(value):
        return look_up(value, where)
    if isinstance(value, Mapping):
        return {name: _resolved(item, where) for name, item in value.items()}
    return value
