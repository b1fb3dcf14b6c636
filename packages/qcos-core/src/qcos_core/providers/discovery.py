"""The only reader of entry points."""

from __future__ import annotations

import importlib
import logging
import traceback
from dataclasses import dataclass
from functools import cache
from typing import Any

from qcos_core.errors import ProviderLoadError

_log = logging.getLogger(__name__)

GROUP = "qcos.providers"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One line of a distribution's entry points.

    Attributes:
        name: the key.
        value: ``"module:attribute"``.
        distribution: name of the distribution that declares it.
        version: that distribution's version.
    """

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """Import and return what the entry point names."""
        module_name, _, path = self.value.partition("[")[0].partition(":")  # extras: module:a [b]
        target: Any = importlib.import_module(module_name.strip())
        for part in filter(None, path.strip().split(".")):
            target = getattr(target, part)
        return target


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin that is installed and cannot be used.

    Attributes:
        key: its key.
        distribution: who brings it; several names where they clash.
        version: that distribution's version.
        cause: one line.
        details: the traceback, for ``qcos doctor``.
    """

    key: str
    distribution: str
    version: str
    cause: str
    details: str = ""

    def __str__(self) -> str:
        return f"{self.key} ({self._source}): {self.cause}"

    def error(self) -> ProviderLoadError:
        """The error that using it raises."""
        message = f"the provider {self.key!r} of {self._source} cannot be used: {self.cause}."
        hint = "Run `qcos doctor` for the traceback." if self.details else None
        return ProviderLoadError(message, hint=hint)

    @property
    def _source(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()


@cache
def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Every entry point of a group, scanned once per process, ordered by name."""
    from importlib_metadata import entry_points as scan

    try:
        points = list(scan(group=group))
    # one damaged file of any distribution, QCOS or not, stops the scan of them all
    except Exception:  # noqa: BLE001
        points = _scan_one_by_one(group)
    found = [EntryPoint(point.name, point.value, *_identity(point.dist)) for point in points]
    return tuple(sorted(found, key=lambda point: (point.name, point.distribution)))


def _scan_one_by_one(group: str) -> list[Any]:
    """What the distributions with readable entry points have; the others are logged."""
    from importlib_metadata import distributions

    points: list[Any] = []
    seen = set()
    for distribution in distributions():
        name, version = _identity(distribution)
        try:
            here = list(distribution.entry_points.select(group=group))
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("the entry points of %s %s cannot be read: %s", name, version, error)
            continue
        if name not in seen:  # the first on the path is the one that imports
            points += here
        if name != _UNKNOWN:
            seen.add(name)
    return points


def _identity(distribution: Any) -> tuple[str, str]:
    try:
        return distribution.name or _UNKNOWN, distribution.version or "?"
    except Exception:  # noqa: BLE001 - no metadata, or none that can be read
        return _UNKNOWN, "?"


def broken(point: EntryPoint, error: BaseException) -> BrokenPlugin:
    """Describe a plugin that raised ``error`` while it was loaded."""
    text = " ".join(str(error).split())
    cause = f"{type(error).__name__}: {text}" if text else type(error).__name__
    details = "".join(traceback.format_exception(error))
    return BrokenPlugin(point.name, point.distribution, point.version, cause, details)
