"""A plan in short and a run's results, as text for people."""

from __future__ import annotations

import heapq
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qcos_core.cli.console import WIDTH, one_line, plural, shorten, table, wrap
from qcos_core.errors import QCOSError
from qcos_core.model.amounts import total
from qcos_core.model.budgets import amounts_text
from qcos_core.model.pictures.sweep import percentages
from qcos_core.model.plans import ShardPlan, amount, whole_of
from qcos_core.model.results import QVMResult, ShardRecord, all_of
from qcos_core.model.schema import results_document
from qcos_core.model.sweeps import SweepResult
from qcos_core.model.text import duration

_PLANNED = 8
_OUTCOMES = 12
_OUTCOMES_OF_MANY = 4
_POINTS = 25
_COLUMNS = 4
_SHARDS = 20
_DEVICES = 8
_ERRORS = 8
_KEY = 36
_NAME = 16
_BAR = 24
_EXACT = {True: "exact", False: "NOT exact: a method was cut short", None: "exactness unknown"}
_SIMULATED = {True: "simulated", False: "run on hardware", None: "simulator or hardware: unknown"}


@dataclass(frozen=True)
class Outcome:
    """What came back from a run.

    Attributes:
        results: one for each circuit, in order; ``None`` where nothing came back.
        errors: the error of each failed shard, by task id.
    """

    results: Sequence[QVMResult | SweepResult | None]
    errors: Mapping[str, QCOSError] = field(default_factory=dict)

    @property
    def came_back(self) -> list[QVMResult | SweepResult]:
        """The results that there are."""
        return [result for result in self.results if result is not None]

    def documents(self) -> list[dict[str, Any] | None]:
        """Each result as JSON-able data."""
        return [None if one is None else one.to_dict() for one in self.results]

    def document(self) -> dict[str, Any]:
        """The outcome as the JSON document of ``qcos run --json``."""
        return results_document(self.results, self.errors)


def plan_lines(plan: ShardPlan) -> list[str]:
    """Which node takes which circuit, and how; ``ShardPlan.explain`` says why."""
    work = f"{plural(len(plan.circuits), 'circuit')}, {plural(plan.shots, 'shot')}"
    where = f"{plural(len(plan.shards), 'shard')} on {plural(len(plan.node_ids), 'node')}"
    lines = [f"PLAN  {work}, {where}"]
    names = {unit.id: unit.name for unit in plan.units}
    rows = [("CIRCUIT", "NODE", "SHOTS", "METHOD", "TIME")]
    alike: dict[tuple[str, ...], int] = {}
    for shard in plan.shards:
        name = shorten(one_line(names[shard.task.circuit_id]), _NAME)
        method = shard.estimate.method if shard.estimate else ""
        span = _span(shard.estimate.seconds if shard.estimate else None)
        row = (name, shard.node_id, f"{shard.task.shots:,}", method or "unknown", span)
        key = (shard.task.circuit_id, *row)
        alike[key] = alike.get(key, 0) + 1
    for (_, name, node_id, shots, method, span), number in list(alike.items())[:_PLANNED]:
        times = f"{number:,} x " if number > 1 else ""
        rows.append((name, node_id, f"{times}{shots}", method, span + " each" * (number > 1)))
    lines += table(rows, right=(2,))
    hidden = sum(list(alike.values())[_PLANNED:])
    if hidden:
        lines.append(f" ... and {plural(hidden, 'more shard')}")
    if plan.charges:
        lines += wrap(f" costs {amounts_text(plan.charges)}", indent=2)
    others = sum(1 for decision in plan.decisions if not decision.chosen)
    if others:
        lines.append(f" {plural(others, 'other way')} considered; see: qcos plan")
    return lines


