"""Blocks: how the shots of a circuit are cut into pieces that each have a seed of their own.

The layout is a pure function of the job and the method. It knows nothing of nodes, so the same
job gives the same counts on one node, on two and on seven, and after a failover.

The seed of block *b* of the circuit at position *p* in a job with seed *s* is::

    int.from_bytes(hashlib.sha256(f"qcos-block-1:{s}:{p}:{b}".encode()).digest()[:8], "big") >> 1

which is at least 0 and below 2**63. Where a circuit is run in parts, part *k* has the seed::

    int.from_bytes(hashlib.sha256(f"qcos-part-1:{s}:{k}".encode()).digest()[:8], "big") >> 1

in the place of *s*, and its shots are paired with those of the others in an order drawn with that
seed's block *2**32*.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from qcos_core.model.plans import Sampling
from qcos_core.model.seam import Block

LAYOUT = 1
"""Version of the layout; recorded so that a run can be repeated after the layout changes."""

_SHOTS_PER_BRANCHING_BLOCK = 65536
_SHOTS_PER_BLOCK = 4096
_MOST_BLOCKS = 64
_PAIRING = 2**32
"""Stands for a block where no block is; there are never so many."""


def block_seed(seed: int, position: int, index: int) -> int:
    """The seed of one block, at least 0 and below 2**63."""
    digest = sha256(f"qcos-block-{LAYOUT}:{seed}:{position}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def part_seed(seed: int, index: int) -> int:
    """The seed of one part of a circuit, at least 0 and below 2**63."""
    digest = sha256(f"qcos-part-{LAYOUT}:{seed}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def pairing_seed(seed: int, position: int) -> int:
    """The seed of the order in which the shots of a part are paired with those of the others.

    Args:
        seed: of the part.
        position: as for its blocks.
    """
    return block_seed(seed, position, _PAIRING)


def make_blocks(
    shots: int,
    seed: int,
    position: int,
    sampling: Sampling,
    *,
    most: int | None = None,
    first: int = 0,
) -> tuple[Block, ...]:
    """The blocks of one circuit.

    Args:
        shots: shots of the circuit, at least 1.
        seed: the job's seed.
        position: the circuit's place in the list given to ``run``, from 0.
        sampling: how the method makes its shots. ``once`` gives one block, ``branching`` one
            for each 65,536 shots, ``per_shot`` one for each 4,096 shots and at most 64.
        most: no block may have more shots; for nodes without seeds alone, because with a seed the
            layout must not depend on the node.
        first: index of the first block, where other nodes run all shots before.

    Returns:
        Blocks whose sizes differ by at most one shot, larger ones first.
    """
    number = _number(shots, sampling)
    if most is not None:
        number = max(number, -(-shots // most))
    size, larger = divmod(shots, number)
    return tuple(
        Block(first + index, size + (index < larger), block_seed(seed, position, first + index))
        for index in range(number)
    )


def largest_block(shots: int, sampling: Sampling) -> int:
    """Shots of the largest block that :func:`make_blocks` makes without ``most``."""
    return -(-shots // _number(shots, sampling))


def portions(blocks: Sequence[Block], most: int | None) -> list[tuple[Block, ...]]:
    """Blocks as tasks of at most ``most`` shots each; ``None`` makes one task of them all.

    No block may be larger than that by itself.
    """
    if most is None:
        return [tuple(blocks)]
    found: list[list[Block]] = []
    room = 0
    for block in blocks:
        if not found or block.shots > room:
            found.append([])
            room = most
        found[-1].append(block)
        room -= block.shots
    return [tuple(part) for part in found]


def _number(shots: int, sampling: Sampling) -> int:
    if sampling == "per_shot":
        return min(_MOST_BLOCKS, -(-shots // _SHOTS_PER_BLOCK))
    if sampling == "branching":
        return -(-shots // _SHOTS_PER_BRANCHING_BLOCK)
    return 1
