"""What the checks of the kit say of themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CODE = re.compile(r":\w+:`~?([^`]+)`|``([^`]+)``")


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        area: what it is about, in a word.
        name: its function's name.
        says: what must hold; Markdown.
        catches: which mistakes it finds; Markdown.
    """

    area: str
    name: str
    says: str
    catches: str


def checks(kit: type[Any]) -> Iterator[Check]:
    """The checks of a class of the kit, in the order in which pytest runs them."""
    for part in reversed(kit.__mro__):
        for name, function in vars(part).items():
            if name.startswith("test_") and callable(function):
                yield check(part.__dict__.get("AREA", "Its own"), name, function)


def check(area: str, name: str, function: Any) -> Check:
    """One check, from the docstring of its function: what must hold, and ``Catches ...``."""
    paragraphs = [markdown(text) for text in (inspect.getdoc(function) or "").split("\n\n")]
    catches = [text for text in paragraphs if text.startswith("Catches ")]
    says = " ".join(text for text in paragraphs if text not in catches)
    return Check(area, name, says, " ".join(catches))


def markdown(text: str) -> str:
    """A paragraph of a docstring as one line of Markdown."""
    return _CODE.sub(lambda found: f"`{found[1] or found[2]}`", " ".join(text.split()))
