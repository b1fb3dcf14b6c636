"""Jobs for people: submitted on the command line, left alone, found again elsewhere."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qasm2
from queue_provider import QueueServer

from qcos_core import (
    Amount,
    ClusterBuilder,
    DistributedQVM,
    InvalidArguments,
    NodeProviderRegistry,
    QVMJob,
    Secret,
)
from qcos_core.ledger.store import Ledger
from qcos_core.model.budgets import Cap
from qcos_core.providers import discovery

QCOS = Path(sys.executable).with_name("qcos")
MODULES = Path(__file__).parents[1] / "zoo" / "modules"
pytestmark = pytest.mark.optional_part("click")


TALKATIVE = """
import logging
from qcos_core.providers.local_numpy import LocalNumpyProvider

class Talkative(LocalNumpyProvider):
    DISPLAY_NAME = "Talkative"
    RUNS_IN = "thread"

    def configure(self, token):
        self.token = token

    def build_nodes(self, token):
        return super().build_nodes(n_nodes=1, node_prefix="talkative")

    def health_check(self):
        logging.getLogger("talkative").warning("health of %s", str(self.token))
        return True

    def run_task(self, task, circuit, node):
        logging.getLogger("talkative").warning("run with %s", str(self.token))
        return super().run_task(task, circuit, node)
