"""Traces: one for each job, and every span of it is in the ledger."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, strategies as st

from qcos_core import (
    Amount,
    DistributedQVM,
    Event,
    Handle,
    InvalidArguments,
    JobFailed,
    JobNodeProvider,
    JobTraces,
    Limits,
    OutcomeUnknown,
    PackedCounts,
    PartialResult,
    QPUNodeSpec,
    QPURegistry,
    QVMJob,
    Recovery,
    State,
    Status,
    TaskResult,
)
from qcos_core.ledger.store import Ledger
from qcos_core.qvm.traces import from_environment

needs_otel = pytest.mark.optional_part(
    "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"
)
needs_click = pytest.mark.optional_part(
    "click", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"
)
TOKEN = "canary-0b7d53f2"
VARIABLES = [
    *("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    *("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SDK_DISABLED", "OTEL_TRACES_SAMPLER"),
    *("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"),
]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


class Collector:
    """Takes spans by OTLP over HTTP, on loopback."""

    def __init__(self):
        self.bodies, self.status = [], 200
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.bodies.append(body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def resources(self):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [one for request in requests for one in request.resource_spans]

    def spans(self):
        return [
            span
            for resource in self.resources()
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch):
    running = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
    yield running
    running.server.shutdown()
    running.server.server_close()


def plain(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def split(spans):
    """The one root of the one trace, and what is below it."""
    assert len({span.trace_id for span in spans}) == 1
    (root,) = [span for span in spans if not span.parent_span_id]
    below = [span for span in spans if span.parent_span_id]
    assert {span.parent_span_id for span in below} <= {root.span_id}
    assert len({span.span_id for span in spans}) == len(spans)
    for span in spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano <= time.time_ns()
        assert span.start_time_unix_nano >= root.start_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    return root, below


class Far(JobNodeProvider):
    """A far side in a folder: node far-0 fails what it accepts, far-1 takes money and works.

    The last task of a job is held until there is a file ``go``. Where several tasks are sent at
    once, far-1 fails too.
    """

    DISPLAY_NAME = "Far"
    RECOVERY = Recovery.IDEMPOTENT
    folder = None
    most = 1

    def build_nodes(self):
        return [QPUNodeSpec(f"far-{i}", "other", 5) for i in range(2)]

    def limits(self, node):
        return Limits(max_tasks=self.most, simulated=True, paid=False, seeded=True)

    def submit(self, submission, load, node):
        tasks = {task.id: task.shots for task in submission.tasks}
        facts = {"node": node.node_id, "tasks": tasks}
        (self.folder / submission.key).write_text(json.dumps(facts))
        return Handle(submission.key, (submission.key,))

    def facts(self, handle):
        return json.loads((self.folder / handle.key).read_text())

    def poll(self, handles):
        return {handle.key: self.status(self.facts(handle)) for handle in handles}

    def status(self, facts):
        if facts["node"] == "far-0" or len(facts["tasks"]) > 1:
            return Status(State.FAILED, f"no luck with {TOKEN}", charges=(Amount(0.5, "USD"),))
        held = "c2.0" in facts["tasks"] and not (self.folder / "go").exists()
        return Status(State.RUNNING if held else State.DONE)

    def fetch(self, handle):
        charges = (Amount(2.0, "USD"), Amount(0.25, "QPU-s"))
        return [
            TaskResult(task_id, PackedCounts.from_ints({0: shots}, 2), charges=charges)
            for task_id, shots in self.facts(handle)["tasks"].items()
        ]

    def cancel(self, handle):
        return State.CANCELLED


def far(folder, most=1):
    """The cluster of that far side; its nodes hold a secret."""
    provider = type("Here", (Far,), {"folder": folder, "most": most})()
    registry = QPURegistry()
    for spec in provider.build_nodes():
        spec.credentials = {"token": TOKEN}
        registry.register(spec, provider)
    return registry


FIRST = """
import os, signal, sys, time
from pathlib import Path
from qiskit import QuantumCircuit
from qcos_core import DistributedQVM, JobTraces
from test_traces import far

circuit = QuantumCircuit(2, name="bell")
circuit.h(0)
circuit.cx(0, 1)
circuit.measure_all()
traces = JobTraces()
folder = Path(sys.argv[1])
qvm = DistributedQVM(far(folder), observers=[traces])
job = qvm.submit([circuit] * 3, 10, name="mine", budget="any", policy="round_robin")
while len(job._ledger.answers(job.job_id())) < 2:
    time.sleep(0.01)
