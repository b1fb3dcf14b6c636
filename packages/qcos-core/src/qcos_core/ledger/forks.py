"""What a forked child must not share with its parent.

A child inherits open files. A lock on one lasts until the child closes it too, and SQLite forbids
the use of its connections on the other side of a fork.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """Something with an open file in it."""

    def let_go(self) -> None:
        """Give up, in a child, what belongs to its parent."""


_known: WeakSet[Inherited] = WeakSet()


def watch(item: Inherited) -> None:
    """Have ``item.let_go`` called in every child that is forked while the item lives."""
    _known.add(item)


def _let_go() -> None:
    for item in list(_known):
        item.let_go()


os.register_at_fork(after_in_child=_let_go)
