"""Traces of what a command runs, where the environment asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qcos_core.qvm.observers import Observer


@contextmanager
def traced() -> Iterator[list[Observer]]:
    """The observers that the environment asks for; the last spans are sent at the end."""
    from qcos_core.qvm.traces import from_environment

    traces = from_environment()
    if traces is None:
        yield []
        return
    with traces:
        yield [traces]