time.sleep(0.3)
print(job.job_id(), traces.flush(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_otel
def test_one_trace_of_a_job_that_two_processes_carried_on(collector, tmp_path):
    path = [os.path.dirname(__file__), *filter(None, sys.path)]  # noqa: PTH120
    first = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{FIRST}", tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert first.stdout.endswith(" True\n"), first.stderr
    job_id = first.stdout.split()[0]
    before = len(collector.spans())
    assert before >= 2
    assert all(span.parent_span_id for span in collector.spans())
    time.sleep(0.2)
    (tmp_path / "go").touch()
    with JobTraces() as traces:
        job = QVMJob.load(job_id, cluster=far(tmp_path), observers=[traces])
        assert [result.shots for result in job.result(timeout=60)] == [10, 10, 10]
    assert len(collector.spans()) > before
    root, below = split(collector.spans())
    check_by_ledger(root, below, job_id)
    assert any(plain(span.attributes)["qcos.node.id"] == "far-0" for span in below)
    assert any("no luck with ***" in span.status.message for span in below)
    assert not any(TOKEN.encode() in body for body in collector.bodies)


@needs_otel
def test_tasks_that_failed_together_and_try_alone(collector, tmp_path, bell):
    (tmp_path / "go").touch()
    with JobTraces() as traces, DistributedQVM(far(tmp_path, most=10), observers=[traces]) as qvm:
        job = qvm.submit([bell] * 3, 10, budget="any")
        job.result(timeout=60)
    root, below = split(collector.spans())
    check_by_ledger(root, below, job.job_id())
    sizes = [len(one.submission.tasks) for one in Ledger().submissions(job.job_id())]
    assert max(sizes) > 1
    assert sizes.count(1) == 3


@needs_otel
def test_what_a_person_decides(collector, machine, zeros_provider, bell):
    class Paid(zeros_provider):
        fails = True

        def limits(self, node):
            return Limits(simulated=False, paid=True)

        def execute(self, circuit, shots, node_spec):
            if self.fails:
                self.fails = False
                raise RuntimeError("the line is dead")
            return super().execute(circuit, shots, node_spec)

    with JobTraces() as traces:
        job = machine(Paid(), observers=[traces]).submit(bell, 10, budget="any")
        with pytest.raises(OutcomeUnknown):
            job.result(timeout=60)
        assert traces.flush()
        assert not collector.spans()  # nobody knows how it ended
        job.resubmit()
        assert job.result(timeout=60).shots == 10
    root, below = split(collector.spans())
    check_by_ledger(root, below, job.job_id())
    assert len(below) == 2


def check_by_ledger(root, below, job_id):
    """Every submission that has ended is a span for each of its tasks, and nothing else is."""
    ledger = Ledger()
    job, answers = ledger.job(job_id), {one.task.id: one for one in ledger.answers(job_id)}
    facts = plain(root.attributes)
    assert (root.name, facts["qcos.job.name"]) == (f"job {job.name}", job.name)
    assert facts["qcos.job.id"] == job_id
    assert (facts["qcos.job.state"], facts["qcos.shots"]) == (job.state, job.shots)
    assert close(root.start_time_unix_nano, job.created)
    assert close(root.end_time_unix_nano, job.finished)
    spans = {}
    for span in below:
        facts = plain(span.attributes)
        spans[facts["qcos.submission.key"], facts["qcos.task.id"]] = span, facts
    stored = {
        (one.submission.key, task.id): (one, task)
        for one in ledger.submissions(job_id)
        for task in one.submission.tasks
    }
    assert spans.keys() == stored.keys()
    assert len(spans) == len(below)
    history = ledger.history(job_id)
    for name, (one, task) in stored.items():
        span, facts = spans[name]
        assert span.name == f"shard {one.submission.node_id}"
        assert facts["qcos.node.id"] == one.submission.node_id
        assert facts["qcos.shots"] == task.shots
        assert close(span.start_time_unix_nano, one.created)
        ends = [step.time for step in history if step.key == name[0]]
        assert close(span.end_time_unix_nano, ends[-1])
        failed = one.stage.value != "done"
        assert (span.status.code == 2) is failed
        if failed:
            assert span.status.message == str(one.error)
            assert facts["error.type"] == type(one.error).__name__
        else:
            record = answers[task.id].record
            assert facts["qcos.attempt"] == record.attempts
            charges = {amount.unit: amount.value for amount in record.charges}
            assert {
                key.removeprefix("qcos.charges."): value
                for key, value in facts.items()
                if key.startswith("qcos.charges.")
            } == charges


def close(nanoseconds, seconds):
    return abs(nanoseconds / 1e9 - seconds) < 0.5


@needs_otel
def test_free_run_with_a_failover(collector, machine, zeros_provider, bell):
    class Bad(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            raise JobFailed("it fails.")

    with JobTraces() as traces:
        qvm = machine(Bad(), zeros_provider(), observers=[traces])
        qvm.run([bell] * 4, 10, policy="round_robin", allow_mixed=True)
    root, below = split(collector.spans())
    assert plain(root.attributes)["qcos.job.state"] == "done"
    assert root.status.code == 0
    good = [span for span in below if span.status.code == 0]
    assert sorted(plain(span.attributes)["qcos.task.id"] for span in good) == [
        *("c0.0", "c1.0", "c2.0", "c3.0")
    ]
    bad = [span for span in below if span.status.code == 2]
    assert bad
    for span in bad:
        assert span.name == "shard node-0"
        assert "it fails." in span.status.message
        assert plain(span.attributes)["error.type"] == "JobFailed"


@needs_otel
def test_job_that_fails_in_part_says_so(collector, machine, zeros_provider, bell):
    class Bad(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            raise JobFailed("it fails.")

    with JobTraces() as traces:
        qvm = machine(Bad(), zeros_provider(), observers=[traces])
        with pytest.raises(PartialResult):
            qvm.run([bell] * 2, 10, policy="round_robin")
    root, below = split(collector.spans())
    assert plain(root.attributes)["qcos.job.state"] == "partial"
    assert root.status.code == 2
    attempts = [plain(span.attributes).get("qcos.attempt") for span in below]
    assert attempts.count(1) == 2


@needs_otel
def test_interrupted_run_has_an_end(collector, machine, zeros_provider, bell, monkeypatch):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    class Interrupts(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(1)

    try:
        with JobTraces() as traces, pytest.raises(KeyboardInterrupt):
            machine(Interrupts(), observers=[traces]).run(bell, 10)
    finally:
        signal.signal(signal.SIGINT, before)
    root, below = split(collector.spans())
    assert plain(root.attributes)["qcos.job.state"] == "cancelled"
    assert not below


@needs_otel
def test_each_job_is_a_trace_of_its_own(collector, machine, zeros_provider, bell):
    with JobTraces() as traces:
        qvm = machine(zeros_provider(), observers=[traces])
        threads = [threading.Thread(target=qvm.run, args=(bell, 10)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    spans = collector.spans()
    trace_ids = {span.trace_id for span in spans}
    assert (len(trace_ids), len(spans)) == (8, 16)
    for trace_id in trace_ids:
        split([span for span in spans if span.trace_id == trace_id])


@needs_otel
@pytest.mark.parametrize(
    "variables, name",
    [
        ({}, "qcos"),
        ({"OTEL_SERVICE_NAME": "mine"}, "mine"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,team=q"}, "theirs"),
    ],
)
def test_service_is_called_as_the_environment_says(collector, monkeypatch, variables, name):
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with JobTraces() as traces:
        traces(Event("job_done", 1.0, job_id="a"))
    (resource,) = collector.resources()
    facts = plain(resource.resource.attributes)
    assert facts["service.name"] == name
    assert facts.get("team") == ("q" if name == "theirs" else None)


@needs_otel
def test_what_is_not_sampled_is_not_sent(collector, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    with JobTraces() as traces:
        for number in range(100):
            traces(Event("shard_done", 1.0, task_id="c0.0", job_id=str(number), started=0.5))
            traces(Event("job_done", 2.0, job_id=str(number), started=0.5))
    spans = collector.spans()
    by_trace = [span.trace_id for span in spans]
    assert 40 < len(by_trace) < 160
    assert all(by_trace.count(trace_id) == 2 for trace_id in by_trace)


@needs_otel
def test_nothing_global_is_touched(collector):
    from opentelemetry import trace

    before = trace._TRACER_PROVIDER
    with JobTraces() as traces:
        traces(Event("job_done", 1.0, job_id="a"))
    assert trace._TRACER_PROVIDER is before
    assert len(collector.spans()) == 1


hostile = st.text(st.characters(exclude_categories=()), max_size=40)


@needs_otel
def test_any_text_can_be_sent(collector):
    @given(hostile, hostile, hostile, hostile, st.floats(-1e300, 1e300))
    def check(job_id, node_id, message, unit, value):
        traces(
            Event(
                "shard_failed",
                1.0,
                node_id,
                message=message * 200,
                job_id=job_id,
                charges=(Amount(value, unit),),
            )
        )
        traces(Event("job_done", 2.0, job_id=job_id, message=node_id, state="failed"))

    with JobTraces() as traces:
        check()
        assert traces.flush(30)
    assert collector.spans()
    assert all(len(span.status.message) <= 2000 for span in collector.spans())


# collectors that are not there, hang, or refuse


def address():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"http://127.0.0.1:{gone.getsockname()[1]}"


@needs_otel
@pytest.mark.parametrize("kind", ["hangs", "gone"])
def test_dead_collector_holds_nobody_up_and_is_one_warning(
    machine, zeros_provider, bell, monkeypatch, caplog, kind
):
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url if kind == "hangs" else address())
    with caplog.at_level(logging.WARNING), listening:
        began = time.monotonic()
        with JobTraces() as traces:
            assert machine(zeros_provider(), observers=[traces]).run(bell, 10).shots == 10
            assert not traces.flush(0.2)
            ran = time.monotonic() - began
            traces.close(0.5)
        assert time.monotonic() - began < 5
        assert ran < 4
        traces(Event("job_done", 1.0, job_id="a"))  # too late, and no matter
        traces.close()
    (warning,) = caplog.records
    assert warning.getMessage().startswith("traces could not be sent: ")


@needs_otel
def test_refusal_is_one_warning_with_its_reason(collector, caplog):
    collector.status = 401
    with JobTraces() as traces:
        for number in range(3):
            traces(Event("job_done", 1.0, job_id=str(number)))
            assert not traces.flush()
    (warning,) = caplog.records
    assert "401" in warning.getMessage()


@needs_otel
def test_exporter_of_one_s_own(caplog):
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    with JobTraces(exporter) as traces:
        traces(Event("job_done", 3.0, job_id="a", started=1.0, message="b"))
        assert traces.flush()
        (span,) = exporter.get_finished_spans()
    assert (span.start_time, span.end_time) == (10**9, 3 * 10**9)

    class Clumsy(InMemorySpanExporter):
        def export(self, spans):
            raise RuntimeError(f"no way to http://me:{TOKEN}@host/")

    with JobTraces(Clumsy()) as traces:
        traces(Event("job_done", 3.0, job_id="a"))
        assert not traces.flush()
    (warning,) = caplog.records
    assert "RuntimeError: no way to http://***@host/" in warning.getMessage()


# what the environment asks for


def test_nothing_is_asked_for(monkeypatch):
    assert from_environment() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert from_environment() is None
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert from_environment() is None


@needs_otel
@pytest.mark.parametrize(
    "variables, text",
    [
        ({"OTEL_TRACES_EXPORTER": "carrier pigeon"}, "called carrier pigeon is installed"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}, "http/protobuf"),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"}, "does not accept"),
    ],
)
def test_wrong_environment_is_a_warning_here_and_an_error_there(
    monkeypatch, caplog, variables, text
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert from_environment() is None
    (warning,) = caplog.records
    assert text in warning.getMessage()
    with pytest.raises(InvalidArguments, match=text):
        JobTraces()


@needs_otel
@pytest.mark.parametrize("wrong", ["otlp", 3, object()])
def test_exporter_must_be_one(wrong):
    with pytest.raises(InvalidArguments, match="must be a SpanExporter"):
        JobTraces(wrong)


def test_without_the_extra_one_line_names_it(monkeypatch, caplog):
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("spans", "exporters"):
        monkeypatch.delitem(sys.modules, f"qcos_core.qvm.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(InvalidArguments, match=r"pip install 'qcos-core\[otel\]'"):
        JobTraces()
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    assert from_environment() is None
    (warning,) = caplog.records
    assert warning.getMessage().count("\n") == 0
    assert "pip install 'qcos-core[otel]'" in warning.getMessage()


def test_nobody_pays_for_what_is_not_asked_for(site):
    site_code = """
import json, sys
from qcos_core.qvm.traces import from_environment
assert from_environment() is None
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    assert "opentelemetry" not in site.run(site_code)


@needs_click
def test_command_line_sends_traces(collector, tmp_path, capsys):
    from qiskit import QuantumCircuit, qpy

    from qcos_core.cli.app import app

    circuit = QuantumCircuit(1, name="one")
    circuit.measure_all()
    with (tmp_path / "one.qpy").open("wb") as file:
        qpy.dump(circuit, file)
    with pytest.raises(SystemExit) as ending:
        app.main(["run", str(tmp_path / "one.qpy"), "--on", "local_numpy"], prog_name="qcos")
    assert ending.value.code == 0
    root, below = split(collector.spans())
    assert root.name == "job one"
    assert [span.name for span in below] == ["shard local-numpy-0"]
    assert not capsys.readouterr().err
