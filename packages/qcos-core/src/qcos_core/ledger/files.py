"""Files that are whole or not there at all, and stay there when the power goes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from qcos_core.ledger.failures import damaged, reported


def keep(folder: Path, content: bytes) -> str:
    """Write a file named by its own SHA-256, and return that name.

    It is on the disk when this returns. A process that is killed leaves at most a file that begins
    with ``new-``, which nobody reads.

    Raises:
        LedgerUnusable: it could not be written.
    """
    name = hashlib.sha256(content).hexdigest()
    with reported(folder):
        make_folder(folder)
        descriptor, temporary = tempfile.mkstemp(prefix="new-", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            Path(temporary).replace(folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync(folder)
    return name


def kept(folder: Path, name: str) -> bytes:
    """What :func:`keep` wrote under this name.

    Raises:
        LedgerUnusable: it is not there, or not what was written.
    """
    path = folder / name
    with reported(path):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise damaged(path, "it is missing") from None
    if hashlib.sha256(content).hexdigest() != name:
        raise damaged(path, "it does not have the checksum it was written with")
    return content


def make_folder(folder: Path) -> None:
    """Make a folder for this user alone, and those above it, so that they stay."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync(folder.parent)


def sync(path: Path) -> None:
    """Have a file's content, or the names in a folder, written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
