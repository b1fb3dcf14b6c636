"""Nodes: what a provider offers and what the planner needs to know about each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn

from qcos_core.errors import InvalidArguments
from qcos_core.model.redaction import REDACTED


class NodeType(str, Enum):
    """What kind of machine a node is.

    A label for people and for ``require={"node_types": ...}``. The planner derives nothing from
    it: whether a node is simulated, paid or seeded is said by ``NodeProvider.limits``.
    """

    GPU_AER = "gpu_aer"
    GPU_TENSOR = "gpu_tensor"
    CPU_AER = "cpu_aer"
    CPU_NUMPY = "cpu_numpy"
    QPU_IBM = "qpu_ibm"
    QPU_IONQ = "qpu_ionq"
    QPU_AZURE = "qpu_azure"
    QPU_BRAKET = "qpu_braket"
    OTHER = "other"


class Credentials(Mapping[str, Any]):
    """Authentication data that is readable by name and shows itself nowhere.

    It behaves as a read-only mapping, but it is not a ``dict``: its ``repr`` hides every value,
    and ``json.dumps`` and ``pickle`` refuse it, so that a spec that is logged, stored or sent to
    another process cannot leak what is inside.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        if not isinstance(values, Mapping | None):
            message = (
                f"credentials must be a mapping of names to values, not {type(values).__name__}."
            )
            raise InvalidArguments(message)
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name!r}: {REDACTED}" for name in self._values)
        return f"Credentials({{{inside}}})"

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Credentials:
        return self

    def __reduce__(self) -> NoReturn:
        message = (
            "credentials are never pickled: pass a spec without them, "
            "or a reference such as an environment variable's name"
        )
        raise TypeError(message)


@dataclass
class QPUNodeSpec:
    """One node of a cluster, as its provider describes it.

    Args:
        node_id: unique in the cluster, for example ``"lumi-n00-gcd0"``.
        node_type: a :class:`NodeType`, or its value as a string.
        max_qubits: the widest circuit, in active qubits, that the node can run.
        tags: searchable labels.
        credentials: authentication data; kept as :class:`Credentials`.
        online: set by ``ClusterBuilder.build``. A node that it took out of service comes back when
            its provider is well again; one that its provider took out itself does not.
        metadata: JSON-able facts (device, region, price). Where a node is offline the reason
            stands in ``metadata["offline_reason"]``.

    Raises:
        InvalidArguments: an empty id, an unknown node type, or a width below one.
    """

    node_id: str
    node_type: NodeType
    max_qubits: int
    tags: list[str] = field(default_factory=list)
    credentials: Mapping[str, Any] = field(default_factory=Credentials)
    online: bool = True
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.node_id, str) or not self.node_id.strip():
            message = f"node_id must be a non-empty string, not {self.node_id!r}."
            raise InvalidArguments(message)
        try:
            self.node_type = NodeType(self.node_type)
        except ValueError:
            names = ", ".join(kind.name for kind in NodeType)
            message = f"node_type {self.node_type!r} is not a NodeType; choose one of {names}."
            raise InvalidArguments(message, node=self.node_id) from None
        if isinstance(self.max_qubits, bool) or not isinstance(self.max_qubits, int):
            message = f"max_qubits must be an int, not {self.max_qubits!r}."
            raise InvalidArguments(message, node=self.node_id)
        if self.max_qubits < 1:
            message = f"max_qubits must be at least 1, not {self.max_qubits}."
            raise InvalidArguments(message, node=self.node_id)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "credentials" and not isinstance(value, Credentials):
            value = Credentials(value)
        object.__setattr__(self, name, value)

    @property
    def offline_reason(self) -> str | None:
        """Why the node is offline; ``None`` while it is online."""
        if self.online:
            return None
        return str(self.metadata.get("offline_reason") or "its provider took it offline")

    def mark_offline(self, reason: str) -> None:
        """Take the node out of service and keep the reason in ``metadata``."""
        self.online = False
        self.metadata["offline_reason"] = reason

    def mark_online(self) -> None:
        """Take the node into service again."""
        self.metadata.pop("offline_reason", None)
        self.online = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What the planner may assume about one node. ``None`` means that nobody said.

    Attributes:
        max_shots: most shots in one task.
        max_tasks: most tasks in one submission.
        max_in_flight: most tasks at one time; a provider that is not thread-safe says 1.
        host: nodes of one host share its cores and memory.
        memory_bytes: what the node may use.
        formats: circuit formats understood on the far side, best first.
        simulated: ``True`` for a simulator, ``False`` for hardware; ``None`` pools with nothing.
        paid: whether running costs money or quota.
        seeded: whether the same seed gives the same counts.
        bounds: units in which a submission never costs more than was set aside for it.
    """

    max_shots: int | None = None
    max_tasks: int | None = None
    max_in_flight: int | None = None
    host: str | None = None
    memory_bytes: int | None = None
    formats: tuple[str, ...] = ()
    simulated: bool | None = None
    paid: bool | None = None
    seeded: bool = False
    bounds: tuple[str, ...] = ()

    @property
    def free(self) -> bool:
        """Whether running something twice costs nothing.

        What nobody said is not assumed, so a node that is silent may cost money.
        """
        return self.paid is False or (self.paid is None and self.simulated is True)