"""


@pytest.fixture(scope="module")
def server():
    with QueueServer() as running:
        yield running


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def site(tmp_path):
    """Providers of the zoo, as if a distribution had brought them."""
    info = tmp_path / "site" / "queues-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: queues\nVersion: 1.0\n")
    kinds = {"queue": "QueueProvider", "tags": "TaggingProvider"}
    lines = [f"{key} = queue_provider:{name}" for key, name in kinds.items()]
    info.joinpath("entry_points.txt").write_text("\n".join(["[qcos.providers]", *lines]))
    return tmp_path / "site"


@pytest.fixture
def qcos(state, site, tmp_path):
    """Run the command in a process of its own: exit code, output and errors."""
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    (tmp_path / "bell.qasm").write_text(qasm2.dumps(circuit))

    def run(*arguments, **environment):
        inherited = filter(None, [os.environ.get("PYTHONPATH")])
        path = os.pathsep.join([str(site), str(MODULES), *inherited])
        done = subprocess.run(
            [QCOS, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path, **environment},
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    yield run
    end_workers(state)


def end_workers(state):
    """End the workers that a test has left behind."""
    if state.exists():
        with Ledger(state) as ledger:
            for job in ledger.jobs():
                pid = worker_of(ledger, job.id)
                if pid:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def worker_of(ledger, job_id):
    found = re.match(r"process (\d+) on", ledger.holder(job_id) or "")
    return int(found[1]) if found else None


def wait_for(found, seconds=60):
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return value


def submitted(answer):
    code, out, err = answer
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("key", ["queue", "tags"])
def test_killed_worker_and_another_process_goes_on(qcos, server, state, key):
    """Submit, kill the worker, log out, wait elsewhere: exactly N shots, each sent once."""
    with server.switched(hold=True):
        job = submitted(
            qcos("submit", "bell.qasm", "bell.qasm", "--on", f"{key}:url={server.url}", "--json",
                 "--shots", 500, "--seed", 3, "--tag", "paper3")
        )  # fmt: skip
        keys = [one["key"] for one in job["submissions"]]
        assert keys
        assert {one["stage"] for one in job["submissions"]} == {"sent"}
        assert [server.accepted(one) for one in keys] == [1] * len(keys)
        with Ledger(state) as ledger:
            pid = wait_for(lambda: worker_of(ledger, job["job_id"]))
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: worker_of(ledger, job["job_id"]) != pid)
    code, out, err = qcos("job", job["job_id"][:6], "--wait", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["status"] == "DONE"
    assert [sum(result["counts"].values()) for result in document["results"]] == [500, 500]
    with Ledger(state) as ledger:
        every = [one.submission.key for one in ledger.submissions(job["job_id"])]
    assert [server.accepted(one) for one in every] == [1] * len(every)


def test_worker_outlives_the_session_that_began_it(qcos, server, state, site, tmp_path):
    """The terminal is gone, and all of its process group with it."""
    with server.switched(hold=True):
        path = os.pathsep.join([str(site), str(MODULES)])
        shell = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                f"'{QCOS}' submit bell.qasm --on queue:url={server.url}; exec sleep 60",
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with shell:
            job_id = wait_for(lambda: re.match(r"JOB  (\w+)", shell.stdout.readline()))[1]
            with Ledger(state) as ledger:
                pid = wait_for(lambda: worker_of(ledger, job_id))
                os.killpg(shell.pid, signal.SIGKILL)
                shell.wait(10)
                assert worker_of(ledger, job_id) == pid
    with Ledger(state) as ledger:
        wait_for(lambda: ledger.job(job_id).state == "done")
        assert ledger.job(job_id).there == 1024
        wait_for(lambda: not list((state / "workers").iterdir()))


def test_without_a_worker_nothing_moves_until_somebody_waits(qcos, state):
    code, out, _ = qcos("submit", "bell.qasm", "--on", "local_numpy", "--no-worker", "--name", "b")
    assert code == 0
    assert "nothing moves until somebody waits" in out
    assert not (state / "workers").exists()
    code, out, _ = qcos("job", "b")
    assert code == 0
    assert "b: QUEUED, 0 of 1,024 shots" in out
    assert "nobody carries it on" in out
    code, out, _ = qcos("job", "b", "--wait")
    assert code == 0
    assert "b: DONE, 1,024 of 1,024 shots" in out
    assert "COUNTS  b: 1,024 shots, 2 outcomes" in out


def test_no_worker_on_a_login_node_unless_asked_for(qcos, tmp_path, state, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID")
    scheduler = tmp_path / "bin" / "sbatch"
    scheduler.parent.mkdir()
    scheduler.write_text("#!/bin/sh\n")
    scheduler.chmod(0o755)
    path = {"PATH": f"{scheduler.parent}{os.pathsep}{os.environ['PATH']}"}
    submit = ("submit", "bell.qasm", "--on", "local_numpy")
    assert "(sbatch is here, so this is a login node)" in " ".join(qcos(*submit, **path)[1].split())
    assert "a worker carries it on" in qcos(*submit, "--worker", **path)[1]
    assert "a worker carries it on" in qcos(*submit, **path, SLURM_JOB_ID="7")[1]  # a batch job


def test_cancelled_by_another_process_than_the_one_that_carries_it_on(qcos, server):
    with server.switched(hold=True):
        job = submitted(qcos("submit", "bell.qasm", "--on", f"queue:url={server.url}", "--json"))
        code, out, err = qcos("job", job["job_id"], "--cancel")
    assert code == 1
    assert "CANCELLED, 0 of 1,024 shots" in out
    assert "cancelled on request" in err


def test_what_a_worker_could_not_do_is_told(qcos, state):
    """Its provider is not there any more."""
    job = submitted(qcos("submit", "bell.qasm", "--on", "local_numpy", "--no-worker", "--json"))
    with Ledger(state) as ledger:
        stored = ledger.job(job["job_id"])
    text = json.dumps(stored.cluster).replace("local_numpy", "gone")
    database = sqlite3.connect(state / "ledger.db")
    database.execute("UPDATE jobs SET cluster = ?", (text,))
    database.commit()
    database.close()
    QVMJob.load(job["job_id"]).detach()
    wait_for(lambda: QVMJob.load(job["job_id"]).worker_log())
    code, out, _ = qcos("job", job["job_id"])
    assert code == 0
    assert "its worker said: no provider 'gone' is installed" in " ".join(out.split())


def test_worker_s_log_holds_no_secret(state, tmp_path, monkeypatch):
    """One that stands in an unsuspicious variable, and is quoted by a health check's log."""
    monkeypatch.setenv("ACME_LOGIN", "canary-41c07e")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    info = tmp_path / "talkative-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: talkative\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(
        "[qcos.providers]\ntalkative = talkative:Talkative\n"
    )
    monkeypatch.setattr(NodeProviderRegistry, "_loaded", {})
    discovery.entry_points.cache_clear()
    circuit = QuantumCircuit(1, name="one")
    circuit.measure_all()
    try:
        cluster = ClusterBuilder().add("talkative", token=Secret.env("ACME_LOGIN")).build()
        with DistributedQVM(cluster) as qvm:
            job = qvm.submit(circuit, 10, worker="detached")
        wait_for(lambda: QVMJob.load(job.job_id()).in_final_state())
        said = wait_for(lambda: QVMJob.load(job.job_id()).worker_log())
    finally:
        discovery.entry_points.cache_clear()
    assert "WARNING talkative: health of" in said
    assert "WARNING talkative: run with" in said
    assert "canary-41c07e" not in said
    assert "canary-41c07e" not in "".join(
        path.read_bytes().decode("latin-1") for path in state.rglob("*") if path.is_file()
    )


