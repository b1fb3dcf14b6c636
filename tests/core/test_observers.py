"""Observers are told everything and can hurt nothing."""

import threading
import time
from dataclasses import FrozenInstanceError

import pytest

from qcos_core import (
    Amount,
    Event,
    JobFailed,
    Limits,
    PackedCounts,
    PartialResult,
    TaskResult,
    hookimpl,
)
from qcos_core.qvm import observers as module


@pytest.fixture
def seen():
    return []


def test_events_of_a_run_in_order(machine, zeros_provider, bell, seen):
    machine(zeros_provider(), observers=[seen.append]).run(bell, 10)
    assert [event.kind for event in seen] == [
        "job_started",
        "shard_started",
        "shard_done",
        "job_done",
    ]
    assert {event.node_id for event in seen if event.kind.startswith("shard")} == {"zeros-0"}
    assert all(event.shots == 10 for event in seen[:3])
    assert [event.time for event in seen] == sorted(event.time for event in seen)
    assert abs(time.time() - seen[0].time) < 60


def test_events_of_a_batch_tell_tasks_apart(machine, zeros_provider, bell, seen):
    qvm = machine(zeros_provider(), zeros_provider(), observers=[seen.append])
    qvm.run([bell] * 4, 10, policy="round_robin")
    done = [event for event in seen if event.kind == "shard_done"]
    assert len({event.task_id for event in done}) == 4
    assert {event.node_id for event in done} == {"node-0", "node-1"}
    assert seen[0].shots == 40


