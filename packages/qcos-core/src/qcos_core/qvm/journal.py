"""What a coordinator tells the ledger, gathered so that many steps are one transaction."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from qcos_core.ledger.stages import Stage
from qcos_core.ledger.steps import Step
from qcos_core.model.seam import Handle

if TYPE_CHECKING:
    from qcos_core.ledger.leases import Lease
    from qcos_core.model.budgets import Reservation
    from qcos_core.model.scrubber import Scrubber

_log = logging.getLogger(__name__)


class Journal:
    """Keeps nothing: for work that is free and ends with the call."""

    durable = False

    def new_key(self) -> str:
        """A key that no other submission has."""
        return secrets.token_hex(8)

    def note(self, key: str, stage: Stage, **facts: Any) -> None:
        """Note one step; the fields of :class:`~qcos_core.ledger.steps.Step` say what is known."""

    def flush(self) -> None:
        """Write down what was noted, before anything follows from it."""

    def reserve(self, reservations: Sequence[Reservation]) -> None:
        """Set aside what tasks may cost, before anything is sent for them.

        Raises:
            BudgetExceeded: a cap, or the job's own budget, does not leave so much.
        """


class LedgerJournal(Journal):
    """Writes to the ledger, under a lease.

    Args:
        lease: the right to carry the job on.
        prefix: how the keys of the job begin.
        taken: how many keys the job has used.
        scrubber: masks secrets that a provider put into an error or a handle.
    """

    durable = True

    def __init__(self, lease: Lease, prefix: str, taken: int, scrubber: Scrubber) -> None:
        self._lease = lease
        self._prefix = prefix
        self._numbers = count(taken + 1)
        self._scrubber = scrubber
        self._steps: list[Step] = []

    def new_key(self) -> str:
        """The job's id, and a number."""
        return f"{self._prefix}-{next(self._numbers)}"

    def note(self, key: str, stage: Stage, **facts: Any) -> None:
        """Note one step."""
        if facts.get("handle") is not None:
            facts["handle"] = self._without_secrets(facts["handle"])
        if facts.get("error") is not None:
            facts["error"] = self._scrubber.scrub_error(facts["error"])
        self._steps.append(Step(key, stage, **facts))

    def _without_secrets(self, handle: Handle) -> Handle:
        """A handle as it may be kept; a provider that needs a secret in it cannot use it then."""
        kept = replace(
            handle,
            remote_ids=tuple(map(self._scrubber.scrub, handle.remote_ids)),
            detail=self._scrubber.scrub_json(handle.detail),
        )
        if kept != handle:
            _log.warning("the handle of %s holds a secret, which is not kept", handle.key)
        return kept

    def reserve(self, reservations: Sequence[Reservation]) -> None:
        """Set it aside, after what is known so far of other costs was written down."""
        self.flush()
        self._lease.reserve(reservations)

    def flush(self) -> None:
        """Write all steps in one transaction.

        Raises:
            LeaseLost: somebody else carries the job on.
            LedgerUnusable: it cannot be written; the steps are kept, and nothing may follow.
        """
        if self._steps:
            self._lease.apply(self._steps)
            self._steps = []
