"""How far a job is, while somebody waits for it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qcos_core.qvm.jobs import QVMJob
    from qcos_core.qvm.overview import JobView

_LOOK_S = 0.5


@contextmanager
def shown(job: QVMJob) -> Iterator[None]:
    """Draw how far a job is on standard error, if that is a terminal.

    It is read from the ledger, because another process may carry the job on.
    """
    if not sys.stderr.isatty():
        yield
        return
    try:
        from rich.console import Console
    except ModuleNotFoundError:  # click came with something else, without the rest of the extra
        yield
        return

    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_S):
            status.update(line(job.view()))

    with Console(stderr=True).status(line(job.view())) as status:
        looking = threading.Thread(target=look, name="qcos-look", daemon=True)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()


def line(view: JobView) -> str:
    """The state in one line."""
    from qcos_core.cli.console import one_line
    from qcos_core.model.text import countdown

    busy = sum(1 for node in view.nodes if node.there < node.shots)
    nodes = f"{busy} of {len(view.nodes)} node{'' if len(view.nodes) == 1 else 's'} left"
    out = sum(node.out for node in view.nodes)
    sent = f"  {out:,} out" if out else ""
    eta = countdown(view.remaining_s)
    return one_line(f"{view.there:,}/{view.shots:,} shots  {nodes}{sent}  ETA {eta}")
