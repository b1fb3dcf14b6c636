import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st
from qiskit.result.postprocess import format_counts_memory

from qcos_core import CountsInvalid, PackedCounts, Registers


@st.composite
def counts_of(draw, width=None, max_size=20):
    """A width, and outcomes of it with positive numbers."""
    width = draw(st.integers(0, 200)) if width is None else width
    outcomes = st.integers(0, (1 << width) - 1)
    return width, draw(st.dictionaries(outcomes, st.integers(1, 10**9), max_size=max_size))


def bits(outcome, width):
    return format(outcome, f"0{width}b") if width else ""


class TestPackedCounts:
    def test_dictionary_round_trip(self):
        @given(counts_of())
        def check(case):
            width, counts = case
            strings = {bits(outcome, width): n for outcome, n in counts.items()}
            packed = PackedCounts.from_bitstrings(strings, width)
            assert packed.to_dict(Registers(width)) == strings
            assert packed == PackedCounts.from_ints(counts, width)
            assert dict(packed.items()) == counts
            assert packed.shots == sum(counts.values())
            assert len(packed) == len(counts)

        check()

    def test_outcomes_are_sorted(self):
        @given(counts_of())
        def check(case):
            width, counts = case
            outcomes = [outcome for outcome, _ in PackedCounts.from_ints(counts, width).items()]
            assert outcomes == sorted(counts)

        check()

    def test_merge_adds_like_a_counter(self):
        widths = st.integers(0, 200)
        parts = widths.flatmap(lambda w: st.lists(counts_of(width=w), min_size=1, max_size=5))

        @given(parts)
        def check(cases):
            packed = PackedCounts.merge([PackedCounts.from_ints(c, w) for w, c in cases])
            expected = sum((Counter(counts) for _, counts in cases), Counter())
            assert packed == PackedCounts.from_ints(expected, cases[0][0])

        check()

    def test_json_round_trip(self):
        @given(counts_of())
        def check(case):
            width, counts = case
            packed = PackedCounts.from_ints(counts, width)
            assert PackedCounts.from_json(json.loads(json.dumps(packed.to_json()))) == packed

        check()

    def test_numbers_are_plain_integers(self):
        packed = PackedCounts.from_bitstrings({"01": np.int64(3), "10": np.uint8(4)}, 2)
        for number in (packed.shots, *packed.to_dict(Registers(2)).values()):
            assert type(number) is int
        for outcome, number in packed.items():
            assert (type(outcome), type(number)) == (int, int)

    @pytest.mark.parametrize("width", [8, 100])
    def test_numpy_outcomes_are_taken(self, width):
        packed = PackedCounts.from_ints({np.int64(3): np.int32(7)}, width)
        assert dict(packed.items()) == {3: 7}

    def test_zero_entries_are_dropped(self):
        packed = PackedCounts.from_bitstrings({"00": 0, "11": 5}, 2)
        assert packed.to_dict(Registers(2)) == {"11": 5}
        assert len(PackedCounts.from_bitstrings({"00": 0}, 2)) == 0

    def test_spaces_between_registers_are_no_matter(self):
        assert PackedCounts.from_bitstrings({"01 101": 5}, 5) == PackedCounts.from_bitstrings(
            {"01101": 5}, 5
        )

    @pytest.mark.parametrize("key", ["0x0", "0X1F", "0x3", "0xff"])
    def test_hexadecimal_keys_are_refused_by_name(self, key):
        with pytest.raises(CountsInvalid, match="is hexadecimal"):
            PackedCounts.from_bitstrings({key: 5}, 2)

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "0",
            "000",
            "0 0 0",
            "2",
            "0b",
            "01\n",
            "\u0660\u0661",
            "0_1",
            1,
            None,
            b"01",
            ("0", "1"),
        ],
    )
    def test_keys_that_are_no_bitstring_of_the_width_are_refused(self, key):
        with pytest.raises(CountsInvalid, match="not a bitstring of 2 bits"):
            PackedCounts.from_bitstrings({key: 5}, 2)

    @pytest.mark.parametrize("number", [True, False, 1.0, 0.5, "5", None, np.float64(5), np.True_])
    def test_numbers_that_are_not_whole_are_refused(self, number):
        with pytest.raises(CountsInvalid, match="must be an integer"):
            PackedCounts.from_bitstrings({"01": number}, 2)

    @pytest.mark.parametrize("number", [-1, np.int64(-5), -(10**30)])
    def test_negative_numbers_are_refused(self, number):
        with pytest.raises(CountsInvalid, match="must not be negative"):
            PackedCounts.from_bitstrings({"01": number, "10": 10}, 2)

    @pytest.mark.parametrize(
        "counts", [{"00": 10**30}, {"00": 2**63 - 1, "01": 2**63 - 1, "10": 102}]
    )
    def test_numbers_never_wrap_around(self, counts):
        with pytest.raises(CountsInvalid, match="shots"):
            PackedCounts.from_bitstrings(counts, 2)

    def test_two_keys_of_one_outcome_are_refused(self):
        with pytest.raises(CountsInvalid, match="under two keys"):
            PackedCounts.from_bitstrings({"01": 5, "0 1": 5}, 2)

    @pytest.mark.parametrize("counts", [None, [("01", 5)], "01", 5, np.array([1, 2])])
    def test_what_is_no_mapping_is_refused(self, counts):
        with pytest.raises(CountsInvalid, match="counts must map bitstrings to shots"):
            PackedCounts.from_bitstrings(counts, 2)

    @pytest.mark.parametrize("outcome", [4, -1, 1 << 64, 1.5, True, "1"])
    def test_outcomes_outside_the_width_are_refused(self, outcome):
        with pytest.raises(CountsInvalid, match="outcome"):
            PackedCounts.from_ints({outcome: 5}, 2)

    def test_merge_refuses_different_widths(self):
        parts = [PackedCounts.from_ints({0: 1}, width) for width in (2, 3)]
        with pytest.raises(CountsInvalid, match=r"widths \[2, 3\]"):
            PackedCounts.merge(parts)

    def test_merge_refuses_nothing(self):
        with pytest.raises(CountsInvalid, match="cannot merge"):
            PackedCounts.merge([])

    def test_equality_is_of_width_outcomes_and_numbers(self):
        one = PackedCounts.from_ints({1: 5}, 2)
        assert one == PackedCounts.from_ints({1: 5}, 2)
        assert one != PackedCounts.from_ints({1: 5}, 3)
        assert one != PackedCounts.from_ints({2: 5}, 2)
        assert one != PackedCounts.from_ints({1: 6}, 2)
        assert one != {1: 5}
        with pytest.raises(TypeError):
            hash(one)


