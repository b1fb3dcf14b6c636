"""Where a submission stands, from before it is sent until it is settled.

::

                 stored, not sent yet
                          │
                          v      refused for certain
    ┌──────────────── SENDING ──────────────────────────> REFUSED
    │                 │  ^  │                                ^
    │ answer lost, or │  │  │ handle                         │ certainly absent, and
    │ process killed  │  │  v                                │ given to another node
    │                 │  │ SENT ──────── results ────> DONE  │
    │                 │  │ │  ^ │                            │
    │   forgotten by  │  │ │  │ └ ended without ──> FAILED   │
    │   the far side ─┼──┼─┘  │   all its results    ^       │
    │                 v  │    │ found by its key     │       │
    └──────────────> UNKNOWN ─┴──────────────────────┼───────┘
                      │                              │
                      ├── a person gives it up ──> ABANDONED
                      └── free: run it elsewhere ────┘

A submission is stored as ``SENDING``, with its key and its tasks, before anybody hears of it. From
then on it may exist on the far side, so whoever finds it ``SENDING`` after a crash treats it as
``UNKNOWN``: it is sent again only under the same key where that is idempotent, where a look-up says
that it is certainly absent, or where a person says so. ``REFUSED`` is certain: nothing was
accepted, and its tasks are free to go elsewhere. While a submission is ``SENDING``, ``SENT`` or
``UNKNOWN`` nothing else is submitted for its tasks.

A call to a provider without handles, whose answer comes with the call, goes from ``SENDING``
straight to ``DONE`` or ``FAILED``.
"""

from __future__ import annotations

from enum import Enum


class Stage(str, Enum):
    """Where a submission stands; the module's docstring draws how it gets there."""

    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    ABANDONED = "abandoned"

    @property
    def open(self) -> bool:
        """Whether its tasks may still be on the far side, or come back from there."""
        return self in (Stage.SENDING, Stage.SENT, Stage.UNKNOWN)


STEPS: dict[Stage | None, frozenset[Stage]] = {
    None: frozenset({Stage.SENDING}),
    Stage.SENDING: frozenset(
        {Stage.SENT, Stage.UNKNOWN, Stage.REFUSED, Stage.DONE, Stage.FAILED, Stage.SENDING}
    ),
    Stage.SENT: frozenset({Stage.SENT, Stage.UNKNOWN, Stage.DONE, Stage.FAILED}),
    Stage.UNKNOWN: frozenset(
        {Stage.SENDING, Stage.SENT, Stage.UNKNOWN, Stage.REFUSED, Stage.FAILED, Stage.ABANDONED}
    ),
    Stage.DONE: frozenset(),
    Stage.FAILED: frozenset(),
    Stage.REFUSED: frozenset(),
    Stage.ABANDONED: frozenset(),
}
"""Where a submission may go from each stage; ``None`` is before it is stored."""
