"""Answers as bytes: a checksum, a header in JSON, then the arrays as they lie in memory.

SQLite does not notice if a disk changes what it holds, and a changed count looks like any other.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

from qcos_core.errors import LedgerUnusable
from qcos_core.ledger.documents import Reader, Writer
from qcos_core.model import data as saved_data
from qcos_core.model.answers import Answer
from qcos_core.model.counts import PackedCounts
from qcos_core.model.results import ShardRecord
from qcos_core.model.seam import Task
from qcos_core.model.shots import PackedShots
from qcos_core.model.words import WORD

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_CHECKSUM = struct.Struct("<I")
_SIZE = struct.Struct("<Q")


class _Arrays:
    """Arrays that lie one after the other."""

    def __init__(self, content: bytes, start: int) -> None:
        self._content = content
        self._start = start

    def words(self, width: int, rows: int) -> npt.NDArray[np.uint64]:
        """Outcomes of so many bits."""
        import numpy as np

        columns = max(1, -(-width // WORD))
        return self._next("<u8", rows * columns).astype(np.uint64).reshape(rows, columns)

    def numbers(self, rows: int) -> npt.NDArray[np.int64]:
        """Whole numbers."""
        import numpy as np

        return self._next("<i8", rows).astype(np.int64)

    def _next(self, kind: str, size: int) -> npt.NDArray[Any]:
        import numpy as np

        found = np.frombuffer(self._content, kind, size, self._start)
        self._start += found.nbytes
        return found


def pack(answer: Answer, writer: Writer) -> bytes:
    """An answer as bytes.

    What a circuit saved is kept as results keep it: see ``qcos_core.model.data.to_json``.

    Args:
        answer: the answer.
        writer: keeps the objects among its task's options.
    """
    counts, memory = answer.counts, answer.memory
    header = {
        "task": writer.write(answer.task),
        "record": writer.write(answer.record),
        "counts": None if counts is None else [counts.width, len(counts)],
        "memory": None if memory is None else [memory.width, len(memory)],
        "data": None if answer.data is None else saved_data.to_json(answer.data),
        "warning": answer.warning,
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    arrays: list[bytes] = []
    if counts is not None:
        arrays += [counts.words.astype("<u8").tobytes(), counts.counts.astype("<i8").tobytes()]
    if memory is not None:
        arrays.append(memory.words.astype("<u8").tobytes())
    content = b"".join([_SIZE.pack(len(text)), text, *arrays])
    return _CHECKSUM.pack(zlib.crc32(content)) + content


def unpack(content: bytes, reader: Reader) -> Answer:
    """The answer that :func:`pack` packed.

    Raises:
        LedgerUnusable: :func:`pack` did not write this.
    """
    try:
        return _unpack(content, reader)
    except (KeyError, TypeError, ValueError, struct.error) as error:
        message = f"an answer in the ledger is damaged: {type(error).__name__}: {error}."
        raise LedgerUnusable(message) from error


def _unpack(content: bytes, reader: Reader) -> Answer:
    (checksum,) = _CHECKSUM.unpack_from(content)
    content = content[_CHECKSUM.size :]
    if zlib.crc32(content) != checksum:
        message = "it does not have the checksum it was written with"
        raise ValueError(message)
    (size,) = _SIZE.unpack_from(content)
    header = json.loads(content[_SIZE.size : _SIZE.size + size])
    arrays = _Arrays(content, _SIZE.size + size)
    counts = memory = None
    if header["counts"] is not None:
        width, length = header["counts"]
        counts = PackedCounts(width, arrays.words(width, length), arrays.numbers(length))
    if header["memory"] is not None:
        width, length = header["memory"]
        memory = PackedShots(width, arrays.words(width, length))
    data = header["data"]
    return Answer(
        task=reader.read(header["task"], Task),
        record=reader.read(header["record"], ShardRecord),
        counts=counts,
        memory=memory,
        data=None if data is None else saved_data.from_json(data),
        warning=header["warning"],
    )
