"""What a command says when it fails, and the code it exits with."""

from __future__ import annotations

import os
import traceback

import click

from qcos_core.cli.console import say, wrap
from qcos_core.errors import (
    CircuitRejected,
    InvalidArguments,
    NoCapableNode,
    PartialResult,
    QCOSError,
    UnknownProvider,
)

DONE = 0
FAILED = 1
USAGE = 2
NO_NODE = 3
PARTIAL = 4

_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (NoCapableNode, NO_NODE),
    (PartialResult, PARTIAL),
    (InvalidArguments, USAGE),
    (UnknownProvider, USAGE),
    (CircuitRejected, USAGE),
    (click.UsageError, USAGE),
)


def exit_code(error: BaseException) -> int:
    """The code to exit with after an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def report(error: BaseException) -> None:
    """Say on standard error what happened; with ``QCOS_DEBUG=1`` the traceback comes first."""
    if os.environ.get("QCOS_DEBUG") == "1":
        say("".join(traceback.format_exception(error)).rstrip(), err=True)
    say(*wrap(f"error: {_text(error)}", indent=2), err=True)


def _text(error: BaseException) -> str:
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "qcos"
        return f"{error.format_message()} See: {command} --help"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, QCOSError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}."
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{what}. QCOS did not expect this; QCOS_DEBUG=1 shows where it comes from."
