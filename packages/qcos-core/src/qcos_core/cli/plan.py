"""``qcos plan``: what would run where, and why."""

from __future__ import annotations

from typing import Any

import click

from qcos_core.cli import documents
from qcos_core.cli.arguments import Arguments, run_options
from qcos_core.cli.console import say

SCHEMA = "qcos.plan/1"


@click.command(
    short_help="Show how circuits would run.",
    epilog="Example: qcos plan bell.qasm --on local_cpu:n_nodes=4 --shots 2000",
)
@run_options
def plan(**options: Any) -> int:
    """Show how circuits would run, and what was decided against.

    FILE is OpenQASM 2 or 3, or QPY; - reads standard input. Nothing runs and nothing is spent.
    """
    given = Arguments(**options)
    given.check()
    with documents.reserved_stdout(given.as_json):
        from qcos_core.qvm.machine import DistributedQVM

        circuits = given.circuits()
        with given.nodes() as registry:
            made = DistributedQVM(registry).plan(circuits, **given.arguments())
    if given.as_json:
        documents.write({"schema": SCHEMA, **made.to_dict()})
    else:
        say(*made.explain().splitlines())
    return 0
