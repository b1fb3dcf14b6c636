"""Far sides that fail, hang, lie, forget and answer late or twice, on a clock that is a number.

Whatever they do, a job ends with exactly the shots asked for or says which are missing, no task is
out twice at one time, and nothing is sent that was not written down before.
"""

import heapq
import os
from collections import Counter
from itertools import count
from random import Random

from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit

from qcos_core import (
    DistributedQVM,
    Handle,
    JobFailed,
    JobNodeProvider,
    Limits,
    NodeOffline,
    OutcomeUnknown,
    PackedCounts,
    QPUNodeSpec,
    QPURegistry,
    Recovery,
    State,
    Status,
    TaskResult,
    Throttled,
)
from qcos_core.ledger.stages import STEPS, Stage
from qcos_core.qvm.board import SUBMITS as SUBMITS_AT_ONCE
from qcos_core.qvm.executor import NodeExecutor
from qcos_core.qvm.failover import Breaker
from qcos_core.qvm.journal import Journal
from qcos_core.qvm.load import Circuits
from qcos_core.qvm.observers import Events

FOR_EVER = float("inf")
SHOTS = 100
SETTLE_S = 8.0
RUNS = 4000 if os.environ.get("QCOS_FULL") else 400

SUBMITS = ("lost", "503", "hangs", "never came", "late", "foreign", "wrong handle", "throttled")
SUBMITS += ("offline", "refused")
RUNNING = ("fails", "cancelled", "forgotten", "slow")
POLLS = ("raises", "hangs", "missing", "garbage", "lies", "much later")
FETCHES = ("raises", "hangs", "short", "long", "wide", "missing", "twice", "another's", "garbage")
FINDS = ("unknown", "raises", "hangs", "garbage")
CANCELS = ("raises", "hangs", "too late")
PROBES = ("raises", "hangs")


class World:
    """Calls on a clock that is a number: each takes as long as the far side says."""

    def __init__(self):
        self.time = 0.0
        self.takes = 0.0
        self.ends = []
        self.turns = count()
        self.steps = 0

    def now(self):
        return self.time

    def wall(self):
        return 1e9 + self.time

    def start(self, call):
        self.takes = 0.01
        call.run()
        if self.takes < FOR_EVER:
            heapq.heappush(self.ends, (self.time + self.takes, next(self.turns), call))

    def wait(self, until):
        self.steps += 1
        assert self.steps < 20_000, "it goes round and round"
        if not self.ends or (until is not None and until < self.ends[0][0]):
            assert until is not None, "it waits for ever"
            self.time = max(self.time, until)
            return []
        self.time = max(self.time, self.ends[0][0])
        return [heapq.heappop(self.ends)[2]]


class Watched(Journal):
    """Checks that each step may follow the one before, and what was written down when."""

    durable = True

    def __init__(self):
        self.stages = {}
        self.written = set()
        self.answered = Counter()
        self.numbers = count(1)

    def new_key(self):
        return f"key-{next(self.numbers)}"

    def note(self, key, stage, *, submission=None, handle=None, answers=(), **facts):
        assert stage in STEPS[self.stages.get(key)], f"{key}: {self.stages.get(key)} to {stage}"
        self.stages[key] = stage
        for answer in answers:
            self.answered[answer.task.id] += 1

    def flush(self):
        self.written = {(key, stage) for key, stage in self.stages.items()}


class FarSide:
    """A vendor: what it was sent, and what it does with it."""

    def __init__(self, world, journal, recovery, faults):
        self.world, self.journal, self.recovery = world, journal, recovery
        self.faults = {name: iter(list(some)) for name, some in faults.items()}
        self.jobs = {}
        self.twice = []
        self.unwritten = []
        self.most = 0
        self.sent = Counter()
        self.accepted = Counter()

    def fault(self, of):
        fault = next(self.faults[of], None)
        if fault == "hangs":
            self.world.takes = FOR_EVER
        return fault

    def accept(self, submission):
        key = submission.key
        if self.recovery is Recovery.IDEMPOTENT and key in self.jobs:
            return self.jobs[key]
        mine = {task.id for task in submission.tasks}
        for other in self.jobs.values():
            out = other["state"] in ("queued", "done") and not other["fetched"]
            if out and mine & other["tasks"].keys():
                self.twice.append(key)
        self.accepted[key] += 1
        job = {
            "name": f"job-{sum(self.accepted.values())}",
            "tasks": {task.id: task for task in submission.tasks},
            "state": "queued",
            "ready": self.world.time + 5.0,
            "made": self.world.time,
            "fetched": False,
        }
        fault = self.fault("running")
        if fault == "slow":
            job["ready"] += 1000.0
        elif fault:
            job["end"] = fault
        self.jobs[key] = job
        return job

    def look(self, job):
        if job["state"] == "queued" and self.world.time >= job["ready"]:
            job["state"] = {"fails": "failed", "cancelled": "cancelled", "forgotten": "gone"}.get(
                job.get("end"), "done"
            )
        return job["state"]

    def named(self, name):
        found = [job for job in self.jobs.values() if job["name"] == name]
        return found[0] if found else None


