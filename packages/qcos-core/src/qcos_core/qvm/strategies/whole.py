"""Strategy ``whole``: one circuit on one node. A list of them makes a batch."""

from __future__ import annotations

from qcos_core.model.plans import PlannedCircuit, Shard
from qcos_core.model.seam import Task
from qcos_core.qvm.blocks import make_blocks
from qcos_core.qvm.routing import Candidate


def whole(circuit: PlannedCircuit, pick: Candidate) -> list[Shard]:
    """All blocks of a circuit as one shard."""
    sampling = pick.estimate.sampling or "once"
    blocks = make_blocks(circuit.shots, circuit.seed, circuit.position, sampling)
    task = Task(
        f"{circuit.id}.0", circuit.id, blocks, pick.estimate.task_method, dict(pick.options)
    )
    return [
        Shard(task, pick.node.spec.node_id, pick.node.key, pick.estimate, pick.limits.simulated)
    ]
