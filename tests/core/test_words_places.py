"""Bits of outcomes at other places."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from qcos_core import PackedCounts
from qcos_core.model import places
from qcos_core.model.words import pack, unpack


@pytest.fixture(params=["by runs", "looked up"])
def way(request, monkeypatch):
    """Runs are moved one by one, or all of them are looked up in tables."""
    if request.param == "looked up":
        monkeypatch.setattr(places, "_FEW", 0)


@st.composite
def layouts(draw):
    """A width, and some places in it: one after the other for a while, or in any order."""
    width = draw(st.integers(1, 200))
    start = draw(st.integers(0, width - 1))
    run = list(range(start, draw(st.integers(start, width))))
    others = [place for place in range(width) if place not in run]
    loose = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    return width, [*loose, *run] if draw(st.booleans()) else [*run, *loose]


def rows_of(width):
    return st.lists(st.integers(0, (1 << width) - 1), max_size=5)


@pytest.mark.usefixtures("way")
def test_bits_are_gathered():
    @given(layouts(), st.data())
    def check(layout, data):
        width, wanted = layout
        outcomes = data.draw(rows_of(width))
        found = unpack(places.gathered(pack(outcomes, width), wanted))
        assert found == [
            sum((outcome >> place & 1) << bit for bit, place in enumerate(wanted))
            for outcome in outcomes
        ]

    check()


@pytest.mark.usefixtures("way")
def test_bits_are_scattered():
    @given(layouts(), st.data())
    def check(layout, data):
        width, wanted = layout
        outcomes = data.draw(rows_of(len(wanted)))
        found = unpack(places.scattered(pack(outcomes, len(wanted)), wanted, width))
        assert found == [
            sum((outcome >> bit & 1) << place for bit, place in enumerate(wanted))
            for outcome in outcomes
        ]

    check()


@pytest.mark.usefixtures("way")
def test_a_place_may_be_wanted_twice():
    assert unpack(places.gathered(pack([0b10, 0b01], 2), [1, 1, 0])) == [0b011, 0b100]


@pytest.mark.parametrize("wanted", [range(3), range(60, 63), range(63, 66), [2, 64, 70]])
def test_indices_become_outcomes(wanted):
    indices, numbers = np.array([0, 1, 2, 5, 7]), np.array([3, 1, 4, 1, 5])
    packed = PackedCounts.from_indices(indices, numbers, places=wanted, width=71)
    expected = {
        sum((index >> bit & 1) << place for bit, place in enumerate(wanted)): number
        for index, number in zip(indices.tolist(), numbers.tolist(), strict=True)
    }
    assert packed == PackedCounts.from_ints(expected, 71)
