"""Read manifests. One may come from a stranger: it is data, and is believed in nothing."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from qcos_core.circuits.profile import registers
from qcos_core.circuits.untrusted import MOST_BYTES, read_untrusted, version_of_qpy
from qcos_core.cluster.documents import cluster_from_dict, obstacle, secrets_asked
from qcos_core.cluster.registry import QPURegistry
from qcos_core.errors import CountsInvalid, InvalidArguments, UnknownProvider
from qcos_core.model.circuits import (
    Requirements,
    VirtualCircuitSpec,
    check_position,
    check_seed,
    check_shots,
)
from qcos_core.model.results import QVMResult
from qcos_core.model.schema import parse_document
from qcos_core.model.sweeps import SCHEMA as SWEEP, SweepResult
from qcos_core.providers.registry import NodeProviderRegistry
from qcos_core.qvm.manifest import SCHEMA

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MOST_BYTES_OF_FILE = 256 << 20
"""The largest file that is read."""

_MOST_NODES = 10_000
_HINT = "Give a cluster with --on or --cluster, or in Python with cluster=."
_FLAGS = ("allow_mixed", "cross_check")


@dataclass(frozen=True)
class RecordedRun:
    """One circuit of a manifest, how it ran, and what came back.

    Attributes:
        circuit: the circuit.
        digest: the SHA-256 of its QPY.
        name: its name.
        shots: its shots, at each point of a sweep.
        seed: what its seeds are derived from, together with ``position``.
        position: its place in the list that was run.
        options: its options.
        parameters: names of its parameters.
        points: their values, point by point.
        shape: of the sweep; ``None`` for a single point.
        seeded: whether seeds alone decided the shots.
        strategy: how it was cut, where that decides its counts.
        result: what came back.
    """

    circuit: QuantumCircuit = field(repr=False)
    digest: str
    name: str
    shots: int
    seed: int
    position: int
    options: Mapping[str, Any]
    parameters: tuple[str, ...]
    points: tuple[tuple[float, ...], ...]
    shape: tuple[int, ...] | None
    seeded: bool
    strategy: str | None
    result: QVMResult | SweepResult

    def spec(self, options: Mapping[str, Any]) -> VirtualCircuitSpec:
        """The circuit as ``run`` takes it.

        Args:
            options: options over those of the manifest.
        """
        import numpy as np

        values = None
        if self.parameters or self.shape is not None:
            values = np.array(self.points, dtype=float)
            values = values.reshape(*(self.shape or ()), len(self.parameters))
        return VirtualCircuitSpec(
            self.circuit,
            shots=self.shots,
            seed=self.seed,
            options={**self.options, **options},
            name=self.name,
            parameter_values=values,
            position=self.position,
            strategy=self.strategy,
        )


@dataclass(frozen=True)
class Manifest:
    """A manifest that was read and checked.

    Attributes:
        runs: the circuits, in order.
        request: how they were run together.
        cluster: the document of the cluster.
        versions: the versions of what took part.
        platform: the system and the processor.
    """

    runs: tuple[RecordedRun, ...]
    request: Mapping[str, Any]
    cluster: Mapping[str, Any]
    versions: Mapping[str, str]
    platform: str

    @classmethod
    def load(cls, path: str | Path) -> Manifest:
        """Read a file.

        Raises:
            InvalidArguments: no such file, or no manifest, or one that cannot be right.
        """
        try:
            with Path(path).open("rb") as file:
                content = file.read(MOST_BYTES_OF_FILE + 1)
        except OSError as error:
            message = f"cannot read {path}: {error.strerror or error}."
            raise InvalidArguments(message) from None
        return cls.parse(content, name=str(path))

    @classmethod
    def parse(cls, content: bytes, *, name: str = "input") -> Manifest:
        """Read the bytes of a file; ``name`` is for error messages.

        Raises:
            InvalidArguments: no manifest, or one that cannot be right.
        """
        try:
            if len(content) > MOST_BYTES_OF_FILE:
                message = f"more than {MOST_BYTES_OF_FILE >> 20} MiB, which are not read."
                raise InvalidArguments(message)
            return cls.read(parse_document(content.decode("utf-8-sig")))
        except InvalidArguments as error:
            message = f"{name}: {error.message}"
            raise InvalidArguments(message, hint=error.hint) from None
        except UnicodeDecodeError:
            message = f"{name}: not a JSON document: it is not UTF-8 text."
            raise InvalidArguments(message) from None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Manifest:
        """Check and read what ``QVMResult.manifest`` made.

        Raises:
            InvalidArguments: no manifest, or one that cannot be right.
        """
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
            message = f"expected a document of schema {SCHEMA}, found {found!r}."
            hint = "result.manifest(), or qcos run --manifest FILE, makes one."
            raise InvalidArguments(message, hint=hint)
        try:
            return cls._read(data)
        except InvalidArguments:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            _reject(f"{type(error).__name__}: {error}")
        except (CountsInvalid, MemoryError, RecursionError) as error:
            _reject(str(error) or type(error).__name__)

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> Manifest:
        cluster = _typed(data, "cluster", dict)
        if cluster:
            obstacle(cluster)
        request = _request(_typed(data, "request", dict))
        packed = _contents(_typed(data, "circuits", dict))
        circuits = dict(zip(packed, read_untrusted(list(packed.values())), strict=True))
        runs = tuple(_run(entry, circuits) for entry in _typed(data, "runs", list))
        if not runs:
            message = "it has no runs"
            raise ValueError(message)
        versions = _typed(data, "versions", dict)
        if not all(isinstance(version, str) for version in versions.values()):
            message = "versions are texts"
            raise TypeError(message)
        return cls(runs, request, cluster, versions, _typed(data, "platform", str))

    @cached_property
    def results(self) -> list[QVMResult | SweepResult]:
        """What came back when it was written."""
        return [run.result for run in self.runs]

    def circuits(self, options: Mapping[str, Any] | None = None) -> list[VirtualCircuitSpec]:
        """The circuits as ``run`` takes them.

        Args:
            options: options over those of the manifest.
        """
        return [run.spec(options or {}) for run in self.runs]

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``DistributedQVM.run`` beside the circuits."""
        return {name: value for name, value in self.request.items() if name != "fallback"}

    def build(self, *, trust: bool = False) -> QPURegistry:
        """Build the cluster that the manifest names.

        Args:
            trust: build it too where its providers may look up secrets, reach other machines or
                cost money. A stranger can have written any address into a manifest.

        Raises:
            InvalidArguments: it cannot be built again, or needs to be trusted.
            UnknownProvider: a provider is not installed here.
            ProviderLoadError: a plugin cannot be used.
        """
        reason = obstacle(self.cluster) if self.cluster else "the manifest has none."
        if reason:
            message = f"the manifest's cluster cannot be built again: {reason}"
            raise InvalidArguments(message, hint=_HINT)
        try:
            self._check_size()
            if not trust:
                self._check_harmless()
            return cluster_from_dict(self.cluster)
        except UnknownProvider as error:
            hint = f"Install the package that brings it. {_HINT}"
            raise UnknownProvider(error.message, hint=hint) from None

    def _check_size(self) -> None:
        for slot in self.cluster["slots"]:
            provider = NodeProviderRegistry.get(slot["provider"])
            nodes = 0
            with suppress(Exception):  # what is wrong with its arguments, build says
                nodes = sum((provider.estimate_nodes(**slot["kwargs"]) or {}).values())
            if nodes > _MOST_NODES:
                message = f"the manifest's cluster has {nodes:,} nodes of {slot['provider']}."
                raise InvalidArguments(message, hint=f"At most {_MOST_NODES:,} are built.")

    def _check_harmless(self) -> None:
        """Only providers that simulate in worker processes of this machine get no secrets."""
        keys = dict.fromkeys(slot["provider"] for slot in self.cluster["slots"])
        far = [key for key in keys if NodeProviderRegistry.get(key).RUNS_IN != "worker"]
        asked = secrets_asked(self.cluster)
        if not far and not asked:
            return
        what = [f"uses {', '.join(far)}"] if far else []
        what += [f"asks for the secrets {', '.join(asked)}"] if asked else []
        message = (
            f"the manifest's cluster {' and '.join(what)}: it may reach other machines, with your "
            "accounts, and cost money."
        )
        hint = f"If you know who wrote it, use --trust, or trust=True. {_HINT}"
        raise InvalidArguments(message, hint=hint)


