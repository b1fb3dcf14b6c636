"""The fallback executor: Aer on this machine's processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qcos_core import CircuitRejected, Execution, InvalidArguments, QPUNodeSpec, hookimpl

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


class AerFallback:
    """Runs circuits of nodes whose provider does not run them itself."""

    @hookimpl
    def execute(
        self,
        circuit: QuantumCircuit,
        shots: int,
        node_spec: QPUNodeSpec,
        seed: int | None,
        options: Mapping[str, Any],
    ) -> Execution | None:
        """Run what Aer can hold, long work in a worker; leave the rest to the next in line."""
        from qcos_aer.estimates import SHORT_SECONDS
        from qcos_aer.providers import LocalCPUProvider, as_execution, one_block
        from qcos_core.circuits.profile import profile
        from qcos_core.providers import host
        from qcos_core.providers.running import Wanted
        from qcos_core.worker.calls import provider_ref, run_in_worker

        provider = LocalCPUProvider()
        facts = profile(circuit)
        try:
            wanted = provider.check_options(options)
            expected = provider.estimate_run(facts, shots, node_spec, wanted)
            if (expected.memory_bytes or 0) > host.memory_bytes():
                return None
            task = one_block(shots, seed, wanted)
            ref = provider_ref(provider, {})
            if ref is None or (expected.typical_seconds or 0.0) < SHORT_SECONDS:
                return as_execution(provider.run_task(task, circuit, node_spec), circuit)
            (result,) = run_in_worker(
                ref,
                node_spec,
                (task,),
                {task.circuit_id: circuit},
                Wanted.of(facts, wanted),
                expected,
            )
            if result is None:
                return None
            if result.error is not None:
                raise result.error
            return as_execution(result, circuit)
        except (CircuitRejected, InvalidArguments):  # among them an option that Aer does not know
            return None
