"""``qcos replay``: run again what a manifest holds, and say what is the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from qcos_core.cli import documents, failures
from qcos_core.cli.arguments import STDIN, nodes_of
from qcos_core.cli.console import say, wrap
from qcos_core.cli.run import carry_out, end
from qcos_core.cli.traces import traced

if TYPE_CHECKING:
    from qcos_core.cluster.registry import QPURegistry
    from qcos_core.model.results import QVMResult
    from qcos_core.model.sweeps import SweepResult
    from qcos_core.qvm.comparison import Comparison
    from qcos_core.qvm.recorded import Manifest

SCHEMA = "qcos.replay/1"


@click.command(
    short_help="Run a manifest again, and compare.",
    epilog="Example: qcos replay run.json --check",
)
@click.argument("file", metavar="FILE")
@click.option("--check", is_flag=True, help="Say what is the same, and whether the counts agree.")
@click.option(
    "--on",
    multiple=True,
    metavar="SLOT",
    help="A provider to use, KEY[:name=value,...]; may be repeated. "
    "Without it: the manifest's cluster.",
)
@click.option("--cluster", metavar="FILE", help="A cluster.toml to use instead of --on.")
@click.option(
    "--option",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option for the providers, over those of the manifest; may be repeated.",
)
@click.option(
    "--budget",
    metavar="AMOUNTS",
    help="The most that it may cost, such as '12 QPU-s, 5 USD'; 'any' for whatever it costs.",
)
@click.option(
    "--trust",
    is_flag=True,
    help="Build the manifest's cluster even where it looks up secrets, reaches other machines or "
    "may cost money.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def replay(
    file: str,
    check: bool,
    on: tuple[str, ...],
    cluster: str | None,
    option: tuple[str, ...],
    budget: str | None,
    trust: bool,
    as_json: bool,
) -> int:
    """Run again what a manifest holds, with the same seeds, options, policy and strategy.

    FILE is what qcos run --manifest wrote; - reads standard input. With --check it exits with 0
    when the counts agree and with 1 when they do not: those of simulators with seeds must be equal,
    of others single bits and parities are compared.
    """
    if on and cluster is not None:
        message = "--on and --cluster exclude each other."
        raise click.UsageError(message, click.get_current_context(silent=True))
    with traced() as observers, documents.reserved_stdout(as_json):
        from qcos_core.cli.report import outcome_lines
        from qcos_core.cluster.config import parse_options

        options = parse_options(option)
        manifest = _read(file)
        with _nodes(manifest, on, cluster, trust=trust) as registry:
            plan, outcome = carry_out(
                registry,
                manifest.circuits(options),
                {**manifest.arguments, "budget": budget},
                fallback=manifest.request["fallback"],
                say_plan=not (as_json or check),
                observers=observers,
            )
        if not as_json and not check and outcome.came_back:
            say(*outcome_lines(plan, outcome))
        comparison = _compared(manifest, outcome.results) if check else None
    if as_json:
        document = outcome.document()
        if comparison is not None:
            document = {"schema": SCHEMA, **comparison.to_dict(), "outcome": document}
        documents.write(document)
    elif comparison is not None:
        say(*(line for text in comparison.lines() for line in wrap(text, indent=2)))
    code = end(plan, outcome)
    return failures.FAILED if comparison is not None and not comparison.agrees else code


def _read(file: str) -> Manifest:
    from qcos_core.qvm.recorded import MOST_BYTES_OF_FILE, Manifest

    if file != STDIN:
        return Manifest.load(file)
    content = sys.stdin.buffer.read(MOST_BYTES_OF_FILE + 1)
    return Manifest.parse(content, name="standard input")


@contextmanager
def _nodes(
    manifest: Manifest, on: Sequence[str], cluster: str | None, *, trust: bool
) -> Iterator[QPURegistry]:
    if on or cluster is not None:
        with nodes_of(on, cluster) as registry:
            yield registry
    else:
        with manifest.build(trust=trust) as registry:
            yield registry


def _compared(manifest: Manifest, results: Sequence[QVMResult | SweepResult | None]) -> Comparison:
    from qcos_core.qvm.replay import Replay

    return Replay(manifest, results).comparison
