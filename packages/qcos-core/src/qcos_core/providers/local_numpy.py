"""The reference node: exact simulation on numpy, with nothing installed but qcos-core.

It runs on ``circuits.numpy_simulator``, which is imported when a circuit runs.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qcos_core.errors import InvalidArguments
from qcos_core.model.nodes import Limits, NodeType, QPUNodeSpec
from qcos_core.providers import host
from qcos_core.providers.arguments import check_positive
from qcos_core.providers.base import NodeProvider

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.model.circuits import CircuitProfile
    from qcos_core.model.plans import Estimate
    from qcos_core.model.seam import Execution
    from qcos_core.providers.numpy_cost import NumpyCosts

KEY = "local_numpy"

MAX_QUBITS = 20


class LocalNumpyProvider(NodeProvider):
    """Exact statevector simulation on numpy: mid-circuit measurement, reset and ``if_else``."""

    DISPLAY_NAME = "Local numpy (reference)"
    RUNS_IN = "worker"

    def build_nodes(
        self, n_nodes: int = 1, max_qubits: int = MAX_QUBITS, node_prefix: str = "local-numpy"
    ) -> list[QPUNodeSpec]:
        """Nodes on this machine.

        Args:
            n_nodes: how many.
            max_qubits: widest circuit; at most what fits this machine's memory.
            node_prefix: start of the node ids.
        """
        check_positive(n_nodes=n_nodes, max_qubits=max_qubits)
        # twice, because applying a gate holds the old state and the new
        width = min(max_qubits, host.widest_statevector(host.memory_bytes() // 2))
        metadata = {"device": "CPU", "precision": "double"}
        if width < max_qubits:
            gib = host.memory_bytes() / 2**30
            metadata["note"] = (
                f"max_qubits lowered from {max_qubits} to {width}: this machine has {gib:.1f} GiB"
            )
        return [
            QPUNodeSpec(
                node_id=f"{node_prefix}-{index}",
                node_type=NodeType.CPU_NUMPY,
                max_qubits=width,
                tags=["local", "numpy"],
                metadata=dict(metadata),
            )
            for index in range(n_nodes)
        ]

    @classmethod
    def estimate_nodes(cls, **kwargs: Any) -> Mapping[str, int]:
        """One label, ``CPU fallback``."""
        return {"CPU fallback": kwargs.get("n_nodes", 1)}

    def limits(self, node: QPUNodeSpec) -> Limits:
        """Simulated, free and seeded."""
        return Limits(
            host=host.host_name(),
            memory_bytes=host.memory_bytes(),
            simulated=True,
            paid=False,
            seeded=True,
        )

    def check_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The only option is ``memory``: ``True`` keeps the outcomes shot by shot.

        Raises:
            InvalidArguments: another option, or a value that is neither ``True`` nor ``False``.
        """
        unknown = sorted(set(options) - {"memory"})
        if unknown:
            message = f"{self.DISPLAY_NAME} does not know the option {', '.join(unknown)}."
            raise InvalidArguments(message, hint="It knows memory.")
        if not isinstance(options.get("memory", False), bool):
            message = f"memory must be True or False, not {options['memory']!r}."
            raise InvalidArguments(message)
        return dict(options)

    def restrict_options(
        self, options: Mapping[str, Any], part: CircuitProfile, qubits: Sequence[int]
    ) -> Mapping[str, Any]:
        """All of them; none says anything of qubits."""
        return options

    @classmethod
    def calibrate(cls) -> Mapping[str, float]:
        """Measure what operations take on numpy here."""
        from qcos_core.providers.numpy_cost import measured

        return measured().to_dict()

    @classmethod
    def calibrated_for(cls) -> Mapping[str, str]:
        """Versions of the cost model, of numpy and of Qiskit."""
        return _versions()

    def estimate_run(
        self, profile: CircuitProfile, shots: int, node: QPUNodeSpec, options: Mapping[str, Any]
    ) -> Estimate:
        """A range of time from the number of amplitudes touched; exact always."""
        from qcos_core.circuits.numpy_simulator import check_supported
        from qcos_core.model.plans import Estimate

        check_supported(profile)
        costs = _costs()
        return Estimate(
            seconds=costs.seconds(profile, shots),
            reference_seconds=type(costs)().seconds(profile, shots),
            memory_bytes=3 * host.statevector_bytes(profile.width),
            method="statevector (numpy)",
            exact=True,
            sampling="once",
        )

    def execute(
        self,
        circuit: QuantumCircuit,
        shots: int,
        node_spec: QPUNodeSpec,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Execution:
        """Draw ``shots`` from the circuit's exact distribution.

        Raises:
            CircuitRejected: an operation that this simulator does not do; the message names it.
        """
        from qcos_core.circuits.numpy_simulator import sample
        from qcos_core.model.counts import PackedCounts, Registers
        from qcos_core.model.seam import Execution
        from qcos_core.model.shots import PackedShots

        drawn = secrets.randbits(63) if seed is None else seed
        counts, memory = sample(circuit, shots, drawn), None
        if self.check_options(options or {}).get("memory"):
            packed = PackedCounts.from_bitstrings(counts, circuit.num_clbits)
            memory = PackedShots.shuffled(packed, drawn).keys(Registers(circuit.num_clbits))
        return Execution(
            counts,
            executor="local_numpy",
            method="statevector",
            simulated=True,
            exact=True,
            memory=memory,
        )


@cache
def _versions() -> Mapping[str, str]:
    from qcos_core.providers.calibration import installed
    from qcos_core.providers.numpy_cost import MODEL

    return MappingProxyType({"model": MODEL, **installed("numpy", "qiskit")})


def _costs() -> NumpyCosts:
    """The costs that were measured on this machine, or else the built-in ones."""
    from qcos_core.providers import calibration
    from qcos_core.providers.numpy_cost import NumpyCosts

    return NumpyCosts.of(calibration.stored(KEY, _versions()))
