"""A sweep as curves: how often each outcome was seen at each point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcos_core.model.counts import PackedCounts
from qcos_core.model.pictures.figure import (
    COLOURS,
    EXACT,
    SIMULATED,
    check_most,
    check_path,
    finish,
    headings,
    new_figure,
    notes_for,
)
from qcos_core.model.pictures.histogram import labels
from qcos_core.model.text import plural, printable, shorten

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qcos_core.model.results import QVMResult
    from qcos_core.model.sweeps import SweepResult

MOST = 8
"""How many outcomes have a line of their own, unless told otherwise."""

_MARKERS = "osD^vPX*"
_LABEL = 18
_NAME = 60
_MARKED = 60  # up to so many points each is marked


def sweep(
    result: SweepResult, path: str | PathLike[str] | None = None, *, most: int | None = None
) -> Figure:
    """Curves of a sweep; see :meth:`qcos_core.SweepResult.plot`."""
    shown_at_most = check_most(most, MOST)
    target = None if path is None else check_path(path)
    from matplotlib.ticker import MaxNLocator

    keys, shares, rest = percentages(result, shown_at_most)
    figure = new_figure(4.8)
    axes = figure.subplots()
    places, axis, along = _axis(result)
    marked = len(places) <= _MARKED or not along
    shown, cut = labels(keys, _LABEL, _LABEL)
    for index, label in enumerate(shown):
        axes.plot(
            places,
            shares[index],
            color=COLOURS[index % len(COLOURS)],
            marker=_MARKERS[index % len(_MARKERS)] if marked else None,
            linestyle=("-" if index < len(COLOURS) else "--") if along else "none",
            markersize=4,
            linewidth=1.2,
            label=label or "(no bits)",
        )
    if rest is not None:
        axes.plot(places, rest, ":" if along else "_", color="black", label="all others")
    axes.set_xlabel(axis)
    if not along:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("percent of the shots")
    axes.set_ylim(-2, 102)
    axes.grid(alpha=0.3)
    _legend(axes, len(shown) + (rest is not None))
    facts = [
        f"{plural(len(result.came_back), 'point')}, {plural(result.shots, 'shot')} in all",
        EXACT[result.exact],
        SIMULATED[result.simulated],
    ]
    title = shorten(printable(result.name), _NAME)
    headings(axes, title, ["; ".join(facts) + cut])
    states = [record.simulated for one in result.came_back for record in one.shards]
    notes = notes_for(result.warnings, states)
    if notes:
        figure.supxlabel("\n".join(notes), fontsize=8, fontstyle="italic")
    return finish(figure, target, f"Sweep of {title}")


def percentages(
    result: SweepResult, most: int
) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """How often the outcomes were seen that were seen most in the sweep as a whole.

    Args:
        result: a sweep.
        most: how many outcomes at most.

    Returns:
        Their keys in the order of their bits; percent of each at each point, of shape
        ``(outcomes, points)``, NaN at a point of which nothing came back; and percent of all
        others together, ``None`` if there are none.

    Raises:
        CircuitRejected: the circuit measures nothing.
    """
    import numpy as np

    there = result.came_back
    total = PackedCounts.merge([one.counted for one in there])
    chosen = np.sort(np.argsort(-total.counts, kind="stable")[:most])
    top = PackedCounts(total.width, total.words[chosen], total.counts[chosen])
    keys = list(top.to_dict(there[0].registers))
    columns = [_percent(one, keys) for one in result.results]
    shares = np.array(columns).reshape(len(columns), len(keys)).T
    return keys, shares, 100 - shares.sum(axis=0) if len(total) > most else None


def _percent(result: QVMResult | None, keys: list[str]) -> list[float]:
    if result is None:
        return [float("nan")] * len(keys)
    return [100 * result.counts.get(key, 0) / result.shots for key in keys]


def _axis(result: SweepResult) -> tuple[list[float], str, bool]:
    """Where the points stand, what is written there, and whether that is along a parameter."""
    if len(result.shape) == 1 and len(result.varying) == 1:
        (place,) = result.varying
        name = shorten(printable(result.parameters[place]), _NAME)
        return [values[place] for values in result.points], name, True
    return [float(place) for place in range(len(result.points))], "point of the sweep", False


def _legend(axes: Axes, lines: int) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, ncols=1 + lines // 24)
