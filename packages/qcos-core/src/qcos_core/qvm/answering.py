"""From a node's result to an answer that counts, with where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qcos_core.cluster.registry import Node
from qcos_core.model.amounts import sound
from qcos_core.model.answers import Answer
from qcos_core.model.plans import Shard
from qcos_core.model.results import ShardRecord
from qcos_core.model.scrubber import Scrubber
from qcos_core.model.seam import Block, Task, TaskResult


def answer_of(
    node: Node,
    shard: Shard,
    result: TaskResult,
    *,
    attempt: int,
    started: float,
    seconds: float,
    scrubber: Scrubber,
    extra: Mapping[str, Any] | None = None,
    seen: dict[int, Any] | None = None,
) -> Answer:
    """A checked result as an answer.

    Args:
        node: the node that was asked.
        shard: what it was asked.
        result: what it said.
        attempt: which attempt it was, from 1.
        started: when it began, in seconds since the epoch.
        seconds: how long it took, where the node did not say.
        scrubber: masks secrets in what the node says of itself.
        extra: further provenance.
        seen: metadata that was scrubbed already, by its identity, where many results may share it.
    """
    task = _answered(shard.task, result)
    fallback = result.executor != node.key
    claimed = shard.simulated
    warning = ""
    if fallback and claimed is False:
        warning = (
            f"{shard.node_id} is hardware, but {result.executor} simulated task "
            f"{task.id} in its place"
        )
    if claimed is True or (fallback and claimed is False):
        simulated: bool | None = True
    else:
        simulated = claimed if result.simulated is None else result.simulated
    seen = {} if seen is None else seen
    metadata = seen.get(id(result.metadata))
    if metadata is None or extra:
        metadata = scrubber.scrub_json({**result.metadata, **(extra or {})})
        seen[id(result.metadata)] = metadata
    record = ShardRecord(
        task_id=task.id,
        node_id=shard.node_id,
        provider=node.key,
        executor=scrubber.scrub(result.executor),
        fallback=fallback,
        shots=task.shots,
        blocks=tuple((block.index, block.shots, block.seed) for block in task.blocks),
        simulated=simulated,
        method=scrubber.scrub(result.method),
        exact=result.exact,
        attempts=attempt,
        started=started,
        seconds=result.seconds if result.seconds is not None else seconds,
        charges=sound(result.charges),
        metadata=metadata,
    )
    return Answer(task, record, result.counts, result.memory, result.data, warning)


def _answered(task: Task, result: TaskResult) -> Task:
    """The task as far as it was answered: with fewer shots, nobody knows of which block."""
    if result.counts is None or result.counts.shots == task.shots:
        return task
    first = task.blocks[0]
    return replace(task, blocks=(Block(first.index, result.counts.shots, first.seed),))
