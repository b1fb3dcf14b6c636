"""A submission that is out: what is known of it, and when something is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass

from qcos_core.errors import InvalidArguments, QCOSError
from qcos_core.ledger.stages import Stage
from qcos_core.model.seam import Handle, Recovery, Submission
from qcos_core.providers.base import JobNodeProvider
from qcos_core.qvm.board import Entry, NodeState
from qcos_core.qvm.calls import Call

CALL_S = 300.0
"""A call that takes longer is left behind; a submission's outcome is unknown then."""

CANCEL_S = 60.0
"""How long a cancelled submission may take to end before its fate is left open."""


@dataclass(eq=False)
class OpenSubmission:
    """A submission that is out.

    Attributes:
        submission: what was sent.
        entries: its tasks.
        state: their node.
        stage: as the ledger has it.
        handle: what it is asked by.
        since: when it was sent, on the coordinator's clock; for one that a dead process left
            behind, when it was found.
        started: when it was sent, in seconds since the epoch.
        due: when it is to be polled, fetched or searched next; ``None`` while a call is out.
        call: the call that is out.
        called: when that call began.
        fetching: the far side says that it is done.
        tries: how often that fetch, or this search, has failed.
        unseen: since when the far side has not known it.
        doubtful: since when its outcome is unknown.
        reason: why.
        dropping: it is to be cancelled, for this reason.
        dropped: when the far side was asked to cancel it.
        sends: how often it was sent.
        lost: an earlier sending of it may have been accepted, whatever is said of a later one.
        forgotten: how often the far side had a handle for it and then forgot it.
    """

    submission: Submission
    entries: list[Entry]
    state: NodeState
    stage: Stage = Stage.SENDING
    handle: Handle | None = None
    since: float = 0.0
    started: float = 0.0
    due: float | None = None
    call: Call | None = None
    called: float = 0.0
    fetching: bool = False
    tries: int = 0
    unseen: float | None = None
    doubtful: float | None = None
    reason: QCOSError | None = None
    dropping: QCOSError | None = None
    dropped: float | None = None
    sends: int = 0
    lost: bool = False
    forgotten: int = 0

    @property
    def key(self) -> str:
        """The submission's key."""
        return self.submission.key

    @property
    def provider(self) -> JobNodeProvider:
        """The provider of its node."""
        provider = self.state.node.provider
        if not isinstance(provider, JobNodeProvider):
            message = f"the provider of {self.state.id} takes no submissions any more."
            raise InvalidArguments(message)
        return provider

    @property
    def recovery(self) -> Recovery:
        """What can be done while its outcome is unknown."""
        return self.provider.RECOVERY if self.state.runs_jobs else Recovery.NONE

    @property
    def settle_s(self) -> float:
        """How long a look-up may miss it."""
        return self.provider.SETTLE_S if self.recovery is Recovery.FIND else 0.0

    @property
    def call_ends(self) -> float | None:
        """When the call that is out has taken too long."""
        if self.call is None:
            return None
        deadline = self.submission.deadline_s
        return self.called + (CALL_S if deadline is None else min(CALL_S, deadline))

    @property
    def deadline(self) -> float | None:
        """When it has taken too long by itself, if there is anything to be done about that."""
        if self.stage is not Stage.SENT or self.fetching:
            return None
        if self.dropped is not None:
            return self.dropped + CANCEL_S
        if self.submission.deadline_s is None or self.dropping is not None:
            return None
        return self.since + self.submission.deadline_s

    @property
    def wakes(self) -> float | None:
        """When something is to be done about it."""
        times = [self.due, self.call_ends, self.deadline]
        return min((when for when in times if when is not None), default=None)
