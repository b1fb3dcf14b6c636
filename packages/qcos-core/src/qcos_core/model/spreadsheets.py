"""Results as rows that a spreadsheet can open, and nothing in them is a formula.

Names come from files, plugins and vendors. A spreadsheet runs a cell that begins with ``=``, ``+``,
``-`` or ``@``, so such a name gets an apostrophe before it; so does what follows a separator inside
a name, because not every spreadsheet cuts lines at commas. Outcomes begin with ``0b``, because
without it ``0010`` would be opened as ten, and a long one as a rounded number.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TextIO

from qcos_core.model.results import QVMResult, ShardRecord
from qcos_core.model.sweeps import SweepResult
from qcos_core.model.text import printable

PREFIX = "0b"
"""What outcomes begin with; the key of ``get_counts()`` follows."""

_COUNTS = ("outcome", "shots", "share")
_SHARDS = (
    "task",
    "node",
    "provider",
    "ran_on",
    "fallback",
    "method",
    "simulated",
    "exact",
    "shots",
    "attempts",
    "started",
    "seconds",
    "charges",
)
_POINT = "point"
_FORMULA = re.compile(r"(^|[,;|\"'])(?=\s*[=+\-@\uff0b\uff0d\uff1d\uff20])")


def write_counts(file: TextIO, result: QVMResult | SweepResult) -> None:
    """Write one row for each outcome: its key, shots and share.

    Of a sweep, each row begins with the point, counted from 0, and the values of its parameters.
    """
    writer = csv.writer(file, lineterminator="\n")
    if isinstance(result, QVMResult):
        writer.writerow(_COUNTS)
        writer.writerows(_counts(result))
        return
    own = (_POINT, *_COUNTS)
    names = [f"parameter {name}" if name in own else name for name in result.parameters]
    writer.writerow([_POINT, *map(cell, names), *_COUNTS])
    for place, (one, values) in enumerate(zip(result.results, result.points, strict=True)):
        if one is not None:
            writer.writerows([place, *values, *row] for row in _counts(one))


def write_shards(file: TextIO, result: QVMResult | SweepResult) -> None:
    """Write one row for each shard: where it ran, how, and when; of a sweep, at which point."""
    writer = csv.writer(file, lineterminator="\n")
    if isinstance(result, QVMResult):
        writer.writerow(_SHARDS)
        writer.writerows(map(_shard, result.shards))
        return
    writer.writerow([_POINT, *_SHARDS])
    for place, one in enumerate(result.results):
        if one is not None:
            writer.writerows([place, *_shard(record)] for record in one.shards)


def cell(text: object) -> str:
    """Text as a spreadsheet may have it: on one line, and no formula."""
    return _FORMULA.sub(r"\1'", printable(text))


def utc(seconds: float | None) -> datetime | None:
    """A time in seconds since the epoch, if it can be one."""
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _counts(result: QVMResult) -> Iterator[Sequence[object]]:
    if result.packed is None:
        return
    for key, shots in result.counts.items():
        yield f"{PREFIX}{key}", shots, shots / result.shots


def _shard(record: ShardRecord) -> Iterable[object]:
    started = utc(record.started)
    return (
        cell(record.task_id),
        cell(record.node_id),
        cell(record.provider),
        cell(record.executor),
        _answer(record.fallback),
        cell(record.method),
        _answer(record.simulated),
        _answer(record.exact),
        record.shots,
        record.attempts,
        "" if started is None else started.isoformat(timespec="milliseconds"),
        "" if record.seconds is None else record.seconds,
        cell(" + ".join(map(str, record.charges))),
    )


def _answer(state: bool | None) -> str:
    return "unknown" if state is None else "yes" if state else "no"
