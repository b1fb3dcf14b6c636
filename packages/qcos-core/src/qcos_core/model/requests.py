"""How circuits shall be run: what ``run``, ``plan`` and ``submit`` take beside the circuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from qcos_core.model.budgets import Budget
from qcos_core.model.circuits import Requirements


@dataclass(frozen=True)
class RunRequest:
    """How circuits shall be run.

    Attributes:
        policy: how a node is chosen among those that can.
        strategy: how work is cut.
        require: which nodes may be used.
        allow_mixed: whether shots of nodes that are not alike may stand in for each other.
        cross_check: whether nodes that are alike are compared before their shots count.
        budget: what it may cost.
    """

    policy: str = "fastest"
    strategy: str = "auto"
    require: Requirements = field(default_factory=Requirements)
    allow_mixed: bool = False
    cross_check: bool = False
    budget: Budget = field(default_factory=Budget)

    @classmethod
    def of(
        cls,
        policy: str,
        strategy: str,
        require: Requirements | Mapping[str, Any] | None,
        *,
        allow_mixed: bool,
        cross_check: bool,
        budget: Any,
    ) -> RunRequest:
        """A request as ``DistributedQVM.run`` takes it.

        Raises:
            InvalidArguments: requirements or a budget that cannot be read.
        """
        wanted = Requirements.of(require)
        return cls(policy, strategy, wanted, allow_mixed, cross_check, Budget.of(budget))

    def to_dict(self, fallback: str) -> dict[str, Any]:
        """The request as JSON-able data, without its budget, which is for one occasion.

        Args:
            fallback: as for ``DistributedQVM``.
        """
        require = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self.require).items()
            if value != getattr(Requirements, name)
        }
        return {
            "policy": self.policy,
            "strategy": self.strategy,
            "require": require,
            "fallback": fallback,
            "allow_mixed": self.allow_mixed,
            "cross_check": self.cross_check,
        }