def test_failure_is_an_event_with_its_text(machine, zeros_provider, bell, seen):
    class Bad(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            raise RuntimeError("unreachable")

    with pytest.raises(JobFailed):
        machine(Bad(), observers=[seen.append]).run(bell, 10)
    (failed,) = [event for event in seen if event.kind == "shard_failed"]
    assert failed.message == "node zeros-0: RuntimeError: unreachable"
    assert seen[-1].kind == "job_done"


def test_events_are_frozen(machine, zeros_provider, bell, seen):
    machine(zeros_provider(), observers=[seen.append]).run(bell, 10)
    assert isinstance(seen[0], Event)
    with pytest.raises(FrozenInstanceError):
        seen[0].shots = 5


def test_several_observers_see_the_same(machine, zeros_provider, bell, seen):
    other = []
    machine(zeros_provider(), observers=[seen.append, other.append]).run(bell, 10)
    assert seen == other != []


def test_planning_tells_nothing(machine, zeros_provider, bell, seen):
    machine(zeros_provider(), observers=[seen.append]).plan(bell)
    assert seen == []


@pytest.mark.parametrize("error", [RuntimeError("clumsy"), SystemExit(1), KeyboardInterrupt()])
def test_observer_that_raises_hurts_nobody(machine, zeros_provider, bell, seen, error, caplog):
    def clumsy(event):
        raise error

    result = machine(zeros_provider(), observers=[clumsy, seen.append]).run(bell, 10)
    assert result.counts == {"00": 10}
    assert len(seen) == 4
    assert "an observer failed on job_started" in caplog.text


def test_observer_that_hangs_holds_up_nobody(machine, zeros_provider, bell, monkeypatch):
    monkeypatch.setattr(module, "_DRAIN_SECONDS", 0.05)
    go = threading.Event()
    qvm = machine(zeros_provider(), observers=[lambda event: go.wait()])
    try:
        assert qvm.run(bell, 10).counts == {"00": 10}
        assert qvm.run([bell] * 20, 10)[19].counts == {"00": 10}
    finally:
        go.set()


def test_slow_observer_loses_events_and_not_shots(machine, zeros_provider, bell, monkeypatch):
    monkeypatch.setattr(module, "_DRAIN_SECONDS", 0.05)
    monkeypatch.setattr(module, "_CAPACITY", 4)
    go = threading.Event()
    seen = []

    def slow(event):
        go.wait()
        seen.append(event)

    qvm = machine(zeros_provider(), observers=[slow])
    results = qvm.run([bell] * 50, 10)
    go.set()
    assert sum(result.shots for result in results) == 500
    assert len(seen) < 102


def test_observer_runs_in_no_worker_s_way(machine, zeros_provider, bell):
    """Whoever observes does it in a thread of its own, in order."""
    threads = set()
    qvm = machine(
        zeros_provider(),
        zeros_provider(),
        observers=[lambda event: threads.add(threading.current_thread().name)],
    )
    qvm.run([bell] * 10, 10, policy="round_robin")
    assert threads == {"qcos-events"}


def test_no_thread_is_left(machine, zeros_provider, bell, seen):
    before = set(threading.enumerate())
    qvm = machine(zeros_provider(), zeros_provider(), observers=[seen.append])
    qvm.run([bell] * 10, 10, policy="round_robin")
    assert set(threading.enumerate()) <= before


def test_no_thread_is_left_by_an_observer_that_was_slow(machine, zeros_provider, bell, monkeypatch):
    monkeypatch.setattr(module, "_DRAIN_SECONDS", 0.05)
    monkeypatch.setattr(module, "_CAPACITY", 2)
    before = set(threading.enumerate())
    go = threading.Event()
    qvm = machine(zeros_provider(), observers=[lambda event: go.wait()])
    qvm.run([bell] * 10, 10)
    late = set(threading.enumerate()) - before
    go.set()
    for thread in late:
        thread.join(5)
    assert not [thread for thread in late if thread.is_alive()]


def test_failing_shards_do_not_silence_the_rest(machine, zeros_provider, bell, seen):
    class Bad(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            raise RuntimeError("unreachable")

    qvm = machine(zeros_provider(), Bad(), observers=[seen.append])
    with pytest.raises(PartialResult):
        qvm.run([bell] * 4, 10, policy="round_robin")
    kinds = [event.kind for event in seen]
    assert (kinds.count("shard_done"), kinds.count("shard_failed")) == (2, 2)


def test_plugins_observe_too(machine, zeros_provider, bell, seen):
    class Plugin:
        @hookimpl
        def observe(self, event):
            seen.append(event)

    class Broken:
        @hookimpl
        def observe(self, event):
            raise RuntimeError("no")

    class Bored:
        @hookimpl
        def observe(self):
            seen.append(None)

    qvm = machine(zeros_provider())
    for plugin in (Plugin(), Broken(), Bored()):
        qvm.registry.plugins.register(plugin)
    assert qvm.run(bell, 10).shots == 10
    assert seen.count(None) == 4
    told = [event for event in seen if event]
    assert [event.kind for event in told] == [
        *("job_started", "shard_started", "shard_done", "job_done")
    ]


def test_events_name_their_job_and_its_submissions(machine, zeros_provider, bell, seen):
    class Paid(zeros_provider):
        def limits(self, node):
            return Limits(simulated=False, paid=True)

        def run_task(self, task, circuit, node):
            counts = PackedCounts.from_ints({0: task.shots}, circuit.num_clbits)
            return TaskResult(task.id, counts, charges=(Amount(2.0, "USD"),))

    qvm = machine(Paid(), observers=[seen.append])
    job = qvm.submit(bell, 10, name="mine", budget="any")
    job.result(timeout=60)
    assert {event.job_id for event in seen} == {job.job_id()}
    assert seen[0].message == "mine"
    started, done = seen[1:3]
    assert started.key == done.key == f"{job.job_id()}-1"
    assert done.charges == (Amount(2.0, "USD"),)


def test_runs_that_are_not_written_down_have_ids_too(machine, zeros_provider, bell, seen):
    qvm = machine(zeros_provider(), observers=[seen.append])
    for _ in range(2):
        qvm.run(bell, 10)
    ids = [event.job_id for event in seen]
    assert all(ids)
    assert len(set(ids)) == 2
