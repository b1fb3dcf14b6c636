"""Share one machine's cores and memory among everything that simulates on it.

Cores are shared within this process, first come, first served. Memory is shared with every other
process of this user too, because no scheduler can share that: each big reservation is a file,
locked for as long as it lasts, so that a process that dies gives its memory back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from qcos_core.providers import host

_log = logging.getLogger(__name__)

_BIG = 256 << 20
"""Reservations below this many bytes are not counted."""

_POLL_SECONDS = 0.02


class Cores:
    """So many cores, given out in the order of asking; a wide request is not overtaken."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, number: int) -> Iterator[int]:
        """Wait for cores, at most all of them, and yield how many it got; 0 asks for all."""
        wanted = min(number, self._total) if number else self._total
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is turn and self._free >= wanted)
                self._free -= wanted
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
        try:
            yield wanted
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


class Memory:
    """A machine's memory, shared through a folder of locked files.

    Args:
        folder: where; every process that shares the memory must use the same one.
        total: bytes there are.
    """

    def __init__(self, folder: Path, total: int) -> None:
        self._folder = folder
        self._total = total

    @contextmanager
    def hold(self, number: int) -> Iterator[None]:
        """Wait until so many bytes are free, or until nobody else holds any.

        Where the folder cannot be this user's own, memory is not shared, and a warning says so:
        another user may have put something in its place.
        """
        if number < _BIG:
            yield
            return
        if not _is_ours(self._folder):
            _log.warning("memory is not shared between processes: %s is not ours", self._folder)
            yield
            return
        with self._reserve(number):
            yield

    def held(self) -> int:
        """Bytes that living processes have reserved."""
        total = 0
        for path in self._folder.glob("*.bytes"):
            total += _size_if_locked(path)
        return total

    @contextmanager
    def _reserve(self, number: int) -> Iterator[None]:
        with ExitStack() as stack:
            while True:
                with _locked(self._folder / "lock"):
                    others = self.held()
                    if not others or others + number <= self._total:
                        stack.enter_context(self._claim(number))
                        break
                time.sleep(_POLL_SECONDS)
            yield

    @contextmanager
    def _claim(self, number: int) -> Iterator[None]:
        descriptor, name = tempfile.mkstemp(suffix=".bytes", dir=self._folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, str(number).encode())
            yield
        finally:
            Path(name).unlink(missing_ok=True)
            os.close(descriptor)


def machine_memory() -> Memory:
    """This machine's memory, shared by all processes of this user."""
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return Memory(base / f"qcos-{os.getuid()}", host.memory_bytes())


def _is_ours(folder: Path) -> bool:
    """Whether this is a folder, and no link to one, that belongs to this user alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return False
    mine = facts.st_uid == os.getuid() and not facts.st_mode & 0o022
    return stat.S_ISDIR(facts.st_mode) and mine


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _size_if_locked(path: Path) -> int:
    """The size a reservation's owner wrote; 0, and the file is removed, if the owner is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return 0
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(descriptor, 32) or 0)
    else:
        path.unlink(missing_ok=True)
        return 0
    finally:
        os.close(descriptor)
