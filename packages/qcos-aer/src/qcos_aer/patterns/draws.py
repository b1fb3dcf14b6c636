"""Draw the errors of all shots, and put together the shots whose errors come to the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer.patterns.compiled import Site
from qcos_aer.patterns.paulis import MARK

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Words = npt.NDArray[np.uint64]

_WORD = (1 << 64) - 1


@dataclass(frozen=True, eq=False)
class Table:
    """All that may strike, row by row: the terms of the first site, of the second, and so on.

    Attributes:
        sites: the site of each row.
        terms: which of the site's terms it is.
        starts: the first row of each site, and the number of rows.
        marks: two words of each row.
        flips: the bits of an outcome that each row flips.
        chances: of each site, that one of its terms strikes.
        ladder: the number of the site plus the chance, once it is struck, that it is by this
            term or by one in a row before.
    """

    sites: Integers
    terms: Integers
    starts: Integers
    marks: Words
    flips: Words
    chances: npt.NDArray[np.float64]
    ladder: npt.NDArray[np.float64]

    @classmethod
    def of(cls, sites: Sequence[Site]) -> Table:
        """The table of some sites."""
        import numpy as np

        lengths = np.array([len(site.terms) for site in sites], dtype=np.int64)
        effects = [effect for site in sites for effect in site.effects]
        marks = [(effect & _WORD, effect >> 64 & _WORD) for effect in effects]
        chances = [np.array([term.chance for term in site.terms]) for site in sites]
        ladders = [index + np.cumsum(row) / row.sum() for index, row in enumerate(chances)]
        return cls(
            np.repeat(np.arange(len(sites)), lengths),
            np.concatenate([np.arange(0), *map(np.arange, lengths)]),
            np.concatenate([[0], np.cumsum(lengths)]),
            np.array(marks, dtype=np.uint64).reshape(-1, 2),
            np.array([effect >> MARK for effect in effects], dtype=np.uint64),
            np.array([min(1.0, float(row.sum())) for row in chances]),
            np.concatenate([np.zeros(0), *ladders]),
        )


@dataclass(frozen=True, eq=False)
class Group:
    """Shots that are drawn from one state.

    Attributes:
        rows: the errors that make the state, ascending; rows of a :class:`Table`.
        flips: different bits to flip.
        shots: how many shots there are with each of those.
    """

    rows: Integers
    flips: Words
    shots: Integers


def groups(table: Table, shots: int, rng: np.random.Generator) -> list[Group]:
    """Draw what strikes in each shot.

    Returns:
        The shots, grouped; first those that nothing strikes, even if there are none of them.
    """
    import numpy as np

    shot, row = _strikes(table, shots, rng)
    starts = _starts(shot)
    ends = np.append(starts[1:], len(shot))
    struck = len(starts)
    if not struck:
        return [Group(row, np.zeros(1, dtype=np.uint64), np.array([shots]))]
    marks = np.bitwise_xor.reduceat(table.marks[row], starts)
    flips = np.bitwise_xor.reduceat(table.flips[row], starts)
    order = np.lexsort((flips, marks[:, 0], marks[:, 1]))
    marks, flips = marks[order], flips[order]
    new_marks = _changes(marks[:, 0]) | _changes(marks[:, 1])
    # shots of one group that flip the same bits
    first = np.flatnonzero(new_marks | _changes(flips))
    numbers = np.diff(np.append(first, struck))
    found: list[Group] = []
    alone = Group(row[:0], np.zeros(1, dtype=np.uint64), np.array([shots - struck]))
    cuts = np.flatnonzero(new_marks[first])
    for begin, end in zip(cuts, np.append(cuts[1:], len(first)), strict=True):
        mine, number = flips[first[begin:end]], numbers[begin:end]
        at = first[begin]
        if not marks[at].any():
            alone = Group(alone.rows, np.append(alone.flips, mine), np.append(alone.shots, number))
            continue
        example = order[at]
        rows = row[starts[example] : ends[example]]
        rows = rows[table.marks[rows].any(axis=1)]
        found.append(Group(rows, mine ^ np.bitwise_xor.reduce(table.flips[rows]), number))
    return [alone, *found]


def _strikes(table: Table, shots: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """What strikes: the shot and the row of each error, by shot, then by row."""
    import numpy as np

    struck, rows = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for chance in np.unique(table.chances):
        sites = np.flatnonzero(table.chances == chance)
        hits = _successes(float(chance), len(sites) * shots, rng)
        site = sites[hits // shots]
        row = np.searchsorted(table.ladder, site + rng.random(len(hits)), side="right")
        rows.append(np.minimum(row, table.starts[site + 1] - 1))
        struck.append(hits % shots)
    shot, row = np.concatenate(struck), np.concatenate(rows)
    order = np.lexsort((row, shot))
    return shot[order], row[order]


def _successes(chance: float, trials: int, rng: np.random.Generator) -> Integers:
    """Which of many independent trials succeed, in a time that depends on how many do."""
    import numpy as np

    found, last = [np.zeros(0, dtype=np.int64)], -1
    while last < trials - 1:
        expected = (trials - 1 - last) * chance
        gaps = rng.geometric(chance, int(expected + 4 * expected**0.5) + 8)
        found.append(last + np.cumsum(np.minimum(gaps, trials + 1)))
        last = int(found[-1][-1])
    successes: Integers = np.concatenate(found)
    return successes[: np.searchsorted(successes, trials)]


def _changes(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a value differs from the one before; the first does."""
    import numpy as np

    return np.concatenate([np.ones(min(1, len(values)), dtype=bool), values[1:] != values[:-1]])


def _starts(values: npt.NDArray[Any]) -> Integers:
    import numpy as np

    return np.flatnonzero(_changes(values))
