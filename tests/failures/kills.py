"""Kill coordinators with ``kill -9`` and let others go on, without qiskit, so that it is quick.

``python kills.py STATE template circuits`` makes the job that is copied for each run, or one with a
circuit in ``parts``, and prints its id.
``python kills.py STATE JOB RECOVERY PROFILE every`` kills at each step, one run for each;
``... random N SEED`` kills N coordinators at random instants. Both print one line of JSON.

The far side is a folder: a file for each job, made with ``O_EXCL`` under its key where keys are
honoured, and a log of what was executed.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np  # noqa: F401 - so that no child has to import it

from qcos_core import (
    Amount,
    Estimate,
    Handle,
    JobNodeProvider,
    Limits,
    OutcomeUnknown,
    PackedCounts,
    QPUNodeSpec,
    QPURegistry,
    Recovery,
    State,
    Status,
    TaskResult,
)
from qcos_core.errors import PartialResult
from qcos_core.ledger.documents import from_document
from qcos_core.ledger.leases import Lease
from qcos_core.ledger.store import Ledger
from qcos_core.model.plans import ShardPlan
from qcos_core.qvm import executor, remote
from qcos_core.qvm.jobs import QVMJob
from qcos_core.qvm.pricing import reservations

LAG_S = 0.05
SETTLE_S = 0.1
READY_S = 0.01
SHOTS = 500

remote.FIRST_POLL_S = 0.002
remote.LONGEST_POLL_S = 0.02
executor.REQUESTS_S = 0.02


class Ticks:
    """Counts the instants at which a coordinator may be killed, and kills it at one of them."""

    def __init__(self):
        self.left = -1

    def __call__(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


tick = Ticks()
write = Lease.apply


def apply(self, steps):
    tick()
    write(self, steps)
    tick()


Lease.apply = apply


def price(shots):
    """A fee for each task, and for each shot."""
    return Amount(0.25 + shots / 1024, "USD")


class Folder(JobNodeProvider):
    """A far side in a folder."""

    DISPLAY_NAME = "Folder"
    SETTLE_S = SETTLE_S

    def __init__(self, folder, recovery, profile):
        self.folder, self.profile = folder, profile
        self.RECOVERY = recovery

    def build_nodes(self):
        return [QPUNodeSpec(f"folder-{i}", "other", 20) for i in range(2)]

    def limits(self, node):
        return Limits(max_tasks=2, simulated=False, paid=True)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(charges=(price(shots),))

    def submit(self, submission, load, node):
        tick()
        tasks = [[task.id, task.shots] for task in submission.tasks]
        name = self._accept(submission.key, tasks)
        tick()
        first = self.folder / f"{submission.key}.asked"
        if self.profile == "created then 503" and not first.exists():
            first.touch()
            raise OutcomeUnknown("503 after it was made.")
        return Handle(submission.key, (name,))

    def _accept(self, key, tasks):
        honoured = self.RECOVERY is Recovery.IDEMPOTENT
        name = key if honoured else f"{key}.{os.getpid()}.{time.monotonic_ns()}"
        made = self.folder / f"{name}.making.{os.getpid()}"
        made.write_text(json.dumps({"key": key, "tasks": tasks, "made": time.time()}))
        try:
            os.link(made, self.folder / f"{name}.job")  # there whole, or not at all
        except FileExistsError:
            return name
        finally:
            made.unlink()
        return name

    def poll(self, handles):
        found = {}
        for handle in handles:
            path = self.folder / f"{handle.remote_ids[0]}.job"
            if path.exists():
                ready = time.time() >= json.loads(path.read_text())["made"] + READY_S
                found[handle.key] = Status(State.DONE if ready else State.RUNNING)
        return found

    def fetch(self, handle):
        tasks = json.loads((self.folder / f"{handle.remote_ids[0]}.job").read_text())["tasks"]
        return [
            TaskResult(
                name, PackedCounts.from_ints({0: shots - 1, 3: 1}, 2), charges=(price(shots),)
            )
            for name, shots in tasks
        ]

    def cancel(self, handle):
        return State.DONE

    def find(self, key):
        seen = time.time() - (LAG_S if self.profile == "list lag" else 0.0)
        for path in self.folder.glob(f"{key}.*.job"):
            if json.loads(path.read_text())["made"] <= seen:
                return Handle(key, (path.name.removesuffix(".job"),))
        return "absent"

    def executed(self, job_id):
        """How often each key of a job was executed."""
        paths = self.folder.glob(f"{job_id}-*.job")
        return Counter(json.loads(path.read_text())["key"] for path in paths)


class Site:
    """A ledger, a far side, and the job that is copied."""

    def __init__(self, state, template, recovery, profile):
        self.state = Path(state)
        far = self.state / "far" / f"{recovery.value} {profile}"
        far.mkdir(parents=True, exist_ok=True)
        self.provider = Folder(far, recovery, profile)
        self.cluster = QPURegistry()
        for spec in self.provider.build_nodes():
            self.cluster.register(spec, self.provider, key="folder")
        with Ledger(self.state) as ledger:
            self.job = ledger.job(template)
            digests = self.job.circuits.values()
            self.circuits = {digest: ledger.circuit(digest) for digest in digests}
        self.plan = from_document(self.job.plan, ShardPlan)
        self.shots = self.plan.shots

    def copy(self, number):
        """A job like the template; it has its circuits too, which are stored already."""
        kind = f"{self.provider.RECOVERY.value}-{self.provider.profile}".replace(" ", "-")
        name = f"{kind}-{os.getpid()}-{number}"
        with Ledger(self.state) as ledger:
            ledger.add_job(
                replace(self.job, id=name),
                self.circuits,
                budget=self.plan.budget,
                reservations=reservations(self.plan),
            ).release()
        return name

    def carry_on(self, job_id, *, kill_at=-1, kill_after=None):
        """Let a child carry a job on; whether it lived to its end."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                tick.left = kill_at
                with suppress(PartialResult, OutcomeUnknown):
                    QVMJob.load(job_id, cluster=self.cluster, state=self.state).result()
                code = 0
            finally:
                os._exit(code)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return False
        assert os.WEXITSTATUS(status) == 0, f"{job_id}: the coordinator failed"
        return True

    def problem(self, job_id):
        """What is wrong with a job that was killed and carried on, if anything is."""
        job = QVMJob.load(job_id, cluster=self.cluster, state=self.state)
        executed = self.provider.executed(job_id)
        if any(number > 1 for number in executed.values()):
            return f"{job_id}: executed {executed}"
        while job.status().value == "UNDECIDED" and self.provider.RECOVERY is Recovery.NONE:
            job.resubmit()
            self.carry_on(job_id)
        results = job.result(timeout=20)
        shots = sum(result.shots for result in results)
        counted = sum(number for result in results for number in result.packed.counts.tolist())
        if shots != self.shots or counted != self.shots:
            return f"{job_id}: {shots} shots, {counted} counted, of {self.shots}"
        if (job.charges, job.reserved) != (self.plan.charges, ()):
            return f"{job_id}: {job.charges} spent and {job.reserved} set aside after its end"
        if len(self.provider.executed(job_id)) > 2:
            return f"{job_id}: too many submissions: {self.provider.executed(job_id)}"
        return None


