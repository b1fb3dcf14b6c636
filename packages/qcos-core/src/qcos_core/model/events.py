"""Events: what observers are told while a job runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qcos_core.model.amounts import Amount

EventKind = Literal[
    "job_started", "shard_started", "shard_retried", "shard_done", "shard_failed", "job_done"
]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: what.
        time: seconds since the epoch.
        node_id: the node, for events of a shard.
        task_id: the task, for events of a shard.
        shots: shots of the shard; for ``job_started`` and ``job_done`` those of all its shards, as
            ``ShardPlan.node_shots`` has them.
        attempt: which attempt at the shard, from 1.
        pid: the worker process that runs it; 0 if it runs in this one.
        message: the error's text, for ``shard_failed`` and ``shard_retried``; the job's name, for
            ``job_started`` and ``job_done``.
        job_id: the job; events of one job may come from several processes, one after the other.
        key: the submission that the shard is out in; empty where it needs none.
        charges: what the shard cost, for ``shard_done``.
        started: when the job, or the attempt at the shard, began, in seconds since the epoch; that
            may be in another process. 0 for a shard that was given up before an attempt began.
        error: the name of the error's class, for ``shard_failed`` and ``shard_retried``.
        state: how the job ended, for ``job_done``: ``done``, ``partial``, ``failed`` or
            ``cancelled``.
    """

    kind: EventKind
    time: float
    node_id: str = ""
    task_id: str = ""
    shots: int = 0
    attempt: int = 1
    pid: int = 0
    message: str = ""
    job_id: str = ""
    key: str = ""
    charges: tuple[Amount, ...] = ()
    started: float = 0.0
    error: str = ""
    state: str = ""
