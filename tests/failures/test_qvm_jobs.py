"""Jobs on a real far side, in this process and in others."""

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from qiskit import QuantumCircuit
from queue_provider import PlainProvider, QueueProvider, QueueServer, TaggingProvider

from qcos_core import (
    Amount,
    BudgetExceeded,
    ClusterBuilder,
    DistributedQVM,
    Estimate,
    InvalidArguments,
    JobCancelled,
    JobFailed,
    JobStatus,
    JobTimeout,
    LedgerUnusable,
    Limits,
    NodeProvider,
    NodeProviderRegistry,
    OutcomeUnknown,
    PartialResult,
    QPUNodeSpec,
    QPURegistry,
    QVMJob,
    State,
    Status,
)
from qcos_core.ledger.stages import Stage
from qcos_core.ledger.store import Ledger
from qcos_core.providers.local_numpy import LocalNumpyProvider
from qcos_core.qvm import failover

TOKEN = "canary-6f1d0c2b"
KINDS = {"key": QueueProvider, "tag": TaggingProvider, "plain": PlainProvider}


class Paid(PlainProvider):
    """The vendor takes neither key nor tag, and money."""

    def limits(self, node):
        return Limits(max_tasks=10, simulated=True, paid=True, seeded=True)


@pytest.fixture(scope="module")
def server():
    with QueueServer() as running:
        yield running


@pytest.fixture
def machine(server, monkeypatch):
    monkeypatch.setattr(NodeProviderRegistry, "_registered", {})
    made = []

    def make(cls, **arguments):
        NodeProviderRegistry.register("queue", cls, replace=True)
        cluster = ClusterBuilder().add("queue", url=server.url, token=TOKEN, **arguments).build()
        made.append(DistributedQVM(cluster))
        return made[-1]

    yield make
    for qvm in made:
        qvm.close()


@pytest.fixture
def bell():
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("kind", KINDS)
def test_run_and_submit_give_the_same(machine, bell, kind):
    qvm = machine(KINDS[kind])
    expected = qvm.run(bell, 1000, seed=3)
    job = qvm.submit(bell, 1000, seed=3, name="mine", tags=["a"])
    assert job.result().counts == expected.counts
    assert job.done()
    assert (job.name, job.tags) == ("mine", ("a",))
    assert QVMJob.load(job.job_id()).result().counts == expected.counts
    assert expected.shards[0].metadata["remote_ids"]


@pytest.mark.parametrize("kind", ["key", "tag"])
@pytest.mark.parametrize("answers", ["lost", "503"])
def test_lost_answer_is_found_and_not_paid_twice(machine, server, bell, kind, answers):
    qvm = machine(KINDS[kind])
    with server.switched(answers=answers):
        job = qvm.submit([bell, bell], 500, seed=1)
        while not job.unknown():
            time.sleep(0.01)
        key = job.unknown()[0]
    results = job.result(timeout=60)
    assert [result.shots for result in results] == [500, 500]
    assert server.accepted(key) == 1


def test_where_nobody_can_know_a_person_decides(machine, server, bell):
    qvm = machine(Paid)
    with server.switched(answers="lost"), pytest.raises(OutcomeUnknown, match="resubmit"):
        qvm.submit(bell, 500, budget="any").result(timeout=60)
    with server.switched(answers="lost"):
        job = qvm.submit(bell, 500, budget="any")
        with pytest.raises(OutcomeUnknown):
            job.result(timeout=60)
    assert job.status() is JobStatus.UNDECIDED
    (key,) = job.unknown()
    assert server.accepted(key) == 1
    again = QVMJob.load(job.job_id(), cluster=qvm.registry)
    again.resubmit()
    assert again.result(timeout=60).shots == 500
    assert server.accepted(key) == 2
    with pytest.raises(InvalidArguments):
        again.resubmit()


class PaidCall(NodeProvider):
    """A provider without handles, which takes money and fails at who knows which point."""

    DISPLAY_NAME = "Paid call"

    def __init__(self, raises):
        self.calls = 0
        self.fails = True
        self.raises = raises

    def build_nodes(self):
        return [QPUNodeSpec("paid-call", "other", 5)]

    def limits(self, node):
        return Limits(simulated=False, paid=True)

    def execute(self, circuit, shots, node_spec):
        self.calls += 1
        if self.fails:
            raise self.raises
        return {"00": shots}


