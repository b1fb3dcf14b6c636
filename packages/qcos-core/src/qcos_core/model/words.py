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


def row_length(width: int) -> int:
    """How many words a row of so many bits has."""
    return max(1, -(-width // WORD))


def pack(outcomes: Sequence[int], width: int) -> npt.NDArray[np.uint64]:
    """Outcomes as rows, in their order; each must be at least 0 and fit ``width`` bits."""
    import numpy as np

    if width <= WORD:
        return np.array(outcomes, dtype=np.uint64).reshape(-1, 1)
    length = row_length(width)
    raw = b"".join([outcome.to_bytes(length * 8, "little") for outcome in outcomes])
    return np.frombuffer(raw, dtype="<u8").reshape(-1, length).astype(np.uint64)


def unpack(words: npt.NDArray[np.uint64]) -> list[int]:
    """Rows as outcomes."""
    if words.shape[1] == 1:
        outcomes: list[int] = words[:, 0].tolist()
        return outcomes
    raw, size = words.astype("<u8").tobytes(), words.shape[1] * 8
    return [
        int.from_bytes(raw[start : start + size], "little") for start in range(0, len(raw), size)
    ]


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
