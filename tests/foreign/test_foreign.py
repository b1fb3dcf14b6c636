"""Every case is right, every node did its share, and planted faults would have been noticed."""

from collections import Counter
from random import Random

import faults
import numpy as np
import pytest
from foreign_cases import FAMILIES, FORMS, HAND_MADE, LEVELS, ONE_OF_EACH, case
from foreign_checks import exact, layout
from qiskit import QuantumCircuit

from qcos_core import VirtualCircuitSpec
from qcos_core.testing.statistics import (
    deviation_from,
    marginals,
    pair_parities,
    shots_to_see,
    total_variation,
    total_variation_bound,
)

SEEN_FOR_SURE = 0.1
"""Total variation that the exact distribution shows to everybody."""

SHARE_SEEN_FOR_SURE = 0.2
"""A change of a bit or a parity that 4,000 shots show beside 4,000 others."""


@pytest.fixture(scope="module")
def first_ones(evidence):
    return [evidence(index) for index in range(ONE_OF_EACH)]


def test_counts(index, evidence):
    found = evidence(index)
    if wrong := found.complaints():
        lines = [f"wrong: {found.case.circuit.name}", f"again: {found.again}", *wrong]
        nodes = sorted({shard.node_id for shard in found.result.shards})
        pytest.fail("\n".join([*lines, f"nodes: {', '.join(nodes)}"]), pytrace=False)


def test_a_default_case_beside_a_gate_of_ones_own_reaches_a_worker(fleet):
    """The gate makes it travel pickled, which must leave the default case one."""
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.0, 0)
    circuit.measure(0, 0)
    with circuit.switch(circuit.cregs[0]) as choice:
        with choice(0):
            circuit.x(1)
        with choice(choice.DEFAULT):
            circuit.ry(2.0, 1)
    own = QuantumCircuit(1, name="own")
    own.x(0)
    circuit.append(own.to_gate(), [1])
    circuit.measure(1, 1)
    require = {"exclude": ["local_numpy"], "deadline_s": 120}  # with a deadline, in a worker
    counts = fleet.run(circuit, 100_000, require=require).counts
    zeros, ones = np.cos(0.5) ** 2, np.sin(0.5) ** 2
    exact = {"00": zeros, "01": ones * np.sin(1) ** 2, "11": ones * np.cos(1) ** 2}
    assert total_variation(counts, exact) <= total_variation_bound(exact, 100_000)


def test_every_node_did_its_share(first_ones):
    nodes = Counter(shard.node_id for found in first_ones for shard in found.result.shards)
    assert set(nodes) == {"local-cpu-0", "local-cpu-1", "local-numpy-0"}
    assert min(nodes.values()) >= 50


def test_every_family_comes_in_every_form_and_at_every_level(first_ones):
    cases = [found.case for found in first_ones]
    pairs = {(made.family, made.form) for made in cases}
    assert len(pairs) >= len(FAMILIES) * len(FORMS) - 4  # two codes are wide enough alone
    assert {made.level for made in cases} == {*LEVELS, None}
    assert sum(made.family not in HAND_MADE for made in cases) >= 150
    assert max(made.circuit.num_qubits for made in cases) >= 16


@pytest.mark.parametrize("number", [44, 87, 130, 173])
def test_a_case_is_made_of_two_numbers(number):
    one, same, other = case(5, number), case(5, number), case(6, number)
    assert exact(one) == exact(same) != exact(other)
    assert [part.places for part in one.parts] == [part.places for part in same.parts]


@pytest.mark.parametrize(
    "fault, least",
    [
        (faults.reversed_bits, 150),
        (faults.swapped_registers, 100),
        (faults.exchanged_pair, 120),
        (faults.shifted_bits, 150),
    ],
)
def test_bits_out_of_place_are_noticed(fault, least, first_ones, caught):
    noticed = []
    for number, found in enumerate(first_ones):
        sizes = [register.size for register in found.case.circuit.cregs]
        if sum(sizes) > found.case.circuit.num_clbits:
            continue  # registers that share bits have no order of their own

        def spoilt(counts, number=number, sizes=sizes):
            return fault(counts, sizes, Random(number))

        known = found.truth or found.aer
        if makes_a_difference(known, spoilt(known), exact=found.truth is not None):
            noticed.append(bool(found.complaints(spoilt(found.result.counts))))
    caught[fault.__name__] = (sum(noticed), len(noticed))
    assert all(noticed)
    assert len(noticed) >= least


def test_the_answer_of_another_circuit_is_noticed(first_ones, caught):
    """Of the next one in the batch whose keys look the same."""
    noticed = []
    for number, found in enumerate(first_ones):
        form = layout(next(iter(found.aer)))
        others = first_ones[number + 1 :] + first_ones[:number]
        other = next((one for one in others if layout(next(iter(one.aer))) == form), None)
        if other is None or other.case.shots != found.case.shots:
            continue
        exact = found.truth is not None and other.truth is not None
        known = (found.truth, other.truth) if exact else (found.aer, other.aer)
        if makes_a_difference(*known, exact=exact):
            noticed.append(bool(found.complaints(other.result.counts)))
    caught["answer of another circuit"] = (sum(noticed), len(noticed))
    assert all(noticed)
    assert len(noticed) >= 80


def test_a_shot_too_few_is_noticed(first_ones, caught):
    spoilt = [faults.one_shot_lost(found.result.counts) for found in first_ones]
    noticed = [
        bool(found.complaints(counts)) for found, counts in zip(first_ones, spoilt, strict=True)
    ]
    caught["lost shot"] = (sum(noticed), len(noticed))
    assert all(noticed)


def test_a_bias_of_one_percent_is_noticed(fleet, first_ones, caught):
    """With the shots that the bound asks for; right counts of as many shots pass."""
    chosen = [found for found in first_ones if found.case.form == "registers" and found.truth]
    shots = [shots_to_see(0.01, found.case.circuit.num_clbits) for found in chosen]
    specs = [
        VirtualCircuitSpec(found.case.circuit, number)
        for found, number in zip(chosen, shots, strict=True)
    ]
    noticed = []
    for number, (found, result) in enumerate(
        zip(chosen, fleet.run(specs, seed=11, policy="round_robin"), strict=True)
    ):
        assert deviation_from(result.counts, found.truth).ratio <= 1
        open_bits = np.flatnonzero(np.abs(marginals(found.truth) - 0.5) < 0.48).tolist()
        bit = Random(number).choice(open_bits)
        spoilt = faults.biased(result.counts, bit, 0.01, np.random.default_rng(number))
        noticed.append(deviation_from(spoilt, found.truth).ratio > 1)
    caught["bias of 1 %"] = (sum(noticed), len(noticed))
    assert all(noticed)
    assert len(noticed) >= 15


def makes_a_difference(known, spoilt, *, exact):
    """Whether the fault changes enough to be seen for sure with the shots that there are."""
    if exact:
        return total_variation(known, spoilt) > SEEN_FOR_SURE
    changes = [np.abs(of(known) - of(spoilt)).max() for of in (marginals, pair_parities)]
    return max(changes) > SHARE_SEEN_FOR_SURE
