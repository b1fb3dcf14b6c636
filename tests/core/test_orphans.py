"""A worker does not outlive its coordinator."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = """
import time
from qcos_core.worker.pool import WorkerPool
pool = WorkerPool(1)
with pool._lease() as worker:
    print(worker.pid, flush=True)
    time.sleep(3600)
"""


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_workers_die_with_a_coordinator_that_is_killed():
    coordinator = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    with coordinator:
        pid = int(coordinator.stdout.readline())
        assert running(pid)
        time.sleep(1)  # until the worker has asked the kernel
        coordinator.kill()
    for _ in range(100):
        if not running(pid):
            return
        time.sleep(0.05)
    os.kill(pid, 9)
    pytest.fail("the worker outlived its coordinator")
