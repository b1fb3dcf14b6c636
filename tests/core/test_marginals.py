"""Bits and pairs of bits of packed counts; the bounds are tested where statistics uses them."""

import random

import numpy as np
import pytest

from qcos_core.model.counts import PackedCounts
from qcos_core.model.marginals import (
    number_of_places,
    place,
    row_of,
    table_of,
    table_of_counts,
)


def by_hand(counts):
    """The table, shot by shot, from whole numbers."""
    table = np.zeros((counts.width, counts.width))
    for outcome, number in counts.items():
        bits = [outcome >> bit & 1 for bit in range(counts.width)]
        for i, one in enumerate(bits):
            for j, other in enumerate(bits):
                table[i, j] += number * (one if i == j else one ^ other)
    return table


@pytest.mark.parametrize("width", [1, 2, 8, 63, 64, 65, 127, 130])
def test_the_table_is_what_counting_by_hand_gives(width):
    rng = random.Random(width)
    counts = PackedCounts.from_ints(
        {rng.getrandbits(width): rng.randint(1, 1000) for _ in range(40)}, width
    )
    assert np.array_equal(table_of_counts(counts), by_hand(counts))


def test_more_outcomes_than_are_unpacked_at_a_time():
    counts = PackedCounts.from_ints({outcome: 1 + outcome % 7 for outcome in range(1, 3000)}, 12)
    assert np.array_equal(table_of_counts(counts), by_hand(counts))


def test_whole_numbers_are_summed_exactly():
    counts = PackedCounts.from_ints({0b01: 2**51 + 1, 0b11: 2**50 + 1}, 2)
    assert table_of_counts(counts).tolist() == [
        [2**51 + 2**50 + 2, 2**51 + 1],
        [2**51 + 1, 2**50 + 1],
    ]


def test_weights_may_be_probabilities():
    table = table_of(np.array([[1, 0], [1, 1], [0, 1]]), np.array([0.5, 0.2, 0.3]))
    assert table == pytest.approx(np.array([[0.7, 0.8], [0.8, 0.5]]))


@pytest.mark.parametrize("width", [1, 2, 7, 127])
def test_places_are_those_of_the_row(width):
    table = np.array([[1000 * i + j for j in range(width)] for i in range(width)], dtype=float)
    row = row_of(table)
    places = [place(index, width) for index in range(len(row))]
    assert len(places) == number_of_places(width)
    assert [table[bits[0], bits[-1]] for bits in places] == row.tolist()
    assert all(len(set(bits)) == len(bits) for bits in places)
