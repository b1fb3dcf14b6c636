"""Whether like nodes agree: ``qcos_core.qvm.agreement``."""

import subprocess
import sys
from math import ceil, log, sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st

from qcos_core import InvalidArguments
from qcos_core.model.counts import PackedCounts, Registers
from qcos_core.model.sums import add_up
from qcos_core.qvm.agreement import Disagreement, disagreements, shots_per_node
from qcos_core.testing.statistics import deviation_between

EFFECTS = (0.01, 0.02, 0.05, 0.1)
WIDTHS = (5, 20, 127)


def packed(bits):
    """Rows of zeros and ones, bit 0 first, one for each shot."""
    shots, width = bits.shape
    rows = np.zeros((shots, 64 * -(-width // 64)), dtype=np.uint8)
    rows[:, :width] = bits
    words = np.packbits(rows, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    return PackedCounts(width, *add_up(words, np.ones(shots, dtype=np.int64)))


def independent(shares, shots, rng):
    """Shots of bits that are 1 with these probabilities, each for itself."""
    return rng.random((shots, len(shares))) < shares


def one_coin(width, shots, rng, share=0.5):
    """Counts in which one bit is a coin; its share, and those of its pairs, need most shots."""
    ones = int(rng.binomial(shots, share))
    return PackedCounts.from_ints({0: shots - ones, 1 << width // 2: ones}, width)


def named(parts, **arguments):
    return [found.node_id for found in disagreements(parts, **arguments)]


def coins(*nodes):
    """A node for each ``(share, shots)``, with exactly that share of ones in its only bit."""
    numbers = [(round(share * shots), shots) for share, shots in nodes]
    return {
        f"node-{i}": PackedCounts.from_ints({0: shots - ones, 1: ones}, 1)
        for i, (ones, shots) in enumerate(numbers)
    }


def coins_alike(shares, shots=10_000):
    return coins(*((share, shots) for share in shares))


def test_a_bit_is_described():
    (found,) = disagreements(
        {
            "left": PackedCounts.from_ints({0b000: 500, 0b100: 500}, 3),
            "middle": PackedCounts.from_ints({0b000: 500, 0b100: 500}, 3),
            "right": PackedCounts.from_ints({0b000: 1000}, 3),
        }
    )
    assert found == Disagreement("right", "bit 2", 0.0, 0.5, found.bound)
    assert found.size == 0.5
    assert str(found) == (
        "node right: bit 2 is 1 in 0.00% of its shots and in 50.00% of the others'; "
        f"chance allows {found.bound:.2%} between them."
    )


def test_a_pair_is_described_where_single_bits_agree():
    even = PackedCounts.from_ints({0b0000: 500, 0b1010: 500}, 4)
    odd = PackedCounts.from_ints({0b0010: 500, 0b1000: 500}, 4)
    (found,) = disagreements({"a": even, "b": odd, "c": even})
    assert (found.node_id, found.where) == ("b", "parity of bits 1 and 3")
    assert (found.share, found.others, found.size) == (1.0, 0.0, 1.0)
    assert "parity of bits 1 and 3 is 1 in 100.00% of its shots" in str(found)


@pytest.mark.parametrize("width", [1, 5, 70])
def test_the_numbers_are_those_of_two_samples(width):
    """The chance of a false alarm is shared by the two nodes."""
    rng = np.random.default_rng(width)
    shares = rng.uniform(0, 0.3, width)
    ours = packed(independent(shares, 300, rng))
    theirs = packed(independent(1 - shares, 500, rng))
    keys = Registers(width)
    expected = deviation_between(ours.to_dict(keys), theirs.to_dict(keys), 1e-6 / 2)
    assert expected.ratio > 1
    found = disagreements({"ours": ours, "theirs": theirs}, failure=1e-6)[0]
    both = sorted([expected.share, expected.expected])
    assert sorted([found.share, found.others]) == pytest.approx(both)
    assert found.bound == pytest.approx(expected.bound)
    assert [int(word) for word in found.where.split() if word.isdigit()] == list(expected.bits)


@pytest.mark.parametrize("width, trials", [(5, 600), (20, 300), (127, 100)])
def test_a_thousand_honest_trials_give_no_alarm(width, trials):
    rng = np.random.default_rng(width)
    for _ in range(trials):
        shares = rng.random(width)
        sizes = rng.integers(20, 400, size=rng.integers(2, 6)).tolist()
        parts = {str(i): packed(independent(shares, n, rng)) for i, n in enumerate(sizes)}
        assert disagreements(parts, effect=0) == []


@pytest.mark.parametrize("nodes", [2, 3, 7])
def test_false_alarms_are_as_rare_as_is_said(nodes):
    rng = np.random.default_rng(nodes)
    alarms = 0
    for _ in range(400):
        parts = {str(i): packed(independent([0.5, 0.1], 200, rng)) for i in range(nodes)}
        alarms += bool(disagreements(parts, failure=0.1, effect=0))
    assert alarms <= 40


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("nodes", [2, 3])
def test_the_shots_that_are_said_to_do_will_do(width, effect, nodes):
    """And a tenth of them will not."""
    rng = np.random.default_rng(11)
    shots = shots_per_node(effect, width, nodes)

    def found(shots):
        parts = {str(i): one_coin(width, shots, rng) for i in range(nodes - 1)}
        parts["biased"] = one_coin(width, shots, rng, 0.5 + effect)
        return sorted(named(parts, effect=effect / 2))

    expected = ["0", "biased"] if nodes == 2 else ["biased"]
    assert all(found(shots) == expected for _ in range(20))
    assert sum(found(shots // 10) == [] for _ in range(20)) > 10


@pytest.mark.parametrize("nodes", [2, 3, 7, 1000])
def test_what_chance_allows_fills_half_of_the_effect(nodes):
    ours = shots_per_node(0.1, 5, nodes)
    others = ours * (nodes - 1)
    log_each = log(1e9) + log(4 * 15 * nodes)
    assert sqrt(log_each * (1 / ours + 1 / others) / 2) == pytest.approx(0.05, rel=1e-3)


def test_an_effect_at_the_threshold_is_seen_half_of_the_time():
    rng = np.random.default_rng(2)
    shots = 4 * shots_per_node(0.05, 5)
    seen = 0
    for _ in range(200):
        parts = {"a": one_coin(5, shots, rng), "b": one_coin(5, shots, rng, 0.55)}
        seen += bool(disagreements(parts, effect=0.05))
    assert 60 <= seen <= 140


@pytest.mark.parametrize("width", [20, 127])
def test_reversed_bits_are_found(width):
    """At 2,000 shots of 20 qubits, where a test of all outcomes at once sees nothing."""
    rng = np.random.default_rng(width)
    for _ in range(10):
        shares = rng.uniform(0.2, 0.8, width)
        parts = {str(i): packed(independent(shares, 2000, rng)) for i in range(3)}
        assert named(parts) == []
        parts["1"] = packed(independent(shares, 2000, rng)[:, ::-1])
        assert named(parts) == ["1"]


def test_a_swapped_register_is_found_where_no_single_bit_shows_it():
    """Two registers of entangled pairs; each bit is a fair coin."""
    rng = np.random.default_rng(4)

    def shots(order):
        coin = rng.integers(0, 2, size=(500, 4))
        return packed(np.repeat(coin, [1, 2, 3, 2], axis=1)[:, order])

    straight = [0, 1, 2, 3, 4, 5, 6, 7]
    parts = {str(i): shots(straight) for i in range(3)}
    assert named(parts) == []
    parts["swapped"] = shots([4, 5, 6, 7, 0, 1, 2, 3])
    (found,) = disagreements(parts)
    assert found.node_id == "swapped"
    assert found.where.startswith("parity")


def test_what_does_not_matter_is_not_named_however_many_shots_there_are():
    parts = coins_alike([0.5, 0.5, 0.505], shots=100_000_000)
    assert named(parts) == []
    assert named(parts, effect=0.004) == ["node-2"]


def test_a_rare_event_is_seen_with_fewer_shots_than_a_fair_coin_needs():
    assert named(coins_alike([0.0, 0.0, 0.05], shots=2000)) == ["node-2"]
    assert named(coins_alike([0.5, 0.5, 0.55], shots=2000)) == []


@pytest.mark.parametrize(
    "shares, expected",
    [
        ([0.5, 0.5, 0.7], [2]),
        ([0.5, 0.5, 0.6, 0.5, 0.8], [4, 2]),
        ([0.5, 0.7, 0.5, 0.7, 0.5], [1, 3]),
        ([0.5, 0.5, 0.5, 0.2, 0.7], [3, 4]),
        ([0.1, 0.5, 0.5, 0.5, 0.9, 0.3, 0.5], [4, 0, 5]),
    ],
)
def test_a_minority_is_named_and_does_not_taint_the_rest(shares, expected):
    parts = coins_alike(shares)
    assert sorted(named(parts)) == sorted(f"node-{i}" for i in expected)
    assert named(parts)[0] == f"node-{expected[0]}"


@pytest.mark.parametrize(
    "shares", [[0.5, 0.7], [0.5, 0.7, 0.5, 0.7], [0.2, 0.5, 0.8], [0.2, 0.4, 0.6, 0.8]]
)
def test_all_are_named_where_no_majority_agrees(shares):
    parts = coins_alike(shares)
    found = disagreements(parts)
    assert sorted(entry.node_id for entry in found) == sorted(parts)
    assert all(entry.size > entry.bound for entry in found)


def test_many_wrong_shots_of_one_node_do_not_outvote_two():
    assert named(coins((0.7, 1_000_000), (0.5, 10_000), (0.5, 10_000))) == ["node-0"]


def test_a_node_with_few_shots_is_no_witness():
    """Ten shots agree with everybody, so that they cannot decide between the two others."""
    for share in (0.5, 0.7):
        parts = coins((0.7, 100_000), (0.5, 100_000), (share, 10))
        assert sorted(named(parts)) == ["node-0", "node-1"]


def test_many_nodes_with_few_shots_outvote_one_together():
    parts = coins((0.7, 100_000), *[(0.5, 80)] * 10)
    assert named(parts) == ["node-0"]


def test_the_most_certain_comes_first():
    parts = coins((0.8, 2000), (0.6, 1_000_000), *[(0.5, 1_000_000)] * 4)
    assert named(parts) == ["node-1", "node-0"]


@given(
    st.lists(
        st.dictionaries(st.integers(0, 7), st.integers(1, 5000), max_size=8),
        max_size=7,
    ),
    st.sampled_from([0.0, 0.01, 0.2]),
)
def test_everything_named_is_significant_and_matters(numbers, effect):
    parts = {str(i): PackedCounts.from_ints(counts, 3) for i, counts in enumerate(numbers)}
    found = disagreements(parts, effect=effect)
    names = [entry.node_id for entry in found]
    assert len(set(names)) == len(names)
    assert len(names) != 1 or len(parts) > 2
    assert all(entry.ratio > 1 and entry.size >= effect for entry in found)


@pytest.mark.parametrize("counts", [{}, {"a": {0: 5}}, {"a": {0: 10_000}, "b": {}}])
def test_nobody_disagrees_alone(counts):
    parts = {node_id: PackedCounts.from_ints(numbers, 2) for node_id, numbers in counts.items()}
    assert disagreements(parts, effect=0) == []


def test_a_node_without_shots_is_no_third_voice():
    parts = {**coins_alike([0.2, 0.8]), "silent": PackedCounts.from_ints({}, 1)}
    assert sorted(named(parts)) == ["node-0", "node-1"]


def test_nothing_measured_is_nothing_to_disagree_about():
    nothing = PackedCounts.from_ints({0: 100}, 0)
    assert disagreements({"a": nothing, "b": nothing}) == []


def test_different_widths_are_refused():
    parts = {"a": PackedCounts.from_ints({0: 1}, 3), "b": PackedCounts.from_ints({}, 2)}
    with pytest.raises(InvalidArguments, match=r"widths \[2, 3\] cannot be compared"):
        disagreements(parts)


@pytest.mark.parametrize("effect", [-0.1, 1.1, float("nan")])
def test_an_effect_that_is_no_share_is_refused(effect):
    with pytest.raises(InvalidArguments, match="effect must be from 0 to 1"):
        disagreements({}, effect=effect)


@pytest.mark.parametrize("failure", [0, 1, -1])
def test_a_chance_that_is_none_is_refused(failure):
    with pytest.raises(InvalidArguments, match="failure must be between 0 and 1"):
        disagreements({}, failure=failure)
    with pytest.raises(InvalidArguments, match="failure must be between 0 and 1"):
        shots_per_node(0.1, 5, failure=failure)


@pytest.mark.parametrize("effect, width, nodes", [(0, 5, 2), (1.1, 5, 2), (0.1, 0, 2), (0.1, 5, 1)])
def test_what_cannot_be_seen_is_refused(effect, width, nodes):
    with pytest.raises(InvalidArguments, match="cannot be seen"):
        shots_per_node(effect, width, nodes)


def test_the_table_in_the_docstring_is_computed():
    rows = [line.split() for line in shots_per_node.__doc__.splitlines()]
    table = [[int(word) for word in row] for row in rows if row and all(map(str.isdigit, row))]
    assert table == [
        [width, *(ceil(shots_per_node(effect, width) / 1000) for effect in EFFECTS)]
        for width in WIDTHS
    ]


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, qcos_core.qvm.agreement\n"
        "sys.exit(bool({'numpy', 'qiskit'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