def _contents(documents: Mapping[str, Any]) -> dict[str, bytes]:
    """The QPY of each circuit by its digest, which is checked."""
    found = {}
    room = MOST_BYTES
    for digest, document in documents.items():
        text = _typed(document, "qpy", str)
        room -= len(text) * 3 // 4
        if room < 0:
            _reject(f"its circuits have more than {MOST_BYTES >> 20} MiB")
        content = base64.b64decode(text, validate=True)
        if hashlib.sha256(content).hexdigest() != digest:
            _reject(f"a circuit is not the one with the SHA-256 {digest!r:.70}")
        if version_of_qpy(content) != document["qpy_version"]:
            _reject("a circuit is not of the QPY version that stands beside it")
        found[digest] = content
    return found


def _request(data: Mapping[str, Any]) -> dict[str, Any]:
    require = _typed(data, "require", dict)
    Requirements.of(require)
    if data["fallback"] not in ("always", "never"):
        _reject("fallback is neither always nor never")
    return {
        "policy": _typed(data, "policy", str),
        "strategy": _typed(data, "strategy", str),
        "require": require,
        "fallback": data["fallback"],
        **{name: _typed(data, name, bool) for name in _FLAGS},
    }


def _run(data: Any, circuits: Mapping[str, QuantumCircuit]) -> RecordedRun:
    circuit = circuits[_typed(data, "circuit", str)]
    shape = data["shape"]
    points = tuple(tuple(map(float, values)) for values in _typed(data, "points", list))
    run = RecordedRun(
        circuit=circuit,
        digest=data["circuit"],
        name=_typed(data, "name", str),
        shots=check_shots(data["shots"]),
        seed=check_seed(data["seed"]),
        position=check_position(data["position"]),
        options=_typed(data, "options", dict),
        parameters=tuple(_typed(data, "parameters", list)),
        points=points,
        shape=None if shape is None else tuple(map(check_position, shape)),
        seeded=_typed(data, "seeded", bool),
        strategy=None if data.get("strategy") is None else _typed(data, "strategy", str),
        result=_result(_typed(data, "result", dict)),
    )
    _check_points(run)
    _check_result(run)
    return run


