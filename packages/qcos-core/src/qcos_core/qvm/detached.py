"""A process that carries a job on after who submitted it has gone.

It is ``python -m qcos_core.qvm.detached STATE JOB``.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import traceback
from contextlib import nullcontext
from pathlib import Path

from qcos_core import interpreter
from qcos_core.errors import QCOSError
from qcos_core.model.scrubber import Scrubber

_LOGS = "workers"
_SCHEDULERS = {"sbatch": "SLURM_JOB_ID", "qsub": "PBS_JOBID", "bsub": "LSB_JOBID"}


def start(state: Path, job_id: str) -> int:
    """Start a process that carries a job on until it has ended.

    It has a session of its own, so that it lives on when the terminal is closed, and writes what
    goes wrong to a file that :func:`log` reads.

    Args:
        state: the folder with the ledger.
        job_id: the job.

    Returns:
        Its process id.
    """
    path = _log_path(state, job_id)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as log_file:
        process = subprocess.Popen(  # noqa: S603 - this very module
            interpreter.command("qcos_core.qvm.detached", state, job_id),
            env=interpreter.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, name="qcos-reaper", daemon=True).start()
    return process.pid


def log(state: Path, job_id: str) -> str:
    """What the process that carried a job on had to say; empty if all was well."""
    try:
        return _log_path(state, job_id).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def login_node() -> str | None:
    """Which command for submitting batch jobs is here, if this is a login node.

    There, programs that compute are not welcome. Inside a batch job they are.
    """
    for command, inside in _SCHEDULERS.items():
        if inside not in os.environ and shutil.which(command):
            return command
    return None


class _Scrubbed(logging.Formatter):
    """Masks secrets in what libraries log.

    Attributes:
        scrubber: knows those that are known by now.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self.scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self.scrubber.scrub(super().format(record))


def main(state: str, job_id: str) -> int:
    """Carry a job on; the exit code is 0 if it has ended with all its shots."""
    from qcos_core.cluster.secrets import environment_secrets

    masked = _Scrubbed(Scrubber(environment_secrets()))
    handler = logging.StreamHandler()
    handler.setFormatter(masked)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    try:
        _carry_on(state, job_id, masked)
    except QCOSError as error:
        sys.stderr.write(f"{masked.scrubber.scrub(str(error))}\n")
    except Exception:  # noqa: BLE001 - nobody else is there to be told
        sys.stderr.write(masked.scrubber.scrub(traceback.format_exc()))
    else:
        path = _log_path(Path(state), job_id)
        if not path.stat().st_size:
            path.unlink()
        return 0
    return 1


def _carry_on(state: str, job_id: str, masked: _Scrubbed) -> None:
    from qcos_core.cluster.documents import builder_from_dict
    from qcos_core.cluster.secrets import scrubber_of, scrubber_of_slots
    from qcos_core.ledger.store import Ledger
    from qcos_core.qvm.jobs import QVMJob
    from qcos_core.qvm.traces import from_environment

    with Ledger(state) as ledger:
        document = ledger.job(job_id).cluster
    traces = from_environment()
    builder = builder_from_dict(document or {})
    masked.scrubber = scrubber_of_slots(builder.slots)  # health checks log, too
    with traces or nullcontext(), builder.build() as cluster:
        masked.scrubber = scrubber_of(cluster)
        observers = [] if traces is None else [traces]
        QVMJob.load(job_id, cluster=cluster, state=state, observers=observers).result()


def _log_path(state: Path, job_id: str) -> Path:
    return state / _LOGS / f"{job_id}.log"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
