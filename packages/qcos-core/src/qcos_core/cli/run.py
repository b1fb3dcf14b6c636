"""``qcos run``: the counts, and where each shot came from."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from qcos_core.cli import INTERRUPTED, documents, failures
from qcos_core.cli.arguments import Arguments, label_options, run_options
from qcos_core.cli.console import plural, say, wrap
from qcos_core.cli.traces import traced

if TYPE_CHECKING:
    from qcos_core.cli.progress import Tracker
    from qcos_core.cli.report import Outcome
    from qcos_core.cluster.registry import QPURegistry
    from qcos_core.model.plans import ShardPlan
    from qcos_core.qvm.dispatch import Fallback
    from qcos_core.qvm.observers import Observer


@click.command(
    short_help="Run circuits and print their counts.",
    epilog="Example: qcos run bell.qasm --on local_cpu:n_nodes=2 --shots 2000 --seed 7",
)
@run_options
@label_options
@click.option(
    "--plot",
    metavar="FILE",
    help="Draw the counts to a .png, .svg or .pdf; of several circuits, to FILE-1, FILE-2, ...",
)
@click.option(
    "--manifest",
    metavar="FILE",
    help="Write all that it takes to run this again; see qcos replay.",
)
def run(plot: str | None, manifest: str | None, **options: Any) -> int:
    """Run circuits and print their counts.

    FILE is OpenQASM 2 or 3, or QPY; - reads standard input. Exits with 0 when done, 1 failed,
    2 wrong usage, 3 no node can run it, 4 only part came back, 130 interrupted.
    """
    given = Arguments(**options)
    given.check()
    if plot is not None:
        _check_picture(plot)
    if manifest is not None:
        documents.check_writable(manifest)
    with traced() as observers:
        with documents.reserved_stdout(given.as_json):
            circuits = given.circuits()
            with given.nodes() as registry:
                plan, outcome = carry_out(
                    registry,
                    circuits,
                    given.arguments(),
                    tags=given.tag,
                    say_plan=not given.as_json,
                    observers=observers,
                )
                if not given.as_json and outcome.came_back:
                    _show(given, plan, outcome, registry)
        if given.as_json and outcome.came_back:
            documents.write(outcome.document())
        if plot is not None:
            pictures = _draw(plot, outcome)
            say(*(f" picture: {picture}" for picture in pictures), err=given.as_json)
        if manifest is not None and outcome.came_back:
            _write_manifest(manifest, outcome)
            say(f" manifest: {manifest}", err=given.as_json)
        return end(plan, outcome)


def carry_out(
    registry: QPURegistry,
    circuits: Sequence[Any],
    arguments: Mapping[str, Any],
    *,
    tags: Sequence[str] = (),
    fallback: Fallback = "always",
    say_plan: bool,
    observers: Sequence[Observer] = (),
) -> tuple[ShardPlan, Outcome]:
    """Plan circuits and run them; the plan is printed, and progress drawn on the way.

    Args:
        registry: the cluster.
        circuits: the circuits.
        arguments: those of ``DistributedQVM.plan`` beside them.
        tags: kept in the results.
        fallback: as for ``DistributedQVM``.
        say_plan: whether to print the plan.
        observers: as for ``DistributedQVM``.
    """
    from qcos_core.cli.progress import Tracker, shown
    from qcos_core.cli.report import Outcome, plan_lines
    from qcos_core.errors import PartialResult
    from qcos_core.qvm.machine import DistributedQVM

    circuits = list(circuits)
    plan = DistributedQVM(registry, fallback=fallback).plan(circuits, **arguments)
    if say_plan:
        say(*plan_lines(plan))
    tracker = Tracker(plan)
    registry.plugins.register(tracker)
    qvm = DistributedQVM(registry, fallback=fallback, observers=observers)
    # the seed that the plan drew, so that what runs is what was shown
    seed = plan.circuits[0].seed
    try:
        with shown(tracker):
            return plan, Outcome(qvm.run(circuits, **{**arguments, "seed": seed}, tags=tags))
    except PartialResult as error:
        return plan, Outcome(error.results, error.errors)
    except KeyboardInterrupt as stop:
        _interrupted(tracker, stop)


def _interrupted(tracker: Tracker, stop: KeyboardInterrupt) -> NoReturn:
    done = f"{tracker.done:,} of {plural(tracker.total, 'shot')}"
    goes_on = " ".join(getattr(stop, "__notes__", ())) or "They are not kept."
    say(*wrap(f"interrupted: {done} had come back. {goes_on}"), err=True)
    sys.exit(INTERRUPTED)


def _show(given: Arguments, plan: ShardPlan, outcome: Outcome, registry: QPURegistry) -> None:
    from qcos_core.cli.report import outcome_lines, seed_lines

    say(*outcome_lines(plan, outcome))
    records = [record for result in outcome.came_back for record in result.shards]
    # the fallback executors take seeds
    own = dict.fromkeys(record.node_id for record in records if not record.fallback)
    nodes = [registry.node(node_id) for node_id in own]
    unseeded = [n.spec.node_id for n in nodes if not n.provider.limits(n.spec).seeded]
    seed = plan.circuits[0].seed
    say(
        *seed_lines(
            seed, drawn=given.seed is None, unseeded=unseeded, repeat=given.command_line(seed)
        )
    )


def end(plan: ShardPlan, outcome: Outcome) -> int:
    """Print what failed; the code to exit with."""
    from qcos_core.cli.report import error_lines

    if not outcome.errors:
        return failures.DONE
    say(*error_lines(outcome, plan), err=True)
    return failures.PARTIAL if outcome.came_back else failures.FAILED


def _write_manifest(file: str, outcome: Outcome) -> None:
    from qcos_core.qvm import manifest

    documents.write_file(file, manifest.of(outcome.came_back))


def _check_picture(file: str) -> None:
    """Refuse, before anything runs, a picture that could not be drawn after it."""
    from qcos_core.model.pictures import check_path

    check_path(file)


def _draw(file: str, outcome: Outcome) -> list[Path]:
    """A picture for each circuit that came back; of several, numbered by their places.

    Where the counts of nodes do not add up, a picture for each node, numbered in the same way.
    """
    path, written = Path(file), []
    for number, result in enumerate(outcome.results, 1):
        if result is None:
            continue
        stem = path.stem if len(outcome.results) == 1 else f"{path.stem}-{number}"
        parts: list[Any] = list(result.by_device().values()) if result.apart else [result]
        for place, part in enumerate(parts, 1):
            target = path.with_stem(f"{stem}-{place}" if len(parts) > 1 else stem)
            part.plot(target)
            written.append(target)
    return written