@pytest.mark.parametrize(
    "raises", [KeyError("the answer"), JobTimeout("the answer."), OutcomeUnknown("the answer.")]
)
def test_paid_call_that_may_have_run_is_not_made_again_unasked(bell, raises):
    provider, registry = PaidCall(raises), QPURegistry()
    registry.register(*provider.build_nodes(), provider)
    with DistributedQVM(registry) as qvm:
        job = qvm.submit(bell, 100, budget="any")
        for _ in range(2):
            with pytest.raises(OutcomeUnknown, match="the answer"):
                job.result(timeout=60)
        assert (job.status(), provider.calls) == (JobStatus.UNDECIDED, 1)
        provider.fails = False
        job.resubmit()
        assert job.result(timeout=60).counts == {"00": 100}
        assert (job.status(), provider.calls) == (JobStatus.DONE, 2)


@pytest.mark.parametrize("number", [1, 3])
def test_results_that_are_paid_for_and_cannot_be_read(machine, server, bell, number):
    class Unreadable(Paid):
        broken = True

        def fetch(self, handle):
            if self.broken:
                raise KeyError("results")
            return super().fetch(handle)

    qvm = machine(Unreadable)
    job = qvm.submit([bell] * number, 100, budget="any")
    error = JobFailed if number == 1 else PartialResult
    for _ in range(2):
        with pytest.raises(error, match="cannot be fetched: KeyError"):
            job.result(timeout=60)
    assert not job.in_final_state()
    Unreadable.broken = False
    assert [result.shots for result in job.result(timeout=60)] == [100] * number
    (key,) = {shard.metadata["submission"] for shard in job.result()[0].shards}
    assert server.accepted(key) == 1


def test_what_is_given_up_is_missing(machine, server, bell):
    qvm = machine(Paid)
    with server.switched(answers="lost"):
        job = qvm.submit(bell, 500, budget="any")
        with pytest.raises(OutcomeUnknown):
            job.result(timeout=60)
    job.abandon()
    with pytest.raises(OutcomeUnknown, match="given up"):
        job.result(timeout=60)
    assert job.status() is JobStatus.ERROR
    with pytest.raises(OutcomeUnknown, match="given up"):
        QVMJob.load(job.job_id()).result()


def test_cancelled_before_it_began(machine, server, bell):
    qvm = machine(QueueProvider)
    with server.switched(hold=True):
        job = qvm.submit(bell, 500)
        with pytest.raises(JobTimeout, match="goes on"):
            job.result(timeout=0.3)
        job.cancel()
        with pytest.raises(JobCancelled):
            job.result(timeout=60)
    assert job.cancelled()
    job.cancel()  # which changes nothing any more
    assert job.cancelled()


