"""Versions of installed packages, read once."""

from __future__ import annotations

from functools import cache


def versions(*distributions: str) -> dict[str, str]:
    """``{name: version}`` of those that are installed."""
    found = {name: version_of(name) for name in distributions}
    return {name: version for name, version in found.items() if version}


@cache
def version_of(distribution: str) -> str:
    """The version of one distribution; empty if it is not installed."""
    from importlib_metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
