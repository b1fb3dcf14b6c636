"""Numbers and names as people read them."""

from __future__ import annotations

WIDTH = 80
"""Columns of what is printed."""

DOTS = "…"


def duration(seconds: float) -> str:
    """A time for people: ``"850 us"``, ``"12 ms"``, ``"3.4 s"``, ``"7 min"``, ``"2.1 h"``."""
    for limit, scale, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * scale:.3g} {unit}"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def countdown(seconds: float | None) -> str:
    """Time that is left, as a clock shows it: ``"0:59"``, ``"3:10"``, ``"1:05:00"``."""
    if seconds is None:
        return "unknown"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: float) -> str:
    """Bytes for people: ``"512 B"``, ``"16 GiB"``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if count < 1024 or unit == "PiB":
            return f"{count:.3g} {unit}"
        count /= 1024
    raise AssertionError


def printable(text: object) -> str:
    """Text on one line, without characters that could steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def shorten(text: str, room: int) -> str:
    """The text if it fits, else its ends with dots between them."""
    if len(text) <= room:
        return text
    tail = (room - 1) // 2
    return f"{text[: room - 1 - tail]}{DOTS}{text[len(text) - tail :]}"


def plural(number: int, noun: str) -> str:
    """``"1 shot"``, ``"2,000 shots"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span_text(seconds: tuple[float, float] | None) -> str:
    """How long something should take, for people."""
    if seconds is None:
        return "time unknown"
    low, high = (duration(bound) for bound in seconds)
    return f"about {low}" if low == high else f"{low} to {high}"
