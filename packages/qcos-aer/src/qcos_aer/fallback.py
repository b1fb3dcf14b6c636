"""The fallback executor: Aer on this machine's processor."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from qcos_core import Block, CircuitRejected, Execution, QPUNodeSpec, Registers, Task, hookimpl

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


class AerFallback:
    """Runs circuits of nodes whose provider does not run them itself."""

    @hookimpl
    def execute(
        self, circuit: QuantumCircuit, shots: int, node_spec: QPUNodeSpec, seed: int | None
    ) -> Execution | None:
        """Run what Aer can hold, long work in a worker; leave the rest to the next in line."""
        from qcos_aer.estimates import SHORT_SECONDS, estimate
        from qcos_aer.providers import LocalCPUProvider
        from qcos_core.circuits.profile import profile
        from qcos_core.providers import host
        from qcos_core.worker.calls import provider_ref, run_in_worker

        provider = LocalCPUProvider()
        try:
            expected = estimate(profile(circuit), shots, provider.METHOD, provider.DEVICE)
            if (expected.memory_bytes or 0) > host.memory_bytes():
                return None
            ref = provider_ref(provider, {})
            if ref is None or (expected.typical_seconds or 0.0) < SHORT_SECONDS:
                return provider.execute(circuit, shots, node_spec, seed)
            drawn = secrets.randbits(63) if seed is None else seed
            task = Task("fallback", "fallback", (Block(0, shots, drawn),))
            result = run_in_worker(ref, node_spec, task, circuit, expected)
        except CircuitRejected:
            return None
        if result is None or result.counts is None:
            return None
        return Execution(
            result.counts.to_dict(Registers(circuit.num_clbits)),
            "qcos-aer",
            result.method,
            simulated=True,
            exact=result.exact,
            metadata=result.metadata,
        )
