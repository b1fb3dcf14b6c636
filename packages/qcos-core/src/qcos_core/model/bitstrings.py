"""Outcomes as text, which is what people and providers read and write.

A string for each outcome is costly, however it is made, so many are made at once: as lines of one
text, eight bits at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from qcos_core.errors import CountsInvalid
from qcos_core.model.words import row_length, unpack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Cuts = Sequence[tuple[int, int]]

_FEW = 50
"""So many are written one by one."""
_CHARACTERS = 1 << 20
"""Characters that are handled at a time, so that they stay in a processor's cache."""
_SPACE, _ZERO = b" 0"


def bitstrings(words: npt.NDArray[np.uint64], width: int, cuts: Cuts | None = None) -> list[str]:
    """Rows as strings of ``width`` bits, bit 0 on the right.

    Args:
        words: rows.
        width: bits of a row.
        cuts: start and end of each group of bits, counted from the left; there is a space between
            groups. One group of all bits, if not given.
    """
    if len(words) <= _FEW or not width:
        pattern = f"0{width}b" if width else ""
        strings = [format(outcome, pattern) if width else "" for outcome in unpack(words)]
        return strings if cuts is None else [cut(string, cuts) for string in strings]
    groups = [range(width)[start:end] for start, end in cuts or [(0, width)]]
    lines: list[str] = []
    step = max(1, _CHARACTERS // width)
    for start in range(0, len(words), step):
        lines += _lines(words[start : start + step], width, groups)
    return lines


def cut(bits: str, cuts: Cuts) -> str:
    """Groups of bits with a space between them."""
    return " ".join([bits[start:end] for start, end in cuts])


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


def words_of_many(keys: Sequence[Any], width: int) -> npt.NDArray[np.uint64] | None:
    """Bitstrings of ``width`` bits as rows, in their order, if all have spaces in the same places.

    Args:
        keys: at least one.
        width: bits of a row.

    Returns:
        ``None`` if they have not, or some are no such bitstrings.
    """
    import numpy as np

    length = len(keys[0]) if type(keys[0]) is str else 0
    if set(map(type, keys)) != {str} or set(map(len, keys)) != {length}:
        return None
    bits = [place for place, sign in enumerate(keys[0]) if sign != " "]
    spaces = [place for place, sign in enumerate(keys[0]) if sign == " "]
    text = "".join(keys)
    if len(bits) != width or not (width and text.isascii()):
        return None
    signs = np.frombuffer(text.encode(), dtype=np.uint8).reshape(len(keys), length)
    if (signs[:, spaces] != _SPACE).any():
        return None
    words = np.zeros((len(keys), row_length(width)), dtype="<u8")
    octets = words.view(np.uint8)[:, : -(-width // 8)]
    columns = bits[::-1] if spaces else slice(None, None, -1)
    step = max(1, _CHARACTERS // length)
    for start in range(0, len(keys), step):
        digits = signs[start : start + step, columns] - np.uint8(_ZERO)
        if digits.max() > 1:
            return None
        octets[start : start + step] = np.packbits(digits, axis=1, bitorder="little")
    return words.astype(np.uint64, copy=False)


def _lines(words: npt.NDArray[np.uint64], width: int, groups: Sequence[range]) -> list[str]:
    import numpy as np

    size = -(-width // 8)
    octets = words.astype("<u8").view(np.uint8)[:, :size][:, ::-1]
    bits = _eights().take(octets).view(np.uint8)[:, size * 8 - width :]
    length = sum(map(len, groups)) + len(groups)
    text = np.full((len(words), length), _SPACE, dtype=np.uint8)
    text[:, -1] = ord("\n")
    start = 0
    for group in groups:
        text[:, start : start + len(group)] = bits[:, group.start : group.stop]
        start += len(group) + 1
    return str(text.reshape(-1)[:-1].data, "ascii").split("\n")


@cache
def _eights() -> npt.NDArray[np.uint64]:
    """The eight characters of each octet, as one number."""
    import numpy as np

    text = "".join([format(octet, "08b") for octet in range(256)])
    return np.frombuffer(text.encode(), dtype=np.uint64)
