"""The fallback executor: Aer on this machine's processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcos_core import CircuitRejected, Execution, QPUNodeSpec, hookimpl

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


class AerFallback:
    """Runs circuits of nodes whose provider does not run them itself."""

    @hookimpl
    def execute(
        self, circuit: QuantumCircuit, shots: int, node_spec: QPUNodeSpec, seed: int | None
    ) -> Execution | None:
        """Run what Aer can hold; leave the rest to the next in line."""
        from qcos_aer.estimates import estimate
        from qcos_aer.providers import LocalCPUProvider
        from qcos_core.circuits.profile import profile
        from qcos_core.providers import host

        try:
            expected = estimate(profile(circuit), shots, LocalCPUProvider.METHOD, "CPU")
            if (expected.memory_bytes or 0) > host.memory_bytes():
                return None
            return LocalCPUProvider().execute(circuit, shots, node_spec, seed)
        except CircuitRejected:
            return None
