"""Single bits and pair parities of counts: ``qcos_core.testing.statistics``."""

from math import log, pi, sqrt

import numpy as np
import pytest

from qcos_core import InvalidArguments
from qcos_core.testing.statistics import (
    Deviation,
    deviation_between,
    deviation_from,
    marginals,
    pair_parities,
    shots_to_see,
    total_variation,
    two_sample_bound,
)

COUNTS = {"00 1": 50, "01 1": 30, "10 0": 20}
LOG_9 = log(1e9)


def drawn(probabilities, shots, rng):
    """Counts of bits that are 1 with these probabilities, each for itself, bit 0 first."""
    width = len(probabilities)
    outcomes = (rng.random((shots, width)) < probabilities) @ (1 << np.arange(width))
    seen, numbers = np.unique(outcomes, return_counts=True)
    keys = [format(outcome, f"0{width}b") for outcome in seen.tolist()]
    return dict(zip(keys, numbers.tolist(), strict=True))


def backwards(counts):
    return {key[::-1]: number for key, number in counts.items()}


def test_marginals_start_at_the_end_of_a_key():
    assert marginals(COUNTS) == pytest.approx([0.8, 0.3, 0.2])


def test_pair_parities_are_the_shares_in_which_two_bits_differ():
    expected = [[0, 0.5, 1], [0.5, 0, 0.5], [1, 0.5, 0]]
    assert pair_parities(COUNTS) == pytest.approx(np.array(expected))


def test_the_furthest_bit_is_found_and_described():
    found = deviation_from({"00": 50, "01": 50}, {"00": 0.2, "01": 0.2, "10": 0.6})
    assert found.bits == (1,)
    assert (found.share, found.expected) == pytest.approx((0, 0.6))
    assert "bit 1 is 1 in 0.0000 of the shots, 0.6000 expected" in str(found)


def test_the_furthest_pair_is_found_where_single_bits_agree():
    found = deviation_from({"000": 50, "111": 50}, {"000": 0.5, "011": 0.25, "100": 0.25})
    assert found.bits in ((0, 2), (1, 2))
    assert (found.share, found.expected) == pytest.approx((0, 0.5))
    assert "differ in 0.0000 of the shots" in str(found)


def test_the_effect_size_is_cohens():
    assert Deviation((0,), 1.0, 0.0, 0.1).effect_size == pytest.approx(pi)
    assert Deviation((0,), 0.5, 0.25, 0.1).effect_size == pytest.approx(pi / 6)
    assert Deviation((0,), 0.5, 0.25, 0.1).ratio == pytest.approx(2.5)


def test_bounds_are_the_documented_ones():
    log_of = LOG_9 + log(2)
    hoeffding = deviation_from({"0": 500, "1": 500}, {"0": 0.5, "1": 0.5}).bound
    assert hoeffding == pytest.approx(sqrt(log_of / 2000))
    bernstein = deviation_from({"0": 990, "1": 10}, {"0": 0.99, "1": 0.01}).bound
    assert 1000 * bernstein**2 / (2 * 0.0099 + 2 * bernstein / 3) == pytest.approx(log_of)

    log_of = LOG_9 + log(4)
    hoeffding = deviation_between({"0": 500, "1": 500}, {"0": 1000, "1": 1000}).bound
    assert hoeffding == pytest.approx(sqrt(log_of * (1 / 1000 + 1 / 2000) / 2))
    bernstein = deviation_between({"0": 990, "1": 10}, {"0": 1980, "1": 20}).bound * 2000 / 3000
    assert 1000 * bernstein**2 / (2 * 0.0099 + 2 * bernstein / 3) == pytest.approx(log_of)


@pytest.mark.parametrize("level", [0.5, 0.05, 0.002])
@pytest.mark.parametrize("others", [400, 4000])
def test_bounds_hold_as_often_as_they_say(level, others):
    """They are not far off either: a perfect sampler comes within a third of them."""
    rng = np.random.default_rng(7)
    shares = rng.uniform(0.5, 1, 6) * level
    truth = {}
    for outcome in range(64):
        bits = np.array([outcome >> bit & 1 for bit in range(6)], dtype=bool)
        truth[format(outcome, "06b")] = float(np.where(bits, shares, 1 - shares).prod())
    one, two = [], []
    for _ in range(200):
        ours, theirs = drawn(shares, 400, rng), drawn(shares, others, rng)
        one.append(deviation_from(ours, truth, 0.1).ratio)
        two.append(deviation_between(ours, theirs, 0.1).ratio)
    for ratios in (one, two):
        assert sum(ratio > 1 for ratio in ratios) <= 20
        assert max(ratios) > 0.3


def test_reversed_bits_are_found_where_total_variation_sees_nothing():
    """20 qubits, 2,000 shots: hardly an outcome comes twice."""
    rng = np.random.default_rng(3)
    by_bits = by_distance = 0
    for _ in range(20):
        shares = rng.uniform(0.2, 0.8, 20)
        ours, theirs = drawn(shares, 2000, rng), drawn(shares, 2000, rng)
        wrong = backwards(ours)
        assert deviation_between(ours, theirs).ratio <= 1
        by_bits += deviation_between(wrong, theirs).ratio > 1
        by_distance += total_variation(wrong, theirs) > two_sample_bound(wrong, theirs)
    assert (by_bits, by_distance) == (20, 0)


@pytest.mark.parametrize("effect", [0.01, 0.1])
def test_the_shots_that_a_bias_needs(effect):
    shots = shots_to_see(effect, 1)
    assert shots == pytest.approx(2 * (LOG_9 + log(2)) / effect**2, abs=1)
    rng = np.random.default_rng(5)
    coin = {"0": 0.5, "1": 0.5}

    def ratio(probability):
        ones = int(rng.binomial(shots, probability))
        return deviation_from({"0": shots - ones, "1": ones}, coin).ratio

    assert max(ratio(0.5) for _ in range(50)) <= 1
    assert min(ratio(0.5 + effect) for _ in range(50)) > 1
    assert max(ratio(0.5 + effect / 4) for _ in range(50)) <= 1


@pytest.mark.parametrize("wrong", [{}, {"0": 0}, {"0": 3, "1": -1}])
def test_what_is_no_distribution(wrong):
    for call in (marginals, pair_parities):
        with pytest.raises(InvalidArguments, match="more than 0"):
            call(wrong)


@pytest.mark.parametrize("wrong", [{"": 1}, {"02": 1}, {"0": 1, "00": 1}, {"0x1": 1}])
def test_what_is_no_key(wrong):
    with pytest.raises(InvalidArguments, match="bitstrings of one length"):
        marginals(wrong)


def test_counts_of_two_widths():
    with pytest.raises(InvalidArguments, match="differ in length"):
        deviation_from({"0": 1}, {"00": 1})


@pytest.mark.parametrize("effect, width, failure", [(0, 1, 0.1), (1.1, 1, 0.1), (0.1, 0, 0.1)])
def test_an_effect_that_cannot_be_seen(effect, width, failure):
    with pytest.raises(InvalidArguments, match="cannot be seen"):
        shots_to_see(effect, width, failure)


@pytest.mark.parametrize("failure", [0, 1, 2])
def test_chance_of_failure_that_is_none(failure):
    for call in (deviation_from, deviation_between):
        with pytest.raises(InvalidArguments, match="failure must be between 0 and 1"):
            call({"0": 1}, {"0": 1}, failure)
    with pytest.raises(InvalidArguments, match="failure must be between 0 and 1"):
        shots_to_see(0.1, 1, failure)
