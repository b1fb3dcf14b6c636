"""Versions of installed packages, read once."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from qcos_core.providers import discovery, plugins


def versions(*distributions: str) -> dict[str, str]:
    """``{name: version}`` of those that are installed."""
    found = {name: version_of(name) for name in distributions}
    return {name: version for name, version in found.items() if version}


def surroundings(keys: Collection[str]) -> dict[str, str]:
    """Versions of all that takes part in a run: Python, what is below QCOS, and the plugins.

    Args:
        keys: keys of the providers.
    """
    import platform

    providers = [p for p in discovery.entry_points(discovery.GROUP) if p.name in keys]
    brought = [*providers, *discovery.entry_points(plugins.GROUP)]
    return {
        "python": platform.python_version(),
        **versions("qcos-core", "qiskit", "numpy"),
        **{point.distribution: point.version for point in brought},
    }


@cache
def version_of(distribution: str) -> str:
    """The version of one distribution; empty if it is not installed."""
    from importlib_metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
