"""Tools for tests of providers and of whatever else returns counts (extra ``testing``).

The conformance kit is what every provider must obey, written once, as tests that anyone can run::

    from qcos_core.testing import Profile, ProviderTests

    class TestAcme(ProviderTests):
        profile = Profile(key="acme", kwargs={"n_nodes": 2})

``statistics`` says whether counts can come from a distribution, or two sets of counts from one.
``submissions`` drives a provider of jobs. ``pytest --qcos-report FILE.html`` writes down what the
kit found.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qcos_core.testing.discovery import DiscoveryTests as DiscoveryTests
    from qcos_core.testing.execution import ExecutionTests as ExecutionTests
    from qcos_core.testing.jobs import JobTests as JobTests
    from qcos_core.testing.kit import (
        JobProviderTests as JobProviderTests,
        ProviderTests as ProviderTests,
    )
    from qcos_core.testing.machine import MachineTests as MachineTests
    from qcos_core.testing.network import no_network as no_network
    from qcos_core.testing.nodes import NodeTests as NodeTests
    from qcos_core.testing.profile import Profile as Profile

_HOMES = {
    "DiscoveryTests": "discovery",
    "ExecutionTests": "execution",
    "JobProviderTests": "kit",
    "JobTests": "jobs",
    "MachineTests": "machine",
    "NodeTests": "nodes",
    "Profile": "profile",
    "ProviderTests": "kit",
    "no_network": "network",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - a list of strings, made from the table above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'qcos_core.testing' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(f"qcos_core.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
