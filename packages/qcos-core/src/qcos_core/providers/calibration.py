"""What ``qcos calibrate`` measured on this machine, kept in the user's cache.

One small file for each provider and fingerprint: hosts that share a home do not overwrite each
other's, and processes that calibrate at once replace whole files. What is missing, damaged or
was measured for something else counts as absent; the providers' built-in coefficients then stand.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qcos_core.errors import InvalidArguments, ProviderLoadError
from qcos_core.providers import host
from qcos_core.providers.base import NodeProvider

SCHEMA = "qcos.calibration/1"


def cache_folder() -> Path | None:
    """The user's folder for what can be measured again; it need not be there.

    ``$QCOS_CACHE``, else ``$XDG_CACHE_HOME/qcos``, else ``~/.cache/qcos``; ``None`` if nobody
    knows the user's home.
    """
    get = os.environ.get
    return _folder(get("QCOS_CACHE", ""), get("XDG_CACHE_HOME", ""), get("HOME", ""))


@cache
def _folder(chosen: str, base_folder: str, home: str) -> Path | None:
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        base = Path(base_folder)
        # by its specification, a relative path there is to be ignored
        return (base if base.is_absolute() else Path.home() / ".cache") / "qcos"
    except RuntimeError:
        return None


def fingerprint(versions: Mapping[str, str]) -> dict[str, Any]:
    """What a measurement holds for.

    Args:
        versions: of the simulator and of the model, as ``calibrated_for`` returns them.
    """
    return {
        "processor": host.processor(),
        "cores": host.cores(),
        "versions": dict(sorted(versions.items())),
    }


def installed(*distributions: str) -> dict[str, str]:
    """The versions of those of some distributions that are installed, by name."""
    from importlib_metadata import PackageNotFoundError, version

    found = {}
    for name in distributions:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def measurable() -> dict[str, bool]:
    """The keys of all installed providers that measure something, and whether they have."""
    from qcos_core.providers.registry import NodeProviderRegistry

    found = {}
    for key in NodeProviderRegistry.keys():
        with suppress(ProviderLoadError):
            provider = NodeProviderRegistry.get(key)
            if _method(provider) is not _method(NodeProvider):
                found[key] = _is_calibrated(key, provider)
    return found


def _method(provider: Any) -> Any:
    return getattr(provider.calibrate, "__func__", provider.calibrate)


def _is_calibrated(key: str, provider: type[NodeProvider]) -> bool:
    try:
        return stored(key, provider.calibrated_for()) is not None
    # a provider is other people's code
    except Exception:  # noqa: BLE001
        return False


def stored(key: str, versions: Mapping[str, str]) -> Mapping[str, float] | None:
    """What was measured for a provider on this machine; ``None`` if nothing was.

    Each file is read once in a process.

    Args:
        key: the provider's key.
        versions: as for :func:`~qcos_core.providers.calibration.fingerprint`.
    """
    folder = cache_folder()
    return None if folder is None else _read(folder, key, tuple(sorted(versions.items())))


def store(key: str, versions: Mapping[str, str], coefficients: Mapping[str, float]) -> Path:
    """Keep what was measured, for this user alone.

    Args:
        key: the provider's key.
        versions: as for :func:`~qcos_core.providers.calibration.fingerprint`.
        coefficients: as ``calibrate`` returned them.

    Returns:
        The file.

    Raises:
        InvalidArguments: they are not numbers above 0 by name, or there is no folder that they
            could be written to.
    """
    if not are_sound(coefficients):
        message = f"calibrate of {key} must return numbers above 0 by name, not {coefficients!r}."
        raise InvalidArguments(message)
    folder = cache_folder()
    if folder is None:
        message = "there is no folder for what was measured: nobody knows this user's home."
        raise InvalidArguments(message, hint="Set QCOS_CACHE to a folder of your own.")
    machine = fingerprint(versions)
    path = folder / _name(key, machine)
    document = {
        "schema": SCHEMA,
        "key": key,
        "fingerprint": machine,
        "coefficients": dict(coefficients),
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, json.dumps(document, indent=1))
    except OSError as error:
        message = f"what was measured cannot be kept in {folder}: {error.strerror or error}."
        hint = "Set QCOS_CACHE to a folder that you can write to."
        raise InvalidArguments(message, hint=hint) from None
    _read.cache_clear()
    return path


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner alone."""
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


@cache
def _read(
    folder: Path, key: str, versions: tuple[tuple[str, str], ...]
) -> Mapping[str, float] | None:
    wanted = fingerprint(dict(versions))
    try:
        document = json.loads((folder / _name(key, wanted)).read_text(encoding="utf-8"))
        right = (document["schema"], document["key"], document["fingerprint"])
        coefficients: dict[str, float] = document["coefficients"]
    # a file that anything may have happened to; deep nesting makes json raise RecursionError
    except (OSError, LookupError, TypeError, ValueError, RecursionError):
        return None
    return coefficients if right == (SCHEMA, key, wanted) and are_sound(coefficients) else None


def _name(key: str, machine: Mapping[str, Any]) -> str:
    text = json.dumps(machine, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"calibration-{quote(key, safe='')}-{digest}.json"


def are_sound(coefficients: Any) -> bool:
    """Whether coefficients are numbers above 0 by name."""
    return isinstance(coefficients, Mapping) and all(
        isinstance(name, str) and type(value) in (int, float) and 0 < value < math.inf
        for name, value in coefficients.items()
    )
