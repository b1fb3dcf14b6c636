"""Put the shards' answers together into one result for each circuit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from operator import itemgetter

from qcos_core.errors import PartialResult
from qcos_core.model.answers import Answer
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.counts import PackedCounts
from qcos_core.model.plans import PlannedCircuit, ShardPlan, whole_of
from qcos_core.model.results import QVMResult
from qcos_core.model.shots import PackedShots
from qcos_core.model.sweeps import SweepResult
from qcos_core.qvm.blocks import pairing_seed
from qcos_core.qvm.board import ShardOutcome
from qcos_core.qvm.cross_check import unchecked
from qcos_core.qvm.origins import Origin, Run
from qcos_core.qvm.pairing import PartShots, paired
from qcos_core.qvm.pooling import pooled
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
        run: Run | None = None,
    ) -> list[QVMResult | SweepResult]:
        """One result for each circuit of the plan.

        Args:
            plan: the plan.
            outcomes: what became of its shards.
            seconds: wall time of the whole call.
            tags: the user's tags.
            run: what manifests of the results are made from.

        Raises:
            PartialResult: some shards failed, or shots are missing; it holds what there is.
            QCOSError: the only shard there was failed; its own error.
        """
        errors = {o.shard.task.id: o.error for o in outcomes if o.error is not None}
        if errors and len(outcomes) == 1:
            raise next(iter(errors.values()))
        results = self.results(plan, outcomes, seconds=seconds, tags=tags, run=run)
        if errors:
            first = next(iter(errors.values()))
            message = f"{len(errors)} of {len(outcomes)} shards failed; the first: {first}"
            hint = "What came back is in the error's `results`, every error in `errors`."
            raise PartialResult(message, results=results, errors=errors, hint=hint)
        found = [result for result in results if result is not None]
        there = sum(result.shots for result in found)
        if there != plan.shots:
            message = f"{there:,} of {plan.shots:,} shots came back, and no error says why."
            hint = "This is a mistake in QCOS; please report it. What is there is in `results`."
            raise PartialResult(message, results=results, hint=hint)
        return found

    def results(
        self,
        plan: ShardPlan,
        outcomes: Sequence[ShardOutcome],
        *,
        seconds: float | None = None,
        tags: Sequence[str] = (),
        run: Run | None = None,
    ) -> list[QVMResult | SweepResult | None]:
        """What came back for each circuit of the plan; ``None`` where that is nothing."""
        by_circuit: dict[str, list[ShardOutcome]] = {}
        for outcome in outcomes:
            by_circuit.setdefault(whole_of(outcome.shard.task.circuit_id), []).append(outcome)
        return [
            _result(
                plan.only(circuit.id), circuit, by_circuit.get(circuit.id, ()), seconds, tags, run
            )
            for circuit in plan.circuits
        ]


def _result(
    plan: ShardPlan,
    circuit: PlannedCircuit,
    outcomes: Sequence[ShardOutcome],
    seconds: float | None,
    tags: Sequence[str],
    run: Run | None,
) -> QVMResult | SweepResult | None:
    by_point: list[list[ShardOutcome]] = [[] for _ in circuit.points]
    for outcome in outcomes:
        by_point[outcome.shard.task.point].append(outcome)
    results = [
        _point(plan, circuit, point, mine, seconds, tags, run)
        for point, mine in enumerate(by_point)
    ]
    if circuit.shape is None:
        return results[0]
    came_back = [result for result in results if result is not None]
    if not came_back:
        return None
    return SweepResult(
        name=circuit.name,
        parameters=circuit.parameters,
        shape=circuit.shape,
        results=tuple(results),
        points=circuit.points,
        plan=plan,
        warnings=tuple(dict.fromkeys(w for result in came_back for w in result.warnings)),
        seconds=seconds,
        tags=tuple(tags),
        origin=None if run is None else Origin(run, circuit.id),
    )


def _point(
    plan: ShardPlan,
    circuit: PlannedCircuit,
    point: int,
    outcomes: Sequence[ShardOutcome],
    seconds: float | None,
    tags: Sequence[str],
    run: Run | None,
) -> QVMResult | None:
    answers = [(one.answer, one.error) for one in outcomes if one.answer is not None]
    done = [answer for answer, error in answers if error is None]
    if not answers:
        return None
    warnings = [*plan.warnings, *(answer.warning for answer in done if answer.warning)]
    if plan.cross_check:
        shards = [outcome.shard for outcome in outcomes]
        warnings += filter(None, [unchecked(plan, circuit, shards)])
    counts, memory = None, None
    if circuit.parts:
        counts, memory = _paired(circuit, point, done)
    elif pooled(plan, circuit.id, (answer.record.node_id for answer in done)):
        counts, memory = _added(circuit, done)
    return QVMResult(
        name=circuit.name if circuit.shape is None else f"{circuit.name}[{point}]",
        shots=sum(answer.task.shots for answer in done) if counts is None else counts.shots,
        seed=circuit.seed,
        registers=circuit.profile.registers,
        packed=counts,
        shards=tuple(
            # one that does not count contributes no shots, and its costs
            answer.record if error is None else replace(answer.record, shots=0)
            for answer, error in answers
        ),
        plan=plan,
        warnings=tuple(dict.fromkeys(warnings)),
        versions=_versions(),
        seconds=seconds,
        tags=tuple(tags),
        packed_shots=memory,
        saved={name: value for one in done for name, value in (one.data or {}).items()},
        parameters=dict(zip(circuit.parameters, circuit.points[point], strict=True)),
        packed_by_node={} if circuit.parts else _by_node(answer for answer, _ in answers),
        origin=None if run is None else Origin(run, circuit.id, point),
    )


def _added(
    circuit: PlannedCircuit, answers: Sequence[Answer]
) -> tuple[PackedCounts | None, PackedShots | None]:
    """Counts of a circuit, and its shots in order where they are known."""
    counts = _merged(answers, circuit.profile) if circuit.profile.measured else None
    return counts, _in_order(answers)


def _paired(
    circuit: PlannedCircuit, point: int, answers: Sequence[Answer]
) -> tuple[PackedCounts, PackedShots | None]:
    """The same from answers for its parts; their shots get an order only where that was asked.

    Without answers for one of them there are no shots of the whole.
    """
    if not all(_of(part, answers) for part in circuit.parts):
        return PackedCounts.from_ints({}, circuit.profile.num_clbits), None
    parts = [
        PartShots(
            _merged(_of(part, answers), part.profile),
            part.clbits,
            pairing_seed(part.seed, part.position + point),
        )
        for part in circuit.parts
    ]
    counts = paired(parts, circuit.profile.num_clbits)
    asked = all(answer.memory is not None for answer in answers)
    return counts, PackedShots.shuffled(counts, parts[0].seed) if asked else None


def _of(part: PlannedCircuit, answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.task.circuit_id == part.id]


def _merged(answers: Sequence[Answer], profile: CircuitProfile) -> PackedCounts:
    parts = [answer.counts for answer in answers if answer.counts is not None]
    return PackedCounts.merge(parts or [PackedCounts.from_ints({}, profile.registers.width)])


def _by_node(answers: Iterable[Answer]) -> dict[str, PackedCounts]:
    """The counts of each node where several took part; else there is nothing to tell apart."""
    parts: dict[str, list[PackedCounts]] = {}
    for answer in answers:
        if answer.counts is not None:
            parts.setdefault(answer.record.node_id, []).append(answer.counts)
    if len(parts) < 2:
        return {}
    return {node_id: PackedCounts.merge(counts) for node_id, counts in parts.items()}


def _in_order(answers: Sequence[Answer]) -> PackedShots | None:
    """The shots in the order of the circuit's blocks, whichever nodes they ran on."""
    if not answers:
        return None
    pieces: list[tuple[int, PackedShots]] = []
    for answer in answers:
        memory = answer.memory
        if memory is None:
            return None
        blocks = answer.task.blocks
        ends = list(accumulate(block.shots for block in blocks))
        pieces += [
            (block.index, memory[end - block.shots : end])
            for block, end in zip(blocks, ends, strict=True)
        ]
    return PackedShots.join([shots for _, shots in sorted(pieces, key=itemgetter(0))])


def _versions() -> Mapping[str, str]:
    return versions("qcos-core", "qiskit", "numpy")
