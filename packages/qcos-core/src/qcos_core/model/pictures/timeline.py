"""Shards over nodes, as they ran."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.model.pictures.figure import (
    BLUE,
    COLOURS,
    GREY,
    NODE,
    ORANGE,
    check_path,
    drawable,
    finish,
    headings,
    known,
    new_figure,
)
from qcos_core.model.pictures.histogram import ordinal
from qcos_core.model.text import duration, plural, printable, shorten

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qcos_core.model.results import QVMResult, ShardRecord

_NAME = 60
_ROWS = 40  # up to so many rows of a timeline have a label each
_MARKED = 20  # numbers of attempts that have room in one row
_WRITTEN = 30  # up to so many shards have their shots written on them


@dataclass(frozen=True)
class _Bar:
    """One shard in a timeline: where it stands, and in which of its node's rows."""

    record: ShardRecord
    circuit: int
    start: float
    seconds: float | None
    row: int


def timeline(
    results: QVMResult | Iterable[QVMResult | None], path: str | PathLike[str] | None = None
) -> Figure:
    """When each shard ran, and where; one row for each node.

    Args:
        results: what ``qvm.run`` returned, one result or a list; ``None`` stands where nothing
            came back.
        path: where to write the picture; .png, .svg or .pdf.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        InvalidArguments: no matplotlib, or a path that cannot be written to.
    """
    from qcos_core.model.results import QVMResult

    given = [results] if isinstance(results, QVMResult) else list(results)
    came_back = [result for result in given if result is not None]
    target = None if path is None else check_path(path)
    bars, rows, unknown = _bars(came_back)
    heights = [rows.count(node) for node in dict.fromkeys(rows)]
    figure = new_figure(min(14.0, 2.0 + 0.32 * max(len(rows), 2)))
    axes = figure.subplots()
    first = min((bar.start for bar in bars), default=0.0)
    span = _span(bars)
    scale, unit = _unit(span)
    coloured = 1 < len(came_back) <= len(COLOURS)
    for bar in bars:
        _draw(axes, bar, first, span, scale, coloured=coloured, written=len(bars) <= _WRITTEN)
    written = dict.fromkeys(range(len(rows)), -math.inf)
    for bar in bars:
        if bar.record.attempts > 1:
            free = len(rows) <= _ROWS and bar.start - written[bar.row] > span / _MARKED
            _draw_again(axes, bar, (bar.start - first) * scale, written=free)
            written[bar.row] = bar.start if free else written[bar.row]
    _node_axis(axes, list(dict.fromkeys(rows)), heights)
    axes.set_xlim(-0.01 * span * scale, 1.01 * span * scale)
    axes.set_xlabel(f"{unit} since the first shard began", fontsize=9)
    axes.grid(axis="x", alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    _legend(figure, bars, came_back if coloured else ())
    one = len(came_back) == 1
    title = printable(came_back[0].name) if one else plural(len(came_back), "circuit")
    title = shorten(title, _NAME)
    used = f"{plural(len(bars) + unknown, 'shard')} on {plural(len(heights), 'node')}"
    headings(axes, title, [f"{used}; {duration(span)} from the first to the last"])
    if unknown:
        note = f"Note: {plural(unknown, 'shard')} without a time of their own cannot be shown."
        figure.supxlabel(note, fontsize=8, fontstyle="italic")
    return finish(figure, target, f"Timeline of {title}: {used}")


def _bars(results: Sequence[QVMResult]) -> tuple[list[_Bar], list[str], int]:
    """Bars, the node of each row from the top, and how many shards have no time.

    Shards of a node that ran side by side stand in rows of their own.
    """
    found = [(place, record) for place, one in enumerate(results) for record in one.shards]
    timed = [
        (place, record, record.started)
        for place, record in found
        if record.started is not None and math.isfinite(record.started)
    ]
    ends: dict[str, list[float]] = {}
    placed = []
    for place, record, start in sorted(timed, key=lambda item: item[2]):
        rows = ends.setdefault(record.node_id, [])
        seconds = known(record.seconds)
        # clocks may differ by a little: what began just before another's end still followed it
        slack = 0.02 * (seconds or 0.0)
        row = next((row for row, end in enumerate(rows) if end <= start + slack), len(rows))
        rows[row : row + 1] = [start + (seconds or 0.0)]
        placed.append((place, record, start, seconds, row))
    offsets: dict[str, int] = {}
    rows_of: list[str] = []
    for node in dict.fromkeys(record.node_id for _, record in found):
        if node in ends:
            offsets[node] = len(rows_of)
            rows_of += [node] * len(ends[node])
    bars = [
        _Bar(record, place, start, seconds, offsets[record.node_id] + row)
        for place, record, start, seconds, row in placed
    ]
    return bars, rows_of, len(found) - len(timed)


def _span(bars: Sequence[_Bar]) -> float:
    first = min((bar.start for bar in bars), default=0.0)
    last = max((bar.start + (bar.seconds or 0.0) for bar in bars), default=0.0)
    return max(last - first, 1e-6)


def _unit(span: float) -> tuple[float, str]:
    if span < 1e-3:
        return 1e6, "microseconds"
    if span < 1:
        return 1e3, "milliseconds"
    if span < 300:
        return 1.0, "seconds"
    return (1 / 60, "minutes") if span < 3 * 3600 else (1 / 3600, "hours")


def _draw(
    axes: Axes, bar: _Bar, first: float, span: float, scale: float, *, coloured: bool, written: bool
) -> None:
    left, length = (bar.start - first) * scale, (bar.seconds or 0.0) * scale
    colour = COLOURS[bar.circuit] if coloured else BLUE
    hatch = ""
    ink = "white" if colour == BLUE else "black"
    if bar.record.fallback:
        colour, hatch = colour if coloured else ORANGE, "///"
        ink = ink if coloured else "black"
    if bar.seconds is None:
        axes.plot([left], [bar.row], marker="D", color=colour, markersize=6, clip_on=False)
        return
    seen = max(length, 0.003 * span * scale)  # a short one is to be seen too
    narrow = seen < 0.01 * span * scale
    edge = colour if narrow and not hatch else "white"
    axes.barh(
        bar.row,
        seen,
        height=0.72,
        left=left,
        color=colour,
        hatch=hatch,
        edgecolor=ink if hatch else edge,
        linewidth=0.5,
    )
    text = f"{bar.record.shots:,}"
    if written and length > (0.012 * len(text) + 0.02) * span * scale and not hatch:
        axes.text(
            left + seen / 2,
            bar.row,
            text,
            ha="center",
            va="center",
            fontsize=7,
            color=ink,
        )


def _draw_again(axes: Axes, bar: _Bar, left: float, *, written: bool) -> None:
    axes.plot(
        [left],
        [bar.row - 0.36],
        marker="v",
        color="black",
        markeredgecolor="white",
        markersize=7,
        clip_on=False,
        linestyle="none",
    )
    if written:
        axes.annotate(
            f"{bar.record.attempts}x",
            (left, bar.row - 0.36),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color="black",
            bbox={"facecolor": "white", "edgecolor": "black", "linewidth": 0.4, "pad": 0.8},
        )


def _node_axis(axes: Axes, nodes: list[str], heights: Sequence[int]) -> None:
    tops = [sum(heights[:place]) for place in range(len(nodes))]
    step = max(1, math.ceil(sum(heights) / _ROWS))
    if step > len(nodes):
        step = 1
    middles = [top + (height - 1) / 2 for top, height in zip(tops, heights, strict=True)]
    names = [drawable(shorten(printable(node), NODE)) for node in nodes]
    axes.set_yticks(middles[::step], names[::step], fontsize=8)
    for top in tops[1:]:
        axes.axhline(top - 0.5, color="grey", linewidth=0.4, alpha=0.5)
    axes.set_ylim(max(sum(heights), 1) - 0.4, -0.7)
    every = f"node; every {ordinal(step)} has a name" if step > 1 else "node"
    axes.set_ylabel(every, fontsize=9)
    axes.tick_params(axis="x", labelsize=8)


def _legend(figure: Figure, bars: Sequence[_Bar], circuits: Sequence[QVMResult]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(color=COLOURS[place], label=shorten(printable(one.name), NODE))
        for place, one in enumerate(circuits)
    ]
    if not circuits:
        handles.append(Patch(color=BLUE, label="shard and its shots"))
    if len(bars) > _WRITTEN and not circuits:
        handles = [Patch(color=BLUE, label="shard")]
    if any(bar.record.fallback for bar in bars):
        colour = GREY if circuits else ORANGE
        label = "ran on a fallback"
        handles.append(Patch(facecolor=colour, edgecolor="black", hatch="///", label=label))
    if any(bar.record.attempts > 1 for bar in bars):
        marker: dict[str, Any] = {
            "marker": "v",
            "color": "black",
            "linestyle": "none",
            "markersize": 7,
        }
        handles.append(Line2D([], [], label="tried again; last attempt", **marker))
    if any(bar.seconds is None for bar in bars):
        marker = {"marker": "D", "color": BLUE, "linestyle": "none", "markersize": 6}
        handles.append(Line2D([], [], label="length unknown", **marker))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
