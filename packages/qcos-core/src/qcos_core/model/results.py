"""Results: counts, and where each shot came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qcos_core.errors import CircuitRejected, InvalidArguments
from qcos_core.model import data as saved_data
from qcos_core.model.amounts import Amount, total
from qcos_core.model.counts import PackedCounts, Registers
from qcos_core.model.data import ResultData
from qcos_core.model.origin import origin_of
from qcos_core.model.plans import ShardPlan
from qcos_core.model.schema import parse_document, read_document
from qcos_core.model.shots import PackedShots
from qcos_core.model.text import plural, shorten

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

    from qcos_core.model.timing import Timing

SCHEMA = "qcos.result/1"
_NODES = 100


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What became of one shard.

    Attributes:
        task_id: the task.
        node_id: the node that ran it.
        provider: key of that node's provider.
        executor: what really ran it; differs from ``provider`` after a fallback.
        fallback: whether it fell through to a fallback executor.
        shots: shots it contributed.
        blocks: ``(index, shots, seed)`` of each block.
        simulated: ``False`` only if quantum hardware ran it; ``None`` if nobody said.
        method: the method that ran.
        exact: whether the method sampled the circuit's own distribution.
        attempts: how often it was tried.
        started: seconds since the epoch.
        seconds: time it took on the node.
        charges: what it cost.
        metadata: provenance from the provider (versions, device).
    """

    task_id: str
    node_id: str
    provider: str
    executor: str
    fallback: bool
    shots: int
    blocks: tuple[tuple[int, int, int], ...]
    simulated: bool | None = None
    method: str = ""
    exact: bool | None = None
    attempts: int = 1
    started: float | None = None
    seconds: float | None = None
    charges: tuple[Amount, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class QVMResult:
    """The counts and data of one circuit, and where each shot came from.

    Attributes:
        name: the circuit's name.
        shots: shots that came back; always what was asked for, by policy ``all`` of each node,
            unless this result stands in a ``PartialResult``.
        seed: the seed its blocks were derived from; drawn by QCOS where none was given.
        registers: the circuit's classical registers.
        packed: the counts, packed; ``None`` if the circuit measures nothing, or if those of its
            nodes cannot be added up.
        shards: one record for each shard.
        plan: the plan it ran by.
        warnings: what a reader of the counts must know.
        versions: versions of the packages that took part.
        seconds: wall time of the whole call, planning included.
        tags: the user's tags.
        packed_shots: the outcomes in shot order, packed, where the option ``memory`` asked for
            them.
        saved: what ``save_*`` instructions returned, by label.
        parameters: the value of each parameter, by its name, at this point of a sweep.
        packed_by_node: the counts of each node by its id, packed, where several took part; those
            of a node that was left out of ``packed`` are among them.
        origin: what :meth:`manifest` is made from; neither JSON nor pickles keep it.
    """

    name: str
    shots: int
    seed: int
    registers: Registers
    packed: PackedCounts | None
    shards: tuple[ShardRecord, ...] = ()
    plan: ShardPlan | None = None
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    tags: tuple[str, ...] = ()
    plan_data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    packed_shots: PackedShots | None = None
    saved: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    packed_by_node: Mapping[str, PackedCounts] = field(default_factory=dict, repr=False)
    origin: Any = field(default=None, repr=False, compare=False)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Bitstring to shots, with the very keys of Qiskit's ``get_counts()``.

        Raises:
            CircuitRejected: the circuit measures nothing.
            InvalidArguments: the counts of its nodes cannot be added up; see :attr:`per_device`.
        """
        return self.counted.to_dict(self.registers)

    @property
    def counted(self) -> PackedCounts:
        """The counts, packed.

        Raises:
            CircuitRejected: the circuit measures nothing.
            InvalidArguments: the counts of its nodes cannot be added up.
        """
        self._check_together()
        if self.packed is None:
            message = f"{self.name} measures nothing, so it has no counts."
            hint = f"What it saved is in the result's data: {', '.join(self.saved)}."
            raise CircuitRejected(message, hint=hint)
        return self.packed

    @property
    def apart(self) -> bool:
        """Whether the counts of its nodes cannot be added up, so that there are those of each."""
        return self.packed is None and bool(self.packed_by_node)

    def _check_together(self) -> None:
        if self.apart:
            nodes = shorten(", ".join(self.packed_by_node), _NODES)
            message = f"the counts of {self.name} do not add up, its nodes are not alike: {nodes}."
            hint = "result.per_device has the counts of each, result.by_device() a result."
            raise InvalidArguments(message, hint=hint)

    @cached_property
    def per_device(self) -> dict[str, dict[str, int]]:
        """The counts of each node by its id, with the keys of :attr:`counts`.

        Raises:
            InvalidArguments: the circuit ran in parts on several nodes.
        """
        parts = self.packed_by_node
        if not parts and self.packed is not None:
            return dict.fromkeys(self._only_node(), self.counts)
        return {node_id: packed.to_dict(self.registers) for node_id, packed in parts.items()}

    def _only_node(self) -> list[str]:
        """The node that all shots are of."""
        found = list(dict.fromkeys(record.node_id for record in self.shards if record.shots))
        if len(found) > 1:
            message = f"{self.name} ran in parts, and no node has counts of the whole."
            hint = f"The parts ran on {shorten(', '.join(found), _NODES)}; see the shards."
            raise InvalidArguments(message, hint=hint)
        return found

    def by_device(self) -> dict[str, QVMResult]:
        """A result for each node by its id, as if that node alone had run the circuit.

        Each has the counts and the shards of its node, and no shot order or saved data.

        Raises:
            InvalidArguments: the circuit ran in parts on several nodes.
        """
        parts = self.packed_by_node
        if not parts:
            return dict.fromkeys(self._only_node(), self)
        return {
            node_id: replace(
                self,
                shots=packed.shots,
                packed=packed,
                shards=tuple(one for one in self.shards if one.node_id == node_id),
                packed_shots=None,
                saved={},
                packed_by_node={},
                origin=None,
            )
            for node_id, packed in parts.items()
        }

    @cached_property
    def data(self) -> ResultData:
        """Shots by classical register, and what the circuit saved by label.

        ``result.data["meas"]``, or ``result.data.meas``, is a ``qiskit.primitives.BitArray`` of
        the register's shots. They are in the order in which they were made where the option
        ``memory`` asked for that, and else in an order drawn from the seed, so that slices of
        them are unbiased either way.
        """
        places = self.registers.bits() if self.apart or self.packed is not None else {}
        return ResultData(places, self._shots, self.saved)

    @cached_property
    def memory(self) -> list[str]:
        """One key for each shot, in shot order, as Qiskit's ``get_memory()`` writes them.

        Raises:
            InvalidArguments: the option ``memory`` did not ask for them.
        """
        if self.packed_shots is None:
            self._check_together()
            message = "the order of the shots was not kept."
            hint = "Run with options={'memory': True}, or use data, whose order is drawn."
            raise InvalidArguments(message, hint=hint)
        return self.packed_shots.keys(self.registers)

    @cached_property
    def _drawn(self) -> PackedShots:
        first = min((block for record in self.shards for block in record.blocks), default=None)
        return PackedShots.shuffled(self.counted, self.seed if first is None else first[2])

    def _shots(self) -> PackedShots:
        return self._drawn if self.packed_shots is None else self.packed_shots

    @property
    def simulated(self) -> bool | None:
        """``True`` if simulators alone made the counts, ``False`` if hardware took part."""
        return all_of(record.simulated for record in self.shards)

    @property
    def exact(self) -> bool | None:
        """Whether every shard sampled the circuit's own distribution; ``None`` if not known."""
        return all_of(record.exact for record in self.shards)

    @property
    def charges(self) -> tuple[Amount, ...]:
        """What it cost, unit by unit."""
        return total(amount for record in self.shards for amount in record.charges)

    @property
    def timing(self) -> Timing:
        """The time that its plan expected its shards to take, beside what they took."""
        from qcos_core.model.timing import timing_of

        return timing_of(self.shards, self.plan, self.plan_data)

    def __repr__(self) -> str:
        nodes = plural(len({record.node_id for record in self.shards}), "node")
        found = [] if self.packed is None else [plural(len(self.packed), "outcome")]
        found += ["counts per device"] * self.apart
        found += self.saved
        return (
            f"<QVMResult {self.name!r}: {plural(self.shots, 'shot')}, {', '.join(found)}, {nodes}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from qcos_core.model.html import result_html

        return result_html(self)

    def plot(self, path: str | PathLike[str] | None = None, *, most: int | None = None) -> Figure:
        """Draw a histogram of the counts; needs matplotlib, of the extra ``plot``.

        Args:
            path: where to write the picture; .png, .svg or .pdf.
            most: how many outcomes to show at most; 200 if not given. Of more, the most frequent
                are shown, and the rest as one bar.

        Returns:
            A ``matplotlib.figure.Figure``.

        Raises:
            InvalidArguments: no matplotlib, or a path that cannot be written to.
        """
        from qcos_core.model.pictures import plot

        return plot(self, path, most=most)

    def timeline(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw when each shard ran, and where; needs matplotlib, of the extra ``plot``.

        ``qcos_core.model.pictures.timeline`` draws several results in one picture.

        Args:
            path: where to write the picture; .png, .svg or .pdf.

        Returns:
            A ``matplotlib.figure.Figure``.

        Raises:
            InvalidArguments: no matplotlib, or a path that cannot be written to.
        """
        from qcos_core.model.pictures import timeline

        return timeline(self, path)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON-able data, the document that ``qcos run --json`` prints."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "shots": self.shots,
            "seed": self.seed,
            "width": self.registers.width,
            "registers": [[name, size] for name, size in self.registers.sizes],
            "register_bits": [list(bits) for bits in self.registers.places],
            "parameters": dict(self.parameters),
            "counts": None if self.packed is None else self.counts,
            "per_device": self.per_device if self.packed_by_node else None,
            "memory": None if self.packed_shots is None else self.memory,
            "data": {name: saved_data.to_json(value) for name, value in self.saved.items()},
            "exact": self.exact,
            "simulated": self.simulated,
            "charges": [asdict(amount) for amount in self.charges],
            "shards": [asdict(record) for record in self.shards],
            "plan": self.plan.to_dict() if self.plan else dict(self.plan_data),
            "warnings": list(self.warnings),
            "versions": dict(self.versions),
            "seconds": self.seconds,
            "timing": self.timing.to_dict(),
            "tags": list(self.tags),
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict())

    def manifest(self) -> dict[str, Any]:
        """All that it takes to run this again, as JSON-able data without secrets.

        ``qcos replay`` and :func:`qcos_core.replay` read it, on this machine or another.
        ``qcos_core.qvm.manifest.of`` makes one of several results.

        Raises:
            CircuitRejected: QPY would lose a part of the circuit, such as ``save_statevector``.
            InvalidArguments: the result was read back from JSON, its circuit was changed since, or
                the circuit or the options hold a secret or what JSON cannot hold.
        """
        document: dict[str, Any] = origin_of(self).manifest([self])
        return document

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QVMResult:
        """Read what :meth:`to_dict` wrote. The plan comes back as data, in ``plan_data``.

        Raises:
            InvalidArguments: a document of another schema, or a damaged one.
        """
        return read_document(data, SCHEMA, cls._read)

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> QVMResult:
        registers = Registers(
            data["width"],
            tuple((n, s) for n, s in data["registers"]),
            tuple(tuple(bits) for bits in data.get("register_bits", ())),
        )
        counts, memory = data["counts"], data.get("memory")
        return cls(
            name=data["name"],
            shots=data["shots"],
            seed=data["seed"],
            registers=registers,
            packed=None
            if counts is None
            else PackedCounts.from_bitstrings(counts, registers.width),
            shards=tuple(_record(item) for item in data["shards"]),
            plan_data=data["plan"],
            warnings=tuple(data["warnings"]),
            versions=data["versions"],
            seconds=data["seconds"],
            tags=tuple(data["tags"]),
            packed_shots=None
            if memory is None
            else PackedShots.from_bitstrings(memory, registers.width),
            saved={n: saved_data.from_json(v) for n, v in data.get("data", {}).items()},
            parameters=data.get("parameters", {}),
            packed_by_node={
                node_id: PackedCounts.from_bitstrings(counts, registers.width)
                for node_id, counts in (data.get("per_device") or {}).items()
            },
        )

    @classmethod
    def from_json(cls, text: str) -> QVMResult:
        """Read what :meth:`to_json` wrote.

        Raises:
            InvalidArguments: not JSON, or a document of another schema, or a damaged one.
        """
        return cls.from_dict(parse_document(text))


def all_of(states: Iterable[bool | None]) -> bool | None:
    """``False`` if any is, ``True`` if all are, ``None`` where that is not known."""
    found = set(states)
    if False in found:
        return False
    return True if found == {True} else None


def _record(data: Mapping[str, Any]) -> ShardRecord:
    plain = dict(data)
    plain["blocks"] = tuple((index, shots, seed) for index, shots, seed in plain["blocks"])
    plain["charges"] = tuple(Amount(**amount) for amount in plain["charges"])
    return ShardRecord(**plain)
