"""What results were expected to take on their nodes, beside what they took."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.model.pictures.figure import known
from qcos_core.model.plans import whole_of
from qcos_core.model.text import duration, span_text

if TYPE_CHECKING:
    from qcos_core.model.plans import ShardPlan
    from qcos_core.model.results import ShardRecord


@dataclass(frozen=True, slots=True)
class Timing:
    """Time on the nodes, all shards added up; queues and the way there are not in it.

    Attributes:
        expected: least and most seconds by the plan; ``None`` if it had no estimate for a shard.
        took: seconds it took; ``None`` if that of a shard is not known.
    """

    expected: tuple[float, float] | None
    took: float | None

    def __str__(self) -> str:
        facts = [] if self.expected is None else [f"expected {span_text(self.expected)}"]
        facts += [] if self.took is None else [f"took {duration(self.took)}"]
        return ", ".join(facts)

    def to_dict(self) -> dict[str, Any]:
        """The two as JSON-able data."""
        return asdict(self)


def timing_of(
    records: Sequence[ShardRecord], plan: ShardPlan | None, plan_data: Mapping[str, Any]
) -> Timing:
    """What some shards were expected to take, and took.

    An estimate is of all shots of a circuit, or of a part of one, at one point. Of a shard that has
    some of them it counts as much.

    Args:
        records: what became of the shards.
        plan: the plan that they ran by.
        plan_data: the plan as data, where it was read back from JSON.
    """
    names = dict.fromkeys(record.task_id for record in records)
    spans = _spans(plan, names) if plan else _spans_of_data(plan_data, names)
    expected = _total(spans.get(name) for name in names)
    times = [known(record.seconds) for record in records]
    took = None if None in times or not times else sum(time or 0.0 for time in times)
    return Timing(expected, took)


def _spans(plan: ShardPlan, names: Container[str]) -> dict[str, tuple[float, float] | None]:
    shots = {circuit.id: circuit.shots for circuit in plan.circuits}
    return {
        shard.task.id: _part(
            shard.estimate.seconds if shard.estimate else None,
            shard.task.shots / shots[whole_of(shard.task.circuit_id)],
        )
        for shard in plan.shards
        if shard.task.id in names
    }


def _spans_of_data(
    plan: Mapping[str, Any], names: Container[str]
) -> dict[str, tuple[float, float] | None]:
    try:
        shots = {circuit["id"]: circuit["shots"] for circuit in plan["circuits"]}
        return {
            shard["id"]: _part(
                (shard["estimate"] or {}).get("seconds"),
                sum(number for _, number, _ in shard["blocks"])
                / shots[whole_of(shard["circuit_id"])],
            )
            for shard in plan["shards"]
            if shard["id"] in names
        }
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return {}  # no plan, or not as QCOS writes them; the counts are worth reading without it


def _part(seconds: Sequence[float | None] | None, part: float) -> tuple[float, float] | None:
    """A part of a span of time, if that is one; a provider may have told anything."""
    if seconds is None:
        return None
    low, high = map(known, seconds)
    return None if low is None or high is None else (low * part, high * part)


def _total(spans: Iterable[tuple[float, float] | None]) -> tuple[float, float] | None:
    lows, highs = [], []
    for span in spans:
        if span is None:
            return None
        lows.append(span[0])
        highs.append(span[1])
    return (sum(lows), sum(highs)) if lows else None
