"""The providers of qcos-aer. Listing them imports this module alone, not what they run on."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from qcos_core import Limits, NodeProvider, NodeType, QPUNodeSpec
from qcos_core.providers import host
from qcos_core.providers.arguments import check_positive

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core import CircuitProfile, Estimate, Execution, Task, TaskResult

MAX_SHOTS = 10**9
"""Most shots of one Aer run; beyond it Aer's own counters overflow."""


class AerProvider(NodeProvider):
    """What the three providers share: one Aer method on one device of this machine."""

    RUNS_IN = "worker"
    METHOD: ClassVar[str] = "automatic"
    DEVICE: ClassVar[str] = "CPU"
    LABEL: ClassVar[str] = ""

    _options: Mapping[str, Any] = MappingProxyType({})

    def configure(self, *, options: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Keep the options that all runs on these nodes start from.

        Raises:
            InvalidArguments: an unknown option, or a wrong value.
        """
        self._options = self.check_options(options or {})

    def check_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options of a run over those of its nodes; see :mod:`qcos_aer.options`.

        Raises:
            InvalidArguments: an unknown option, or a wrong value.
        """
        from qcos_aer.options import checked

        return {**self._options, **checked(options)}

    def restrict_options(
        self, options: Mapping[str, Any], part: CircuitProfile, qubits: Sequence[int]
    ) -> Mapping[str, Any] | None:
        """The options with the noise on some qubits; see ``qcos_aer.noise``.

        ``None`` with ``like``, because where a device's qubits lie is decided for a whole circuit.
        """
        if "like" in options:
            return None
        if "noise_model" not in options:
            return options
        from qcos_aer.noise import follows_numbers, restricted

        noise = options["noise_model"]
        if follows_numbers(noise, part):
            return None
        return {**options, "noise_model": restricted(noise, qubits)}

    @classmethod
    def estimate_nodes(cls, **kwargs: Any) -> Mapping[str, int]:
        """``n_nodes`` under this provider's label."""
        return {cls.LABEL: kwargs.get("n_nodes", 1)}

    def limits(self, node: QPUNodeSpec) -> Limits:
        """Simulated, free and seeded; nodes of one machine share its cores and memory."""
        return Limits(
            max_shots=MAX_SHOTS,
            host=host.host_name(),
            memory_bytes=host.memory_bytes(),
            simulated=True,
            paid=False,
            seeded=True,
        )

    def profile_run(
        self,
        circuit: QuantumCircuit,
        profile: CircuitProfile,
        node: QPUNodeSpec,
        options: Mapping[str, Any],
    ) -> CircuitProfile:
        """With ``like``, the facts about the circuit in the device's gates.

        Raises:
            CircuitRejected: the device cannot run it.
        """
        if "like" not in options:
            return profile
        from qcos_aer.likeness import check_fits, profile_on

        check_fits(profile, options["like"])
        return profile_on(circuit, profile, options["like"], options)

    def estimate_run(
        self, profile: CircuitProfile, shots: int, node: QPUNodeSpec, options: Mapping[str, Any]
    ) -> Estimate:
        """A range of time and an exact memory figure; see :mod:`qcos_aer.estimates`."""
        from qcos_aer.calibrate import kept_costs
        from qcos_aer.estimates import estimate

        return estimate(profile, shots, self.METHOD, self.DEVICE, options, kept_costs())

    def execute(
        self,
        circuit: QuantumCircuit,
        shots: int,
        node_spec: QPUNodeSpec,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Execution:
        """Run a circuit once.

        Raises:
            CircuitRejected: an operation that Aer does not have.
            JobFailed: Aer reported a failure.
        """
        task = one_block(shots, seed, self.check_options(options or {}))
        return as_execution(self.run_task(task, circuit, node_spec), circuit)

    def run_task(self, task: Task, circuit: QuantumCircuit, node: QPUNodeSpec) -> TaskResult:
        """Run the blocks of a task, each with its own seed.

        Raises:
            CircuitRejected: an operation that Aer does not have.
            JobFailed: Aer reported a failure.
        """
        return self.run_tasks([task], circuit, node)[0]

    def run_tasks(
        self, tasks: Sequence[Task], circuit: QuantumCircuit, node: QPUNodeSpec
    ) -> list[TaskResult]:
        """Run points of a sweep; the circuit is prepared once, and evolved in few runs of Aer.

        Raises:
            CircuitRejected: an operation that Aer does not have.
            JobFailed: Aer reported a failure.
        """
        from qcos_aer.simulate import run_tasks

        options = tasks[0].options
        method = options.get("method", self.METHOD)
        return run_tasks(tasks, circuit, method=method, device=self.DEVICE)

    def run_batch(
        self, tasks: Sequence[Task], circuits: Mapping[str, QuantumCircuit], node: QPUNodeSpec
    ) -> list[TaskResult]:
        """Run circuits that are built alike; narrow ones are evolved side by side.

        Raises:
            CircuitRejected: an operation that Aer does not have.
            JobFailed: Aer reported a failure.
        """
        from qcos_aer.simulate import run_batch

        method = tasks[0].options.get("method", self.METHOD)
        return run_batch(tasks, circuits, method=method, device=self.DEVICE)


class LocalCPUProvider(AerProvider):
    """Aer on this machine's processor, its method chosen by Aer."""

    DISPLAY_NAME = "Local CPU (Aer)"
    LABEL = "CPU fallback"

    @classmethod
    def calibrate(cls) -> Mapping[str, float]:
        """Measure what runs on Aer take here, for the estimates of all three providers."""
        from qcos_aer.calibrate import measured

        return measured().to_dict()

    @classmethod
    def calibrated_for(cls) -> Mapping[str, str]:
        """Versions of the cost model, of Aer and of Qiskit."""
        from qcos_aer.calibrate import versions

        return versions()

    def build_nodes(
        self,
        n_nodes: int = 1,
        max_qubits: int = 30,
        node_prefix: str = "local-cpu",
        options: Mapping[str, Any] | None = None,
    ) -> list[QPUNodeSpec]:
        """Nodes that share this machine.

        Args:
            n_nodes: how many.
            max_qubits: widest circuit; at most what fits this machine's memory.
            node_prefix: start of the node ids.
            options: what all runs on these nodes start from; see :mod:`qcos_aer.options`.
        """
        return _statevector_nodes(
            n_nodes, max_qubits, node_prefix, NodeType.CPU_AER, ["local", "cpu", "aer"], self.DEVICE
        )


class LocalGPUAerProvider(AerProvider):
    """Aer's statevector on this machine's CUDA devices; offline where there are none."""

    DISPLAY_NAME = "Local GPU (Aer statevector)"
    METHOD = "statevector"
    DEVICE = "GPU"
    LABEL = "SV"

    def build_nodes(
        self,
        n_nodes: int = 1,
        max_qubits: int = 32,
        node_prefix: str = "local-gpu",
        options: Mapping[str, Any] | None = None,
    ) -> list[QPUNodeSpec]:
        """Nodes on CUDA devices.

        Args:
            n_nodes: how many.
            max_qubits: widest circuit; at most what fits this machine's memory.
            node_prefix: start of the node ids.
            options: what all runs on these nodes start from; see :mod:`qcos_aer.options`.
        """
        return _statevector_nodes(
            n_nodes, max_qubits, node_prefix, NodeType.GPU_AER, ["local", "gpu", "aer"], self.DEVICE
        )

    def node_health(self, nodes: Sequence[QPUNodeSpec]) -> Mapping[str, str | None]:
        """The same reason for every node where Aer has no GPU."""
        from qcos_aer.devices import why_no_gpu

        return dict.fromkeys((node.node_id for node in nodes), why_no_gpu())

    def health_check(self) -> bool:
        """Whether Aer reports a GPU."""
        from qcos_aer.devices import why_no_gpu

        return why_no_gpu() is None


class LocalGPUMPSProvider(AerProvider):
    """Aer's matrix product states. They run on the processor, so the nodes are always online."""

    DISPLAY_NAME = "Local MPS tensor network (Aer)"
    METHOD = "matrix_product_state"
    LABEL = "MPS"

    def build_nodes(
        self,
        n_nodes: int = 1,
        max_qubits: int = 4096,
        node_prefix: str = "local-mps",
        options: Mapping[str, Any] | None = None,
    ) -> list[QPUNodeSpec]:
        """Tensor-network nodes.

        Args:
            n_nodes: how many.
            max_qubits: widest circuit.
            node_prefix: start of the node ids.
            options: what all runs on these nodes start from; see :mod:`qcos_aer.options`.
        """
        check_positive(n_nodes=n_nodes, max_qubits=max_qubits)
        return [
            QPUNodeSpec(
                node_id=f"{node_prefix}-{index}",
                node_type=NodeType.GPU_TENSOR,
                max_qubits=max_qubits,
                tags=["local", "mps", "aer"],
                metadata={
                    "device": self.DEVICE,
                    "precision": "double",
                    "note": "Aer's matrix product states run on the CPU and need no GPU",
                },
            )
            for index in range(n_nodes)
        ]


def one_block(shots: int, seed: int | None, options: Mapping[str, Any]) -> Task:
    """A task of a single block, which has this seed if one is given.

    Args:
        shots: shots of the block.
        seed: at least 0 and below 2**63.
        options: as ``check_options`` returns them.
    """
    from qcos_core import Block, Task

    block = Block(0, shots, secrets.randbits(63) if seed is None else seed)
    return Task("execute", "circuit", (block,), options=options)


def as_execution(result: TaskResult, circuit: QuantumCircuit) -> Execution:
    """A task's result as an ``execute`` returns it."""
    from qcos_core import Execution, Registers

    bare = Registers(circuit.num_clbits)
    return Execution(
        {} if result.counts is None else result.counts.to_dict(bare),
        "qcos-aer",
        result.method,
        simulated=True,
        exact=result.exact,
        metadata=result.metadata,
        memory=None if result.memory is None else result.memory.keys(bare),
        data=result.data,
    )


def _statevector_nodes(
    n_nodes: int, max_qubits: int, prefix: str, kind: NodeType, tags: list[str], device: str
) -> list[QPUNodeSpec]:
    check_positive(n_nodes=n_nodes, max_qubits=max_qubits)
    widest = host.widest_statevector(host.memory_bytes())
    metadata: dict[str, Any] = {"device": device, "precision": "double"}
    if max_qubits > widest:
        gib = host.memory_bytes() / 2**30
        metadata["note"] = (
            f"max_qubits lowered from {max_qubits} to {widest}: this machine has {gib:.1f} GiB, "
            f"and {widest + 1} qubits need {host.statevector_bytes(widest + 1) / 2**30:g} GiB"
        )
    return [
        QPUNodeSpec(
            node_id=f"{prefix}-{index}",
            node_type=kind,
            max_qubits=min(max_qubits, widest),
            tags=list(tags),
            metadata=dict(metadata),
        )
        for index in range(n_nodes)
    ]
