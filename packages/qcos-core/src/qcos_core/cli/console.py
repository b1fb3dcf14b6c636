"""What people read: plain text of 80 columns, coloured only on a terminal.

Names of circuits and nodes, and the texts of errors, come from files and plugins. Nothing in
them that could steer a terminal is printed.
"""

from __future__ import annotations

import os
import re
import textwrap
import unicodedata
from collections.abc import Sequence

import click

WIDTH = 80
_NARROWEST = 8
_STYLES: tuple[tuple[str, dict[str, object]], ...] = (
    (r"^[A-Z]{4,}(?=\s|$)", {"bold": True}),
    (r"^error:", {"fg": "red", "bold": True}),
    (r"^\s*warning:", {"fg": "yellow"}),
)


def say(*lines: str, err: bool = False) -> None:
    """Print lines; headings, errors and warnings are coloured where a terminal reads them.

    Args:
        *lines: plain text.
        err: print to the standard error stream.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    for line in lines:
        text = printable(line)
        for pattern, style in _STYLES:
            text = re.sub(pattern, lambda found: click.style(found[0], **style), text)  # type: ignore[arg-type] # noqa: B023
        click.echo(text, err=err, color=False if plain else None)


def printable(text: str) -> str:
    """Text without characters that could steer a terminal; line ends stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char == "\n" else _printable(char) for char in text)


def one_line(text: str) -> str:
    """Printable text on a single line."""
    return " ".join(printable(text).split())


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def shorten(text: str, width: int) -> str:
    """The text if it fits, else its ends with dots between them."""
    if columns(text) <= width:
        return text
    room = max(0, width - 3)
    tail = room // 2
    head = room - tail
    return f"{_cut(text, head)}...{_cut(text[::-1], tail)[::-1]}"


def clip(text: str, width: int) -> str:
    """The text if it fits, else its beginning and dots."""
    return text if columns(text) <= width else f"{_cut(text, width - 3)}..."


def wrap(text: str, *, indent: int = 0) -> list[str]:
    """Lines of at most 80 columns; each line of the text is wrapped by itself.

    Args:
        text: the text. What a line begins with in spaces, its continuation begins with too.
        indent: how much further a continuation stands to the right.
    """
    lines = []
    for line in text.splitlines():
        lead = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line.strip(),
            WIDTH,
            initial_indent=lead,
            subsequent_indent=lead + " " * indent,
            break_long_words=False,  # a path or an address is there to be copied
            break_on_hyphens=False,
        ) or [""]
    return lines


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Rows in columns; the widest columns are shortened until a row fits.

    Args:
        rows: cells; all rows have the same number of them.
        right: columns that are aligned to the right.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    while 1 + sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for row in cells:
        line = " "
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            short = shorten(cell, width)
            pad = " " * (width - columns(short))
            line += (pad + short if place in right else short + pad) + "  "
        lines.append(line.rstrip())
    return lines


def plural(number: int, noun: str) -> str:
    """``"1 shot"``, ``"2,000 shots"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else "?"


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "FW" else 1


def _cut(text: str, width: int) -> str:
    """As much of a text's beginning as fits."""
    taken = 0
    for place, char in enumerate(text):
        taken += _columns(char)
        if taken > width:
            return text[:place]
    return text
