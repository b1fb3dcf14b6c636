"""Put the shards' counts together into one result for each circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qcos_core.errors import PartialResult
from qcos_core.model.counts import PackedCounts
from qcos_core.model.plans import PlannedCircuit, ShardPlan
from qcos_core.model.results import QVMResult
from qcos_core.qvm.executor import ShardOutcome
from qcos_core.qvm.versions import versions


class ClassicalReconstructor:
    """Adds up counts; integers stay integers."""

    def reconstruct(
        self,
        plan: ShardPlan,
        outcomes: Sequence[ShardOutcome],
        *,
        seconds: float | None = None,
        tags: Sequence[str] = (),
    ) -> list[QVMResult]:
        """One result for each circuit of the plan.

        Raises:
            PartialResult: some shards failed; it holds the results of the others.
            QCOSError: the only shard there was failed; its own error.
        """
        errors = {o.shard.task.id: o.error for o in outcomes if o.error is not None}
        if errors and len(plan.shards) == 1:
            raise next(iter(errors.values()))
        by_circuit: dict[str, list[ShardOutcome]] = {}
        for outcome in outcomes:
            by_circuit.setdefault(outcome.shard.task.circuit_id, []).append(outcome)
        results = [
            _result(plan, circuit, by_circuit.get(circuit.id, ()), seconds, tags)
            for circuit in plan.circuits
        ]
        if errors:
            first = next(iter(errors.values()))
            message = f"{len(errors)} of {len(plan.shards)} shards failed; the first: {first}"
            hint = "What came back is in the error's `results`, every error in `errors`."
            raise PartialResult(message, results=results, errors=errors, hint=hint)
        return [result for result in results if result is not None]


def _result(
    plan: ShardPlan,
    circuit: PlannedCircuit,
    outcomes: Sequence[ShardOutcome],
    seconds: float | None,
    tags: Sequence[str],
) -> QVMResult | None:
    parts = [outcome.counts for outcome in outcomes if outcome.counts is not None]
    if not parts:
        return None
    records = tuple(outcome.record for outcome in outcomes if outcome.record is not None)
    packed = PackedCounts.merge(parts)
    warnings = [*plan.warnings, *(o.warning for o in outcomes if o.warning)]
    return QVMResult(
        name=circuit.name,
        shots=packed.shots,
        seed=circuit.seed,
        registers=circuit.profile.registers,
        packed=packed,
        shards=records,
        plan=plan.only(circuit.id),
        warnings=tuple(dict.fromkeys(warnings)),
        versions=_versions(),
        seconds=seconds,
        tags=tuple(tags),
    )


def _versions() -> Mapping[str, str]:
    return versions("qcos-core", "qiskit", "numpy")
