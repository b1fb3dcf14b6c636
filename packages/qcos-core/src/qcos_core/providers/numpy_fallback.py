"""The last of the fallback executors: the reference simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qcos_core.circuits.numpy_simulator import check_supported
from qcos_core.circuits.profile import profile
from qcos_core.errors import CircuitRejected, InvalidArguments
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
        self,
        circuit: QuantumCircuit,
        shots: int,
        node_spec: QPUNodeSpec,
        seed: int | None,
        options: Mapping[str, Any],
    ) -> Execution | None:
        """Run narrow circuits; leave wide ones and what numpy does not do to nobody."""
        facts = profile(circuit)
        if facts.width > MAX_QUBITS:
            return None
        provider = LocalNumpyProvider()
        try:
            check_supported(facts)
            wanted = provider.check_options(options)
        except (CircuitRejected, InvalidArguments):
            return None
        return provider.execute(circuit, shots, node_spec, seed, wanted)
