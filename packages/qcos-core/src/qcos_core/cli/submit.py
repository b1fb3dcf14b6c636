"""``qcos submit``: write a job down, send what can be sent, and leave the rest to a worker."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from qcos_core.cli import INTERRUPTED, documents
from qcos_core.cli.arguments import Arguments, label_options, run_options
from qcos_core.cli.console import plural, say, wrap
from qcos_core.cli.traces import traced

if TYPE_CHECKING:
    from qcos_core.qvm.overview import JobView


@click.command(
    short_help="Submit circuits and return at once.",
    epilog="Example: qcos submit bell.qasm --on local_cpu:n_nodes=2 --shots 20000 --tag paper3",
)
@run_options
@label_options
@click.option("--note", default="", metavar="TEXT", help="Something to remember about it.")
@click.option(
    "--worker/--no-worker",
    default=None,
    help="Whether a process of its own carries the job on; by default one does, except on the "
    "login node of a cluster.",
)
def submit(note: str, worker: bool | None, **options: Any) -> int:
    """Submit circuits, print the job's id, and return at once.

    What nodes take as submissions has been sent by then; a worker, a process of its own, carries
    on what runs here or has to wait. Whoever waits for the job, with qcos job ID --wait, carries it
    on as well.
    """
    given = Arguments(**options)
    given.check()
    with traced() as observers, documents.reserved_stdout(given.as_json):
        from qcos_core.cli.report import plan_lines
        from qcos_core.qvm.detached import login_node
        from qcos_core.qvm.machine import DistributedQVM

        here = login_node() if worker is None else None
        detached = here is None if worker is None else worker
        circuits = given.circuits()
        with given.nodes() as registry:
            try:
                submitted = DistributedQVM(registry, observers=observers).submit(
                    circuits,
                    **given.arguments(),
                    tags=given.tag,
                    note=note,
                    worker="detached" if detached else "none",
                )
            except KeyboardInterrupt as stop:
                say(*wrap(" ".join(["interrupted:", *getattr(stop, "__notes__", ())])), err=True)
                sys.exit(INTERRUPTED)
            view = submitted.view()
    if given.as_json:
        documents.write(view.to_dict())
    else:
        say(*plan_lines(submitted.plan), "", *_lines(view, detached=detached, here=here))
    return 0


def _lines(view: JobView, *, detached: bool, here: str | None) -> list[str]:
    from qcos_core.model.budgets import amounts_text

    lines = wrap(f"JOB  {view.job_id}  {view.name}", indent=5)
    if view.submissions:
        nodes = ", ".join(dict.fromkeys(one.node_id for one in view.submissions))
        sent = plural(len(view.submissions), "submission")
        lines += wrap(f" sent: {sent} to {nodes}", indent=2)
    if view.reserved:
        lines += wrap(f" set aside: {amounts_text(view.reserved)}", indent=2)
    if detached:
        lines.append(f" a worker carries it on; to wait for it: qcos job {view.job_id} --wait")
    else:
        why = f" ({here} is here, so this is a login node)" if here else ""
        lines += wrap(
            f" no worker carries it on{why}; nothing moves until somebody waits:", indent=2
        )
        lines.append(f"  qcos job {view.job_id} --wait")
    return lines
