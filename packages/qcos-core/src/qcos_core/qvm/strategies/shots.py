"""Strategy ``shots``: the blocks of one circuit spread over several nodes.

It wins where every shot is made by itself and the nodes are different machines. On one machine
one node with all its cores is as fast, and where all shots come from one evolution, each further
node repeats that evolution for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from qcos_core.model.plans import Candidate, PlannedCircuit, Shard
from qcos_core.model.seam import Block
from qcos_core.model.strategies import Division
from qcos_core.providers.plugins import Brought
from qcos_core.qvm.blocks import make_blocks, portions
from qcos_core.qvm.strategies.plugins import divided
from qcos_core.qvm.strategies.whole import shard

_DISPATCH_SECONDS = 0.05


def poolable(candidates: Sequence[Candidate], first: Candidate) -> list[Candidate]:
    """The candidates whose counts may be added to those of ``first``, itself included.

    They are exact simulators of one provider that run one method; whoever does not say that its
    nodes are simulators pools with nobody.
    """
    if first.limits.simulated is not True or first.estimate.exact is False:
        return [first]
    return [first] + [
        one
        for one in candidates
        if one is not first
        and one.provider == first.provider
        and one.limits.simulated is True
        and one.estimate.method == first.estimate.method
        and one.estimate.exact == first.estimate.exact
        and one.estimate.sampling == first.estimate.sampling
        and one.options == first.options
    ]


def wins(group: Sequence[Candidate]) -> bool:
    """Whether spreading is expected to be faster than the best single node of the group."""
    hosts = {one.limits.host or one.node_id for one in group}
    first = group[0]
    if len(hosts) < 2 or first.estimate.sampling not in ("per_shot", "branching"):
        return False
    saved = first.seconds * (1 - 1 / len(hosts))
    return saved > _DISPATCH_SECONDS * (len(hosts) - 1)


def shots(
    circuit: PlannedCircuit,
    point: int,
    group: Sequence[Candidate],
    strategy: Brought | None = None,
) -> list[Shard]:
    """One shard for each node of the group that gets blocks, sized by the node's speed.

    Args:
        circuit: the circuit.
        point: which point of its parameters, from 0.
        group: candidates whose counts may be added up, as :func:`poolable` finds them.
        strategy: a plugin's, which says instead who gets which blocks.

    Raises:
        ProviderLoadError: that cannot be used.
    """
    sampling = group[0].estimate.sampling or "per_shot"
    smallest = min((one.limits.max_shots for one in group if one.limits.max_shots), default=None)
    blocks = make_blocks(
        circuit.shots,
        circuit.seed,
        circuit.position + point,
        sampling,
        most=None if group[0].limits.seeded else smallest,
    )
    if strategy is None:
        shares = _shared(blocks, group)
    else:
        shares = divided(strategy, Division(circuit, point, blocks, tuple(group)))
    parts = [(one, part) for one, mine in shares for part in portions(mine, one.limits.max_shots)]
    return [shard(circuit, point, index, part, one) for index, (one, part) in enumerate(parts)]


def _shared(
    blocks: Sequence[Block], group: Sequence[Candidate]
) -> list[tuple[Candidate, tuple[Block, ...]]]:
    """Give each block to the node that would finish it first."""
    ready = [0.0] * len(group)
    each = [one.seconds / len(blocks) for one in group]
    owners = []
    for _ in blocks:
        index = min(range(len(group)), key=lambda i: ready[i] + each[i])
        ready[index] += each[index]
        owners.append(index)
    pairs = sorted(zip(owners, range(len(blocks)), strict=True))
    return [
        (group[owner], tuple(blocks[place] for _, place in places))
        for owner, places in groupby(pairs, key=lambda pair: pair[0])
    ]
