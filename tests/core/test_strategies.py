"""Strategies that plugins bring: who gets which blocks, checked."""

import pytest
from qiskit import QuantumCircuit

from qcos_core import (
    DistributedQVM,
    Estimate,
    InvalidArguments,
    ProviderLoadError,
    QPURegistry,
    VirtualCircuitSpec,
    hookimpl,
)
from qcos_core.providers.local_numpy import LocalNumpyProvider


class Brings:
    def __init__(self, **strategies):
        self.brought = strategies

    @hookimpl
    def strategies(self):
        return self.brought


def last(division):
    """All blocks on the node that was not chosen."""
    return {division.nodes[-1].node_id: range(len(division.blocks))}


def turns(division):
    ids = [node.node_id for node in division.nodes]
    return {one: range(first, len(division.blocks), len(ids)) for first, one in enumerate(ids)}


class ShotByShot(LocalNumpyProvider):
    """Says that every shot is made by itself, so that there are several blocks."""

    RUNS_IN = "thread"

    def estimate_run(self, profile, shots, node, options):
        return Estimate((1e-3, 1e-3), method="numpy", exact=True, sampling="per_shot")


@pytest.fixture
def qvm():
    provider, registry = ShotByShot(), QPURegistry()
    for spec in provider.build_nodes(n_nodes=2):
        registry.register(spec, provider)
    return DistributedQVM(registry)


@pytest.fixture
def toss():
    circuit = QuantumCircuit(1, 1, name="toss")
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


def test_it_divides(qvm, toss):
    qvm.registry.plugins.register(Brings(turns=turns, last=last))
    plan = qvm.plan(toss, 20_000, seed=1, strategy="turns")
    blocks = [[block.index for block in shard.task.blocks] for shard in plan.shards]
    assert blocks == [[0, 2, 4], [1, 3]]
    assert plan.strategy == "shots"
    assert qvm.plan(toss, 20_000, strategy="last").node_ids == ("local-numpy-1",)


def test_counts_are_those_of_any_other_strategy(qvm, toss):
    qvm.registry.plugins.register(Brings(turns=turns))
    counts = [qvm.run(toss, 20_000, seed=1, strategy=name).counts for name in ("turns", "whole")]
    assert counts[0] == counts[1]


def test_for_one_circuit_of_several(qvm, toss):
    qvm.registry.plugins.register(Brings(last=last))
    specs = [VirtualCircuitSpec(toss, strategy="last"), toss]
    plans = [qvm.plan(one, 10) for one in specs]
    assert [plan.node_ids for plan in plans] == [("local-numpy-1",), ("local-numpy-0",)]


def test_the_node_that_the_policy_chose_comes_first(qvm, toss):
    seen = []

    def look(division):
        seen.append([node.node_id for node in division.nodes])
        return last(division)

    qvm.registry.plugins.register(Brings(look=look))
    qvm.plan([toss, toss], 10, policy="round_robin", strategy="look")
    assert seen == [["local-numpy-0", "local-numpy-1"], ["local-numpy-1", "local-numpy-0"]]


@pytest.mark.parametrize(
    "answer, said",
    [
        (None, "returned None for toss, not blocks by nodes' ids"),
        ({"elsewhere": [0]}, "not blocks by nodes' ids"),
        ({}, "did not give each block of toss to one node"),
        ({"local-numpy-0": [0, 0, 1]}, "did not give each block"),
        ({"local-numpy-0": [0], "local-numpy-1": [0]}, "did not give each block"),
        ({"local-numpy-0": [0, 1, 2]}, "did not give each block"),
        ({"local-numpy-0": [True, 0]}, "did not give each block"),
        ({"local-numpy-0": "01"}, "did not give each block"),
        ({"local-numpy-0": 7}, "did not give each block"),
    ],
)
def test_what_it_answers_is_checked(qvm, toss, answer, said):
    qvm.registry.plugins.register(Brings(odd=lambda division: answer), name="acme")
    with pytest.raises(ProviderLoadError, match=f"strategy 'odd' of plugin acme {said}|{said}"):
        qvm.plan(toss, 8000, strategy="odd")


def test_what_it_raises_names_it(qvm, toss):
    qvm.registry.plugins.register(Brings(odd=lambda division: 1 / 0), name="acme")
    said = "strategy 'odd' of plugin acme failed on toss: ZeroDivisionError: division by zero. Tell"
    with pytest.raises(ProviderLoadError, match=said):
        qvm.plan(toss, strategy="odd")


def test_names(qvm, toss):
    plugins = qvm.registry.plugins
    with pytest.raises(InvalidArguments, match="brings a strategy 'whole', which is built in"):
        plugins.register(Brings(whole=last))
    plugins.register(Brings(mine=last), name="acme")
    said = r"not one of auto, whole, batch, shots, factor, mine \(of plugin acme\)"
    for circuits in (toss, VirtualCircuitSpec(toss, strategy="yours")):
        strategy = "yours" if circuits is toss else "auto"
        with pytest.raises(InvalidArguments, match=said):
            qvm.plan(circuits, strategy=strategy)
    plugins.register(Brings(mine=turns), name="clone")
    with pytest.raises(ProviderLoadError, match=r"brought by several plugins: .*Uninstall one"):
        qvm.plan(toss, strategy="mine")
