"""Blocks of shots, and the formula of their seeds."""

from hashlib import sha256

import pytest
from hypothesis import given, strategies as st

from qcos_core.qvm.blocks import block_seed, make_blocks

SHOTS = st.integers(1, 10**12)
SAMPLING = st.sampled_from(["once", "branching", "per_shot"])


@given(SHOTS, st.integers(0, 2**63 - 1), st.integers(0, 1000), SAMPLING)
def test_blocks_add_up_to_the_shots(shots, seed, position, sampling):
    if sampling == "branching":
        shots = min(shots, 10**8)
    blocks = make_blocks(shots, seed, position, sampling)
    assert sum(block.shots for block in blocks) == shots
    assert [block.index for block in blocks] == list(range(len(blocks)))
    assert max(b.shots for b in blocks) - min(b.shots for b in blocks) <= 1
    assert min(b.shots for b in blocks) >= 1
    assert all(0 <= block.seed < 2**63 for block in blocks)
    assert len({block.seed for block in blocks}) == len(blocks)


def test_the_formula_can_be_recomputed():
    digest = sha256(b"qcos-block-1:7:2:5").digest()
    assert block_seed(7, 2, 5) == int.from_bytes(digest[:8], "big") >> 1


@pytest.mark.parametrize(
    "shots, sampling, number",
    [
        (10**9, "once", 1),
        (1, "per_shot", 1),
        (4096, "per_shot", 1),
        (4097, "per_shot", 2),
        (32768, "per_shot", 8),
        (10**9, "per_shot", 64),
        (65536, "branching", 1),
        (65537, "branching", 2),
    ],
)
def test_the_number_of_blocks(shots, sampling, number):
    assert len(make_blocks(shots, 1, 0, sampling)) == number


def test_neighbours_share_no_seed():
    seeds = {block_seed(s, p, b) for s in range(10) for p in range(10) for b in range(10)}
    assert len(seeds) == 1000
