"""Random numbers of which each branch has its own, whatever other branches draw, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer.evolve import drawn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Streams:
    """One generator, set to where in its sequence a branch begins.

    A branch draws how its shots part, and then where each of its parts begins: anywhere among
    2**128 places, so that no two of them meet.

    Args:
        seed: of the generator.

    Attributes:
        first: where the first branch begins.
    """

    def __init__(self, seed: int) -> None:
        import numpy as np

        self._bits = np.random.PCG64(seed)  # as default_rng has it; states below are of its form
        self._generator = np.random.Generator(self._bits)
        self._state: Any = self._bits.state
        self.first: int = self._state["state"]["state"]

    def at(self, stream: int) -> np.random.Generator:
        """The generator, set to where a branch begins."""
        self._state["state"]["state"] = stream
        self._bits.state = self._state
        return self._generator

    def more(self, number: int) -> list[int]:
        """Where so many parts of the branch begin that the generator is set to."""
        raw: list[int] = self._bits.random_raw(2 * number).tolist()
        return [high << 64 | low for high, low in zip(raw[::2], raw[1::2], strict=True)]


@dataclass(frozen=True)
class Parts:
    """Shots of some branches, parted by what was observed.

    Attributes:
        rows: int64 of shape ``(n,)``: the branch of each part.
        outcomes: int64 of shape ``(n,)``: what was observed.
        shots: of each part.
        streams: of each part; of none at the end.
    """

    rows: npt.NDArray[np.int64]
    outcomes: npt.NDArray[np.int64]
    shots: Sequence[int]
    streams: Sequence[int]


def parted(
    values: npt.NDArray[np.float64],
    shots: Sequence[int],
    streams: Sequence[int],
    source: Streams,
    *,
    last: bool,
) -> Parts:
    """Part the shots of branches by what is observed.

    Where only one outcome is possible nothing is drawn.

    Args:
        values: of shape ``(branches, outcomes)``; need not be normalised.
        shots: of each branch.
        streams: of each branch.
        source: of random numbers.
        last: whether the parts draw nothing more, and need no streams.
    """
    import numpy as np

    certain = (np.count_nonzero(values, axis=1) == 1).tolist()
    likeliest = values.argmax(axis=1).tolist()
    totals = values.sum(axis=1).tolist()
    rows: list[int] = []
    outcomes: list[int] = []
    numbers: list[int] = []
    begins: list[int] = []
    single: list[int] = []
    heights: list[float] = []
    for row, (number, stream) in enumerate(zip(shots, streams, strict=True)):
        if certain[row]:
            found, each = [likeliest[row]], [number]
        elif number == 1:  # where it falls is looked up below, for all such branches at once
            single.append(len(rows))
            heights.append(source.at(stream).random())
            found, each = [0], [1]
        elif values.shape[1] == 2:
            ones = source.at(stream).binomial(number, values[row, 1] / totals[row])
            both = ((0, number - ones), (1, ones))
            found = [outcome for outcome, times in both if times]
            each = [times for _, times in both if times]
        else:
            indices, times = drawn(values[row], number, source.at(stream))
            found, each = indices.tolist(), times.tolist()
        rows += [row] * len(found)
        outcomes += found
        numbers += each
        if not last:
            begins += [stream] if certain[row] else source.more(len(found))
    observed = np.array(outcomes, dtype=np.int64)
    branches = np.array(rows, dtype=np.int64)
    if single:
        ladders = np.cumsum(values[branches[single]], axis=1)
        # of the ladder's own last rung, which another way of adding up need not give
        below = ladders <= np.array(heights)[:, np.newaxis] * ladders[:, -1:]
        observed[single] = below.sum(axis=1)
    return Parts(branches, observed, numbers, begins)
