"""``qcos jobs``: what was submitted, and how it stands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from qcos_core.cli import documents
from qcos_core.cli.console import plural, say, table
from qcos_core.model.text import duration

if TYPE_CHECKING:
    from qcos_core.ledger.records import JobSummary
    from qcos_core.ledger.store import Ledger

SCHEMA = "qcos.jobs/1"
_SHOWN = 20


@click.command(short_help="List jobs.", epilog="Example: qcos jobs --tag paper3")
@click.option("--tag", multiple=True, metavar="TEXT", help="Only jobs with this tag.")
@click.option("--open", "only_open", is_flag=True, help="Only jobs that have not ended.")
@click.option("--all", "everything", is_flag=True, help=f"More than the newest {_SHOWN}.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with all of them.")
def jobs(tag: tuple[str, ...], only_open: bool, everything: bool, as_json: bool) -> int:
    """List jobs, newest first."""
    from qcos_core.ledger.store import Ledger

    with Ledger() as ledger:
        found = [
            job
            for job in ledger.jobs()
            if set(tag) <= set(job.tags) and (job.state == "open" or not only_open)
        ]
        shown = found if everything or as_json else found[:_SHOWN]
        rows = [_facts(ledger, job) for job in shown]
    if as_json:
        documents.write({"schema": SCHEMA, "jobs": rows})
        return 0
    if not found:
        say("no jobs.")
        return 0
    say(*table([("JOB", "NAME", "STATUS", "SHOTS", "AGE", "TAGS"), *map(_row, rows)], right=(3, 4)))
    if len(found) > len(shown):
        say(f" ... and {plural(len(found) - len(shown), 'older job')}; --all shows them")
    return 0


def _facts(ledger: Ledger, job: JobSummary) -> dict[str, Any]:
    from qcos_core.qvm.overview import status_of

    stages, holder = [], None
    if job.state == "open":
        stages = [one.stage for one in ledger.submissions(job.id)]
        holder = ledger.holder(job.id)
    return {
        "job_id": job.id,
        "name": job.name,
        "status": status_of(job, stages, holder).value,
        "shots": job.shots,
        "there": job.there,
        "created": job.created,
        "finished": job.finished,
        "tags": list(job.tags),
        "note": job.note,
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    shots = f"{facts['there']:,}/{facts['shots']:,}"
    if facts["there"] == facts["shots"]:
        shots = f"{facts['shots']:,}" if facts["shots"] else "-"
    age = duration(max(0.0, time.time() - facts["created"]))
    tags = ", ".join(facts["tags"])
    return facts["job_id"], facts["name"], facts["status"], shots, age, tags
