"""Pictures of results, and plans as trees.

matplotlib, of the extra ``plot``, is imported only when a picture is drawn. Figures are made
without pyplot: no display is needed, and nothing global is changed. Names come from files and
plugins, so what could steer a terminal, or what a font lacks, is drawn as a question mark.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qcos_core.errors import InvalidArguments
from qcos_core.model.counts import PackedCounts
from qcos_core.model.explain import WIDTH, duration
from qcos_core.model.plans import Decision, PlannedCircuit, ShardPlan, group_decisions

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qcos_core.model.results import QVMResult, ShardRecord

MOST = 200
"""How many outcomes a histogram shows at most, unless told otherwise."""

SUFFIXES = (".png", ".svg", ".pdf")
_UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}

EXACT = {True: "exact", False: "not exact", None: "exactness unknown"}
SIMULATED = {True: "simulated", False: "run on hardware", None: "simulator or hardware unknown"}

_DOTS = "…"

# Okabe and Ito's colours: told apart with every kind of colour vision, and by their greys in print
_BLUE, _ORANGE, _GREY = "#0072B2", "#E69F00", "#BBBBBB"
_COLOURS = (_BLUE, "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#888888")

_INCHES = 8.0
_LINE = 100  # characters of small text in one line of a picture
_LABELLED = 40  # up to so many bars have a label each
_NUMBERED = 16  # up to so many bars have their numbers written on them
_LABELS = 20  # labels where not every bar has one
_LONGEST = 24  # characters that a label may have
_LABEL = 18  # characters that a longer one is cut to
_NAME = 60
_NODE = 28
_ROWS = 40  # up to so many rows of a timeline have a label each
_MARKED = 20  # numbers of attempts that have room in one row
_WRITTEN = 30  # up to so many shards have their shots written on them

_CIRCUITS = 8
_CHOSEN = 8
_OTHERS = 12


# what all pictures need


def printable(text: object) -> str:
    """Text on one line, without characters that could steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def shorten(text: str, room: int) -> str:
    """The text if it fits, else its ends with dots between them."""
    if len(text) <= room:
        return text
    tail = (room - 1) // 2
    return f"{text[: room - 1 - tail]}{_DOTS}{text[len(text) - tail :]}"


def plural(number: int, noun: str) -> str:
    """``"1 shot"``, ``"2,000 shots"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def known(seconds: float | None) -> float | None:
    """A time that a provider told, if it can be one."""
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None


def top(result: QVMResult, most: int) -> tuple[dict[str, int], int, int]:
    """The outcomes to show, how many are left out, and the shots of those.

    All outcomes in their own order if they are not more than ``most``, else the most frequent
    ones, the most frequent first. Keys are made only for what is shown.
    """
    import numpy as np

    packed = result.packed
    if len(packed) <= most:
        return packed.to_dict(result.registers), 0, 0
    order = np.argsort(-packed.counts, kind="stable")[:most]
    shown = PackedCounts(packed.width, packed.words[order], packed.counts[order])
    return shown.to_dict(result.registers), len(packed) - most, packed.shots - shown.shots


def check_path(path: str | PathLike[str]) -> Path:
    """Check, before any work is done, that a picture can be drawn and written there.

    Raises:
        InvalidArguments: a suffix that says no format, a folder that is not there, or no
            matplotlib.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        message = f"the picture {str(path)!r} must end in {', '.join(SUFFIXES[:-1])} or .pdf."
        raise InvalidArguments(message)
    if not path.parent.is_dir():
        message = f"there is no folder {str(path.parent)!r} to write a picture to."
        raise InvalidArguments(message)
    _figure(1.0)
    return path


