"""How jobs stand: what the ledger has of them, without asking any node."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from qcos_core.errors import QCOSError
from qcos_core.ledger.documents import from_document
from qcos_core.ledger.stages import Stage
from qcos_core.model.amounts import Amount
from qcos_core.model.plans import ShardPlan
from qcos_core.model.status import JobStatus

if TYPE_CHECKING:
    from qcos_core.ledger.records import Job, JobSummary, NodeAnswers, StoredSubmission
    from qcos_core.ledger.store import Ledger

SCHEMA = "qcos.job/1"

_FINAL = {
    "done": JobStatus.DONE,
    "partial": JobStatus.ERROR,
    "failed": JobStatus.ERROR,
    "cancelled": JobStatus.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class NodeView:
    """What one node has to do with a job.

    Attributes:
        node_id: the node.
        shards: how many shards it was given by the plan.
        shots: with how many shots.
        done: how many shards it has answered, those of other nodes that failed among them.
        there: with how many shots.
        out: how many shards are out on it in submissions.
    """

    node_id: str
    shards: int
    shots: int
    done: int
    there: int
    out: int


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission, and where it stands.

    Attributes:
        key: its key.
        node_id: the node.
        stage: where it stands, as ``qcos_core.ledger.stages`` draws it.
        shards: how many shards it holds.
        remote_ids: the vendor's names for it.
        sends: how often it was sent.
        sent: when it was last sent, in seconds since the epoch.
        message: what went wrong; empty if nothing did.
    """

    key: str
    node_id: str
    stage: str
    shards: int
    remote_ids: tuple[str, ...]
    sends: int
    sent: float
    message: str


@dataclass(frozen=True)
class JobView:
    """How a job stands.

    Attributes:
        job_id: its id.
        name: the user's name for it.
        tags: the user's tags.
        note: what the user wrote about it.
        status: in the words of Qiskit's jobs.
        created: when it was stored, in seconds since the epoch.
        finished: when it ended.
        shots: the shots that its nodes make, those of each part of a circuit counted.
        there: how many have come back.
        charges: what it cost so far, unit by unit.
        reserved: what is set aside for the rest of it.
        holder: who carries it on; ``None`` if nobody does.
        remaining_s: seconds until it should be done, as its plan expects; ``None`` if unknown.
        nodes: its nodes.
        submissions: its submissions.
        errors: the error of each shard that failed for good, by task id.
    """

    job_id: str
    name: str
    tags: tuple[str, ...]
    note: str
    status: JobStatus
    created: float
    finished: float | None
    shots: int
    there: int
    charges: tuple[Amount, ...]
    reserved: tuple[Amount, ...]
    holder: str | None
    remaining_s: float | None
    nodes: tuple[NodeView, ...]
    submissions: tuple[SubmissionView, ...]
    errors: Mapping[str, QCOSError] = field(default_factory=dict)

    @property
    def unknown(self) -> list[str]:
        """The keys of the submissions whose outcome is unknown."""
        return [one.key for one in self.submissions if one.stage == Stage.UNKNOWN.value]

    def to_dict(self) -> dict[str, Any]:
        """The view as JSON-able data, the document that ``qcos job --json`` prints."""
        return {
            "schema": SCHEMA,
            **asdict(self),
            "status": self.status.value,
            "errors": {name: error.to_dict() for name, error in self.errors.items()},
        }


def status_of(job: JobSummary, stages: Sequence[Stage], holder: str | None) -> JobStatus:
    """How a job stands.

    Args:
        job: the job.
        stages: where its submissions stand.
        holder: who carries it on, if anybody does.
    """
    if job.state != "open":
        return _FINAL[job.state]
    if holder is not None or Stage.SENT in stages:
        return JobStatus.RUNNING
    return JobStatus.UNDECIDED if Stage.UNKNOWN in stages else JobStatus.QUEUED