def every(site):
    """Kill at each step, until a coordinator lives to its end."""
    wrong, number = [], 1
    while True:
        job_id = site.copy(number)
        if site.carry_on(job_id, kill_at=number):
            return {"kills": number - 1, "wrong": wrong}
        site.carry_on(job_id)
        wrong += filter(None, [site.problem(job_id)])
        number += 1


def at_random(site, number, seed):
    """Kill at random instants; what a job takes in peace is measured first."""
    draw = random.Random(seed)
    site.carry_on(site.copy("first"))  # which is slower than the others
    began = time.monotonic()
    site.carry_on(site.copy("calm"))
    longest = time.monotonic() - began
    wrong, kills, runs = [], 0, 0
    while kills < number:
        runs += 1
        job_id = site.copy(runs)
        kills += not site.carry_on(job_id, kill_after=draw.uniform(0, longest))
        site.carry_on(job_id)
        wrong += filter(None, [site.problem(job_id)])
    return {"kills": kills, "runs": runs, "wrong": wrong}


def make_template(state, kind):
    """A job of three tasks in a ledger, which nobody has begun; its id.

    They are three circuits, or one and another in two parts.
    """
    from qiskit import QuantumCircuit

    from qcos_core import DistributedQVM, VirtualCircuitSpec
    from qcos_core.qvm.inputs import Labels, read_circuits
    from qcos_core.qvm.jobs import Work
    from qcos_core.qvm.new_jobs import new_job

    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    circuits = [circuit] * 3
    if kind == "parts":
        two = QuantumCircuit(8, 4)
        for start in (0, 4):
            two.h(start)
            two.cx(start, range(start + 1, start + 4))
            two.measure([start, start + 1], [start // 2, start // 2 + 1])
        circuits = [circuit, VirtualCircuitSpec(two, strategy="factor")]
    cluster = QPURegistry()
    provider = Folder(None, Recovery.FIND, "plain")
    for spec in provider.build_nodes():
        cluster.register(spec, provider, key="folder")
    budget = [Amount(3 * price(SHOTS).value, "USD")]  # all that it costs, and nothing for mistakes
    mixed = kind == "parts"  # consent to parts on hardware
    qvm = DistributedQVM(cluster)
    plan = qvm.plan(circuits, SHOTS, seed=1, budget=budget, allow_mixed=mixed)
    assert len(plan.shards) == 3
    given = read_circuits(circuits, SHOTS, 1, None, None)
    work = Work(executor.NodeExecutor(cluster))
    with Ledger(Path(state)) as ledger:
        job, lease = new_job(ledger, work, plan, given, Labels(), {"fallback": "always"})
        lease.release()
    return job.job_id()


def main(state, template, *arguments):
    if template == "template":
        print(make_template(state, *arguments))
        return
    recovery, profile, how, *numbers = arguments
    site = Site(state, template, Recovery(recovery), profile)
    print(json.dumps(every(site) if how == "every" else at_random(site, *map(int, numbers))))
    assert "qiskit" not in sys.modules


if __name__ == "__main__":
    main(*sys.argv[1:])
