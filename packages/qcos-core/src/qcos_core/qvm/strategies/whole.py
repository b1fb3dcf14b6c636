"""Strategy ``whole``: one circuit on one node. A list of them makes a batch."""

from __future__ import annotations

from collections.abc import Sequence

from qcos_core.model.plans import Candidate, PlannedCircuit, Shard
from qcos_core.model.seam import Block, Task
from qcos_core.qvm.blocks import make_blocks, portions


def whole(
    circuit: PlannedCircuit, point: int, pick: Candidate, *, after: Sequence[Shard] = ()
) -> list[Shard]:
    """All blocks of a circuit at one point on one node.

    They are one shard, or as many as the node's ``max_shots`` asks for. What a circuit saves
    cannot be added up, so a circuit that saves something is one block.

    Args:
        circuit: the circuit.
        point: which point of its parameters, from 0.
        pick: the node.
        after: shards of the same point on other nodes; blocks and shards are counted on from them.
    """
    limits = pick.limits
    sampling = "once" if circuit.profile.saves else pick.estimate.sampling or "once"
    blocks = make_blocks(
        circuit.shots,
        circuit.seed,
        circuit.position + point,
        sampling,
        most=None if limits.seeded else limits.max_shots,
        first=after[-1].task.blocks[-1].index + 1 if after else 0,
    )
    parts = portions(blocks, limits.max_shots)
    return [
        shard(circuit, point, index, part, pick) for index, part in enumerate(parts, len(after))
    ]


def shard(
    circuit: PlannedCircuit, point: int, index: int, blocks: tuple[Block, ...], pick: Candidate
) -> Shard:
    """Some blocks of a circuit at one point, on one node.

    Args:
        circuit: the circuit.
        point: which point of its parameters, from 0.
        index: which shard of that point, from 0.
        blocks: the blocks.
        pick: the node.
    """
    where = circuit.id if circuit.shape is None else f"{circuit.id}[{point}]"
    task = Task(
        f"{where}.{index}",
        circuit.id,
        blocks,
        pick.estimate.task_method,
        dict(pick.options),
        circuit.points[point],
        point,
    )
    return Shard(task, pick.node_id, pick.provider, pick.estimate, pick.limits.simulated)
