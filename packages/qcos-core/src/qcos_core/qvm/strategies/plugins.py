"""Strategies of plugins: a function says which node gets which blocks, and is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qcos_core.cluster.registry import QPURegistry
from qcos_core.model.plans import Candidate
from qcos_core.model.seam import Block
from qcos_core.model.strategies import BUILT_IN, Division
from qcos_core.providers.plugins import Brought


def strategy_named(name: str, registry: QPURegistry) -> Brought | None:
    """A plugin's strategy; ``None`` for one of QCOS's own.

    Raises:
        InvalidArguments: there is none of this name.
        ProviderLoadError: several plugins bring it.
    """
    if isinstance(name, str) and name in BUILT_IN:
        return None
    return registry.plugins.brought("strategies", name)


def divided(strategy: Brought, division: Division) -> list[tuple[Candidate, tuple[Block, ...]]]:
    """The nodes that a strategy gives blocks to, in their order, with the blocks of each.

    Raises:
        ProviderLoadError: it failed, or did not give each block to just one of the nodes.
    """
    name = division.circuit.name
    found = strategy(division, name)
    by_id = {one.node_id: one for one in division.nodes}
    if not isinstance(found, Mapping) or not by_id.keys() >= found.keys():
        what = f"returned {found!r:.80} for {name}, not blocks by nodes' ids"
        raise strategy.error(what)
    shares = {node_id: _places(places) for node_id, places in found.items()}
    given = sorted(place for places in shares.values() for place in places)
    if given != list(range(len(division.blocks))):
        what = f"did not give each block of {name} to one node"
        raise strategy.error(what)
    return [
        (one, tuple(division.blocks[place] for place in sorted(shares[node_id])))
        for node_id, one in by_id.items()
        if shares.get(node_id)
    ]


def _places(places: object) -> Sequence[int]:
    """Places in a sequence; one that cannot be, for what is none."""
    whole = isinstance(places, Sequence) and all(type(place) is int for place in places)
    return list(places) if whole and isinstance(places, Sequence) else [-1]
