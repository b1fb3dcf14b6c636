"""Read QPY that a stranger may have written.

QPY before version 13 holds pickles and texts that are run as code, so it is refused by its header,
before anything parses it. Later versions are data, but a few bytes of them can ask for any amount
of memory. So another process, whose memory and time are bounded, reads them first.
"""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from qcos_core import interpreter
from qcos_core.circuits.files import parse_circuits
from qcos_core.circuits.trial import LENGTH
from qcos_core.errors import InvalidArguments

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

OLDEST_VERSION = 13

MOST_BYTES = 64 << 20
"""The largest circuit that is read, and all circuits of one file together."""

_MAGIC = b"QISKIT"
_WALL_SECONDS = 120.0


def read_untrusted(contents: Sequence[bytes]) -> list[QuantumCircuit]:
    """The circuits of some QPY, one in each.

    Raises:
        InvalidArguments: one is no QPY, or of a version too old or too new, or too large, or holds
            not one circuit, or cannot be read within the bounds.
    """
    if sum(map(len, contents)) > MOST_BYTES:
        message = f"its circuits have more than {MOST_BYTES >> 20} MiB, which are not read."
        raise InvalidArguments(message)
    for place, content in enumerate(contents):
        _check_header(place, content)
    if contents:
        _try(contents)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may come from a newer Qiskit, and could be read
        return [parse_circuits(content)[0] for content in contents]


def version_of_qpy(content: bytes) -> int:
    """The version of QPY; 0 if it is none."""
    return content[6] if content.startswith(_MAGIC) and len(content) > 6 else 0


def _check_header(place: int, content: bytes) -> None:
    from qiskit.qpy import QPY_VERSION

    version = version_of_qpy(content)
    if not version:
        _reject(place, "it is no QPY")
    if version < OLDEST_VERSION:
        _reject(place, f"it is QPY {version}, and before {OLDEST_VERSION} QPY can hold code")
    if version > QPY_VERSION:
        hint = "Upgrade Qiskit."
        _reject(place, f"it is QPY {version}, and this Qiskit reads up to {QPY_VERSION}", hint)


def _try(contents: Sequence[bytes]) -> None:
    """Let another process read them first."""
    frames = b"".join([LENGTH.pack(len(content)) + content for content in contents])
    try:
        done = subprocess.run(  # noqa: S603 - a module of ours
            interpreter.command("qcos_core.circuits.trial"),
            input=frames,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=interpreter.environment(here=False),
            timeout=_WALL_SECONDS,
            check=False,
        )
        answers = done.stdout
    except subprocess.TimeoutExpired as late:
        answers = late.stdout or b""
    problems = [json.loads(line) for line in answers.splitlines() if line.startswith(b'"')]
    for place, problem in enumerate(problems):
        if problem:
            _reject(place, problem)
    if len(problems) < len(contents):
        _reject(len(problems), "reading it takes more memory or time than a circuit may")


def _reject(place: int, reason: str, hint: str | None = None) -> NoReturn:
    message = f"circuit [{place}] cannot be read: {reason}."
    raise InvalidArguments(message, hint=hint)
