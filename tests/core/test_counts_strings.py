"""Many outcomes as strings and back, which are handled together, beside each alone."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from qcos_core import CountsInvalid, PackedCounts, PackedShots, Registers
from qcos_core.model import bitstrings, counts as packed_counts

WIDTHS = st.sampled_from([1, 5, 8, 20, 63, 64, 65, 127, 200])


@pytest.fixture(autouse=True)
def together(monkeypatch):
    """A few are handled as many are, three or so at a time."""
    monkeypatch.setattr(bitstrings, "_FEW", 0)
    monkeypatch.setattr(bitstrings, "_CHARACTERS", 100)
    monkeypatch.setattr(packed_counts, "_FEW", 0)


@st.composite
def counts_of(draw):
    """A width, and outcomes of it with positive numbers."""
    width = draw(WIDTHS)
    outcomes = st.integers(0, (1 << width) - 1)
    return width, draw(st.dictionaries(outcomes, st.integers(1, 10**9), max_size=20))


@st.composite
def registers_of(draw, width):
    """Registers of any sizes, which may be none or share bits."""
    sizes = draw(st.lists(st.integers(0, 70), max_size=5))
    return Registers(width, tuple((f"c{place}", size) for place, size in enumerate(sizes)))


@given(counts_of(), st.data())
def test_keys_are_those_of_each_outcome_alone(case, data):
    width, counts = case
    registers = data.draw(registers_of(width))
    packed = PackedCounts.from_ints(counts, width)
    expected = {registers.key(outcome): number for outcome, number in counts.items()}
    assert packed.to_dict(registers) == expected
    shots = PackedShots.from_ints(list(counts), width)
    assert shots.keys(registers) == [registers.key(outcome) for outcome in counts]


@given(counts_of(), st.data())
def test_strings_are_read_with_spaces_and_without(case, data):
    width, counts = case
    cut = data.draw(st.integers(0, width))
    keys = [format(outcome, f"0{width}b") for outcome in counts]
    spaced = [f"{key[:cut]} {key[cut:]} " for key in keys]
    expected = PackedCounts.from_ints(counts, width)
    for strings in (keys, spaced):
        numbers = dict(zip(strings, counts.values(), strict=True))
        assert PackedCounts.from_bitstrings(numbers, width) == expected
        shots = PackedShots.from_bitstrings(strings, width)
        assert np.array_equal(shots.words, PackedShots.from_ints(list(counts), width).words)


def test_spaces_in_different_places():
    numbers = {"0 01": 1, "01 0": 2, "011": 3}
    packed = PackedCounts.from_bitstrings(numbers, 3)
    assert packed == PackedCounts.from_ints({1: 1, 2: 2, 3: 3}, 3)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ("0x1", "is hexadecimal"),
        ("012", "not a bitstring of 3 bits"),
        ("00\n", "not a bitstring of 3 bits"),
        ("0\u0661\u0661", "not a bitstring of 3 bits"),
        ("0011", "not a bitstring of 3 bits"),
        ("01 ", "not a bitstring of 3 bits"),
        ("   ", "not a bitstring of 3 bits"),
        (b"001", "not a bitstring of 3 bits"),
        (1, "not a bitstring of 3 bits"),
    ],
)
def test_one_wrong_key_among_others_is_named(wrong, message):
    keys = [format(outcome, "03b") for outcome in range(8)]
    for place in (0, 4, 8):
        with_it = [*keys[:place], wrong, *keys[place:]]
        with pytest.raises(CountsInvalid, match=message) as caught:
            PackedCounts.from_bitstrings(dict.fromkeys(with_it, 1), 3)
        assert repr(wrong) in str(caught.value)
        with pytest.raises(CountsInvalid, match=message):
            PackedShots.from_bitstrings(with_it, 3)


def test_a_bit_where_others_have_a_space_is_one_too_many():
    with pytest.raises(CountsInvalid, match="'011' is not a bitstring of 2 bits"):
        PackedCounts.from_bitstrings({"0 1": 5, "1 0": 5, "011": 5}, 2)


def test_two_keys_of_one_outcome_are_refused():
    with pytest.raises(CountsInvalid, match=r"'0 1' appears under two keys"):
        PackedCounts.from_bitstrings({"00": 5, "01": 5, "0 1": 5}, 2)


@pytest.mark.parametrize("number", [True, 1.0, "5", None, np.float64(5)])
def test_numbers_that_are_not_whole_are_refused(number):
    with pytest.raises(CountsInvalid, match="must be an integer"):
        PackedCounts.from_bitstrings({"01": 3, "10": number}, 2)


def test_numbers_of_other_kinds_and_zeros():
    packed = PackedCounts.from_bitstrings({"11": np.int8(4), "01": np.uint64(3), "10": 0}, 2)
    assert packed == PackedCounts.from_ints({1: 3, 2: 0, 3: 4}, 2)
    assert dict(packed.items()) == {1: 3, 3: 4}
    with pytest.raises(CountsInvalid, match="must not be negative, got -1"):
        PackedCounts.from_bitstrings({"11": 4, "01": -1}, 2)


@pytest.mark.parametrize("number", [2**62, 10**30])
def test_numbers_never_wrap_around(number):
    with pytest.raises(CountsInvalid, match="shots are more than"):
        PackedCounts.from_bitstrings({"11": number, "01": number}, 2)
