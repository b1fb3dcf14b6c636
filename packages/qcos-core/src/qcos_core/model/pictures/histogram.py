"""Counts as a histogram."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from operator import mul
from typing import TYPE_CHECKING, Any

from qcos_core.model.counts import PackedCounts
from qcos_core.model.pictures.figure import (
    BLUE,
    EXACT,
    GREY,
    LABELS,
    LINE,
    NODE,
    SIMULATED,
    check_most,
    check_path,
    finish,
    headings,
    new_figure,
    notes_for,
)
from qcos_core.model.text import DOTS, plural, printable, shorten

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qcos_core.model.results import QVMResult

MOST = 200
"""How many outcomes a histogram shows at most, unless told otherwise."""

_LABELLED = 40  # up to so many bars have a label each
_NUMBERED = 16  # up to so many bars have their numbers written on them
_LONGEST = 24  # characters that a label may have
_LABEL = 18  # characters that a longer one is cut to
_NAME = 60


def top(result: QVMResult, most: int) -> tuple[dict[str, int], int, int]:
    """The outcomes to show, how many are left out, and the shots of those.

    All outcomes in their own order if they are not more than ``most``, else the most frequent
    ones, the most frequent first. Keys are made only for what is shown.
    """
    import numpy as np

    packed = result.counted
    if len(packed) <= most:
        return packed.to_dict(result.registers), 0, 0
    order = np.argsort(-packed.counts, kind="stable")[:most]
    shown = PackedCounts(packed.width, packed.words[order], packed.counts[order])
    return shown.to_dict(result.registers), len(packed) - most, packed.shots - shown.shots


def plot(
    result: QVMResult, path: str | PathLike[str] | None = None, *, most: int | None = None
) -> Figure:
    """A histogram of the counts; see :meth:`qcos_core.QVMResult.plot`."""
    shown_at_most = check_most(most, MOST)
    target = None if path is None else check_path(path)
    counts, hidden, rest = top(result, shown_at_most)
    figure = new_figure(4.8)
    axes = figure.subplots()
    limit = 1.12 * max(counts.values(), default=1)
    numbers = list(counts.values())
    width = 0.8 if len(counts) <= _LABELLED else 1.0
    edge: dict[str, Any] = (
        {"edgecolor": "white", "linewidth": 0.4} if len(counts) > _LABELLED else {}
    )
    axes.bar(range(len(counts)), numbers, width, color=BLUE, label="outcomes", **edge)
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
    headings(axes, title, _facts(result, len(counts), hidden))
    notes = notes_for(result.warnings, [result.simulated])
    if notes:
        figure.supxlabel("\n".join(notes), fontsize=8, fontstyle="italic")
    return finish(figure, target, f"Histogram of {title}: {plural(result.shots, 'shot')}")


def _rest(axes: Axes, place: float, width: float, rest: int, limit: float) -> None:
    """One bar for all outcomes that are not shown; cut off where it would dwarf the others."""
    height = min(rest, limit)
    axes.bar(place, height, width, color=GREY, edgecolor="black", hatch="///", linewidth=0.6)
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
    step = 1 if len(keys) <= _LABELLED else math.ceil(len(keys) / LABELS)
    ticks: list[float] = [*range(0, len(keys), step)]
    if hidden:
        ticks = [tick for tick in ticks if place - tick > step / 2]
    texts = [short[int(tick)] for tick in ticks]
    if hidden:
        ticks.append(place)
        texts.append(f"{hidden:,} {'other' if hidden == 1 else 'others'}")
    flat = (max(map(len, texts), default=0) + 1) * (len(texts) + 1) <= 0.9 * LINE
    axes.set_xticks(ticks, texts, rotation=0 if flat else 90, fontsize=8, family="monospace")
    axes.set_xlim(-0.7, (place if hidden else len(keys) - 1) + max(0.7, len(keys) / 60))
    order = ", the most frequent first" if hidden else ""
    every = "" if step == 1 else f"; every {ordinal(step)} has a label"
    axes.set_xlabel(f"outcome{order}{every}{cut}", fontsize=9)


def ordinal(number: int) -> str:
    """``"3rd"`` for 3."""
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
        return short, f"; {DOTS} stands for bits that are left out"
    return own, f"; {DOTS} stands for bits that are the same in all"


def _kept(key: str, kept: Sequence[bool]) -> Iterator[str]:
    before = True
    for char, keep in zip(key, kept, strict=True):
        if keep:
            yield char
        elif before:
            yield DOTS
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
        return shorten(printable(nodes[0]), NODE)
    return plural(len(nodes), "node")
