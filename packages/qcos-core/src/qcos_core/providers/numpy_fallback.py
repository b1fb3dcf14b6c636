"""The last of the fallback executors: the reference simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcos_core.circuits.numpy_simulator import check_supported
from qcos_core.circuits.profile import profile
from qcos_core.errors import CircuitRejected
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.model.seam import Execution
from qcos_core.providers.hookspecs import hookimpl
from qcos_core.providers.local_numpy import MAX_QUBITS, LocalNumpyProvider

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


class NumpyFallback:
    """Runs any circuit of up to ``MAX_QUBITS`` active qubits that nobody else has taken."""

    @hookimpl(trylast=True)
    def execute(
        self, circuit: QuantumCircuit, shots: int, node_spec: QPUNodeSpec, seed: int | None
    ) -> Execution | None:
        """Run narrow circuits; leave wide ones and what numpy does not do to nobody."""
        facts = profile(circuit)
        if facts.width > MAX_QUBITS:
            return None
        try:
            check_supported(facts)
        except CircuitRejected:
            return None
        return LocalNumpyProvider().execute(circuit, shots, node_spec, seed)
