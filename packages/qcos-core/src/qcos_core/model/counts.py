"""Packed counts: the one currency between a node's answer and the user's dictionary.

An outcome is an integer whose bit *i* is classical bit *i* of the circuit. Outcomes are kept as
rows of 64-bit words, least significant word first, sorted, each once; 24 bytes stand where a
dictionary of 127-bit strings needs 218. Strings are made only at the edge, by :class:`Registers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.errors import CountsInvalid
from qcos_core.model.words import (
    WORD,
    add_up,
    bitstrings,
    integer,
    outcome_of,
    pack,
    unpack,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MOST_SHOTS = 2**63


@dataclass(frozen=True, slots=True)
class Registers:
    """The classical registers of a circuit, in order, as Qiskit writes them into keys.

    Attributes:
        width: number of classical bits of the circuit.
        sizes: ``(name, size)`` of each classical register, in the circuit's order.
        places: the classical bits of each register, where they do not simply follow one another:
            registers may share bits, and loose bits may stand between them.
    """

    width: int
    sizes: tuple[tuple[str, int], ...] = ()
    places: tuple[tuple[int, ...], ...] = ()

    def bits(self) -> dict[str, Sequence[int]]:
        """The classical bits of each register, by its name; bit 0 of the register first."""
        if self.places:
            return {name: bits for (name, _), bits in zip(self.sizes, self.places, strict=True)}
        found: dict[str, Sequence[int]] = {}
        start = 0
        for name, size in self.sizes:
            found[name] = range(start, start + size)
            start += size
        return found

    def key(self, outcome: int) -> str:
        """The key of one outcome, as ``qiskit.result.Result.get_counts`` would write it.

        One group of bits per register, the last register first, a space between groups. Qiskit
        cuts the groups by size alone; where loose bits stand beside registers its keys lose the
        bits that are left over, and with them whole outcomes, so there the key is one group of
        all bits.
        """
        return self._group(format(outcome, f"0{self.width}b") if self.width else "")

    def keys(self, bitstrings: Iterable[str]) -> list[str]:
        """Ungrouped bitstrings of full width, as keys."""
        cuts = self._cuts()
        if cuts is None:
            return list(bitstrings)
        return [" ".join([bits[a:b] for a, b in cuts]) for bits in bitstrings]

    def _group(self, bits: str) -> str:
        cuts = self._cuts()
        return bits if cuts is None else " ".join([bits[a:b] for a, b in cuts])

    def _cuts(self) -> list[tuple[int, int]] | None:
        if len(self.sizes) == 1 and self.sizes[0][1] == self.width:
            return None
        if not self.sizes or sum(size for _, size in self.sizes) < self.width:
            return None
        cuts, start = [], 0
        for _, size in reversed(self.sizes):
            cuts.append((start, start + size))
            start += size
        return cuts


@dataclass(frozen=True, eq=False)
class PackedCounts:
    """Outcomes and how often each was seen.

    Make one with :meth:`from_ints`, :meth:`from_bitstrings` or :meth:`merge`; the constructor
    takes arrays that are already sorted and unique.

    Attributes:
        width: bits of an outcome.
        words: outcomes, uint64 of shape ``(n, max(1, ceil(width / 64)))``, least significant
            word first, rows ascending by value.
        counts: int64 of shape ``(n,)``, all positive.
    """

    width: int
    words: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.int64]

    @classmethod
    def from_ints(cls, counts: Mapping[int, int], width: int) -> PackedCounts:
        """Pack ``{outcome: shots}``; zero entries are dropped.

        Raises:
            CountsInvalid: an outcome does not fit ``width``, a number is negative or not whole,
                or the sum is 2**63 and above.
        """
        import numpy as np

        if not all(type(n) is int and n > 0 for n in counts.values()) or any(
            type(k) is not int for k in counts
        ):
            counts = _cleaned(counts)
        outcomes = sorted(counts)
        if outcomes and not 0 <= outcomes[0] <= outcomes[-1] < 1 << width:
            message = f"outcomes up to {outcomes[-1]} do not fit {width} classical bits."
            raise CountsInvalid(message)
        if sum(counts.values()) >= _MOST_SHOTS:
            message = f"{sum(counts.values())} shots are more than anybody can have asked for."
            raise CountsInvalid(message)
        numbers = np.array([counts[k] for k in outcomes], dtype=np.int64)
        return cls(width, pack(outcomes, width), numbers)

    @classmethod
    def from_bitstrings(cls, counts: Mapping[str, int], width: int) -> PackedCounts:
        """Pack ``{"0110": shots}`` as a provider returns it; spaces between registers are fine.

        Raises:
            CountsInvalid: not a mapping; a key that is not a bitstring of ``width`` bits; two
                keys for one outcome; a number that is negative or not whole.
        """
        if not isinstance(counts, Mapping):
            message = f"counts must map bitstrings to shots, got {type(counts).__name__}."
            raise CountsInvalid(message)
        outcomes: dict[int, int] = {}
        for key, number in counts.items():
            outcome = outcome_of(key, width)
            if outcome in outcomes:
                message = f"the outcome {key!r} appears under two keys."
                raise CountsInvalid(message)
            outcomes[outcome] = number
        return cls.from_ints(outcomes, width)

    @classmethod
    def from_indices(
        cls,
        indices: npt.NDArray[Any],
        counts: npt.NDArray[Any],
        *,
        places: Sequence[int],
        width: int,
    ) -> PackedCounts:
        """Pack what a simulator drew from a vector of probabilities.

        Args:
            indices: integers of shape ``(n,)``, ascending, each once; bit *j* of an index is
                classical bit ``places[j]`` of the outcome.
            counts: positive integers of shape ``(n,)``.
            places: classical bits, ascending, which keeps outcomes in the order of indices.
            width: classical bits of the circuit; those not in ``places`` are 0.
        """
        import numpy as np

        indices = indices.astype(np.uint64)
        words = np.zeros((len(indices), max(1, -(-width // WORD))), dtype=np.uint64)
        if len(places) <= WORD and list(places) == list(range(len(places))):
            words[:, 0] = indices
        else:
            for j, place in enumerate(places):
                bit = (indices >> np.uint64(j)) & np.uint64(1)
                words[:, place // WORD] |= bit << np.uint64(place % WORD)
        return cls(width, words, counts.astype(np.int64))

    @classmethod
    def merge(cls, parts: Sequence[PackedCounts]) -> PackedCounts:
        """Add up counts of one width.

        Raises:
            CountsInvalid: nothing to merge, or different widths.
        """
        import numpy as np

        widths = {part.width for part in parts}
        if len(widths) != 1:
            message = f"cannot merge counts of widths {sorted(widths)}."
            raise CountsInvalid(message)
        if len(parts) == 1:
            return parts[0]
        words = np.concatenate([part.words for part in parts])
        counts = np.concatenate([part.counts for part in parts])
        return cls(parts[0].width, *add_up(words, counts))

    @property
    def shots(self) -> int:
        """The sum of all counts."""
        return int(self.counts.sum())

    def __len__(self) -> int:
        return len(self.counts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedCounts):
            return NotImplemented
        import numpy as np

        return (
            self.width == other.width
            and np.array_equal(self.words, other.words)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]

    def items(self) -> Iterator[tuple[int, int]]:
        """``(outcome, shots)`` pairs, outcomes ascending."""
        return zip(unpack(self.words), self.counts.tolist(), strict=True)

    def to_dict(self, registers: Registers) -> dict[str, int]:
        """The dictionary a user sees, keys as Qiskit's ``get_counts`` writes them."""
        keys = registers.keys(bitstrings(self.words, self.width))
        return dict(zip(keys, self.counts.tolist(), strict=True))

    def to_json(self) -> dict[str, Any]:
        """JSON-able data; :meth:`from_json` reads it back."""
        return {"width": self.width, "counts": {hex(k): n for k, n in self.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PackedCounts:
        """Read what :meth:`to_json` wrote."""
        outcomes = {int(key, 16): number for key, number in data["counts"].items()}
        return cls.from_ints(outcomes, int(data["width"]))


def _cleaned(counts: Mapping[Any, Any]) -> dict[int, int]:
    """Counts with plain integers, and without zero entries."""
    whole = {integer("an outcome", key): _whole(number) for key, number in counts.items()}
    return {outcome: number for outcome, number in whole.items() if number}


def _whole(number: Any) -> int:
    whole = integer("a number of shots", number)
    if whole < 0:
        message = f"a number of shots must not be negative, got {whole}."
        raise CountsInvalid(message)
    return whole
