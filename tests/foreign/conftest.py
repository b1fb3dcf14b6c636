"""Circuits that no one here wrote, on a fleet, against Aer used directly and exact distributions.

``nox -s tests`` runs every family in every form once, ``nox -s full`` 3,000 circuits. The summary
says how many there were, how many went wrong, and which planted faults were caught.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import foreign_checks
import pytest
from foreign_cases import ONE_OF_EACH, Case, case

from qcos_core import ClusterBuilder, DistributedQVM, PartialResult, VirtualCircuitSpec

SEED = 2026
NUMBER = 3000 if os.environ.get("QCOS_FULL") == "1" else ONE_OF_EACH
BATCH = ONE_OF_EACH

VERDICTS = pytest.StashKey[dict[int, bool]]()
CAUGHT = pytest.StashKey[dict[str, tuple[int, int]]]()


@dataclass(frozen=True)
class Evidence:
    """A case, what the fleet gave for it, and what that is held against."""

    case: Case
    result: Any
    aer: dict[str, int]
    truth: dict[str, float] | None

    @property
    def again(self):
        """How to build the circuit by hand."""
        return f"foreign_cases.case({SEED}, {int(self.case.circuit.name.split()[0])}).circuit"

    def complaints(self, counts=None):
        counts = self.result.counts if counts is None else counts
        return foreign_checks.complaints(counts, self.case.shots, self.aer, self.truth)


def pytest_generate_tests(metafunc):
    if "index" in metafunc.fixturenames:
        metafunc.parametrize("index", range(NUMBER))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if "index" in getattr(item, "fixturenames", ()):
        verdicts = item.config.stash.setdefault(VERDICTS, {})
        index = item.callspec.params["index"]
        verdicts[index] = verdicts.get(index, True) and report.passed
    return report


def pytest_terminal_summary(terminalreporter, config):
    for fault, (caught, different) in config.stash.get(CAUGHT, {}).items():
        terminalreporter.write_line(f"planted {fault}: caught {caught} of {different}")
    if verdicts := config.stash.get(VERDICTS, {}):
        wrong = list(verdicts.values()).count(False)
        terminalreporter.write_line(
            f"foreign circuits: {wrong} wrong of {len(verdicts)} (seed {SEED})"
        )


@pytest.fixture(scope="session")
def caught(pytestconfig):
    """Faults by name, with how often each was caught and how often it made a difference."""
    return pytestconfig.stash.setdefault(CAUGHT, {})


@pytest.fixture(scope="session")
def fleet():
    """Two Aer nodes and the reference simulator."""
    cluster = ClusterBuilder().add("local_cpu", n_nodes=2).add("local_numpy").build()
    with DistributedQVM(cluster) as qvm:
        yield qvm


@pytest.fixture(scope="session")
def evidence(fleet):
    """Evidence by index. The fleet runs a batch at a time; the first batch is kept."""

    @lru_cache(maxsize=2)
    def batch(first):
        cases = [case(SEED, index) for index in range(first, min(first + BATCH, NUMBER))]
        specs = [VirtualCircuitSpec(made.circuit, made.shots) for made in cases]
        try:
            return cases, fleet.run(specs, seed=SEED, policy="round_robin"), None
        except PartialResult as error:
            return cases, error.results, error

    @lru_cache(maxsize=BATCH)
    def first_batch(index):
        return collect(index)

    def collect(index):
        first = index - index % BATCH
        cases, results, error = batch(first)
        made, result = cases[index - first], results[index - first]
        if result is None:
            pytest.fail(f"no counts of {made.circuit.name} (seed {SEED}): {error.errors}")
        aer = foreign_checks.from_aer(made, seed=index)
        return Evidence(made, result, aer, foreign_checks.exact(made))

    return lambda index: first_batch(index) if index < BATCH else collect(index)