def _figure(height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise  # it is there, but something that it needs is not
        message = "pictures need matplotlib: pip install 'qcos-core[plot]'."
        raise InvalidArguments(message) from None
    figure = Figure(figsize=(_INCHES, height), layout="constrained")
    vars(figure)["_repr_png_"] = partial(_png, figure)  # else notebooks show only figures of pyplot
    return figure


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _finish(figure: Figure, path: Path | None, title: str) -> Figure:
    """Draw all text as it is, and write the picture if it is to be written."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(_drawable(text.get_text()))
        text.set_parse_math(False)  # a $ in a name is no formula
        text.set_usetex(False)
    if path is not None:
        metadata: dict[str, str | None] = {"Title": _drawable(title)}
        metadata |= _UNDATED.get(path.suffix.lower(), {})
        figure.savefig(path, dpi=150, metadata=metadata)
    return figure


def _drawable(text: str) -> str:
    """Text with only what the fonts have; matplotlib would warn of the rest and draw boxes."""
    if text.isascii():
        return "".join(char if char == "\n" else printable(char) for char in text)
    from matplotlib.font_manager import FontProperties, findfont, get_font

    fonts = [
        get_font(findfont(FontProperties(family=[family])))
        for family in FontProperties().get_family()
    ]
    return "".join(
        char
        if char == "\n"
        or (char.isprintable() and any(font.get_char_index(ord(char)) for font in fonts))
        else "?"
        for char in text
    )


def _note(result_warnings: Sequence[str], simulated: Iterable[bool | None]) -> list[str]:
    """What a reader of the picture must know, in lines."""
    states = set(simulated)
    notes = []
    if False in states:
        notes.append("Note: quantum hardware took part; these are not ideal counts.")
    elif None in states:
        notes.append("Note: nobody says whether this was simulated or run on hardware.")
    notes += [f"Warning: {warning}" for warning in result_warnings[:2]]
    if len(result_warnings) > 2:
        notes.append(f"... and {plural(len(result_warnings) - 2, 'more warning')}")
    return [line for note in notes for line in textwrap.wrap(shorten(note, 3 * _LINE), _LINE)]


def _headings(axes: Axes, title: str, lines: Sequence[str]) -> None:
    axes.set_title("\n".join(lines), fontsize=9)
    axes.annotate(
        title,
        (0.5, 1.0),
        (0, 8 + 13 * len(lines)),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        fontsize=12,
        fontweight="bold",
    )


# the histogram


def plot(
    result: QVMResult, path: str | PathLike[str] | None = None, *, most: int | None = None
) -> Figure:
    """A histogram of the counts; see :meth:`qcos_core.QVMResult.plot`."""
    if most is not None and (type(most) is not int or most < 1):
        message = f"most must be a positive integer, got {most!r}."
        raise InvalidArguments(message)
    target = None if path is None else check_path(path)
    counts, hidden, rest = top(result, MOST if most is None else most)
    figure = _figure(4.8)
    axes = figure.subplots()
    limit = 1.12 * max(counts.values(), default=1)
    numbers = list(counts.values())
    width = 0.8 if len(counts) <= _LABELLED else 1.0
    edge: dict[str, Any] = (
        {"edgecolor": "white", "linewidth": 0.4} if len(counts) > _LABELLED else {}
    )
    axes.bar(range(len(counts)), numbers, width, color=_BLUE, label="outcomes", **edge)
    place = len(counts) + max(0.5, len(counts) / 40)
    if hidden:
        _rest(axes, place, max(width, len(counts) / 60), rest, limit)
    if len(counts) <= _NUMBERED:
        for at, number in enumerate(numbers):
            _write(axes, at, number, f"{number:,}\n{100 * number / result.shots:.3g}%")
        limit *= 1.06
    _outcome_axis(axes, list(counts), hidden, place)
    _count_axes(axes, limit, result.shots)
    title = shorten(printable(result.name), _NAME)
    _headings(axes, title, _facts(result, len(counts), hidden))
    notes = _note(result.warnings, [result.simulated])
    if notes:
        figure.supxlabel("\n".join(notes), fontsize=8, fontstyle="italic")
    return _finish(figure, target, f"Histogram of {title}: {plural(result.shots, 'shot')}")


def _rest(axes: Axes, place: float, width: float, rest: int, limit: float) -> None:
    """One bar for all outcomes that are not shown; cut off where it would dwarf the others."""
    height = min(rest, limit)
    axes.bar(place, height, width, color=_GREY, edgecolor="black", hatch="///", linewidth=0.6)
    axes.annotate(
        f"{rest:,} {'↑' if rest > limit else ''}".rstrip(),
        (place - width / 2, height),
        (-3, -1),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
        color="black",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0},
    )


def _write(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=8
    )


def _outcome_axis(axes: Axes, keys: list[str], hidden: int, place: float) -> None:
    short, cut = labels(keys, _LONGEST, _LABEL)
    step = 1 if len(keys) <= _LABELLED else math.ceil(len(keys) / _LABELS)
    ticks: list[float] = [*range(0, len(keys), step)]
    if hidden:
        ticks = [tick for tick in ticks if place - tick > step / 2]
    texts = [short[int(tick)] for tick in ticks]
    if hidden:
        ticks.append(place)
        texts.append(f"{hidden:,} {'other' if hidden == 1 else 'others'}")
    flat = (max(map(len, texts), default=0) + 1) * (len(texts) + 1) <= 0.9 * _LINE
    axes.set_xticks(ticks, texts, rotation=0 if flat else 90, fontsize=8, family="monospace")
    axes.set_xlim(-0.7, (place if hidden else len(keys) - 1) + max(0.7, len(keys) / 60))
    order = ", the most frequent first" if hidden else ""
    every = "" if step == 1 else f"; every {_ordinal(step)} has a label"
    axes.set_xlabel(f"outcome{order}{every}{cut}", fontsize=9)


def _ordinal(number: int) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 % 10 != 1 else 0, "th")
    return f"{number}{suffix}"


def labels(keys: list[str], longest: int, room: int) -> tuple[list[str], str]:
    """Keys short enough to be shown, and what a reader must know of them.

    Long keys are cut in the middle. Where that makes them equal, the bits are left out that are
    the same in all of them.

    Args:
        keys: keys of one length.
        longest: characters that a key may have.
        room: characters that a longer one is cut to.
    """
    if not keys or len(keys[0]) <= longest:
        return keys, ""
    short = [shorten(key, room) for key in keys]
    if len(set(short)) == len(keys):
        return short, ""
    kept = [len(set(column)) > 1 for column in zip(*keys, strict=True)]
    own = ["".join(_kept(key, kept)) for key in keys]
    if len(own[0]) > longest:
        return short, f"; {_DOTS} stands for bits that are left out"
    return own, f"; {_DOTS} stands for bits that are the same in all"


def _kept(key: str, kept: Sequence[bool]) -> Iterator[str]:
    before = True
    for char, keep in zip(key, kept, strict=True):
        if keep:
            yield char
        elif before:
            yield _DOTS
        before = keep


def _count_axes(axes: Axes, limit: float, shots: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(0, limit)
    axes.set_ylabel("shots")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(_grouped))
    axes.spines["top"].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3, linewidth=0.6)
    share = max(shots, 1) / 100
    percent = axes.secondary_yaxis(
        "right", functions=(partial(mul, 1 / share), partial(mul, share))
    )
    percent.set_ylabel("percent of all shots")
    percent.yaxis.set_major_formatter(FuncFormatter(_percent))


def _grouped(value: float, _: int | None = None) -> str:
    return f"{value:,.0f}"


def _percent(value: float, _: int | None = None) -> str:
    return f"{value:.3g}%"


def _facts(result: QVMResult, shown: int, hidden: int) -> list[str]:
    nodes = list(dict.fromkeys(record.node_id for record in result.shards))
    where = f" on {_where(nodes)}" if nodes else ""
    facts = f"{plural(result.shots, 'shot')}{where}; {EXACT[result.exact]}"
    lines = [f"{facts}; {SIMULATED[result.simulated]}"]
    if hidden:
        lines.append(
            f"the {shown:,} most frequent of {shown + hidden:,} outcomes, "
            "and one hatched bar for the rest"
        )
    return lines


def _where(nodes: Sequence[str]) -> str:
    if len(nodes) == 1:
        return shorten(printable(nodes[0]), _NODE)
    return plural(len(nodes), "node")


# the timeline


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
    figure = _figure(min(14.0, 2.0 + 0.32 * max(len(rows), 2)))
    axes = figure.subplots()
    first = min((bar.start for bar in bars), default=0.0)
    span = _span(bars)
    scale, unit = _unit(span)
    coloured = 1 < len(came_back) <= len(_COLOURS)
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
    _headings(axes, title, [f"{used}; {duration(span)} from the first to the last"])
    if unknown:
        note = f"Note: {plural(unknown, 'shard')} without a time of their own cannot be shown."
        figure.supxlabel(note, fontsize=8, fontstyle="italic")
    return _finish(figure, target, f"Timeline of {title}: {used}")


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
    colour = _COLOURS[bar.circuit] if coloured else _BLUE
    hatch = ""
    ink = "white" if colour == _BLUE else "black"
    if bar.record.fallback:
        colour, hatch = colour if coloured else _ORANGE, "///"
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
    names = [_drawable(shorten(printable(node), _NODE)) for node in nodes]
    axes.set_yticks(middles[::step], names[::step], fontsize=8)
    for top in tops[1:]:
        axes.axhline(top - 0.5, color="grey", linewidth=0.4, alpha=0.5)
    axes.set_ylim(max(sum(heights), 1) - 0.4, -0.7)
    every = f"node; every {_ordinal(step)} has a name" if step > 1 else "node"
    axes.set_ylabel(every, fontsize=9)
    axes.tick_params(axis="x", labelsize=8)


def _legend(figure: Figure, bars: Sequence[_Bar], circuits: Sequence[QVMResult]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(color=_COLOURS[place], label=shorten(printable(one.name), _NODE))
        for place, one in enumerate(circuits)
    ]
    if not circuits:
        handles.append(Patch(color=_BLUE, label="shard and its shots"))
    if len(bars) > _WRITTEN and not circuits:
        handles = [Patch(color=_BLUE, label="shard")]
    if any(bar.record.fallback for bar in bars):
        colour = _GREY if circuits else _ORANGE
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
        marker = {"marker": "D", "color": _BLUE, "linestyle": "none", "markersize": 6}
        handles.append(Line2D([], [], label="length unknown", **marker))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False)


# the tree


def tree(plan: ShardPlan) -> str:
    """A plan as a tree of plain text, at most 80 columns wide; see ``ShardPlan.tree``."""
    shots = sum(circuit.shots for circuit in plan.circuits)
    work = f"{plural(len(plan.circuits), 'circuit')}, {plural(shots, 'shot')}"
    where = f"{plural(len(plan.shards), 'shard')} on {plural(len(plan.node_ids), 'node')}"
    lines = [f"PLAN  {work}, {where}"]
    decisions: dict[str, list[Decision]] = {}
    for decision in plan.decisions:
        decisions.setdefault(decision.circuit_id, []).append(decision)
    given: dict[str, dict[str, list[int]]] = {}
    for shard in plan.shards:
        per_node = given.setdefault(shard.task.circuit_id, {})
        per_node.setdefault(shard.node_id, []).append(shard.task.shots)
    shown = plan.circuits[:_CIRCUITS]
    branches = [
        (_circuit(one), _alternatives(decisions.get(one.id, []), given.get(one.id, {})))
        for one in shown
    ]
    others = plan.circuits[_CIRCUITS:]
    if others:
        branches.append((f"{plural(len(others), 'more circuit')}", _summary(others, given)))
    for place, (heading, leaves) in enumerate(branches):
        last = place == len(branches) - 1
        lines += _branch(heading, "", last=last, above=bool(leaves))
        stem = "    " if last else "│   "
        for index, leaf in enumerate(leaves):
            lines += _branch(leaf, stem, last=index == len(leaves) - 1, hang=10)
    return "\n".join(lines)


def span_text(seconds: tuple[float, float] | None) -> str:
    """How long something should take, for people."""
    if seconds is None:
        return "time unknown"
    low, high = (duration(bound) for bound in seconds)
    return f"about {low}" if low == high else f"{low} to {high}"


def _circuit(circuit: PlannedCircuit) -> str:
    name = shorten(printable(circuit.name), _NAME)
    qubits = plural(circuit.profile.width, "active qubit")
    return f"{name}: {qubits}, {plural(circuit.shots, 'shot')}"


def _alternatives(decisions: Sequence[Decision], given: dict[str, list[int]]) -> list[str]:
    chosen = [(decision, 1) for decision in decisions if decision.chosen]
    if len(chosen) > _CHOSEN:
        chosen = group_decisions([decision for decision, _ in chosen])
    others = group_decisions([decision for decision in decisions if not decision.chosen])
    others.sort(key=lambda item: item[0].estimate is None)  # what is possible comes first
    shown = chosen[:_CHOSEN] + others[:_OTHERS]
    hidden = sum(number for _, number in chosen[_CHOSEN:] + others[_OTHERS:])
    leaves = [_alternative(decision, number, given) for decision, number in shown]
    return [*leaves, f"... and {plural(hidden, 'more way')}"] if hidden else leaves


def _alternative(decision: Decision, number: int, given: dict[str, list[int]]) -> str:
    estimate = decision.estimate
    verdict = "chosen" if decision.chosen else "possible" if estimate else "rejected"
    node = printable(decision.node_id)
    facts = []
    if estimate is not None:
        facts += [estimate.method or "method unknown", span_text(estimate.seconds)]
        if estimate.charges:
            facts.append(" + ".join(map(str, estimate.charges)))
    parts = given.get(decision.node_id, [])
    if decision.chosen and number == 1 and sum(map(len, given.values())) > 1:
        several = f" in {plural(len(parts), 'shard')}" if len(parts) > 1 else ""
        facts.append(f"{plural(sum(parts), 'shot')}{several}")
    if decision.reason:
        facts.append(printable(decision.reason))
    alike = f" (+{number - 1:,} alike)" if number > 1 else ""
    return f"{verdict:<9} {node}{alike}: {'; '.join(facts)}"


def _summary(
    circuits: Sequence[PlannedCircuit], given: dict[str, dict[str, list[int]]]
) -> list[str]:
    """The nodes of circuits that are not shown one by one."""
    nodes: dict[str, list[int]] = {}
    for circuit in circuits:
        for node, parts in given.get(circuit.id, {}).items():
            nodes.setdefault(node, []).append(sum(parts))
    leaves = [
        f"chosen    {printable(node)}: {plural(len(parts), 'circuit')}, "
        f"{plural(sum(parts), 'shot')}"
        for node, parts in list(nodes.items())[:_OTHERS]
    ]
    hidden = len(nodes) - len(leaves)
    return [*leaves, f"... and {plural(hidden, 'more node')}"] if hidden else leaves


def _branch(text: str, stem: str, *, last: bool, hang: int = 0, above: bool = False) -> list[str]:
    """One entry of the tree, wrapped beside the lines that lead to it and past it."""
    more = stem + ("    " if last else "│   ") + ("│   " if above else " " * hang)
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=stem + ("└── " if last else "├── "),
        subsequent_indent=more,
        break_on_hyphens=False,
    )