def outcome_lines(plan: ShardPlan, outcome: Outcome) -> list[str]:
    """Counts, where each shot came from, and what to know about them."""
    lines: list[str] = []
    several = len(outcome.results) > 1
    for place, (circuit, result) in enumerate(zip(plan.circuits, outcome.results, strict=True)):
        name = shorten(one_line(circuit.name), WIDTH - 50)
        label = f"[{place}] {name}" if several else name
        most = _OUTCOMES_OF_MANY if several else _OUTCOMES
        lines.append("")
        if result is None:
            lines.append(f"COUNTS  {label}: nothing came back")
            continue
        parts: dict[str, Any] = {label: result}
        if plan.times(circuit.id) > 1:
            found = result.by_device()
            parts = {f"{label} on {one_line(node_id)}": one for node_id, one in found.items()}
        for where, one in list(parts.items())[:_DEVICES]:
            if isinstance(one, SweepResult):
                lines += _sweep(one, f"{where}: {amount(circuit)}")
            else:
                lines += _counts(one, where, circuit.shots, most)
        hidden = len(parts) - _DEVICES
        if hidden > 0:
            lines.append(f" ... and {plural(hidden, 'more node')}; --json has all")
    lines += ["", *_shards(outcome), *_timings(outcome.results)]
    return [*lines, *_facts(outcome.came_back)]


def error_lines(outcome: Outcome, plan: ShardPlan) -> list[str]:
    """What failed, as one paragraph."""
    lines = wrap(
        f"error: {len(outcome.errors):,} of {plural(len(plan.shards), 'shard')} failed.", indent=2
    )
    names = {circuit.id: f"[{place}] {circuit.name}" for place, circuit in enumerate(plan.circuits)}
    circuit_of = {shard.task.id: names[whole_of(shard.task.circuit_id)] for shard in plan.shards}
    for task_id, error in list(outcome.errors.items())[:_ERRORS]:
        lines += wrap(f"  {circuit_of.get(task_id, task_id)}: {error}", indent=2)
    if len(outcome.errors) > _ERRORS:
        lines.append(f"  ... and {plural(len(outcome.errors) - _ERRORS, 'more error')}")
    return lines


def seed_lines(
    seed: int, *, drawn: bool, unseeded: Sequence[str], repeat: Sequence[str]
) -> list[str]:
    """The seed, and how to get the same counts again."""
    lines = [f" seed {seed}{', drawn' if drawn else ''}; to run the same again:", *repeat]
    if unseeded:
        names = ", ".join(unseeded[:3]) + (", ..." if len(unseeded) > 3 else "")
        lines += wrap(f" {names} may give other counts: nothing says that seeds are used there.")
    return lines


def _counts(result: QVMResult, label: str, asked: int, most: int) -> list[str]:
    if result.packed is None:
        return wrap(f"DATA  {label}: {', '.join(result.saved)}; --json has it", indent=2)
    counts = result.counts
    part = f"{result.shots:,} of " if result.shots < asked else ""
    heading = f"COUNTS  {label}: {part}{plural(asked, 'shot')}, {plural(len(counts), 'outcome')}"
    lines = wrap(heading, indent=2)
    top = heapq.nsmallest(most, counts.items(), key=lambda item: (-item[1], item[0]))
    glyph = _bar_glyph()
    rows = [
        (
            shorten(key, _KEY),
            f"{number:,}",
            f"{100 * number / result.shots:.2f}%",
            glyph * round(_BAR * number / top[0][1]),
        )
        for key, number in top
    ]
    lines += table(rows, right=(1, 2))
    hidden = len(counts) - len(top)
    if hidden:
        rest = result.shots - sum(number for _, number in top)
        lines.append(f" ... and {plural(hidden, 'more outcome')} with {plural(rest, 'shot')}")
    return lines


