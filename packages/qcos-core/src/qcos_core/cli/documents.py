"""``--json``: one document on standard output, and nothing else there."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import click


@contextmanager
def reserved_stdout(reserve: bool) -> Iterator[None]:
    """Send to standard error what plugins, and programs that they start, print meanwhile.

    Args:
        reserve: whether to do it; otherwise standard output stays as it is.
    """
    if not reserve:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def write(document: Mapping[str, Any]) -> None:
    """Print a document on one line.

    What a provider put into it that is not JSON is written as text, and infinity as null: a run's
    counts are not lost for that.
    """
    try:
        text = json.dumps(document, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(json.loads(json.dumps(document, default=str), parse_constant=_null))
    click.echo(text)


def _null(name: str) -> None:
    """What stands for NaN and the infinities, which JSON lacks."""
