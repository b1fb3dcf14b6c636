"""The seam between the executor and the providers: what is asked for and what comes back.

Frozen, JSON-able, free of secrets. A job is cut into *tasks*; a task is one circuit with a few
*blocks* of shots; a block is the unit of randomness: its seed depends on the job alone, so the
same blocks give the same counts on whatever seeded node they run.

Work that outlives a call, on a queue or at a vendor, travels as a *submission*: one remote call
with a few tasks, stored under its key before it is sent and never regrouped. A *handle* is all
that is needed to ask about it again, from any process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from qcos_core.errors import QCOSError
from qcos_core.model.amounts import Amount
from qcos_core.model.options import shown

if TYPE_CHECKING:
    from qcos_core.model.counts import PackedCounts
    from qcos_core.model.shots import PackedShots


@dataclass(frozen=True, slots=True)
class Block:
    """So many shots drawn with one seed.

    Attributes:
        index: position of the block within its circuit's blocks, from 0.
        shots: at least 1.
        seed: at least 0 and below 2**63.
    """

    index: int
    shots: int
    seed: int


@dataclass(frozen=True, slots=True)
class Task:
    """Some whole blocks of one circuit: the unit that is planned, checked and retried.

    Attributes:
        id: unique in its job.
        circuit_id: which circuit of the job.
        blocks: which of its blocks, in order.
        method: how the node shall simulate; ``"automatic"`` leaves it to the provider.
        options: validated by ``NodeProvider.check_options``.
        parameters: values of the circuit's parameters, in the order of ``circuit.parameters``.
        point: which point of a sweep this is, from 0.
    """

    id: str
    circuit_id: str
    blocks: tuple[Block, ...]
    method: str = "automatic"
    options: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[float, ...] = ()
    point: int = 0

    @property
    def shots(self) -> int:
        """The shots of all blocks together."""
        return sum(block.shots for block in self.blocks)

    def to_dict(self) -> dict[str, Any]:
        """The task as JSON-able data."""
        return {
            "id": self.id,
            "circuit_id": self.circuit_id,
            "blocks": [[block.index, block.shots, block.seed] for block in self.blocks],
            "method": self.method,
            "options": shown(self.options),
            "parameters": list(self.parameters),
            "point": self.point,
        }


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a node answered for one task.

    Attributes:
        task_id: the task it answers; results are matched by it, never by order.
        counts: the counts of all its blocks together; ``None`` if the circuit measures nothing.
        memory: the outcomes in shot order, block after block, where the option ``memory`` asked
            for them.
        data: what ``save_*`` instructions returned, by label.
        error: why there is no answer.
        simulated: ``False`` only if quantum hardware ran it.
        method: the method that really ran, for example ``"statevector"``.
        exact: ``False`` if the method was cut short; ``None`` if nobody knows.
        executor: what ran it; empty means the node's own provider.
        seconds: time spent running, queue excluded.
        charges: what it cost. Where nobody says, what was set aside for it counts as spent; say
            ``Amount(0.0, unit)`` of what proved to be free.
        metadata: JSON-able provenance (versions, device, transpiled circuit's hash).
    """

    task_id: str
    counts: PackedCounts | None = None
    memory: PackedShots | None = None
    data: Mapping[str, Any] | None = None
    error: QCOSError | None = None
    simulated: bool | None = None
    method: str = ""
    exact: bool | None = None
    executor: str = ""
    seconds: float | None = None
    charges: tuple[Amount, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Execution:
    """What an ``execute`` may return instead of a plain mapping, to say who did it and how.

    Attributes:
        counts: bitstring to number of shots, as a plain ``execute`` returns them.
        executor: name shown in the provenance, for example ``"qcos-aer"``.
        method: the method that ran.
        simulated: ``False`` only if quantum hardware ran it.
        exact: as in :class:`TaskResult`.
        metadata: JSON-able provenance.
        memory: one bitstring for each shot, in the order in which they were made; ``counts`` may
            then be left empty.
        data: what ``save_*`` instructions returned, by label.
    """

    counts: Mapping[str, int]
    executor: str = ""
    method: str = ""
    simulated: bool | None = None
    exact: bool | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    memory: Sequence[str] | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One remote call: the tasks that travel together.

    Attributes:
        key: names it for ever; sent along where the vendor takes a key or a tag, so that a
            submission whose answer was lost can be recognised instead of paid for again.
        node_id: the node.
        tasks: what it holds; the same tasks whenever it is sent again.
        deadline_s: seconds after which nobody wants the answer any more.
        reserved: what is set aside for it; who says so in ``Limits.bounds`` charges no more.
    """

    key: str
    node_id: str
    tasks: tuple[Task, ...]
    deadline_s: float | None = None
    reserved: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True)
class Handle:
    """What a provider needs to ask about a submission again, from any process.

    Attributes:
        key: the submission's key.
        remote_ids: the vendor's ids; several where one submission became several jobs.
        detail: whatever else the provider needs; JSON-able, and no secrets.
    """

    key: str
    remote_ids: tuple[str, ...]
    detail: Mapping[str, str] = field(default_factory=dict)


class State(str, Enum):
    """Where a submission stands.

    ``UNKNOWN`` is an answer of its own: nobody can tell, so nothing may be concluded from it,
    least of all that the work failed.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Whether it cannot change any more."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Status:
    """A state with what else is known.

    Attributes:
        state: where it stands.
        message: the vendor's own words.
        queue_position: how many are before it.
        poll_after_s: seconds the vendor asks to wait before the next question.
        charges: what it cost, where it failed or was cancelled and is charged all the same.
    """

    state: State
    message: str = ""
    queue_position: int | None = None
    poll_after_s: float | None = None
    charges: tuple[Amount, ...] = ()


class Recovery(str, Enum):
    """What can be done about a submission whose outcome is unknown.

    ``IDEMPOTENT``: send it again; the same key gives the same job. ``FIND``: look it up by its
    key, and send it again only if it is certainly absent. ``NONE``: a person must decide.
    """

    IDEMPOTENT = "idempotent"
    FIND = "find"
    NONE = "none"