def test_worker_looks_for_no_modules_where_the_user_stands(qcos, state, tmp_path):
    """A file that somebody has downloaded may be called as a module of the standard library."""
    for name in ("secrets", "numpy", "fractions"):
        (tmp_path / f"{name}.py").write_text(f"open('{tmp_path}/ran', 'w').close()\n")
    job = submitted(qcos("submit", "bell.qasm", "--on", "local_numpy", "--json"))
    wait_for(lambda: QVMJob.load(job["job_id"]).in_final_state())
    assert QVMJob.load(job["job_id"]).done()
    assert not (tmp_path / "ran").exists()


def test_cluster_that_no_other_process_can_build_is_refused_before_it_is_stored(state, machine_of):
    qvm = machine_of()
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    with pytest.raises(InvalidArguments, match="registered by hand"):
        qvm.submit(circuit, worker="detached")
    with pytest.raises(InvalidArguments, match="thread, detached, none"):
        qvm.submit(circuit, worker="robot")
    assert not state.exists()


@pytest.fixture
def machine_of():
    """Make a machine whose node was registered by hand."""
    from qcos_core import QPURegistry
    from qcos_core.providers.local_numpy import LocalNumpyProvider

    def make():
        provider, registry = LocalNumpyProvider(), QPURegistry()
        registry.register(*provider.build_nodes(), provider)
        return DistributedQVM(registry)

    return make


