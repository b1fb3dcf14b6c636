"""What all pictures need: figures without pyplot, text that any font can draw, files."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from qcos_core.errors import InvalidArguments
from qcos_core.model.text import plural, printable, shorten

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}

EXACT = {True: "exact", False: "not exact", None: "exactness unknown"}
SIMULATED = {True: "simulated", False: "run on hardware", None: "simulator or hardware unknown"}

# Okabe and Ito's colours: told apart with every kind of colour vision, and by their greys in print
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#BBBBBB"
COLOURS = (BLUE, "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#888888")

LABELS = 20  # labels where not every bar has one
NODE = 28  # characters that a node's name may have

_INCHES = 8.0
LINE = 100  # characters of small text in one line of a picture


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
    new_figure(1.0)
    return path


def check_most(most: int | None, default: int) -> int:
    """How many outcomes to show at most.

    Raises:
        InvalidArguments: not a whole number of at least 1.
    """
    if most is None:
        return default
    if type(most) is not int or most < 1:
        message = f"most must be a positive integer, got {most!r}."
        raise InvalidArguments(message)
    return most


def new_figure(height: float) -> Figure:
    """A figure of this many inches, that no display needs to know of.

    Raises:
        InvalidArguments: matplotlib is not installed.
    """
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


def finish(figure: Figure, path: Path | None, title: str) -> Figure:
    """Draw all text as it is, and write the picture if it is to be written."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(drawable(text.get_text()))
        text.set_parse_math(False)  # a $ in a name is no formula
        text.set_usetex(False)
    if path is not None:
        metadata: dict[str, str | None] = {"Title": drawable(title)}
        metadata |= _UNDATED.get(path.suffix.lower(), {})
        figure.savefig(path, dpi=150, metadata=metadata)
    return figure


def drawable(text: str) -> str:
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


def notes_for(result_warnings: Sequence[str], simulated: Iterable[bool | None]) -> list[str]:
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
    return [line for note in notes for line in textwrap.wrap(shorten(note, 3 * LINE), LINE)]


def headings(axes: Axes, title: str, lines: Sequence[str]) -> None:
    """A title, and smaller lines below it."""
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


def known(seconds: float | None) -> float | None:
    """A time that a provider told, if it can be one."""
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None
