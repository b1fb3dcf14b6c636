"""Distributions made of several devices' counts; the laws are those of the docstrings."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

from qcos_core import (
    Aggregate,
    CircuitRejected,
    ClusterBuilder,
    CountsInvalid,
    DistributedQVM,
    InvalidArguments,
    PackedCounts,
    QVMResult,
    Registers,
    ShardRecord,
    confidence_weighted,
    majority_vote,
    weighted_average,
)

FUNCTIONS = [weighted_average, majority_vote, confidence_weighted]
every = pytest.mark.parametrize("function", FUNCTIONS)

counts_of_two_bits = st.dictionaries(
    st.sampled_from(["00", "01", "10", "11"]), st.integers(1, 1000), min_size=1
)
fleets = st.dictionaries(st.sampled_from("abcdef"), counts_of_two_bits, min_size=1)


def shares(counts):
    whole = sum(counts.values())
    return {key: number / whole for key, number in counts.items()}


def result_of(parts, *, out=()):
    """A result of these counts by node, as a run leaves it."""
    packed = {name: PackedCounts.from_bitstrings(counts, 2) for name, counts in parts.items()}
    merged = PackedCounts.merge([one for name, one in packed.items() if name not in out])
    records = tuple(
        ShardRecord(f"c0.{i}", name, "p", "p", False, 0 if name in out else one.shots, ())
        for i, (name, one) in enumerate(packed.items())
    )
    return QVMResult(
        "x", merged.shots, 1, Registers(2, (("meas", 2),)), merged, records, packed_by_node=packed
    )


@every
@given(fleets)
def test_probabilities_sum_to_1_and_are_floats(function, fleet):
    try:
        found = function(fleet)
    except InvalidArguments:  # there need not be a majority
        assert function is majority_vote
        return
    assert math.fsum(found.probabilities.values()) == pytest.approx(1, abs=1e-12)
    assert all(type(share) is float and 0 < share <= 1 for share in found.probabilities.values())
    assert math.fsum(found.weights.values()) == pytest.approx(1, abs=1e-12)
    assert found.shots == {name: sum(counts.values()) for name, counts in fleet.items()}


@every
@given(counts_of_two_bits)
def test_one_device_is_the_identity(function, counts):
    found = function({"a": counts})
    assert found.probabilities == pytest.approx(shares(counts))
    assert found.weights == {"a": 1}


@every
@given(fleets, st.randoms())
def test_the_order_of_devices_changes_nothing(function, fleet, random):
    names = list(fleet)
    random.shuffle(names)
    try:
        found = function(fleet)
    except InvalidArguments:
        return
    again = function({name: fleet[name] for name in names})
    assert again.probabilities == found.probabilities
    assert again.weights == pytest.approx(found.weights, rel=1e-12)


@every
@given(counts_of_two_bits, st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_equal_devices_give_that_devices_distribution(function, counts, factors):
    """However many shots each has."""
    fleet = {
        f"d{place}": {key: factor * number for key, number in counts.items()}
        for place, factor in enumerate(factors)
    }
    assert function(fleet).probabilities == pytest.approx(shares(counts))


@given(fleets)
def test_by_shots_is_what_adding_up_gives(fleet):
    pooled = {}
    for counts in fleet.values():
        for key, number in counts.items():
            pooled[key] = pooled.get(key, 0) + number
    assert weighted_average(fleet).probabilities == pytest.approx(shares(pooled))


@given(fleets, st.data())
def test_weights_are_the_formula_and_their_scale_is_no_matter(fleet, data):
    weights = {name: data.draw(st.integers(0, 9)) for name in fleet}
    if not any(weights.values()):
        return
    found = weighted_average(fleet, weights)
    whole = sum(weights.values())
    expected = {
        key: sum(weights[n] * shares(fleet[n]).get(key, 0) for n in fleet) / whole
        for key in {key for counts in fleet.values() for key in counts}
    }
    assert found.probabilities == pytest.approx({k: p for k, p in expected.items() if p})
    scaled = weighted_average(fleet, {name: 1e300 * number for name, number in weights.items()})
    assert scaled.probabilities == pytest.approx(found.probabilities)


def test_a_minority_does_not_move_the_vote_but_moves_the_mean():
    right, wrong = {"00": 480, "01": 20, "11": 500}, {"10": 1_000_000}
    fleet = {"a": right, "b": right, "c": wrong}
    assert majority_vote(fleet).probabilities == pytest.approx(shares(right))
    assert weighted_average(fleet).probabilities["10"] > 0.99


def test_a_tie_is_the_mean_of_the_two_in_the_middle():
    fleet = {"a": {"0": 1}, "b": {"0": 9, "1": 1}, "c": {"0": 7, "1": 3}, "d": {"1": 1}}
    assert majority_vote(fleet).probabilities == pytest.approx({"0": 0.8, "1": 0.2})
    assert "agreed=1)" in majority_vote(fleet).label
    two = {"a": {"0": 1}, "b": {"1": 1}}
    assert majority_vote(two).probabilities == {"0": 0.5, "1": 0.5}


def test_what_most_never_saw_is_out_and_the_label_says_how_much_was_left():
    fleet = {"a": {"00": 9, "01": 1}, "b": {"00": 9, "10": 1}, "c": {"00": 9, "11": 1}}
    found = majority_vote(fleet)
    assert found.probabilities == {"00": 1.0}
    assert "agreed=0.9)" in found.label


def test_without_a_majority_there_is_no_vote():
    with pytest.raises(InvalidArguments, match="no outcome was seen by half of 3 devices"):
        majority_vote({"a": {"00": 1}, "b": {"01": 1}, "c": {"10": 1}})


def test_devices_that_agree_are_weighted_by_shots():
    rng = np.random.default_rng(1)
    fleet = {
        name: {"0": (ones := int(rng.binomial(shots, 0.3))), "1": shots - ones}
        for name, shots in (("a", 1000), ("b", 1000), ("c", 50_000))
    }
    weights = confidence_weighted(fleet).weights
    assert weights["c"] > 0.7


def test_devices_that_differ_are_weighted_alike():
    fleet = {"a": {"0": 900, "1": 100}, "b": {"0": 10_000, "1": 90_000}}
    assert confidence_weighted(fleet).weights == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.01)


def test_a_stuck_device_is_not_trusted_more():
    fleet = {"a": {"0": 500, "1": 500}, "b": {"0": 510, "1": 490}, "stuck": {"0": 1000}}
    weights = confidence_weighted(fleet).weights
    assert weights["stuck"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", range(3))
def test_the_variance_between_devices_is_found(seed):
    """Devices whose own shares are drawn with a known spread, over many devices."""
    rng = np.random.default_rng(seed)
    own = 0.5 + 0.1 * rng.choice([-1, 1], size=400)
    fleet = {}
    for place, share in enumerate(own):
        ones = int(rng.binomial(2000, share))
        fleet[f"d{place}"] = {"1": ones, "0": 2000 - ones}
    label = confidence_weighted(fleet).label
    between = float(label.split("between=")[1].rstrip(")"))
    # of two outcomes that each vary by 0.1 around the mean, 0.01 each
    assert between == pytest.approx(0.02, rel=0.05)


def test_confidences_decide_alone():
    fleet = {"a": {"0": 10**6}, "b": {"1": 1}}
    found = confidence_weighted(fleet, {"b": 0.25, "a": 0.75})
    assert found.probabilities == {"0": 0.75, "1": 0.25}
    assert found.label == "confidence_weighted(confidences={'a': 0.75, 'b': 0.25})"
    with pytest.raises(InvalidArguments, match=r"from 0 to 1, not 99\.5"):
        confidence_weighted(fleet, {"a": 0.5, "b": 99.5})


# what may be put in


def test_a_run_goes_in_and_comes_out_with_its_own_keys():
    circuit = QuantumCircuit(
        QuantumRegister(3, "q"), ClassicalRegister(1, "a"), ClassicalRegister(2, "b")
    )
    circuit.h([0, 1, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    cluster = ClusterBuilder().add("local_numpy", n_nodes=2).build()
    with DistributedQVM(cluster) as qvm:
        result = qvm.run(circuit, 1000, seed=3)
    found = weighted_average(result)
    assert found.probabilities == pytest.approx(shares(result.counts))
    assert list(found.probabilities) == list(result.counts)
    assert all(" " in key for key in found.probabilities)
    assert weighted_average({"x": result.counts}).probabilities == found.probabilities


def test_results_of_one_device_are_added_up():
    one, two = result_of({"a": {"00": 1}}), result_of({"a": {"11": 3}, "b": {"01": 4}})
    found = weighted_average([one, two])
    assert found.shots == {"a": 4, "b": 4}
    assert found.probabilities == {"00": 0.125, "01": 0.5, "11": 0.375}


def test_who_disagreed_stays_out_unless_given():
    parts = {"a": {"00": 10}, "b": {"00": 10}, "bad": {"11": 10}}
    result = result_of(parts, out=("bad",))
    found = majority_vote(result)
    assert (found.left_out, set(found.weights)) == (("bad",), {"a", "b"})
    assert weighted_average(result.per_device).shots == dict.fromkeys(parts, 10)
    alone = result_of({"a": {"00": 1}, "b": {"11": 1}}, out=("a",))
    assert weighted_average(alone).probabilities == {"11": 1.0}


def test_packed_counts_and_dictionaries_go_together():
    fleet = {"a": PackedCounts.from_ints({1: 1}, 2), "b": {"0 1": 1}, "c": {"01": 2, "11": 0}}
    assert weighted_average(fleet).probabilities == {"0 1": 1.0}


def test_wide_keys_are_whole():
    key = "01" * 100
    assert weighted_average({"a": {key: 1}, "b": {key: 2}}).probabilities == {key: 1.0}


@pytest.mark.parametrize(
    "devices, text",
    [
        ({}, "there is no device"),
        ([], "there is no device"),
        (None, "not NoneType"),
        ("abc", "not str"),
        (7, "not int"),
        ([7], "not int"),
        ({1: {"0": 1}}, "named by a string, not 1"),
        ({"a": [1]}, "must be a mapping or PackedCounts, not list"),
        ({"a": {}}, "the device 'a' has no shots"),
        ({"a": {"0": 1}, "b": {"0": 0}}, "the device 'b' has no shots"),
        ({"a": {"0": 1}, "b": {"00": 1}}, "'a' and 'b' have different numbers of bits"),
        ({"a": {"0": 1, "00": 1}}, "of 'a' have different numbers of bits"),
        ({"a": {"0": 1}, "b": PackedCounts.from_ints({0: 1}, 2)}, "different numbers of bits"),
        ({"a": {"0 01": 1}, "b": {"00 1": 1}}, "different groups of bits"),
    ],
)
@every
def test_what_cannot_be_aggregated(function, devices, text):
    with pytest.raises(InvalidArguments, match=text):
        function(devices)


@pytest.mark.parametrize(
    "counts, text",
    [
        ({"0": -1}, "must not be negative"),
        ({"0": 0.5}, "must be an integer"),
        ({"2": 1}, "not a bitstring"),
        ({"0x1": 1}, "hexadecimal"),
        ({3: 1}, "not a bitstring"),
        ({"01": 1, "0 1": 1}, "two keys"),
    ],
)
def test_counts_that_cannot_be_right_name_the_device(counts, text):
    with pytest.raises(CountsInvalid, match=f"node bad: .*{text}"):
        weighted_average({"bad": counts})


@pytest.mark.parametrize(
    "weights, text",
    [
        ({"a": -1, "b": 1}, r"\['a'\] must be a finite number of at least 0, not -1"),
        ({"a": math.nan, "b": 1}, "not nan"),
        ({"a": math.inf, "b": 1}, "not inf"),
        ({"a": 10**400, "b": 1}, "must be a finite number"),
        ({"a": True, "b": 1}, "not True"),
        ({"a": "1", "b": 1}, "not '1'"),
        ({"a": 1j, "b": 1}, "not 1j"),
        ({"a": 0, "b": 0}, "are all 0"),
        ({"a": 1}, "say nothing of 'b'"),
        ({"a": 1, "b": 1, "c": 1}, "name 'c', which is none of the devices. They are 'a', 'b'"),
        ([1, 2], "must map each device to a number"),
        (1.0, "must map each device to a number"),
    ],
)
@pytest.mark.parametrize("function", [weighted_average, confidence_weighted])
def test_weights_that_cannot_be_right(function, weights, text):
    with pytest.raises(InvalidArguments, match=text):
        function({"a": {"0": 1}, "b": {"1": 1}}, weights)


def test_numbers_of_numpy_are_numbers():
    found = weighted_average({"a": {"0": 1}, "b": {"1": 1}}, {"a": np.float32(1), "b": np.int64(3)})
    assert found.probabilities == {"0": 0.25, "1": 0.75}


def test_results_of_different_circuits_are_refused():
    one = result_of({"a": {"00": 1}})
    other = QVMResult("y", 1, 1, Registers(1), PackedCounts.from_ints({0: 1}, 1), one.shards)
    with pytest.raises(InvalidArguments, match="different classical bits"):
        weighted_average([one, other])


def test_what_measures_nothing_has_no_distribution_of_counts():
    record = ShardRecord("c0.0", "a", "p", "p", False, 1, ())
    with pytest.raises(CircuitRejected, match="measures nothing"):
        weighted_average(QVMResult("x", 1, 1, Registers(0), None, (record,)))


# the document


@every
def test_json_round_trip(function):
    found = function(result_of({"a": {"00": 3, "11": 4}, "b": {"00": 1}, "c": {"01": 1}}, out="c"))
    document = json.loads(json.dumps(found.to_dict()))
    assert document["schema"] == "qcos.aggregate/1"
    assert Aggregate.from_dict(document) == found


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "qcos.result/1"},
        {"probabilities": {"0": 0.4}},
        {"probabilities": {"0": "1"}},
        {"probabilities": {"0": 2, "1": -1}},
        {"probabilities": {"0": math.nan}},
        {"weights": {"b": 1.0}},
        {"weights": None},
        {"shots": {"a": "many"}},
    ],
)
def test_damaged_documents_are_refused(change):
    document = weighted_average({"a": {"0": 1}}).to_dict()
    with pytest.raises(InvalidArguments):
        Aggregate.from_dict(document | change)
    for name in document:
        with pytest.raises(InvalidArguments):
            Aggregate.from_dict({key: value for key, value in document.items() if key != name})