def test_fifty_at_one_time_never_exceed_a_cap(state, tmp_path):
    """Ten threads in each of five processes, one USD each, and a cap of 20."""
    with Ledger(state) as ledger:
        ledger.set_cap(Cap("vendor", "day", Amount(20.0, "USD")))
    bill = tmp_path / "bill"
    script = Path(__file__).with_name("spenders.py")
    running = [
        subprocess.Popen(
            [sys.executable, script, state, bill, "10"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 5
    found = [json.loads(output) for output in outputs]
    assert sum(one["done"] for one in found) == 20
    assert sum(one["refused"] for one in found) == 30
    assert len(bill.read_text().splitlines()) == 20
    with Ledger(state) as ledger:
        (spent,) = ledger.spending()
        assert (spent.total, spent.reserved) == (20.0, 0.0)
        assert len(ledger.jobs()) == 20


def test_budget_command(qcos, state):
    code, out, _ = qcos(
        "budget",
        "--cap",
        "local_numpy:day=2 USD",
        "--cap",
        "*:month=5 USD",
        "--rate",
        "1 HQC = 2 USD",
    )
    assert code == 0
    assert " all providers, month: 5 USD" in out
    assert " local_numpy, day: 2 USD" in out
    assert " 1 HQC = 2 USD" in out
    code, out, _ = qcos("budget", "--drop", "*:month=USD", "--json", "--on", "local_numpy")
    document = json.loads(out)
    assert code == 0
    assert [cap["provider"] for cap in document["caps"]] == ["local_numpy"]
    assert document["accounts"] == [{"provider": "local_numpy", "left": [], "error": ""}]
    for wrong in (
        "nowhere:day=2 USD",
        "local_numpy=2 USD",
        "*:week=2 USD",
        "*:day=2",
        ":day=2 USD",
    ):
        code, out, err = qcos("budget", "--cap", wrong)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")


def test_top_and_jobs_show_what_goes_on(qcos, server):
    with server.switched(hold=True):
        on = f"queue:url={server.url}"
        job = submitted(
            qcos("submit", "bell.qasm", "--on", on, "--name", "slow \x1b[31mone", "--json")
        )
        for command in ("top", "jobs"):
            code, out, err = qcos(command)
            assert (code, err) == (0, "")
            assert job["job_id"] in out
            assert "RUNNING" in out
            assert "0/1,024" in out
            assert "\x1b" not in out
            assert all(len(line) <= 80 for line in out.splitlines())
        code, out, _ = qcos("job", job["job_id"], "--wait", "--timeout", "0.2")
        assert code == 0
        assert f"{job['job_id']}-1" in out
    assert qcos("job", job["job_id"], "--wait")[0] == 0
    assert "nothing goes on" in qcos("top")[1]


def test_jobs_by_tag(qcos):
    for tag in ("a", "b"):
        qcos(
            "submit", "bell.qasm", "--on", "local_numpy", "--no-worker", "--tag", tag, "--tag", "c"
        )
    assert len(json.loads(qcos("jobs", "--tag", "c", "--json")[1])["jobs"]) == 2
    (one,) = json.loads(qcos("jobs", "--tag", "a", "--tag", "c", "--json")[1])["jobs"]
    assert one["tags"] == ["a", "c"]
    assert qcos("jobs", "--tag", "nothing")[1] == "no jobs.\n"


def test_an_id_that_may_be_several(qcos):
    for _ in range(2):
        qcos("submit", "bell.qasm", "--on", "local_numpy", "--no-worker", "--name", "twin")
    code, out, err = qcos("job", "twin")
    assert (code, out) == (2, "")
    assert "may be any of" in err


def test_note_is_kept(qcos):
    qcos(
        "submit", "bell.qasm", "--on", "local_numpy", "--no-worker", "--name", "n", "--note", "one"
    )
    assert "note: one" in qcos("job", "n")[1]
    assert "note: two" in qcos("job", "n", "--note", "two")[1]


def test_local_work_of_a_worker_has_the_counts_of_run(qcos):
    arguments = ("bell.qasm", "--on", "local_numpy", "--shots", "700", "--seed", "5", "--json")
    _, out, _ = qcos("run", *arguments)
    job = submitted(qcos("submit", *arguments))
    document = json.loads(qcos("job", job["job_id"], "--wait", "--json")[1])
    assert document["results"][0]["counts"] == json.loads(out)["counts"]


def test_two_wait_for_one_job(qcos, server, state, site, tmp_path):
    with server.switched(hold=True):
        on = f"queue:url={server.url}"
        job = submitted(qcos("submit", "bell.qasm", "--on", on, "--no-worker", "--json"))
        path = os.pathsep.join([str(site), str(MODULES)])
        waiting = [
            subprocess.Popen(
                [QCOS, "job", job["job_id"], "--wait", "--json"],
                env={**os.environ, "PYTHONPATH": path},
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        time.sleep(1.0)
    found = [json.loads(process.communicate(timeout=60)[0]) for process in waiting]
    assert [sum(one["results"][0]["counts"].values()) for one in found] == [1024, 1024]
    assert [server.accepted(one["key"]) for one in found[0]["submissions"]] == [1]


def test_job_of_the_builder_is_carried_on_by_a_detached_process(state):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        job = qvm.submit(circuit, 100, seed=1, worker="detached")
    wait_for(lambda: QVMJob.load(job.job_id()).done())
    assert sum(QVMJob.load(job.job_id()).result().counts.values()) == 100


def test_manifest_of_a_job_replays(qcos, tmp_path):
    arguments = ("bell.qasm", "--on", "local_numpy", "--shots", "300", "--no-worker", "--name", "m")
    qcos("submit", *arguments)
    code, out, err = qcos("job", "m", "--manifest")
    assert (code, out) == (2, "")
    assert "has not ended, so it has no manifest" in err
    qcos("job", "m", "--wait")
    code, out, _ = qcos("job", "m", "--manifest")
    assert code == 0
    (tmp_path / "run.json").write_text(out)
    code, out, _ = qcos("replay", "run.json", "--check", "--on", "local_numpy")
    assert code == 0
    assert "simulators with seeds: the counts are equal" in out
