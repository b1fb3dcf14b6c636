"""Moving bits of outcomes to other places, by runs of places that follow one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qcos_core.model.words import WORD, row_length

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rows = npt.NDArray[np.uint64]
    Move = tuple[int, int, int]

_OCTETS = 8
"""Octets of a word."""
_FEW = 1000
"""More rows are worth tables."""


def gathered(words: Rows, places: Sequence[int]) -> Rows:
    """Rows whose bit *i* is bit ``places[i]`` of the given ones."""
    moves = [(place, index, size) for index, place, size in _runs(places)]
    return _moved(words, moves, len(places))


def scattered(words: Rows, places: Sequence[int], width: int) -> Rows:
    """Rows of ``width`` bits whose bit ``places[i]`` is bit *i* of the given ones; others are 0."""
    return _moved(words, list(_runs(places)), width)


def bits_of(words: Rows, places: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Some bits of each row, as ``qiskit.primitives.BitArray`` holds them.

    Args:
        words: rows.
        places: bit *i* of the result is bit ``places[i]`` of the row.

    Returns:
        uint8 of shape ``(rows, ceil(len(places) / 8))``, most significant byte first.
    """
    import numpy as np

    size = -(-len(places) // 8)
    rows = np.ascontiguousarray(gathered(words, places)[:, ::-1], dtype=">u8")
    return rows.view(np.uint8)[:, rows.shape[1] * 8 - size :].copy()


def _runs(places: Sequence[int]) -> Iterator[Move]:
    """Places that follow one another: the index of the first, the place, and how many.

    No run goes beyond a word, neither by index nor by place.
    """
    start = 0
    for index in range(1, len(places) + 1):
        if (
            index == len(places)
            or places[index] != places[index - 1] + 1
            or not (index % WORD and places[index] % WORD)
        ):
            yield start, places[start], index - start
            start = index


def _moved(words: Rows, moves: Sequence[Move], width: int) -> Rows:
    """Rows of ``width`` bits, to which the moves say what is moved; all other bits are 0."""
    octets = -(-max((source + size for source, _, size in moves), default=0) // 8)
    if len(moves) > 2 * octets and len(words) > _FEW:
        return _looked_up(words, moves, width, octets)
    return _by_runs(words, moves, width)


def _by_runs(words: Rows, moves: Sequence[Move], width: int) -> Rows:
    import numpy as np

    moved = np.zeros((len(words), row_length(width)), dtype=np.uint64)
    for source, target, size in moves:
        bits = words[:, source // WORD]
        if source % WORD:
            bits = bits >> np.uint64(source % WORD)
        bits = bits & np.uint64((1 << size) - 1)
        if target % WORD:
            bits <<= np.uint64(target % WORD)
        moved[:, target // WORD] |= bits
    return moved


def _looked_up(words: Rows, moves: Sequence[Move], width: int, octets: int) -> Rows:
    """Eight bits at a time, in a table of where they go."""
    import numpy as np

    moved = np.zeros((len(words), row_length(width)), dtype=np.uint64)
    columns = words.astype("<u8", copy=False).view(np.uint8)
    for octet in range(octets):
        every = np.zeros((256, words.shape[1]), dtype=np.uint64)
        every[:, octet // _OCTETS] = np.arange(256) << (octet % _OCTETS * 8)
        moved |= _by_runs(every, moves, width).take(columns[:, octet], axis=0)
    return moved