def qiskit_key(outcome, sizes, width):
    """The key as Qiskit's results write it."""
    return format_counts_memory(hex(outcome), {"creg_sizes": sizes, "memory_slots": width})


class TestRegisters:
    def test_keys_are_qiskit_s(self):
        sizes = st.lists(st.integers(0, 70), min_size=1, max_size=5).filter(any)

        @given(sizes, st.data())
        def check(sizes, data):
            width = sum(sizes)
            named = [(f"c{index}", size) for index, size in enumerate(sizes)]
            outcomes = data.draw(st.sets(st.integers(0, (1 << width) - 1), max_size=5))
            registers = Registers(width, tuple(named))
            expected = [qiskit_key(outcome, named, width) for outcome in outcomes]
            assert [registers.key(outcome) for outcome in outcomes] == expected
            assert registers.keys(bits(outcome, width) for outcome in outcomes) == expected

        check()

    def test_last_register_comes_first(self):
        registers = Registers(5, (("a", 2), ("b", 3)))
        assert registers.key(0b101_10) == "101 10"

    def test_loose_bits_alone_are_one_group(self):
        assert Registers(3).key(0b011) == "011"
        assert Registers(3).keys(["011"]) == ["011"]
        assert qiskit_key(0b011, [], 3) == "011"

    def test_loose_bits_beside_registers_keep_every_bit(self):
        """Where Qiskit's keys lose bits ours do not."""
        sizes = (("a", 1), ("b", 1))
        keys = {Registers(3, sizes).key(outcome) for outcome in range(8)}
        assert keys == {bits(outcome, 3) for outcome in range(8)}
        assert len({qiskit_key(outcome, sizes, 3) for outcome in range(8)}) < 8

    def test_no_bits_have_an_empty_key(self):
        assert Registers(0).key(0) == ""
        assert PackedCounts.from_bitstrings({"": 5}, 0).to_dict(Registers(0)) == {"": 5}

    def test_keys_can_be_packed_again(self):
        registers = Registers(5, (("a", 2), ("b", 3)))
        packed = PackedCounts.from_ints({n: n + 1 for n in range(32)}, 5)
        assert PackedCounts.from_bitstrings(packed.to_dict(registers), 5) == packed
