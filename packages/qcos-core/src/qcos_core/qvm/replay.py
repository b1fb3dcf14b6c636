"""Run again what a manifest holds."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qcos_core.cluster.registry import QPURegistry
from qcos_core.model.results import QVMResult
from qcos_core.model.sweeps import SweepResult
from qcos_core.qvm.comparison import Comparison, compare
from qcos_core.qvm.machine import DistributedQVM
from qcos_core.qvm.observers import Observer
from qcos_core.qvm.recorded import Manifest
from qcos_core.qvm.versions import surroundings


@dataclass(frozen=True)
class Replay:
    """A manifest, and the results of running it again.

    Attributes:
        manifest: what was written.
        results: one for each of its runs; ``None`` where nothing came back.
    """

    manifest: Manifest
    results: Sequence[QVMResult | SweepResult | None]

    @cached_property
    def comparison(self) -> Comparison:
        """What is the same, and whether the counts agree."""
        there = [result for result in self.results if result is not None]
        keys = {record.provider for result in there for record in result.shards}
        here = f"{platform.system()} {platform.machine()}"
        return compare(self.manifest, self.results, surroundings(keys), here)

    @property
    def agrees(self) -> bool:
        """Whether all counts agree, exactly where seeds decide them and by marginals elsewhere."""
        return self.comparison.agrees


def replay(
    manifest: Manifest | Mapping[str, Any] | str | Path,
    *,
    cluster: QPURegistry | None = None,
    trust: bool = False,
    options: Mapping[str, Any] | None = None,
    budget: Any = None,
    state: str | Path | None = None,
    observers: Sequence[Observer] = (),
) -> Replay:
    """Run again what a manifest holds, with the same seeds, options, policy and strategy.

    Args:
        manifest: what ``QVMResult.manifest`` returned, or the name of a file that holds it as JSON.
            It may come from a stranger.
        cluster: where to run; the cluster that the manifest names if left out.
        trust: build the manifest's cluster too where its providers may look up secrets, reach
            other machines or cost money.
        options: options over those of the manifest.
        budget: as for ``DistributedQVM.run``.
        state: as for :class:`DistributedQVM`.
        observers: as for :class:`DistributedQVM`.

    Returns:
        The results, and how they compare with those of the manifest.

    Raises:
        InvalidArguments: no manifest, one that cannot be right, or a cluster that cannot be built
            or needs to be trusted.
        NoCapableNode: no node can run one of the circuits.
        PartialResult: some shards failed; what came back is attached.
        QCOSError: whatever else ``DistributedQVM.run`` raises.

    Example::

        replay(result.manifest()).agrees
    """
    if isinstance(manifest, Manifest):
        read = manifest
    elif isinstance(manifest, str | Path):
        read = Manifest.load(manifest)
    else:
        read = Manifest.read(manifest)
    registry = read.build(trust=trust) if cluster is None else cluster
    try:
        qvm = DistributedQVM(
            registry, fallback=read.request["fallback"], state=state, observers=observers
        )
        return Replay(read, qvm.run(read.circuits(options), **read.arguments, budget=budget))
    finally:
        if cluster is None:
            registry.close()
