"""Hold the zoo to the kit: a test class for each animal, named by its key.

``ZOO=0/1 pytest zoo_checks.py`` does it, ``ZOO=0/2`` and ``ZOO=1/2`` do it in halves. Nothing else
is needed than the modules here on the path, with the entry points of ``zoo_all``.
"""

import os

import pytest
from queue_provider import QueueServer
from zoo_all import ANIMALS, JOBS, KEYS, RIGHT, RUN_TIME
from zoo_right import TOKEN

from qcos_core import NodeProviderRegistry
from qcos_core.testing import JobProviderTests, Profile, ProviderTests

CLAIMS = {"mid_circuit": True, "conditionals": True, "max_qubits": 8}

for _key, _kind in RUN_TIME.items():
    NodeProviderRegistry.register(_key, _kind, replace=True)


@pytest.fixture(scope="session")
def server():
    with QueueServer() as server:
        yield server


def of_node(key):
    """The profile of a provider whose calls answer."""
    facts = {
        "key": key,
        "kwargs": {"n_nodes": 2, "token": TOKEN},
        "bad_kwargs": [{"n_nodes": 0}, {"n_nodes": 2, "nodes": 2}],
        "executes": key != "describing",
        **CLAIMS,
    }
    return Profile(**facts | own(key))


def of_queue(key, server):
    """The profile of a provider of jobs; waiting for a late answer is left to a few."""
    waits = key in RIGHT or ANIMALS[key].caught_by == "test_lost_answer_is_an_unknown_outcome"
    lost = ("lost", "503", "late") if waits else ("lost", "503")
    facts = {
        "key": key,
        "kwargs": {"url": server.url, "token": TOKEN, "timeout_s": 0.5 if waits else 5.0},
        "bad_kwargs": [{"url": "ftp://loopback"}, {"url": server.url, "n_nodes": 0}],
        "deadline_s": 0.1,
        "held": lambda: server.switched(hold=True),
        "lost_answers": {name: lambda name=name: server.switched(answers=name) for name in lost},
        "refusals": {"429": lambda: server.switched(answers="429")},
        "remote_jobs": server.accepted,
        **CLAIMS,
    }
    return Profile(**facts | own(key))


def own(key):
    return ANIMALS[key].profile if key in ANIMALS else {}


def of_nodes(key):
    return type(key, (ProviderTests,), {"__test__": True, "profile": of_node(key)})


def of_jobs(key):
    @pytest.fixture
    def profile(self, server):
        return of_queue(key, server)

    return type(key, (JobProviderTests,), {"__test__": True, "profile": profile})


def check(key):
    return of_jobs(key) if key in JOBS else of_nodes(key)


_part, _parts = map(int, os.environ["ZOO"].split("/"))
globals().update({f"Test_{key}": check(key) for key in KEYS[_part::_parts]})
