"""Packed shots: outcomes one by one, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcos_core.errors import CountsInvalid
from qcos_core.model.bitstrings import bitstrings, outcome_of, words_of_many
from qcos_core.model.counts import PackedCounts, Registers
from qcos_core.model.places import bits_of
from qcos_core.model.sums import add_up
from qcos_core.model.words import pack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST = 10**8
"""Most shots that are kept one by one.

They take 800 MB for each 64 classical bits, and half of that more while they are drawn.
"""

_SHUFFLE = 1


@dataclass(frozen=True, eq=False)
class PackedShots:
    """Outcomes shot by shot.

    Attributes:
        width: bits of an outcome.
        words: uint64 of shape ``(shots, max(1, ceil(width / 64)))``, least significant word
            first; bit *i* of a row is classical bit *i* of the circuit.
    """

    width: int
    words: npt.NDArray[np.uint64]

    @classmethod
    def from_bitstrings(cls, keys: Iterable[str], width: int) -> PackedShots:
        """Pack one bitstring for each shot, as a provider returns them.

        Raises:
            CountsInvalid: a key that is not a bitstring of ``width`` bits.
        """
        if isinstance(keys, str):  # would be read bit by bit
            message = f"memory must be a list of bitstrings, got {keys!r}."
            raise CountsInvalid(message)
        keys = list(keys)
        words = words_of_many(keys, width) if keys else None
        if words is None:
            words = pack([outcome_of(key, width) for key in keys], width)
        return cls(width, words)

    @classmethod
    def from_ints(cls, outcomes: Sequence[int], width: int) -> PackedShots:
        """Pack one outcome for each shot; each must be at least 0 and fit ``width`` bits."""
        return cls(width, pack(outcomes, width))

    @classmethod
    def shuffled(cls, counts: PackedCounts, seed: int) -> PackedShots:
        """The shots of some counts in a random order.

        Shots of a simulator are independent and alike, so any order is as likely as the one in
        which they were made. Slices of these are unbiased, and those of sorted shots are not.

        Raises:
            CountsInvalid: more than 10**8 shots.
        """
        import numpy as np

        _check_number(counts)
        # a stream of its own: the same seed may have drawn the counts
        rng = np.random.default_rng((seed, _SHUFFLE))
        if counts.words.shape[1] == 1:
            words = np.repeat(counts.words[:, 0], counts.counts)
            rng.shuffle(words)
            return cls(counts.width, words.reshape(-1, 1))
        places = np.repeat(np.arange(len(counts), dtype=np.int32), counts.counts)
        rng.shuffle(places)
        return cls(counts.width, counts.words.take(places, axis=0))

    @classmethod
    def sorted(cls, counts: PackedCounts) -> PackedShots:
        """The shots of some counts, equal ones side by side; for what their order cannot change.

        Raises:
            CountsInvalid: more than 10**8 shots.
        """
        import numpy as np

        _check_number(counts)
        return cls(counts.width, np.repeat(counts.words, counts.counts, axis=0))

    @classmethod
    def join(cls, parts: Sequence[PackedShots]) -> PackedShots:
        """Shots one after the other; all of one width."""
        import numpy as np

        if len(parts) == 1:
            return parts[0]
        return cls(parts[0].width, np.concatenate([part.words for part in parts]))

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, shots: slice) -> PackedShots:
        return PackedShots(self.width, self.words[shots])

    def counts(self) -> PackedCounts:
        """How often each outcome was seen."""
        return PackedCounts(self.width, *add_up(self.words))

    def keys(self, registers: Registers) -> list[str]:
        """One key for each shot, as Qiskit's ``get_memory`` writes them."""
        return bitstrings(self.words, self.width, registers.cuts())

    def bits(self, places: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Some bits of each shot, as ``qiskit.primitives.BitArray`` holds them.

        Args:
            places: bit *i* of the result is classical bit ``places[i]``.

        Returns:
            uint8 of shape ``(shots, ceil(len(places) / 8))``, most significant byte first.
        """
        return bits_of(self.words, places)


def _check_number(counts: PackedCounts) -> None:
    if counts.shots > MOST:
        message = f"{counts.shots:,} shots are too many to be kept one by one; most {MOST:,}."
        raise CountsInvalid(message, hint="Use the counts.")