class Overview:
    """Looks at jobs of a ledger, again and again; a job's plan is read once.

    Args:
        ledger: the ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._jobs: dict[str, tuple[Job, ShardPlan]] = {}

    def plan(self, job_id: str) -> ShardPlan:
        """The plan of a job."""
        return self._read(job_id)[1]

    def look(self, job_id: str) -> JobView:
        """How a job stands now.

        Raises:
            InvalidArguments: there is no such job.
        """
        stored, plan = self._read(job_id)
        if stored.state == "open":
            stored = self._ledger.job(job_id)
        submissions = self._ledger.submissions(job_id)
        answered = self._ledger.answered(job_id)
        holder = self._ledger.holder(job_id) if stored.state == "open" else None
        nodes = _nodes(plan, answered, submissions)
        there = sum(one.shots for one in answered)
        status = status_of(stored, [one.stage for one in submissions], holder)
        return JobView(
            job_id=stored.id,
            name=stored.name,
            tags=stored.tags,
            note=stored.note,
            status=status,
            created=stored.created,
            finished=stored.finished,
            shots=plan.node_shots,
            there=there,
            charges=self._ledger.charges(job_id),
            reserved=self._ledger.reserved(job_id),
            holder=holder,
            remaining_s=0.0 if status.final else self._remaining(stored, plan, nodes),
            nodes=nodes,
            submissions=tuple(_submission(one) for one in submissions),
            errors=stored.errors,
        )

    def _remaining(self, stored: Job, plan: ShardPlan, nodes: Sequence[NodeView]) -> float | None:
        expected = _expected(plan, nodes)
        if expected is None:
            return _at_the_pace_so_far(plan, nodes, stored.created)
        return max(0.0, expected - (time.time() - self._ledger.touched(stored.id)))

    def _read(self, job_id: str) -> tuple[Job, ShardPlan]:
        if job_id not in self._jobs:
            stored = self._ledger.job(job_id)
            self._jobs[job_id] = (stored, from_document(stored.plan, ShardPlan))
        return self._jobs[job_id]


def _nodes(
    plan: ShardPlan, answered: Sequence[NodeAnswers], submissions: Sequence[StoredSubmission]
) -> tuple[NodeView, ...]:
    shards: dict[str, int] = {}
    shots: dict[str, int] = {}
    out: dict[str, int] = {}
    for shard in plan.shards:
        shards[shard.node_id] = shards.get(shard.node_id, 0) + 1
        shots[shard.node_id] = shots.get(shard.node_id, 0) + shard.task.shots
    for one in submissions:
        if one.stage.open:
            node_id = one.submission.node_id
            out[node_id] = out.get(node_id, 0) + len(one.submission.tasks)
    done = {one.node_id: one for one in answered}
    return tuple(
        NodeView(
            node_id=node_id,
            shards=shards.get(node_id, 0),
            shots=shots.get(node_id, 0),
            done=done[node_id].tasks if node_id in done else 0,
            there=done[node_id].shots if node_id in done else 0,
            out=out.get(node_id, 0),
        )
        for node_id in dict.fromkeys([*shards, *done, *out])
    )


def _expected(plan: ShardPlan, nodes: Sequence[NodeView]) -> float | None:
    """How long the plan expects what is left to take; ``None`` if it does not say."""
    seconds: dict[str, float] = {}
    for shard in plan.shards:
        typical = shard.estimate.typical_seconds if shard.estimate else None
        if typical is None:
            return None
        seconds[shard.node_id] = seconds.get(shard.node_id, 0.0) + typical
    return max(
        (seconds[one.node_id] * max(0.0, 1 - one.there / one.shots) for one in nodes if one.shots),
        default=None,
    )


def _at_the_pace_so_far(plan: ShardPlan, nodes: Sequence[NodeView], created: float) -> float | None:
    there = sum(one.there for one in nodes)
    return (time.time() - created) / there * (plan.node_shots - there) if there else None


def _submission(one: StoredSubmission) -> SubmissionView:
    return SubmissionView(
        key=one.submission.key,
        node_id=one.submission.node_id,
        stage=one.stage.value,
        shards=len(one.submission.tasks),
        remote_ids=one.handle.remote_ids if one.handle else (),
        sends=one.sends,
        sent=one.sent,
        message="" if one.error is None else str(one.error),
    )
