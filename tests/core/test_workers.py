"""Providers that run in worker processes, and what those survive."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qcos_core import (
    CountsInvalid,
    DistributedQVM,
    JobFailed,
    JobTimeout,
    PartialResult,
    QPURegistry,
)
from qcos_core.worker.calls import provider_ref
from qcos_core.worker.pool import WorkerLost, WorkerPool

MODULE = dedent(
    """
    import os, sys, time
    from qcos_core import Limits, NodeProvider, QPUNodeSpec

    class Zoo(NodeProvider):
        DISPLAY_NAME = "Zoo"
        RUNS_IN = "worker"

        def configure(self, behaviour="zeros", api_key=""):
            self.behaviour, self.api_key = behaviour, api_key

        def build_nodes(self, behaviour="zeros", api_key=""):
            return [QPUNodeSpec(behaviour, "other", 20)]

        def limits(self, node):
            return Limits(simulated=True, seeded=True)

        def execute(self, circuit, shots, node_spec, seed=None):
            print("a plugin that prints")
            zeros = "0" * circuit.num_clbits
            match self.behaviour:
                case "zeros" | "dies at point 2":
                    return {zeros: shots}
                case "sleeps":
                    time.sleep(3600)
                case "exits":
                    sys.exit(3)
                case "dies":
                    os._exit(3)
                case "raises":
                    raise RuntimeError("no good")
                case "short":
                    return {zeros: shots - 1}
                case "odd":
                    return {zeros: threading_lock()}
                case "pid":
                    return {format(os.getpid(), f"0{circuit.num_clbits}b"): shots}
                case "secret":
                    return {("1" if self.api_key else "0") * circuit.num_clbits: shots}
                case "dies once":
                    flag = os.environ["QCOS_TEST_FLAG"]
                    if not os.path.exists(flag):
                        open(flag, "w").close()
                        os._exit(3)
                    return {zeros: shots}

        def run_tasks(self, tasks, circuit, node):
            if self.behaviour == "dies at point 2" and any(task.point == 2 for task in tasks):
                os._exit(3)
            if self.behaviour == "dies at all points":
                os._exit(3)
            return None

    def threading_lock():
        import threading
        return threading.Lock()
    """
)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """The Zoo provider's class, importable by name, also in workers."""
    name = f"zoo_{tmp_path.name.replace('-', '_')}"
    tmp_path.joinpath(f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__(name)
    yield sys.modules[name].Zoo
    del sys.modules[name]


@pytest.fixture
def fleet(zoo):
    """A DistributedQVM with one Zoo node for each behaviour."""

    def make(*behaviours, observers=(), **kwargs):
        registry = QPURegistry()
        for behaviour in behaviours:
            provider = zoo()
            provider.configure(behaviour, **kwargs)
            for spec in provider.build_nodes(behaviour):
                arguments = {"behaviour": behaviour, **kwargs}
                registry.register(spec, provider, key="zoo", kwargs=arguments)
        return DistributedQVM(registry, observers=observers)

    return make


@pytest.fixture
def measured():
    circuit = QuantumCircuit(1, 40)
    circuit.measure(0, 0)
    return circuit


def pid_of(result):
    return int(next(iter(result.counts)), 2)


def test_work_runs_in_another_process_that_is_kept(fleet, measured):
    qvm = fleet("pid")
    first, second = (pid_of(qvm.run(measured)) for _ in range(2))
    assert first == second != os.getpid()


def test_what_a_plugin_prints_is_not_on_standard_output(fleet, measured, capfd):
    assert fleet("zeros").run(measured, 7).shots == 7
    assert capfd.readouterr().out == ""


def test_secrets_stay_in_the_coordinator(fleet, measured):
    result = fleet("secret", api_key="hunter2").run(measured)
    assert set(result.counts) == {"0" * 40}


@pytest.mark.parametrize(
    "behaviour, error, text",
    [
        ("exits", JobFailed, "SystemExit: 3"),
        ("raises", JobFailed, "RuntimeError: no good"),
        ("dies", WorkerLost, "exited with code 3"),
        ("short", CountsInvalid, "asked for 1,024 shots, 1,023 came back"),
        ("odd", CountsInvalid, "must be an integer"),
    ],
)
def test_what_goes_wrong_in_a_worker_has_a_name_and_a_node(fleet, measured, behaviour, error, text):
    with pytest.raises(error, match=text) as caught:
        fleet(behaviour).run(measured)
    assert caught.value.node == behaviour


def test_a_provider_s_traceback_comes_along(fleet, measured):
    with pytest.raises(JobFailed) as caught:
        fleet("raises").run(measured)
    assert 'raise RuntimeError("no good")' in caught.value.__notes__[0]


def test_a_deadline_kills_the_worker(fleet, measured):
    began = time.monotonic()
    with pytest.raises(JobTimeout, match=r"within 0\.5 s"):
        fleet("sleeps").run(measured, require={"deadline_s": 0.5})
    assert time.monotonic() - began < 30
    assert fleet("zeros").run(measured).shots == 1024


def test_the_others_are_kept_when_one_dies(fleet, measured):
    qvm = fleet("zeros", "dies")
    with pytest.raises(PartialResult) as caught:
        qvm.run([measured, measured], policy="round_robin")
    done, lost = caught.value.results
    assert done.counts == {"0" * 40: 1024}
    assert lost is None
    assert [error.node for error in caught.value.errors.values()] == ["dies"]


def test_another_worker_takes_over_the_shards_of_a_bad_node(fleet, measured):
    result = fleet("zeros", "raises").run(measured, 8192, strategy="shots")
    assert result.counts == {"0" * 40: 8192}
    assert {shard.node_id for shard in result.shards} == {result.shards[0].node_id}


def test_a_task_whose_worker_died_runs_again(fleet, measured, tmp_path, monkeypatch):
    events = []
    monkeypatch.setenv("QCOS_TEST_FLAG", str(tmp_path / "flag"))
    # the flag is in the environment of workers that start now; those of the shared pool are older
    monkeypatch.setattr("qcos_core.worker.calls.shared_pool", lambda: pool)
    pool = WorkerPool(2)
    try:
        result = fleet("dies once", observers=[events.append]).run(measured)
    finally:
        pool.close()
    assert result.shots == 1024
    assert result.shards[0].attempts == 2
    kinds = [event.kind for event in events]
    assert kinds == [
        "job_started",
        "shard_started",
        "shard_retried",
        "shard_started",
        "shard_done",
        "job_done",
    ]


def test_a_worker_killed_while_it_runs_is_replaced(measured, machine):
    """The reference simulator at work on 20 qubits, killed with -9 as soon as it has begun."""
    circuit = QuantumCircuit(18)
    for _ in range(3):
        circuit.h(range(18))
        circuit.t(range(18))
    circuit.cx(range(17), range(1, 18))
    circuit.measure_all()
    killed = []

    def kill_first(event):
        if event.kind == "shard_started" and event.pid and not killed:
            killed.append(event.pid)
            os.kill(event.pid, signal.SIGKILL)

    from qcos_core import ClusterBuilder

    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as calm:
        expected = calm.run(circuit, 500, seed=3)
    registry = ClusterBuilder().add("local_numpy").build()
    with DistributedQVM(registry, observers=[kill_first]) as qvm:
        result = qvm.run(circuit, 500, seed=3)
    assert killed
    assert result.shards[0].attempts == 2
    assert result.counts == expected.counts


@pytest.fixture
def ctrl_c_counts():
    """Interrupts as a program in the foreground has them; in a background they are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_counts")
def test_an_interrupt_stops_the_workers_of_the_run(fleet, measured):
    """Ctrl-C while every node is busy: the run ends at once, and its workers with it."""
    pids = []
    qvm = fleet("sleeps", observers=[lambda event: event.pid and pids.append(event.pid)])
    main = threading.main_thread().ident

    def interrupt():
        while not pids:
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        qvm.run(measured)
    for _ in range(200):
        if not alive(pids[0]):
            return
        time.sleep(0.02)
    pytest.fail("the worker is still there")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_class_that_no_worker_can_import_runs_in_a_thread(measured, machine):
    from qcos_core import NodeProvider, QPUNodeSpec

    class Local(NodeProvider):
        DISPLAY_NAME = "Local"
        RUNS_IN = "worker"

        def build_nodes(self):
            return [QPUNodeSpec("local", "other", 5)]

        def execute(self, circuit, shots, node_spec):
            return {format(os.getpid(), "040b"): shots}

    assert provider_ref(Local(), {}) is None
    assert pid_of(machine(Local()).run(measured)) == os.getpid()


def test_an_argument_that_cannot_be_sent_keeps_a_provider_here(zoo):
    assert provider_ref(zoo(), {"behaviour": "zeros"}) is not None
    assert provider_ref(zoo(), {"behaviour": threading.Lock()}) is None


def test_a_forked_child_has_workers_of_its_own(fleet, measured):
    qvm = fleet("pid")
    parent_s = pid_of(qvm.run(measured))
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, str(pid_of(qvm.run(measured))).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 20)) != parent_s
    os.close(reader)
    os.close(writer)


def test_closing_a_pool_ends_its_workers(zoo):
    pool = WorkerPool(2)
    with pool._lease() as worker:
        pid = worker.pid
        assert pool.pids() == [pid]
    pool.close()
    assert pool.pids() == []
    assert not alive(pid)


@pytest.fixture
def sweep():
    """Seven points of one parameter."""
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure_all()
    return circuit, [[0.1 * place] for place in range(7)]


def test_point_that_kills_its_worker_takes_no_other_with_it(fleet, sweep):
    with pytest.raises(PartialResult) as caught:
        fleet("dies at point 2").run(sweep, 10)
    (result,) = caught.value.results
    assert [one is None for one in result.results] == [place == 2 for place in range(7)]
    (error,) = caught.value.errors.values()
    assert isinstance(error, WorkerLost)


def test_sweep_whose_workers_always_die_is_given_up(fleet, sweep):
    """Together, then three points, three times each; the others are not tried."""
    started = []

    def see(event):
        if event.kind == "shard_started":
            started.append((event.task_id, event.pid))

    with pytest.raises(PartialResult) as caught:
        fleet("dies at all points", observers=[see]).run(sweep, 10)
    assert len({pid for _, pid in started}) == 3 + 3 * 3
    errors = [str(error) for error in caught.value.errors.values()]
    assert len(errors) == 7
    assert sum("not tried: the workers of the 3 tasks before it" in text for text in errors) == 4
