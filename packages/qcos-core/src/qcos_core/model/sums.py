"""Adding up the counts of equal outcomes, at the speed of memory.

Outcomes are rows of words, as in :mod:`qcos_core.model.words`. What is fastest depends on them:

- a handful of short rows, where calling numpy costs more than the work: a dictionary;
- rows of one word below a small number: a table with a place for each outcome;
- all others: in order of value equal rows stand side by side. Wide rows are first brought side
  by side by a hash, so that only the distinct ones need to be put in order.

Sums are of integers alone, and exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qcos_core.errors import CountsInvalid
from qcos_core.model.words import WORD

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rows = npt.NDArray[np.uint64]
    Numbers = npt.NDArray[np.int64]

_MOST_SHOTS = 2**63
_HANDFUL = 32
"""So many rows of one word are added up one by one."""
_FEW = 300
"""More rows are worth a table."""
_MANY = 3000
"""More rows are worth a hash, and an order in several steps."""
_SPARSE = 8
"""A table has at most so many places for each row."""
_FACTOR = 0x9E3779B97F4A7C15
"""Spreads the bits of a word over a hash: 2**64 over the golden ratio, which is odd."""


def merged(parts: Sequence[tuple[Rows, Numbers]]) -> tuple[Rows, Numbers]:
    """The distinct rows of several parts, ascending by value, and the sum of the counts of each.

    Args:
        parts: at least one, each of rows and their positive counts; all rows of one length. It is
            fastest if no part has two rows that are equal.

    Raises:
        CountsInvalid: the sum of all counts is 2**63 and above.
    """
    import numpy as np

    if parts[0][0].shape[1] == 1 and sum(len(counts) for _, counts in parts) <= _HANDFUL:
        return _one_by_one(parts)
    words = np.concatenate([words for words, _ in parts])
    counts = np.concatenate([counts for _, counts in parts])
    largest = int(np.maximum.reduce(counts, initial=0))
    if largest * len(counts) >= _MOST_SHOTS:
        check_total(sum(counts.tolist()))
    return add_up(words, counts, most=largest * len(parts))


def add_up(
    words: Rows, counts: Numbers | None = None, *, most: int = _MOST_SHOTS - 1
) -> tuple[Rows, Numbers]:
    """The distinct rows, ascending by value, and the sum of the counts of each.

    Args:
        words: rows.
        counts: a positive number for each row, all together below 2**63; 1 if not given.
        most: no row has more, if that is known.
    """
    import numpy as np

    size = len(words)
    if words.shape[1] == 1 and size > _FEW:
        places = int(words.max()) + 1
        if places <= _SPARSE * size:
            return _in_a_table(words, counts, places, min(most, _MOST_SHOTS - 1))
    if counts is None:
        counts = np.ones(size, dtype=np.int64)
    if words.shape[1] > 1 and size > _MANY:
        words, counts = _side_by_side(words, counts, _hashed(words))
    return _side_by_side(words, counts, ascending(words))


def check_total(shots: int) -> int:
    """The sum of some counts, if it is one that counts can have.

    Raises:
        CountsInvalid: 2**63 and above.
    """
    if shots >= _MOST_SHOTS:
        message = f"{shots} shots are more than anybody can have asked for."
        raise CountsInvalid(message)
    return shots


def ascending(words: Rows) -> npt.NDArray[np.int64]:
    """The order of rows by value.

    Sorting numbers is several times faster than sorting the places of numbers. So as many of the
    first bits as leave room for the place are sorted together with it; and rows that are still
    alike are sorted again by the bits that follow, after the number of their group.
    """
    import numpy as np

    if len(words) <= _MANY:  # lexsort's last key is the primary one: the most significant word
        return np.lexsort(words.T)
    order = np.arange(len(words))
    alike = order.copy()  # the places in the order of rows that are not told apart yet
    groups = np.zeros(len(words), dtype=np.uint64)
    rest = _bits(words)
    while rest and len(alike):
        room = WORD - len(alike).bit_length()
        size = min(rest, room - int(groups[-1]).bit_length())
        rest -= size
        rows = order[alike]
        keys = groups << np.uint64(size)
        keys |= _slice(words, rest, size)[rows]
        places = _sort(keys, room)
        order[alike] = rows[places]
        edges = np.ones(len(alike) + 1, dtype=bool)
        np.not_equal(keys[1:], keys[:-1], out=edges[1:-1])
        left = np.flatnonzero(~(edges[1:] & edges[:-1]))
        alike = alike[left]
        groups = np.cumsum(edges[left], dtype=np.uint64)
    return order


def _one_by_one(parts: Sequence[tuple[Rows, Numbers]]) -> tuple[Rows, Numbers]:
    import numpy as np

    sums: dict[int, int] = {}
    for words, counts in parts:
        for outcome, number in zip(words[:, 0].tolist(), counts.tolist(), strict=True):
            sums[outcome] = sums.get(outcome, 0) + number
    check_total(sum(sums.values()))
    outcomes = sorted(sums)
    words = np.array(outcomes, dtype=np.uint64).reshape(-1, 1)
    return words, np.array([sums[outcome] for outcome in outcomes], dtype=np.int64)


def _in_a_table(
    words: Rows, counts: Numbers | None, places: int, most: int
) -> tuple[Rows, Numbers]:
    """Add up in a table with a place for each outcome, of the narrowest numbers that will do.

    The smaller the table, the more of it stays in a processor's cache.
    """
    import numpy as np

    outcomes = words[:, 0].view(np.int64)
    if counts is None:
        table = np.bincount(outcomes)
    else:
        table = _table(outcomes, counts, np.zeros(places, dtype=np.min_scalar_type(most)))
        if int(table.sum()) != int(counts.sum()):  # a part had equal rows, which it should not
            table = _table(outcomes, counts, np.zeros(places, dtype=np.int64))
    seen = np.flatnonzero(table != 0)  # several times faster than of the numbers themselves
    return seen.view(np.uint64).reshape(-1, 1), table[seen].astype(np.int64)


def _table(
    outcomes: npt.NDArray[np.int64], counts: Numbers, table: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    import numpy as np

    np.add.at(table, outcomes, counts.astype(table.dtype))
    return table


def _side_by_side(
    words: Rows, counts: Numbers, order: npt.NDArray[np.int64]
) -> tuple[Rows, Numbers]:
    """Rows in an order, those that are equal and side by side in it as one."""
    import numpy as np

    words, counts = words.take(order, axis=0), counts.take(order)
    first = np.ones(len(words), dtype=bool)
    first[1:] = words[1:, 0] != words[:-1, 0]
    for place in range(1, words.shape[1]):
        first[1:] |= words[1:, place] != words[:-1, place]
    (starts,) = first.nonzero()
    if len(starts) == len(words):
        return words, counts
    return words.take(starts, axis=0), np.add.reduceat(counts, starts)


def _hashed(words: Rows) -> npt.NDArray[np.int64]:
    """An order in which equal rows are side by side, unless others have the same hash."""
    import numpy as np

    factor = np.uint64(_FACTOR)
    hashes = words[:, 0] * factor
    for column in words.T[1:]:
        hashes ^= hashes >> np.uint64(29)
        hashes ^= column
        hashes *= factor
    room = WORD - len(words).bit_length()
    hashes >>= np.uint64(WORD - room)
    return _sort(hashes, room)


def _sort(keys: Rows, room: int) -> npt.NDArray[np.int64]:
    """Sort keys of at most ``room`` bits in place; the result is the places where they were."""
    import numpy as np

    shift = np.uint64(WORD - room)
    keys <<= shift
    keys |= np.arange(len(keys), dtype=np.uint64)
    keys.sort()
    places = (keys & np.uint64((1 << (WORD - room)) - 1)).view(np.int64)
    keys >>= shift
    return places


def _bits(words: Rows) -> int:
    """How many bits the largest row has."""
    for place in reversed(range(words.shape[1])):
        if largest := int(words[:, place].max()):
            return place * WORD + largest.bit_length()
    return 0


def _slice(words: Rows, start: int, size: int) -> Rows:
    """The bits of each row from ``start``, at most 64."""
    import numpy as np

    place, shift = divmod(start, WORD)
    bits: Rows = words[:, place] >> np.uint64(shift)
    if shift + size > WORD:
        bits |= words[:, place + 1] << np.uint64(WORD - shift)
    return bits & np.uint64((1 << size) - 1)
