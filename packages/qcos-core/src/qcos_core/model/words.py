"""Outcomes as rows of 64-bit words: the packed form that counts and shots share.

Bit *i* of an outcome is classical bit *i* of its circuit. A row is uint64 of length
``max(1, ceil(width / 64))``, least significant word first.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qcos_core.errors import CountsInvalid

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

WORD = 64


def pack(outcomes: Sequence[int], width: int) -> npt.NDArray[np.uint64]:
    """Outcomes as rows, in their order; each must be at least 0 and fit ``width`` bits."""
    import numpy as np

    if width <= WORD:
        return np.array(outcomes, dtype=np.uint64).reshape(-1, 1)
    size = -(-width // WORD) * 8
    raw = b"".join([outcome.to_bytes(size, "little") for outcome in outcomes])
    return np.frombuffer(raw, dtype="<u8").reshape(-1, size // 8).astype(np.uint64)


def unpack(words: npt.NDArray[np.uint64]) -> list[int]:
    """Rows as outcomes."""
    if words.shape[1] == 1:
        outcomes: list[int] = words[:, 0].tolist()
        return outcomes
    raw, size = words.astype("<u8").tobytes(), words.shape[1] * 8
    return [
        int.from_bytes(raw[start : start + size], "little") for start in range(0, len(raw), size)
    ]


def bitstrings(words: npt.NDArray[np.uint64], width: int) -> list[str]:
    """Rows as strings of ``width`` bits, bit 0 on the right."""
    if not width:
        return [""] * len(words)
    pattern = f"0{width}b"
    return [format(outcome, pattern) for outcome in unpack(words)]


def add_up(
    words: npt.NDArray[np.uint64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The distinct rows, ascending by value, and the sum of the counts of each."""
    import numpy as np

    # lexsort's last key is the primary one: the most significant word
    order = np.lexsort(words.T)
    words, counts = words[order], counts[order]
    first = np.ones(len(words), dtype=bool)
    first[1:] = (words[1:] != words[:-1]).any(axis=1)
    starts = np.flatnonzero(first)
    summed = np.add.reduceat(counts, starts) if len(starts) else counts
    return words[starts], summed


def bits_of(words: npt.NDArray[np.uint64], places: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Some bits of each row, as ``qiskit.primitives.BitArray`` holds them.

    Args:
        words: rows.
        places: bit *i* of the result is bit ``places[i]`` of the row.

    Returns:
        uint8 of shape ``(rows, ceil(len(places) / 8))``, most significant byte first.
    """
    import numpy as np

    size = -(-len(places) // 8)
    result = np.zeros((len(words), size), dtype=np.uint8)
    for index, place in enumerate(places):
        bit = (words[:, place // WORD] >> np.uint64(place % WORD)).astype(np.uint8) & 1
        result[:, size - 1 - index // 8] |= bit << (index % 8)
    return result


def outcome_of(key: Any, width: int) -> int:
    """The outcome that a bitstring of ``width`` bits stands for; spaces are fine.

    Raises:
        CountsInvalid: not such a bitstring.
    """
    bits = key.replace(" ", "") if isinstance(key, str) else ""
    if isinstance(key, str) and len(bits) == width and not bits.strip("01"):
        return int(bits, 2) if bits else 0
    if isinstance(key, str) and key.lower().startswith("0x"):
        message = f"the key {key!r} is hexadecimal."
        raise CountsInvalid(message, hint=f"Return bitstrings of {width} bits.")
    message = f"the key {key!r} is not a bitstring of {width} bits."
    hint = "There must be one bit for each classical bit of the circuit, bit 0 on the right."
    raise CountsInvalid(message, hint=hint)


def integer(what: str, value: Any) -> int:
    """A whole number as an ``int``.

    Raises:
        CountsInvalid: not a whole number.
    """
    try:
        if type(value).__name__ == "bool":  # numpy's too, which is an index to some versions
            raise TypeError
        return operator.index(value)
    except TypeError:
        message = f"{what} must be an integer, not {value!r}."
        raise CountsInvalid(message) from None
