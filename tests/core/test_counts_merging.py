"""Merging counts, by each of the ways there are, beside a dictionary and beside one sort of all."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from qcos_core import CountsInvalid, PackedCounts
from qcos_core.model import sums

WIDTHS = [0, 1, 5, 20, 63, 64, 65, 127, 200]
WAYS = {
    "as it comes": {},
    "tables": {"_HANDFUL": 0, "_FEW": 0, "_MANY": 0, "_SPARSE": 2**25},
    "orders": {"_HANDFUL": 0, "_MANY": 0, "_SPARSE": 0},
    "orders, one hash for all": {"_HANDFUL": 0, "_MANY": 0, "_SPARSE": 0, "_FACTOR": 0},
}

each_width = pytest.mark.parametrize("width", WIDTHS)


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Counts of all sizes are merged as those of other sizes are."""
    for name, value in WAYS[request.param].items():
        monkeypatch.setattr(sums, name, value)


def by_one_sort(parts):
    """How counts were merged at first: all rows sorted, equal neighbours added up."""
    words = np.concatenate([part.words for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    order = np.lexsort(words.T)
    words, counts = words[order], counts[order]
    first = np.ones(len(words), dtype=bool)
    first[1:] = (words[1:] != words[:-1]).any(axis=1)
    starts = np.flatnonzero(first)
    summed = np.add.reduceat(counts, starts) if len(starts) else counts
    return PackedCounts(parts[0].width, words[starts], summed)


def outcomes_of(width):
    """Some of them near the ends, so that they are drawn again."""
    most = (1 << width) - 1
    ends = st.integers(0, min(most, 3))
    return st.one_of(ends, ends.map(lambda outcome: most - outcome), st.integers(0, most))


@each_width
@pytest.mark.usefixtures("way")
def test_merging_adds_like_a_counter(width):
    numbers = st.one_of(st.integers(1, 9), st.sampled_from([2**31, 2**53 + 1, 2**58 - 1]))
    counts = st.dictionaries(outcomes_of(width), numbers, max_size=8)

    @settings(max_examples=40)
    @given(st.lists(counts, min_size=1, max_size=6))
    def check(parts):
        packed = [PackedCounts.from_ints(part, width) for part in parts]
        expected = sum(map(Counter, parts), Counter())
        merged = PackedCounts.merge(packed)
        assert dict(merged.items()) == expected
        assert merged == PackedCounts.from_ints(expected, width) == by_one_sort(packed)
        assert (merged.words.dtype, merged.counts.dtype) == (np.uint64, np.int64)

    check()


@pytest.mark.parametrize("width", [1, 20, 127])
@pytest.mark.usefixtures("way")
def test_sums_are_exact_up_to_the_most_that_there_can_be(width):
    numbers = st.lists(st.integers(2**62 - 9, 2**62 + 9), min_size=2, max_size=3)

    @given(numbers)
    def check(numbers):
        parts = [PackedCounts.from_ints({1: number}, width) for number in numbers]
        if sum(numbers) < 2**63:
            assert dict(PackedCounts.merge(parts).items()) == {1: sum(numbers)}
        else:
            with pytest.raises(CountsInvalid, match=f"{sum(numbers)} shots"):
                PackedCounts.merge(parts)

    check()


@pytest.mark.usefixtures("way")
def test_the_sum_of_all_counts_is_what_must_not_be_too_large():
    parts = [PackedCounts.from_ints({outcome: 2**62}, 70) for outcome in (0, 1 << 69)]
    with pytest.raises(CountsInvalid, match="9223372036854775808 shots"):
        PackedCounts.merge(parts)


def drawn(rng, width, pool, sizes, varying=None):
    """Parts of some sizes, all from one pool of outcomes that vary in some of their bits."""
    bits = rng.integers(0, 2, (pool, width), dtype=np.uint8)
    if varying is not None:
        bits[:, np.setdiff1d(np.arange(width), varying)] = 1
    outcomes = [int("".join(map(str, row)), 2) for row in bits.tolist()]
    for size in sizes:
        seen = Counter(outcomes[place] for place in rng.integers(0, pool, size).tolist())
        yield PackedCounts.from_ints(seen, width)


@pytest.mark.parametrize(
    "width, pool, sizes",
    [
        (12, 4096, [500] * 20),  # a table
        (30, 4096, [500] * 20),  # too sparse for one
        (64, 9000, [4000] * 4),  # an order in two steps
        (127, 9000, [4000] * 4),  # by a hash
        (127, 5, [100] * 200),  # few distinct ones
        (20, 50, [3] * 1000),  # many small parts
    ],
)
def test_parts_of_many_outcomes(width, pool, sizes):
    parts = list(drawn(np.random.default_rng(1), width, pool, sizes))
    assert PackedCounts.merge(parts) == by_one_sort(parts)
    assert PackedCounts.merge(parts[::-1]) == by_one_sort(parts)


@pytest.mark.parametrize("varying", [[0, 1, 2], range(188, 200), [0, 63, 64, 127, 128, 199]])
@pytest.mark.usefixtures("way")
def test_outcomes_that_differ_in_few_bits(varying):
    parts = list(drawn(np.random.default_rng(2), 200, 500, [300] * 5, varying))
    assert PackedCounts.merge(parts) == by_one_sort(parts)


@each_width
@pytest.mark.usefixtures("way")
def test_parts_without_shots(width):
    nothing = PackedCounts.from_ints({}, width)
    one = PackedCounts.from_ints({(1 << width) - 1: 7}, width)
    assert PackedCounts.merge([nothing, nothing]) == nothing
    assert PackedCounts.merge([nothing, one, nothing]) == one


@pytest.mark.usefixtures("way")
def test_parts_that_say_an_outcome_twice():
    """Nothing else makes them, but a provider can: no shot is lost."""
    words, numbers = np.full((400, 1), 5, dtype=np.uint64), np.full(400, 1000)
    twice = PackedCounts(12, words, numbers)
    assert dict(PackedCounts.merge([twice, twice]).items()) == {5: 800_000}