def _result(data: Mapping[str, Any]) -> QVMResult | SweepResult:
    kind: Any = SweepResult if data.get("schema") == SWEEP else QVMResult
    result: QVMResult | SweepResult = kind.from_dict(data)
    return result


def _check_points(run: RecordedRun) -> None:
    """Whether the values are those of this circuit's parameters, point by point."""
    names = tuple(parameter.name for parameter in run.circuit.parameters)
    if run.parameters != names:
        _reject(f"{run.name!r:.60} does not have the parameters that stand there")
    points = 1 if run.shape is None else math.prod(run.shape)
    if not run.points or len(run.points) != points:
        _reject(f"{run.name!r:.60} has {len(run.points)} points where {points} should be")
    if any(len(values) != len(names) for values in run.points):
        _reject(f"{run.name!r:.60} has points without a value for each parameter")


def _check_result(run: RecordedRun) -> None:
    """Whether what came back can have come from this circuit."""
    results: Sequence[QVMResult | None]
    if isinstance(run.result, SweepResult):
        results = run.result.results
        fits = (run.result.shape, run.result.points) == (run.shape, run.points)
    else:
        results, fits = [run.result], run.shape is None
    wanted = registers(run.circuit)
    for result in results:
        if result is None:
            continue
        packed, parts = result.packed, result.packed_by_node.values()
        there = sum(one.shots for one in parts) if packed is None else packed.shots
        # of nodes that do not add up, those that were left out are there too
        right = there >= result.shots if result.apart else there == result.shots
        if result.registers != wanted or not right or (packed is None and not parts):
            fits = False
        _check_records(result)
    if not fits:
        _reject(f"the result of {run.name!r:.60} does not fit its circuit")


def _check_records(result: QVMResult) -> None:
    for record in result.shards:
        texts = (record.node_id, record.provider, record.executor, record.method)
        plain = all(isinstance(text, str) for text in texts)
        known = record.simulated in (True, False, None) and isinstance(record.metadata, Mapping)
        if not plain or not known or type(record.fallback) is not bool:
            _reject(f"a shard of {result.name!r:.60} is none")


def _typed(data: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = data[name]
    if type(value) is not kind:
        message = f"{name} is no {kind.__name__}, but a {type(value).__name__}"
        raise TypeError(message)
    return value


def _reject(reason: str) -> NoReturn:
    message = f"a damaged document of schema {SCHEMA}: {reason}."
    raise InvalidArguments(message) from None
