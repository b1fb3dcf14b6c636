"""``qcos plan``: what would run where, and why."""

from __future__ import annotations

from typing import Any

import click

from qcos_core.cli import documents
from qcos_core.cli.console import say
from qcos_core.cli.jobs import Job, job_options

SCHEMA = "qcos.plan/1"


@click.command(
    short_help="Show how circuits would run.",
    epilog="Example: qcos plan bell.qasm --on local_cpu:n_nodes=4 --shots 2000",
)
@job_options
def plan(**options: Any) -> int:
    """Show how circuits would run, and what was decided against.

    FILE is OpenQASM 2 or 3, or QPY; - reads standard input. Nothing runs and nothing is spent.
    """
    job = Job(**options)
    job.check()
    with documents.reserved_stdout(job.as_json):
        from qcos_core.qvm.machine import DistributedQVM

        circuits = job.circuits()
        with job.nodes() as registry:
            made = DistributedQVM(registry).plan(circuits, **job.arguments())
    if job.as_json:
        documents.write({"schema": SCHEMA, **made.to_dict()})
    else:
        say(*made.explain().splitlines())
    return 0
