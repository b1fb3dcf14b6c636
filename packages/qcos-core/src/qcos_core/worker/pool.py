"""Warm worker processes, shared by everything in this process."""

from __future__ import annotations

import atexit
import os
import select
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qcos_core import interpreter
from qcos_core.errors import JobFailed, JobTimeout
from qcos_core.providers import host
from qcos_core.worker.gate import Cores, machine_memory
from qcos_core.worker.orphans import Spawner
from qcos_core.worker.protocol import Reply, Request, encode, receive, write

if TYPE_CHECKING:
    from qcos_core.model.seam import TaskResult


class WorkerLost(JobFailed):
    """A worker process died in the middle of a task."""


class Worker:
    """One process, which runs one request at a time."""

    def __init__(self) -> None:
        to_read, self._outgoing = os.pipe()
        self._incoming, to_write = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and two numbers
                interpreter.command("qcos_core.worker", to_read, to_write, os.getpid()),
                pass_fds=(to_read, to_write),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a terminal's Ctrl-C is for the coordinator alone
                env=interpreter.environment(),
            )
        finally:
            os.close(to_read)
            os.close(to_write)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def ask(self, request: Request, deadline_s: float | None) -> Reply:
        """Send a request and wait for the reply.

        Raises:
            WorkerLost: the process died.
            JobTimeout: no reply within ``deadline_s``; the worker must be killed now.
        """
        frame = encode(request)
        try:
            write(self._outgoing, frame)
            if not self._answered(deadline_s):
                message = f"no answer within {deadline_s:g} s; its worker was stopped."
                raise JobTimeout(message)
            reply: Reply = receive(self._incoming)
        except (EOFError, BrokenPipeError):
            raise WorkerLost(self._obituary()) from None
        return reply

    def _answered(self, deadline_s: float | None) -> bool:
        poll = select.poll()
        poll.register(self._incoming, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(None if deadline_s is None else deadline_s * 1000))

    def kill(self) -> None:
        """End the process and close its pipes."""
        self._process.kill()
        self._process.wait()
        for descriptor in (self._incoming, self._outgoing):
            os.close(descriptor)

    def _obituary(self) -> str:
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
        return f"its worker process {how}."


class WorkerPool:
    """As many workers as are needed at once, at most one for each core, kept for the next task.

    Args:
        cores: most workers at one time.
    """

    def __init__(self, cores: int) -> None:
        self._cores = Cores(cores)
        self._memory = machine_memory()
        self._spawner = Spawner()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._lock = threading.Lock()

    def run(
        self,
        request: Request,
        *,
        cores: int = 1,
        memory_bytes: int = 0,
        deadline_s: float | None = None,
        started: Callable[[int], None] = lambda pid: None,
    ) -> tuple[TaskResult | None, ...]:
        """Run one request in a worker.

        Args:
            request: what to run.
            cores: cores it will use; 0 for all.
            memory_bytes: memory it will use.
            deadline_s: how long it may run, from when a worker gets it.
            started: told the worker's process id when the request is sent.

        Returns:
            The results, in the order of the tasks; ``None`` for those that the provider does not
            run.

        Raises:
            WorkerLost: the worker died.
            JobTimeout: it took longer than ``deadline_s``; the worker was killed.
            QCOSError: what the provider raised.
        """
        with self._cores.hold(cores), self._memory.hold(memory_bytes), self._lease() as worker:
            started(worker.pid)
            reply = worker.ask(request, deadline_s)
        if reply.error is not None:
            raise reply.error
        return reply.results

    def pids(self) -> list[int]:
        """Process ids of the living workers."""
        with self._lock:
            return [worker.pid for worker in self._all]

    def close(self) -> None:
        """End every worker."""
        with self._lock:
            workers, self._all, self._idle = self._all, set(), []
        for worker in workers:
            worker.kill()

    @contextmanager
    def _lease(self) -> Iterator[Worker]:
        """A worker; it goes back to the pool only if all went well."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = self._spawner.call(Worker)
            with self._lock:
                self._all.add(worker)
        try:
            yield worker
        except BaseException:
            with self._lock:
                known = worker in self._all
                self._all.discard(worker)
            if known:
                worker.kill()
            raise
        with self._lock:
            if worker in self._all:
                self._idle.append(worker)


_shared: WorkerPool | None = None
_shared_lock = threading.Lock()


def shared_pool() -> WorkerPool:
    """The pool of this process, made at first use and ended with the process."""
    global _shared  # noqa: PLW0603 - one pool per process is the point
    with _shared_lock:
        if _shared is None:
            _shared = WorkerPool(host.cores())
            atexit.register(_shared.close)
        return _shared


def _forget_after_fork() -> None:
    """In a forked child the workers belong to the parent."""
    global _shared, _shared_lock
    _shared, _shared_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
