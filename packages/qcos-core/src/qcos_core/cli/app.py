"""The command's root: what is below it, and how every command ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from qcos_core import __version__
from qcos_core.cli import INTERRUPTED, failures
from qcos_core.cli.budget import budget
from qcos_core.cli.calibrate import calibrate
from qcos_core.cli.console import WIDTH, say, wrap
from qcos_core.cli.doctor import doctor
from qcos_core.cli.export import export
from qcos_core.cli.job import job
from qcos_core.cli.jobs import jobs
from qcos_core.cli.plan import plan
from qcos_core.cli.providers import providers
from qcos_core.cli.replay import replay
from qcos_core.cli.run import run
from qcos_core.cli.submit import submit
from qcos_core.cli.top import top

EXAMPLES = """\b
Examples:
  qcos providers
  qcos plan bell.qasm --on local_cpu:n_nodes=4
  qcos run bell.qasm --shots 2000 --seed 7
  qcos submit bell.qasm --shots 20000 --name "my bell"
  qcos job "my bell" --wait
  qcos replay run.json --check
  qcos doctor
"""


class App(click.Group):
    """A group whose commands return exit codes and whose errors are one readable paragraph."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command and exit: 0 done, 1 failed, 2 usage, 3 no node, 4 partial, 130."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.Abort:
            say("interrupted.", err=True)
            sys.exit(INTERRUPTED)
        # the last place where anything can be told to a person in plain words; a panic of
        # Qiskit's compiled parsers is a BaseException
        except BaseException as error:
            if isinstance(error, SystemExit):
                raise
            failures.report(error)
            sys.exit(failures.exit_code(error))
        sys.exit(code if isinstance(code, int) else failures.DONE)


class LogToStderr(logging.Handler):
    """Prints what libraries log as ``warning: ...`` lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        try:
            say(*wrap(f"{record.levelname.lower()}: {record.getMessage()}", indent=2), err=True)
        except Exception:  # noqa: BLE001 - a message that cannot be printed is not worth a failure
            self.handleError(record)


@click.group(
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    epilog=EXAMPLES,
)
@click.version_option(__version__, prog_name="qcos", message="%(prog)s %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Plan quantum circuits over a fleet of nodes and run exactly the shots asked for."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


app.add_command(providers)
app.add_command(plan)
app.add_command(run)
app.add_command(submit)
app.add_command(jobs)
app.add_command(job)
app.add_command(top)
app.add_command(budget)
app.add_command(replay)
app.add_command(export)
app.add_command(calibrate)
app.add_command(doctor)


def run_process() -> NoReturn:
    """Run the command of this process's arguments, and exit."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it was closed; what is opened next would take its place
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    logging.getLogger().addHandler(LogToStderr(logging.WARNING))
    signal.signal(signal.SIGINT, _interrupt)
    app.main(prog_name="qcos")


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Interrupt what is going on; a second Ctrl-C ends the process at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt
