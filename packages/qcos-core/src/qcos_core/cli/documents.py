"""``--json``: one document on standard output, and nothing else there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import click

from qcos_core.errors import InvalidArguments


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
    """Print a document on one line."""
    from qcos_core.model.schema import document_text

    click.echo(document_text(document))


def check_writable(file: str) -> None:
    """Refuse, before anything runs, a file that could not be written after it.

    Raises:
        InvalidArguments: it is a folder, or in none, or must not be written to.
    """
    path = Path(file)
    there = path if path.exists() else path.parent
    if path.is_dir() or not there.exists() or not os.access(there, os.W_OK):
        message = f"cannot write {file}."
        raise InvalidArguments(message, hint="Name a file in a folder that exists and is yours.")


def write_file(file: str, document: Mapping[str, Any]) -> None:
    """Write a document to a file, on one line; as :func:`write` does."""
    from qcos_core.model.schema import document_text

    Path(file).write_text(f"{document_text(document)}\n", encoding="utf-8")
