"""``qcos job``: how one job stands, and what a person can do about it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

import click

from qcos_core.cli import INTERRUPTED, documents, failures
from qcos_core.cli.console import plural, say, table, wrap
from qcos_core.cli.traces import traced
from qcos_core.model.text import duration

if TYPE_CHECKING:
    from qcos_core.cli.report import Outcome
    from qcos_core.qvm.jobs import QVMJob
    from qcos_core.qvm.overview import JobView

_SHOWN = 12
_CANCEL_S = 60.0
_DEEDS = ("cancel", "resubmit", "abandon")


@click.command(
    short_help="Show a job, wait for it, or end it.",
    epilog="Example: qcos job 3f2a --wait",
)
@click.argument("job_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Carry it on, or wait for who does, until it ends.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Wait no longer than this.")
@click.option("--cancel", is_flag=True, help="Cancel it; what has come back is kept.")
@click.option(
    "--resubmit",
    is_flag=True,
    help="Send again what nobody knows the outcome of; it may run, and cost, twice.",
)
@click.option(
    "--abandon",
    is_flag=True,
    help="Give up what nobody knows the outcome of; shots will be missing.",
)
@click.option("--note", metavar="TEXT", help="Write something down about it.")
@click.option(
    "--manifest",
    is_flag=True,
    help="Print the manifest of what it returned, for qcos replay, and nothing else.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def job(job_id: str, **options: Any) -> int:
    """Show how a job stands; ID may be the beginning of its id, or its name.

    Exits with 0 if it is done or still goes on, 1 failed or cancelled, 2 wrong usage, 4 only part
    came back, 130 interrupted.
    """
    from qcos_core.qvm.jobs import QVMJob

    _check(options)
    with traced() as observers:
        found = QVMJob.load(job_id, observers=observers)
        if options["note"] is not None:
            found.note = options["note"]
        return _carried_out(found, options)


def _carried_out(found: QVMJob, options: dict[str, Any]) -> int:
    """Do what is asked for, and print how the job stands then."""
    from qcos_core.cli.report import Outcome

    as_json = options["as_json"] or options["manifest"]
    with documents.reserved_stdout(as_json):
        _act(found, options)
        if any(options[name] for name in ("wait", *_DEEDS)):
            patience = _CANCEL_S if options["cancel"] else None
            _wait(found, patience if options["timeout"] is None else options["timeout"])
        view = found.view()
        outcome = Outcome(*found.so_far()) if view.status.final else None
        manifest = _manifest(view, outcome) if options["manifest"] else None
    if manifest is not None:
        documents.write(manifest)
    elif as_json:
        ended = {} if outcome is None else {"results": outcome.documents()}
        documents.write(view.to_dict() | ended)
    else:
        say(*_lines(found, view))
        if outcome is not None:
            _show(found, outcome)
    return _code(view, outcome)


def _check(options: dict[str, Any]) -> None:
    given = [name for name in _DEEDS if options[name]]
    if len(given) > 1:
        message = f"--{given[0]} and --{given[1]} exclude each other."
        raise click.UsageError(message, click.get_current_context(silent=True))
    if options["timeout"] is not None and not (options["wait"] or given):
        message = "--timeout needs --wait."
        raise click.UsageError(message, click.get_current_context(silent=True))


def _act(found: QVMJob, options: dict[str, Any]) -> None:
    if options["resubmit"]:
        found.resubmit()
    elif options["abandon"]:
        found.abandon()
    elif options["cancel"]:
        found.cancel()


def _wait(found: QVMJob, timeout: float | None) -> None:
    """Carry it on until it has ended, or the time is over; what it ends with is looked at later."""
    from qcos_core.cli.waiting import shown
    from qcos_core.errors import JobTimeout, QCOSError

    try:
        with shown(found):
            found.result(timeout)
    except JobTimeout:
        say(f"job {found.job_id()} has not ended within {timeout:g} s; it goes on.", err=True)
    except KeyboardInterrupt:
        _interrupted(found)
    except QCOSError as error:
        if not found.in_final_state():
            failures.report(error)


def _interrupted(found: QVMJob) -> NoReturn:
    found.halt()
    say(*wrap(f"interrupted; to go on: qcos job {found.job_id()} --wait"), err=True)
    sys.exit(INTERRUPTED)


def _manifest(view: JobView, outcome: Outcome | None) -> dict[str, Any]:
    from qcos_core.errors import InvalidArguments
    from qcos_core.qvm.manifest import of

    if outcome is None or not outcome.came_back:
        state = "has not ended" if outcome is None else "returned nothing"
        message = f"job {view.job_id} {state}, so it has no manifest."
        hint = f"To wait for it: qcos job {view.job_id} --wait." if outcome is None else None
        raise InvalidArguments(message, hint=hint)
    return of(outcome.came_back)


def _show(found: QVMJob, outcome: Outcome) -> None:
    from qcos_core.cli.report import error_lines, outcome_lines

    if outcome.came_back:
        say(*outcome_lines(found.plan, outcome))
    if outcome.errors:
        say(*error_lines(outcome, found.plan), err=True)


def _code(view: JobView, outcome: Outcome | None) -> int:
    if outcome is None or not outcome.errors:
        return failures.DONE
    return failures.PARTIAL if outcome.came_back else failures.FAILED


def _lines(found: QVMJob, view: JobView) -> list[str]:
    from qcos_core.model.budgets import amounts_text

    shots = f"{view.there:,} of {plural(view.shots, 'shot')}"
    lines = wrap(f"JOB  {view.job_id}  {view.name}: {view.status.value}, {shots}", indent=5)
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(view.created))
    end = time.time() if view.finished is None else view.finished
    took = duration(max(0.0, end - view.created))
    lines.append(f" submitted {created}, {took} {'ago' if view.finished is None else 'in all'}")
    if view.tags:
        lines += wrap(f" tags: {', '.join(view.tags)}", indent=2)
    if view.note:
        lines += wrap(f" note: {view.note}", indent=2)
    if view.charges or view.reserved:
        spent = amounts_text(view.charges) or "nothing"
        aside = f"; set aside: {amounts_text(view.reserved)}" if view.reserved else ""
        lines += wrap(f" spent: {spent}{aside}", indent=2)
    if view.status.final:
        return lines
    lines += ["", "NODES", *_nodes(view)]
    out = [one for one in view.submissions if one.stage in ("sending", "sent", "unknown")]
    if out:
        lines += ["", "OUT", *_submissions(view, out)]
    return [*lines, "", *_what_next(found, view)]


def _nodes(view: JobView) -> list[str]:
    rows = [("NODE", "SHARDS DONE", "OUT", "SHOTS")]
    rows += [
        (
            one.node_id,
            f"{one.done:,}/{one.shards:,}",
            f"{one.out:,}",
            f"{one.there:,}/{one.shots:,}",
        )
        for one in view.nodes[:_SHOWN]
    ]
    lines = table(rows, right=(1, 2, 3))
    if len(view.nodes) > _SHOWN:
        lines.append(f" ... and {plural(len(view.nodes) - _SHOWN, 'more node')}")
    return lines


def _submissions(view: JobView, out: list[Any]) -> list[str]:
    rows = [("SUBMISSION", "NODE", "STAGE", "SHARDS", "AT THE VENDOR", "SINCE")]
    now = time.time()
    for one in out[:_SHOWN]:
        vendor = ", ".join(one.remote_ids) or "-"
        since = duration(max(0.0, now - one.sent))
        rows.append((one.key, one.node_id, one.stage, f"{one.shards:,}", vendor, since))
    lines = table(rows, right=(3, 5))
    if len(out) > _SHOWN:
        lines.append(f" ... and {plural(len(out) - _SHOWN, 'more submission')}")
    for one in out[:_SHOWN]:
        if one.message:
            lines += wrap(f" {one.key}: {one.message}", indent=2)
    return lines


def _what_next(found: QVMJob, view: JobView) -> list[str]:
    if view.holder is not None:
        lines = wrap(f" carried on by {view.holder}", indent=2)
        if view.remaining_s is not None:
            lines.append(f" it should take {duration(view.remaining_s)} more")
        return lines
    if view.unknown:
        text = (
            f" nobody knows what became of {', '.join(view.unknown[:3])}; look at the vendor's own "
            f"list, then: qcos job {view.job_id} --resubmit, or --abandon"
        )
        return wrap(text, indent=2)
    lines = wrap(f" nobody carries it on; to go on: qcos job {view.job_id} --wait", indent=2)
    said = found.worker_log()
    return lines + (wrap(f" its worker said: {said.splitlines()[-1]}", indent=2) if said else [])
