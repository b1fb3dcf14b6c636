"""The kit: all checks for a kind of provider in one class.

pytest runs the checks of the last base first, so discovery comes first and jobs come last.
"""

from __future__ import annotations

from qcos_core.testing.discovery import DiscoveryTests
from qcos_core.testing.execution import ExecutionTests
from qcos_core.testing.jobs import JobTests
from qcos_core.testing.machine import MachineTests
from qcos_core.testing.nodes import NodeTests


class ProviderTests(MachineTests, ExecutionTests, NodeTests, DiscoveryTests):
    """What every provider must obey; derive from it and state a profile.

    Example::

        class TestAcme(ProviderTests):
            profile = Profile(key="acme", kwargs={"n_nodes": 2})
    """


class JobProviderTests(JobTests, ExecutionTests, NodeTests, DiscoveryTests):
    """What every provider of jobs must obey.

    Its circuits are submitted, waited for and fetched by the kit itself: a cluster runs no jobs
    in this version, so there is nothing of ``MachineTests`` here.
    """