@pytest.fixture
def interruptible():
    """A process that a shell began in its background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupted_run_says_how_it_goes_on(machine, server, bell):
    qvm = machine(QueueProvider)
    with server.switched(hold=True):
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            qvm.run(bell, 100)
    (note,) = caught.value.__notes__
    (job_id,) = re.findall(r"QVMJob.load\('(\w+)'\).result\(\), goes on", note)
    job = QVMJob.load(job_id, cluster=qvm.registry)
    assert job.result(timeout=60).shots == 100
    (key,) = {shard.metadata["submission"] for shard in job.result().shards}
    assert server.accepted(key) == 1


def test_it_can_be_awaited(machine, bell):
    qvm = machine(QueueProvider)

    async def both():
        return await asyncio.gather(*(_awaited(qvm.submit(bell, 100)) for _ in range(2)))

    assert [result.shots for result in asyncio.run(both())] == [100, 100]


async def _awaited(job):
    return await job


CODE = """
import json, sys
from qcos_core import NodeProviderRegistry, QVMJob
import queue_provider
NodeProviderRegistry.register("queue", queue_provider.QueueProvider)
from qcos_core import ClusterBuilder
cluster = ClusterBuilder().add("queue", url=sys.argv[2], token="canary-6f1d0c2b").build()
print(json.dumps(QVMJob.load(sys.argv[1], cluster=cluster).result().counts))
"""


def test_two_processes_wait_for_one_job(machine, server, bell):
    qvm = machine(QueueProvider)
    with server.switched(hold=True):
        job = qvm.submit(bell, 500, seed=4)
        path = [*filter(None, sys.path)]
        code = f"import sys; sys.path[:0] = {path!r}\n{CODE}"
        others = [
            subprocess.Popen(
                [sys.executable, "-c", code, job.job_id(), server.url],
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        time.sleep(0.5)
        qvm.close()  # this process stops, and one of the others goes on
    counts = [json.loads(other.communicate(timeout=60)[0]) for other in others]
    assert counts[0] == counts[1] == QVMJob.load(job.job_id()).result().counts
    assert sum(counts[0].values()) == 500


def test_no_secret_is_written_down(machine, server, bell, tmp_path, monkeypatch):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path / "state"))

    class Quotes(QueueProvider):
        def fetch(self, handle):
            raise RuntimeError(f"401 for token {self._token}")

    qvm = machine(Quotes)
    with pytest.raises(Exception, match="401 for token") as caught:
        qvm.run(bell, 100)
    assert TOKEN not in str(caught.value)
    for path in (tmp_path / "state").rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


class Session:
    """An option that knows too much."""

    def __init__(self, token):
        self.headers = {"authorization": f"Bearer {token}"}


def test_option_that_holds_a_secret_is_not_written_down(
    machine, server, bell, tmp_path, monkeypatch
):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(QueueProvider, "check_options", lambda self, options: dict(options))
    qvm = machine(QueueProvider)
    assert qvm.submit(bell, 10, options={"session": Session("harmless")}).result().shots == 10
    with pytest.raises(InvalidArguments, match="holds a secret"):
        qvm.submit(bell, 10, options={"session": Session(TOKEN)})
    for path in (tmp_path / "state").rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


def test_what_a_careless_provider_says_is_scrubbed(
    machine, server, bell, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path / "state"))

    class Careless(QueueProvider):
        def submit(self, submission, load, node):
            handle = super().submit(submission, load, node)
            return replace(handle, detail={"authorization": f"Bearer {self._token}"})

        def fetch(self, handle):
            return [
                replace(result, metadata={"request": f"/results?token={self._token}"})
                for result in super().fetch(handle)
            ]

    result = machine(Careless).run(bell, 100)
    assert result.shards[0].metadata["request"] == "/results?token=***"
    assert "the handle of" in caplog.text
    assert TOKEN not in result.to_json() + repr(result) + caplog.text
    for path in (tmp_path / "state").rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


class Simulator(LocalNumpyProvider):
    """An exact simulator in this process, which may fail, and may cost money."""

    RUNS_IN = "thread"
    fails = False
    paid = False

    def build_nodes(self):
        return super().build_nodes(node_prefix=type(self).__name__.lower())

    def limits(self, node):
        return replace(super().limits(node), paid=self.paid)

    def execute(self, *arguments, **named):
        if self.fails:
            raise JobFailed("it fails.")
        return super().execute(*arguments, **named)


@pytest.fixture
def pair():
    """A free simulator that fails, and a paid one that does not."""
    registry = QPURegistry()
    for name, facts in {"Free": {"fails": True}, "Dear": {"paid": True}}.items():
        provider = type(name, (Simulator,), facts)()
        registry.register(*provider.build_nodes(), provider)
    return DistributedQVM(registry)


def test_failover_costs_no_money_unasked(pair, bell, monkeypatch):
    monkeypatch.setattr(failover, "FIRST_PAUSE_S", 0.0)
    require = {"exclude": ["dear-0"]}
    with pytest.raises(JobFailed, match="free-0"):
        pair.run(bell, 100, require=require)
    with pytest.raises(JobFailed, match="free-0"):
        pair.run(bell, 100, policy="round_robin", budget="any")
    result = pair.run(bell, 100, policy="round_robin", allow_mixed=True, budget="any")
    assert [shard.node_id for shard in result.shards] == ["dear-0"]


def test_free_work_beside_paid_nodes_is_not_written_down(pair, bell, tmp_path, monkeypatch):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(type(pair.registry.provider("free-0")), "fails", False)
    pair.run(bell, 100, policy="round_robin", budget="any")
    assert not (tmp_path / "state").exists()
    pair.run(bell, 100, require={"exclude": ["free-0"]}, budget="any")
    assert (tmp_path / "state").exists()


def test_full_disk_loses_nothing_and_pays_nothing_twice(
    machine, server, bell, tmp_path, monkeypatch
):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path / "state"))

    class OneByOne(QueueProvider):
        def limits(self, node):
            return Limits(max_tasks=1, simulated=True, paid=True, seeded=True)

    qvm = machine(OneByOne)
    qvm.run(bell, 10, budget="any")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    stopped = 0
    for room in range(0, 200_000, 20_000):
        log = (tmp_path / "state" / "ledger.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (log + room, before[1]))
        error = None
        try:
            results = qvm.run([bell] * 10, 50, budget="any")
        except (LedgerUnusable, PartialResult) as problem:
            error = problem
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        if error is None:
            assert sum(result.shots for result in results) == 500
        else:
            assert "Free some space" in str(error)
        with Ledger(tmp_path / "state") as ledger:
            left = [job.id for job in ledger.jobs() if job.state == "open"]
            for job_id in left:
                stopped += 1
                results = QVMJob.load(job_id, cluster=qvm.registry).result(timeout=60)
                assert sum(result.shots for result in results) == 500
                keys = [one.submission.key for one in ledger.submissions(job_id)]
                assert [server.accepted(key) for key in keys] == [1] * 10
    assert stopped


def test_what_is_being_sent_is_written_down_before_another_goes_on(machine, server, bell):
    qvm = machine(TaggingProvider)
    with server.switched(answers="late"), Ledger() as ledger:
        job = qvm.submit(bell, 100)
        while not ledger.submissions(job.job_id()):
            time.sleep(0.01)
        qvm.close()
        (stored,) = ledger.submissions(job.job_id())
    assert stored.stage is Stage.SENT
    result = QVMJob.load(job.job_id(), cluster=qvm.registry).result(timeout=60)
    assert result.shots == 100
    assert server.accepted(stored.submission.key) == 1


@pytest.mark.usefixtures("interruptible")
def test_interrupted_submit_waits_for_what_is_being_sent(machine, server, bell):
    qvm = machine(Paid)  # nobody could find out what became of it
    with server.switched(answers="late"):
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            qvm.submit(bell, 100, budget="any", worker="none")
    (job_id,) = re.findall(r"qcos job (\w+) --wait", *caught.value.__notes__)
    job = QVMJob.load(job_id, cluster=qvm.registry)
    (sent,) = job.view().submissions
    assert sent.stage == "sent"
    assert job.result(timeout=60).shots == 100
    assert server.accepted(sent.key) == 1


def test_closing_the_machine_does_not_wait_for_the_queue(machine, server, bell):
    qvm = machine(QueueProvider)
    with server.switched(hold=True):
        job = qvm.submit(bell, 100)
        closing = threading.Thread(target=qvm.close, daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()
    assert not job.in_final_state()


class Billed(QueueProvider):
    """Its first job fails, and is charged for all the same."""

    fails = 1

    def limits(self, node):
        return Limits(max_tasks=10, simulated=True, paid=True, seeded=True)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(charges=(Amount(2.0, "USD"),))

    def poll(self, handles):
        found = super().poll(handles)
        for key in found:
            if Billed.fails:
                Billed.fails -= 1
                charges = (Amount(1.5, "USD"), Amount(float("nan"), "USD"))
                found[key] = Status(State.FAILED, "it broke", charges=charges)
        return found

    def fetch(self, handle):
        return [replace(result, charges=(Amount(1.75, "USD"),)) for result in super().fetch(handle)]


@pytest.mark.parametrize("budget, enough", [("3.5 USD", True), ("3.4 USD", False)])
def test_attempts_that_failed_are_charged(machine, bell, monkeypatch, budget, enough):
    monkeypatch.setattr(failover, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(Billed, "fails", 1)
    job = machine(Billed).submit(bell, 100, budget=budget)
    if enough:
        assert job.result(timeout=60).shots == 100
        assert (job.charges, job.reserved) == ((Amount(3.25, "USD"),), ())
    else:
        with pytest.raises(BudgetExceeded, match=r"2 USD would be set aside, and 1\.5 USD"):
            job.result(timeout=60)
        assert (job.charges, job.reserved) == ((Amount(1.5, "USD"),), ())
