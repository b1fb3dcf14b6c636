"""Packed counts: the one currency between a node's answer and the user's dictionary.

An outcome is an integer whose bit *i* is classical bit *i* of the circuit. Outcomes are kept as
rows of 64-bit words, least significant word first, sorted, each once; 24 bytes stand where a
dictionary of 127-bit strings needs 218. Strings are made only at the edge, by :class:`Registers`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qcos_core.errors import CountsInvalid
from qcos_core.model.bitstrings import bitstrings, cut, outcome_of, words_of_many
from qcos_core.model.places import scattered
from qcos_core.model.sums import ascending, check_total, merged
from qcos_core.model.words import WORD, integer, pack, unpack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_FEW = 50
"""So many outcomes are packed one by one."""


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
        return self.keys([format(outcome, f"0{self.width}b") if self.width else ""])[0]

    def keys(self, bitstrings: Iterable[str]) -> list[str]:
        """Ungrouped bitstrings of full width, as keys."""
        cuts = self.cuts()
        return list(bitstrings) if cuts is None else [cut(bits, cuts) for bits in bitstrings]

    def cuts(self) -> list[tuple[int, int]] | None:
        """Where a bitstring of full width is cut for a key: start and end of each group of bits.

        ``None`` where a key is one group of all bits.
        """
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

        if not ({int}.issuperset(map(type, counts)) and _plain(counts.values())):
            counts = _cleaned(counts)
        few = len(counts) <= _FEW
        outcomes = sorted(counts) if few else list(counts)
        if outcomes and not 0 <= min(outcomes) <= max(outcomes) < 1 << width:
            message = f"outcomes up to {max(outcomes)} do not fit {width} classical bits."
            raise CountsInvalid(message)
        check_total(sum(counts.values()))
        words = pack(outcomes, width)
        numbers = np.array([counts[outcome] for outcome in outcomes], dtype=np.int64)
        return cls(width, words, numbers) if few else cls._in_order(width, words, numbers)

    @classmethod
    def from_bitstrings(cls, counts: Mapping[str, int], width: int) -> PackedCounts:
        """Pack ``{"0110": shots}`` as a provider returns it; spaces between registers are fine.

        Raises:
            CountsInvalid: not a mapping; a key that is not a bitstring of ``width`` bits; two
                keys for one outcome; a number that is negative or not whole.
        """
        import numpy as np

        if not isinstance(counts, Mapping):
            message = f"counts must map bitstrings to shots, got {type(counts).__name__}."
            raise CountsInvalid(message)
        words = words_of_many(list(counts), width) if len(counts) > _FEW else None
        if words is None or not _plain(counts.values()):
            return cls.from_ints(_outcomes(counts, width), width)
        check_total(sum(counts.values()))
        numbers = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
        return cls._in_order(width, words, numbers)

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

        words = indices.astype(np.uint64).reshape(-1, 1)
        in_place = not places or places[-1] == len(places) - 1
        if not in_place or width > WORD:
            words = scattered(words, places, width)
        return cls(width, words, counts.astype(np.int64))

    @classmethod
    def merge(cls, parts: Sequence[PackedCounts]) -> PackedCounts:
        """Add up counts of one width.

        Raises:
            CountsInvalid: nothing to merge, or different widths, or the sum of all counts is
                2**63 and above.
        """
        widths = {part.width for part in parts}
        if len(widths) != 1:
            message = f"cannot merge counts of widths {sorted(widths)}."
            raise CountsInvalid(message)
        if len(parts) == 1:
            return parts[0]
        return cls(parts[0].width, *merged([(part.words, part.counts) for part in parts]))

    @classmethod
    def _in_order(
        cls, width: int, words: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int64]
    ) -> PackedCounts:
        order = ascending(words)
        return cls(width, words.take(order, axis=0), numbers.take(order))

    @cached_property
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
        keys = bitstrings(self.words, self.width, registers.cuts())
        return dict(zip(keys, self.counts.tolist(), strict=True))

    def to_json(self) -> dict[str, Any]:
        """JSON-able data; :meth:`from_json` reads it back."""
        return {"width": self.width, "counts": {hex(k): n for k, n in self.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PackedCounts:
        """Read what :meth:`to_json` wrote."""
        outcomes = {int(key, 16): number for key, number in data["counts"].items()}
        return cls.from_ints(outcomes, int(data["width"]))


def _plain(numbers: Collection[Any]) -> bool:
    """Whether all are plain integers above 0, as they are but for a few."""
    return {int}.issuperset(map(type, numbers)) and min(numbers, default=1) > 0


def _outcomes(counts: Mapping[Any, Any], width: int) -> dict[int, Any]:
    outcomes: dict[int, Any] = {}
    for key, number in counts.items():
        outcome = outcome_of(key, width)
        if outcome in outcomes:
            message = f"the outcome {key!r} appears under two keys."
            raise CountsInvalid(message)
        outcomes[outcome] = number
    return outcomes


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
