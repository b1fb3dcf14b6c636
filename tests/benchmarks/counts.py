"""What merging counts and writing them as strings takes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from measure import Comparison, compare, wall

from qcos_core import PackedCounts, Registers
from qcos_core.model.words import pack

SHARDS = 1000
SHOTS = 1000
OUTCOMES = 2**20
SMALL = 1000
"""Small parts are merged so many times in a row, because once is too short to be timed."""

Merged = tuple[npt.NDArray[np.generic], npt.NDArray[np.int64]]


def shards(width: int, number: int, shots: int, outcomes: int) -> list[PackedCounts]:
    """Counts of shots drawn from so many outcomes of a width, which are as likely."""
    rng = np.random.default_rng(0)
    length = -(-width // 64)
    pool = rng.integers(0, 2**64 - 1, (outcomes, length), dtype=np.uint64, endpoint=True)
    pool[:, -1] >>= np.uint64(64 * length - width)
    if width <= 20:
        pool = np.arange(outcomes, dtype=np.uint64).reshape(-1, 1)
    pool = pool[np.lexsort(pool.T)]
    found = []
    for _ in range(number):
        places, numbers = np.unique(rng.integers(0, outcomes, shots), return_counts=True)
        found.append(PackedCounts(width, pool.take(places, axis=0), numbers))
    return found


def by_unique(parts: Sequence[PackedCounts]) -> Merged:
    """The merge that a person would write with numpy: keys of one word, or of bytes."""
    words = np.concatenate([part.words for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    row = np.dtype((np.void, words.itemsize * words.shape[1]))
    keys = words[:, 0] if words.shape[1] == 1 else words.view(row).ravel()
    found, places = np.unique(keys, return_inverse=True)
    return found, np.bincount(places, weights=counts).astype(np.int64)


def by_dictionary(parts: Sequence[PackedCounts]) -> PackedCounts:
    """Counts added up one by one, and packed again."""
    sums: dict[int, int] = {}
    for part in parts:
        for outcome, number in part.items():
            sums[outcome] = sums.get(outcome, 0) + number
    return PackedCounts.from_ints(sums, parts[0].width)


def merging(width: int, peer: str, *, goal: float, pairs: int) -> Comparison:
    """Many shards, most of whose outcomes are seen once or twice."""
    parts = shards(width, SHARDS, SHOTS, OUTCOMES)
    return compare(
        f"merge 1,000 shards, {width} qubits",
        peer,
        lambda _: wall(lambda: PackedCounts.merge(parts)),
        lambda _: wall(lambda: by_unique(parts)),
        goal=goal,
        pairs=pairs,
    )


def merging_a_few() -> Comparison:
    """Four shards of four outcomes."""
    parts = shards(5, 4, SHOTS, 4)
    return compare(
        "merge 4 shards of 4 outcomes",
        "a loop that fills a dictionary, packed again",
        lambda _: wall(lambda: [PackedCounts.merge(parts) for _ in range(SMALL)]),
        lambda _: wall(lambda: [by_dictionary(parts) for _ in range(SMALL)]),
        goal=1.0,
        pairs=25,
    )


def writing(width: int) -> Comparison:
    """The dictionary that a user sees, of a million outcomes."""
    outcomes = range(1_000_000)
    numbers = np.ones(len(outcomes), dtype=np.int64)
    packed = PackedCounts(width, pack(outcomes, width), numbers)
    pattern, registers = f"0{width}b", Registers(width)
    return compare(
        f"dictionary of 1e6 x {width} bits",
        "a comprehension with format() of plain integers",
        lambda _: wall(lambda: packed.to_dict(registers)),
        lambda _: wall(lambda: {format(key, pattern): number for key, number in packed.items()}),
        goal=1.0,
        pairs=9,
        warm=1,
    )


def benchmarks() -> list[Comparison]:
    """All of them."""
    return [
        merging(20, "np.unique with return_inverse, and np.bincount", goal=1 / 4, pairs=75),
        merging(127, "the same with rows as bytes", goal=1 / 3, pairs=25),
        merging_a_few(),
        writing(20),
        writing(127),
    ]