class Hostile(JobNodeProvider):
    DISPLAY_NAME = "Hostile"
    RECOVERY = Recovery.FIND
    SETTLE_S = SETTLE_S

    def __init__(self, limits):
        self.given = limits
        self.far = None

    def build_nodes(self):
        return [QPUNodeSpec(f"far-{i}", "other", 20) for i in range(2)]

    def limits(self, node):
        return self.given

    def node_health(self, nodes):
        if self.far.fault("probe") == "raises":
            raise NodeOffline("no route.")
        return {}

    def submit(self, submission, load, node):
        far = self.far
        if (submission.key, Stage.SENDING) not in far.journal.written:
            far.unwritten.append(submission.key)
        sending = sum(stage is Stage.SENDING for stage in far.journal.stages.values())
        far.most = max(far.most, sending)
        far.sent[submission.key] += 1
        fault = far.fault("submit")
        if fault == "throttled":
            raise Throttled("Wait.")
        if fault == "offline":
            raise NodeOffline("Closed.")
        if fault == "refused":
            raise JobFailed("No.")
        if fault == "503":
            raise OutcomeUnknown("503 before anything happened.")
        if fault == "never came":
            far.world.takes = 30.0
            raise OutcomeUnknown("timed out on the way.")
        job = far.accept(submission)
        if fault == "lost":
            raise OutcomeUnknown("the answer was lost.")
        if fault == "foreign":
            raise KeyError("id")
        if fault == "late":
            far.world.takes = 400.0
        if fault == "wrong handle":
            return Handle("another", ("1",))
        return Handle(submission.key, (job["name"],))

    def poll(self, handles):
        far = self.far
        fault = far.fault("poll")
        if fault == "raises":
            raise NodeOffline("no route.")
        if fault == "garbage":
            return {handle.key: "done" for handle in handles}
        if fault == "missing":
            return {}
        if fault == "lies":
            return {handle.key: Status(State.UNKNOWN) for handle in handles}
        found = {}
        for handle in handles:
            job = far.named(handle.remote_ids[0])
            if job is not None and (state := far.look(job)) != "gone":
                later = FOR_EVER if fault == "much later" else 0.5
                found[handle.key] = Status(State(state), poll_after_s=later)
        return found

    def fetch(self, handle):
        far = self.far
        job = far.named(handle.remote_ids[0])
        fault = far.fault("fetch")
        job["fetched"] = fault not in ("raises", "hangs")
        if fault == "raises":
            raise NodeOffline("no route.")
        if fault == "garbage":
            return None
        results = [_result(task, task.shots) for task in job["tasks"].values()]
        if fault == "short":
            results[0] = _result(next(iter(job["tasks"].values())), SHOTS // 4 - 1)
        elif fault == "long":
            results[-1] = _result(list(job["tasks"].values())[-1], SHOTS + 1)
        elif fault == "wide":
            results[0] = TaskResult(results[0].task_id, PackedCounts.from_ints({0: SHOTS}, 3))
        elif fault == "missing":
            results = results[1:]
        elif fault == "twice":
            results = results * 2
        elif fault == "another's":
            results.append(TaskResult("c9.0", PackedCounts.from_ints({0: 1}, 2)))
        return results

    def cancel(self, handle):
        far = self.far
        job = far.named(handle.remote_ids[0])
        fault = far.fault("cancel")
        if fault == "raises":
            raise NodeOffline("no route.")
        if fault != "too late" and far.look(job) == "queued":
            job["state"] = "cancelled"
        state = far.look(job)
        return State.UNKNOWN if state == "gone" else State(state)

    def find(self, key):
        far = self.far
        fault = far.fault("find")
        if fault == "raises":
            raise NodeOffline("no route.")
        if fault == "unknown":
            return "unknown"
        if fault == "garbage":
            return ["job"]
        job = far.jobs.get(key)
        lagging = job is not None and far.world.time < job["made"] + SETTLE_S
        if job is None or lagging or far.look(job) == "gone":
            return "absent"
        return Handle(key, (job["name"],))


def _result(task, shots):
    half = shots // 2
    return TaskResult(task.id, PackedCounts.from_ints({0: shots - half, 3: half}, 2))


def bell():
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


BELL = bell()


def carried_out(
    recovery, limits, faults, *, circuits=3, deadline_s=None, patient=False, asked_before=False
):
    """Run some circuits on a far side with these faults; what became of them, and the far side."""
    provider = type("Far", (Hostile,), {"RECOVERY": recovery})(limits)
    registry = QPURegistry()
    for spec in provider.build_nodes():
        registry.register(spec, provider)
    world, journal = World(), Watched()
    provider.far = FarSide(world, journal, recovery, faults)
    require = {} if deadline_s is None else {"deadline_s": deadline_s}
    plan = DistributedQVM(registry).plan(
        [BELL] * circuits, SHOTS, seed=1, require=require, budget="any"
    )
    executor = NodeExecutor(registry, calls=lambda: world, random=Random(1))
    for spec in registry if asked_before else ():
        executor._breakers[spec.node_id] = Breaker(Random(1), 1, rests_until=0.0, asking=True)
    by_id = {circuit.id: BELL for circuit in plan.circuits}
    coordinator = executor.coordinator(plan, Circuits(by_id), Events(()), journal, patient=patient)
    for shard in plan.shards:
        coordinator.board.wait(coordinator.board.add(shard))
    return coordinator.run(), provider.far


def check(outcomes, far, *, free, circuits=3):
    """Every shot is there, or is said to be missing; nothing counts twice."""
    there, missing = Counter(), Counter()
    for outcome in outcomes:
        task = outcome.shard.task
        if outcome.error is not None:
            missing[task.circuit_id] += task.shots
        else:
            assert outcome.answer.counts.shots == task.shots == outcome.answer.record.shots
            there[task.circuit_id] += task.shots
    assert there + missing == {f"c{i}": SHOTS for i in range(circuits)}
    assert all(number == 1 for number in far.journal.answered.values())
    assert not far.unwritten, "sent before it was written down"
    assert free or not far.twice, "a task was out twice at one time, and paid for"
    if far.recovery is Recovery.IDEMPOTENT:
        assert all(number == 1 for number in far.accepted.values())
    return sum(missing.values())


def some(faults):
    return st.lists(st.sampled_from([None, None, *faults]), max_size=12)


FAULTS = st.fixed_dictionaries(
    {
        "submit": some(SUBMITS),
        "running": some(RUNNING),
        "poll": some(POLLS),
        "fetch": some(FETCHES),
        "find": some(FINDS),
        "cancel": some(CANCELS),
        "probe": some(PROBES),
    }
)
NOTHING = {name: [] for name in ("submit", "running", "poll", "fetch", "find", "cancel", "probe")}
LIMITS = st.builds(
    Limits,
    max_tasks=st.sampled_from([None, 1, 2]),
    max_in_flight=st.sampled_from([None, 1, 2]),
    simulated=st.sampled_from([True, False]),
    paid=st.sampled_from([True, False]),
    seeded=st.booleans(),
)


@settings(max_examples=RUNS, deadline=None)
@given(
    recovery=st.sampled_from(Recovery),
    limits=LIMITS,
    faults=FAULTS,
    deadline_s=st.sampled_from([None, 60.0, 2000.0]),
    patient=st.booleans(),
)
def test_exactly_n_or_an_honest_answer(recovery, limits, faults, deadline_s, patient):
    outcomes, far = carried_out(recovery, limits, faults, deadline_s=deadline_s, patient=patient)
    check(outcomes, far, free=limits.free)
    if recovery is Recovery.NONE and not limits.free:
        assert all(number == 1 for number in far.sent.values())


def test_few_are_being_sent_at_one_time():
    """What has not been sent is not written down as sent, so a crash leaves no doubt about it."""
    limits = Limits(max_tasks=1, simulated=False, paid=True)
    outcomes, far = carried_out(Recovery.NONE, limits, NOTHING, circuits=40)
    assert check(outcomes, far, free=False, circuits=40) == 0
    assert far.most <= 2 * SUBMITS_AT_ONCE


def test_node_that_rested_while_another_job_ended_is_asked_again():
    limits = Limits(simulated=True, paid=False)
    outcomes, far = carried_out(Recovery.NONE, limits, NOTHING, asked_before=True)
    assert check(outcomes, far, free=True) == 0
