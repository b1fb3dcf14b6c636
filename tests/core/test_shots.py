"""Outcomes shot by shot, packed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from qiskit.primitives import BitArray

from qcos_core import CountsInvalid, PackedCounts, PackedShots, Registers

WIDTHS = st.integers(1, 150)


@st.composite
def shots(draw):
    """A width, and outcomes of it in an order."""
    width = draw(WIDTHS)
    return width, draw(st.lists(st.integers(0, 2**width - 1), max_size=30))


@given(shots())
def test_counts_of_shots(given_shots):
    width, outcomes = given_shots
    packed = PackedShots.from_ints(outcomes, width)
    numbers = {outcome: outcomes.count(outcome) for outcome in outcomes}
    assert packed.counts() == PackedCounts.from_ints(numbers, width)
    assert len(packed) == len(outcomes)


@given(shots())
def test_keys_stay_in_order(given_shots):
    width, outcomes = given_shots
    keys = [format(outcome, f"0{width}b") for outcome in outcomes]
    packed = PackedShots.from_bitstrings(keys, width)
    assert packed.keys(Registers(width)) == keys
    assert packed[1:].keys(Registers(width)) == keys[1:]
    assert PackedShots.join([packed[:2], packed[2:]]).keys(Registers(width)) == keys


@given(shots(), st.integers(0, 2**63 - 1))
def test_shuffling_keeps_the_counts(given_shots, seed):
    width, outcomes = given_shots
    counts = PackedShots.from_ints(outcomes, width).counts()
    shuffled = PackedShots.shuffled(counts, seed)
    assert shuffled.counts() == counts
    again = PackedShots.shuffled(counts, seed)
    assert np.array_equal(shuffled.words, again.words)


@given(shots(), st.integers(0, 2**63 - 1))
def test_the_order_of_a_seed_stays(given_shots, seed):
    """As it was from the first: sorted shots at the places of a permutation."""
    width, outcomes = given_shots
    counts = PackedShots.from_ints(outcomes, width).counts()
    order = np.random.default_rng((seed, 1)).permutation(len(outcomes))
    expected = PackedShots.sorted(counts).words[order]
    assert np.array_equal(PackedShots.shuffled(counts, seed).words, expected)


@pytest.mark.parametrize("width", [9, 20, 64, 127])
def test_counts_of_many_shots(width):
    rng = np.random.default_rng(3)
    pool = [int.from_bytes(rng.bytes(16), "little") >> (128 - width) for _ in range(400)]
    outcomes = [pool[place] for place in rng.integers(0, 400, 5000)]
    packed = PackedShots.from_ints(outcomes, width)
    assert packed.counts() == PackedCounts.from_ints(Counter(outcomes), width)


@given(shots(), st.data())
def test_bits_are_those_of_qiskit_s_bit_array(given_shots, data):
    """Some places, in any order, as a register that is spread over the circuit would have them."""
    width, outcomes = given_shots
    assume(outcomes)  # of none BitArray makes no list
    places = data.draw(st.lists(st.integers(0, width - 1), unique=True, min_size=1, max_size=70))
    bits = PackedShots.from_ints(outcomes, width).bits(places)
    expected = [
        "".join(str(outcome >> place & 1) for place in reversed(places)) for outcome in outcomes
    ]
    assert BitArray(bits, len(places)).get_bitstrings() == expected


def test_every_order_is_as_likely():
    """Where the one of four shots lands: each place 1,000 times of 4,000, within six deviations."""
    counts = PackedCounts.from_ints({0: 3, 1: 1}, 1)
    places = [int(np.argmax(PackedShots.shuffled(counts, seed).words)) for seed in range(4000)]
    numbers = np.bincount(places, minlength=4)
    assert abs(numbers - 1000).max() < 6 * (4000 * 0.25 * 0.75) ** 0.5


@pytest.mark.parametrize("keys", ["0101", ["01", "0"], ["0x1"], [1], ["2"]])
def test_what_are_no_bitstrings(keys):
    with pytest.raises(CountsInvalid):
        PackedShots.from_bitstrings(keys, 2)


def test_too_many_shots_to_keep_one_by_one():
    counts = PackedCounts.from_ints({1: 10**9}, 1)
    with pytest.raises(CountsInvalid, match="1,000,000,000 shots are too many"):
        PackedShots.shuffled(counts, 1)
