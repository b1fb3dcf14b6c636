"""What the ledger tells of a job: plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qcos_core.errors import QCOSError
from qcos_core.ledger.stages import Stage
from qcos_core.model.seam import Handle, Submission

JobState = Literal["open", "done", "partial", "failed", "cancelled"]
"""``open`` until every task has come to its end."""

Ruling = Literal["resubmit", "abandon"]
"""What a person may decide about a submission of which nobody knows whether it was accepted."""


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """A job in a list.

    Attributes:
        id: its id.
        name: the user's name for it.
        tags: the user's tags.
        created: when it was stored, in seconds since the epoch.
        state: whether it is over, and how it ended.
        finished: when it ended.
        errors: the error of each task that failed for good, by task id.
        note: what the user wrote about it.
        shots: the shots of all its circuits.
        there: how many of them have come back.
    """

    id: str
    name: str
    tags: tuple[str, ...]
    created: float
    state: JobState = "open"
    finished: float | None = None
    errors: Mapping[str, QCOSError] = field(default_factory=dict)
    note: str = ""
    shots: int = 0
    there: int = 0


@dataclass(frozen=True, kw_only=True)
class Job(JobSummary):
    """A job with all that is needed to carry it on.

    Attributes:
        plan: what would run where, as ``documents.to_document`` writes a plan.
        cluster: the cluster it runs on, without secrets, as JSON-able data; ``None`` if it cannot
            be stored.
        settings: whatever else its coordinator needs, JSON-able.
        circuits: the digest of each packed circuit, by the circuit's id in the plan.
    """

    plan: Mapping[str, Any]
    cluster: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    circuits: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PackedCircuit:
    """A circuit as bytes, as ``worker.protocol.pack_circuit`` makes them.

    Attributes:
        format: ``"qpy"`` or ``"pickle"``.
        content: the bytes.
    """

    format: str
    content: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of its content, by which it is stored."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredSubmission:
    """A submission and where it stands.

    Attributes:
        submission: the submission.
        stage: where it stands.
        handle: what the far side is asked by; ``None`` until it is known.
        error: the error of the last step, if it had one.
        sends: how often it was about to be sent.
        created: when it was stored, in seconds since the epoch.
        sent: when it was last about to be sent.
        changed: when the last step was written.
        decision: what a person decided, while it stands there ``UNKNOWN``.
    """

    submission: Submission
    stage: Stage
    handle: Handle | None
    error: QCOSError | None
    sends: int
    created: float
    sent: float
    changed: float
    decision: Ruling | None


@dataclass(frozen=True, slots=True)
class NodeAnswers:
    """What came back from one node.

    Attributes:
        node_id: the node.
        tasks: how many tasks it has answered.
        shots: with how many shots.
    """

    node_id: str
    tasks: int
    shots: int


@dataclass(frozen=True, slots=True)
class Requests:
    """What others asked of a job's coordinator.

    Attributes:
        cancel: the job shall be cancelled.
        decisions: what a person decided about submissions of unknown outcome, by key.
    """

    cancel: bool
    decisions: Mapping[str, Ruling]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a job's history.

    Attributes:
        key: of the submission; empty if it is about the job.
        time: seconds since the epoch.
        stage: where the submission, or the job, stood then.
        message: what went wrong or was asked for; empty for a step like any other.
    """

    key: str
    time: float
    stage: str
    message: str
