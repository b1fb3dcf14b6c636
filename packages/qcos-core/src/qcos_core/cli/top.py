"""``qcos top``: every job that goes on, live."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from qcos_core.cli.console import one_line, plural, printable, say, table
from qcos_core.model.text import countdown

if TYPE_CHECKING:
    from qcos_core.ledger.store import Ledger
    from qcos_core.qvm.overview import JobView, Overview

_JOBS = 8
_NODES = 12


@click.command(short_help="Watch jobs, live.", epilog="Example: qcos top")
@click.option("--every", type=float, default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Look once, and end.")
def top(every: float, once: bool) -> int:
    """Watch the jobs that have not ended: shards, shots, charges and time left, node by node.

    Ctrl-C ends it; the jobs go on.
    """
    from qcos_core.ledger.store import Ledger
    from qcos_core.qvm.overview import Overview

    if not 0.1 <= every <= 3600:
        message = f"--every must be from 0.1 to 3600 seconds, not {every:g}."
        raise click.UsageError(message, click.get_current_context(silent=True))
    with Ledger() as ledger:
        overview = Overview(ledger)
        if once or not sys.stdout.isatty():
            say(*picture(ledger, overview))
        else:
            _watch(ledger, overview, every)
    return 0


def _watch(ledger: Ledger, overview: Overview, every: float) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    def drawn() -> Text:
        return Text("\n".join(map(printable, picture(ledger, overview))), no_wrap=True)

    try:
        with Live(drawn(), console=Console(), screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(drawn(), refresh=True)
    except KeyboardInterrupt:
        return


def picture(ledger: Ledger, overview: Overview) -> list[str]:
    """What there is to see now, as lines of at most 80 columns."""
    jobs = [job for job in ledger.jobs() if job.state == "open"]
    views = [overview.look(job.id) for job in jobs[:_JOBS]]
    clock = time.strftime("%H:%M:%S")
    lines = [f"JOBS  {plural(len(jobs), 'job')} open, {clock}"]
    if not jobs:
        return [*lines, " nothing goes on; qcos jobs lists what has ended"]
    rows: list[tuple[str, ...]] = [("JOB", "NAME", "STATUS", "SHOTS", "ETA", "SPENT", "SET ASIDE")]
    rows += [_job(view) for view in views]
    lines += table(rows, right=(3, 4, 5, 6))
    if len(jobs) > len(views):
        lines.append(f" ... and {plural(len(jobs) - len(views), 'more job')}")
    nodes = list(_nodes(views))
    lines += ["", "NODES", *table([("NODE", "JOB", "SHARDS", "OUT", "SHOTS"), *nodes[:_NODES]])]
    if len(nodes) > _NODES:
        lines.append(f" ... and {plural(len(nodes) - _NODES, 'more row')}")
    return lines


def _job(view: JobView) -> tuple[str, ...]:
    from qcos_core.model.budgets import amounts_text

    return (
        view.job_id,
        one_line(view.name),
        view.status.value if view.holder or view.status.value != "QUEUED" else "WAITING",
        f"{view.there:,}/{view.shots:,}",
        "-" if view.holder is None else countdown(view.remaining_s),
        amounts_text(view.charges) or "-",
        amounts_text(view.reserved) or "-",
    )


def _nodes(views: list[JobView]) -> Iterator[tuple[str, ...]]:
    for view in views:
        for node in view.nodes:
            yield (
                node.node_id,
                view.job_id,
                f"{node.done:,}/{node.shards:,}",
                f"{node.out:,}",
                f"{node.there:,}/{node.shots:,}",
            )
