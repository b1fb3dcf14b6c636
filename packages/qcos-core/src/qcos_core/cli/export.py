"""``qcos export``: a job's results as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qcos_core.cli import failures
from qcos_core.cli.console import one_line, plural, say, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qcos_core.errors import QCOSError

_ERRORS = 8


@click.command(
    short_help="Write a job's results into a folder.",
    epilog="Example: qcos export 0a1b2c3d4e5f --to figure-2",
)
@click.argument("job_id", metavar="ID")
@click.option("--to", metavar="FOLDER", help="A folder that is not there yet; qcos-ID if left out.")
def export(job_id: str, to: str | None) -> int:
    """Write the results of a job into a new folder.

    Documents, tables, pictures, and a paragraph on methods for a paper. Nothing is overwritten, and
    no node is asked: of a job that has not ended, or failed in part, there is what has come back.
    """
    from qcos_core.model.export import check_folder, export_results
    from qcos_core.qvm.jobs import QVMJob

    job = QVMJob.load(job_id)
    folder = Path(f"qcos-{job.job_id()}" if to is None else to)
    check_folder(folder)
    ended = job.in_final_state()  # asked first: what comes back meanwhile is not missed
    results, errors = job.so_far()
    name = f"job {job.job_id()}, {one_line(job.name)},"
    if all(result is None for result in results):
        say(*wrap(f"error: nothing of {name} has come back.", indent=2), err=True)
        say(*_error_lines(errors), err=True)
        return failures.FAILED
    done = export_results(results, folder, errors=errors, ended=ended)
    say(f"EXPORT  {plural(len(done.files), 'file')} in {done.folder}")
    say(*(f" {file}" for file in done.files))
    for reason in done.left_out:
        say(*wrap(f" left out: {reason}", indent=2))
    if not ended:
        say(*wrap(f"warning: {name} has not ended; more may come back.", indent=2), err=True)
    if errors:
        say(*wrap(f"error: {plural(len(errors), 'shard')} of {name} failed.", indent=2), err=True)
        say(*_error_lines(errors), err=True)
    return failures.DONE if ended and not errors else failures.PARTIAL


def _error_lines(errors: Mapping[str, QCOSError]) -> list[str]:
    lines = []
    for task_id, error in list(errors.items())[:_ERRORS]:
        lines += wrap(f"  {task_id}: {error}", indent=2)
    if len(errors) > _ERRORS:
        lines.append(f"  ... and {plural(len(errors) - _ERRORS, 'more error')}")
    return lines