def _sweep(result: SweepResult, heading: str) -> list[str]:
    if any(one.packed is None for one in result.came_back):
        saved = ", ".join(result.came_back[0].saved)
        return wrap(f"DATA  {heading}: {saved}; --json has it", indent=2)
    keys, shares, rest = percentages(result, _COLUMNS)
    columns = list(result.varying)[:_COLUMNS]
    head = [result.parameters[column] for column in columns]
    head += [shorten(key, _KEY // 2) for key in keys] + ["others"] * (rest is not None)
    rows = [head]
    for place, values in enumerate(result.points[:_POINTS]):
        cells = [f"{values[column]:.6g}" for column in columns]
        cells += [_percent(share) for share in shares[:, place]]
        if rest is not None:
            cells.append(_percent(rest[place]))
        rows.append(cells)
    lines = wrap(f"COUNTS  {heading}", indent=2)
    lines += table(rows, right=range(len(head)))
    hidden = len(result.points) - _POINTS
    if hidden > 0:
        lines.append(f" ... and {plural(hidden, 'more point')}; --plot or --json has all")
    return lines


def _percent(share: float) -> str:
    return "nothing" if math.isnan(share) else f"{share:.2f}%"


def _shards(outcome: Outcome) -> list[str]:
    results = outcome.results
    records = [
        (place, record)
        for place, result in enumerate(results)
        if result is not None
        for record in result.shards
    ]
    if len(records) > _SHARDS or any(isinstance(one, SweepResult) for one in results):
        return _shards_by_node([record for _, record in records])
    several, paid = len(results) > 1, any(record.charges for _, record in records)
    header = ("NODE", "RAN ON", "METHOD", "SHOTS", "TIME")
    rows = [(*(["CIRCUIT"] * several), *header, *(["CHARGES"] * paid))]
    for place, record in records:
        cells = [record.node_id, _executor(record), record.method or "unknown"]
        cells += [f"{record.shots:,}", _seconds(record.seconds)]
        cells[:0] = [f"[{place}]"] * several
        cells += [" + ".join(map(str, record.charges))] * paid
        rows.append(tuple(cells))
    return ["SHARDS", *table(rows, right=(3 + several, 4 + several))]


def _shards_by_node(records: Sequence[ShardRecord]) -> list[str]:
    """One row for all shards that the same node ran the same way."""
    groups: dict[tuple[str, str, str], list[ShardRecord]] = {}
    for record in records:
        key = (record.node_id, _executor(record), record.method or "unknown")
        groups.setdefault(key, []).append(record)
    rows = [("NODE", "RAN ON", "METHOD", "SHARDS", "SHOTS", "TIME")]
    for key, group in groups.items():
        seconds = sum(record.seconds or 0.0 for record in group)
        shots = sum(record.shots for record in group)
        rows.append((*key, f"{len(group):,}", f"{shots:,}", _seconds(seconds)))
    return ["SHARDS", *table(rows, right=(3, 4, 5))]


def _timings(results: Sequence[QVMResult | SweepResult | None]) -> list[str]:
    """What each result was expected to take, and took."""
    several = len(results) > 1
    lines = [
        f" {f'[{place}] ' * several}{timing}"
        for place, result in enumerate(results)
        if result is not None and (timing := str(result.timing))
    ]
    hidden = len(lines) - _SHARDS
    more = [f" ... and {plural(hidden, 'more result')}"] if hidden > 0 else []
    return lines[:_SHARDS] + more


def _facts(results: Sequence[QVMResult | SweepResult]) -> list[str]:
    facts = [
        _EXACT[all_of(result.exact for result in results)],
        _SIMULATED[all_of(result.simulated for result in results)],
    ]
    charges = total(amount for result in results for amount in result.charges)
    if charges:
        facts.append("charges: " + " + ".join(map(str, charges)))
    if results[0].seconds is not None:
        facts.append(f"{_seconds(results[0].seconds)} in all")
    lines = ["", *wrap(f" {'; '.join(facts)}", indent=1)]
    for warning in dict.fromkeys(w for result in results for w in result.warnings):
        lines += wrap(f" warning: {warning}", indent=2)
    return lines


def _executor(record: ShardRecord) -> str:
    again = f", try {record.attempts}" if record.attempts > 1 else ""
    return f"{record.executor}{' (fallback)' * record.fallback}{again}"


def _span(seconds: tuple[float, float] | None) -> str:
    if seconds is None:
        return "unknown"
    low, high = (duration(bound) for bound in seconds)
    return low if low == high else f"{low} to {high}"


def _seconds(seconds: float | None) -> str:
    return "unknown" if seconds is None else duration(seconds)


def _bar_glyph() -> str:
    """A block where a terminal can show one."""
    if not sys.stdout.isatty():
        return "#"
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return "#"
    return "█"
