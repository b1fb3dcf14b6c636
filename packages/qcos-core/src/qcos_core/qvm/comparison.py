"""What is the same in two runs of one manifest, and whether their counts agree.

Seeds make counts equal where simulators take them and the same program ran with the same method
and options. Everywhere else counts are samples, and what can be compared is the share of ones of
each bit and of each parity of two bits: see ``qvm.agreement``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.model.counts import PackedCounts
from qcos_core.model.marginals import row_of, table_of_counts
from qcos_core.model.options import shown
from qcos_core.model.results import QVMResult, ShardRecord
from qcos_core.model.sweeps import SweepResult
from qcos_core.model.text import plural
from qcos_core.qvm.agreement import disagreements
from qcos_core.qvm.manifest import seeded
from qcos_core.qvm.recorded import Manifest, RecordedRun

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MOST = 8
_LONGEST = 60

_FAILURE = 1e-6
"""The chance that counts of one distribution are said to differ."""

_DRIFT = 0.01
"""A share of a device may have moved by so much from one day to another."""

_EXACT = "simulators with seeds"
_HARDWARE = "hardware"

_Pair = tuple[RecordedRun, QVMResult | SweepResult | None]


@dataclass(frozen=True)
class Item:
    """One thing that was compared beside the counts.

    Attributes:
        name: what it is, such as ``"layout"``.
        same: whether it is the same.
        changes: what it was and what it is now, where it differs.
    """

    name: str
    same: bool
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether the counts of one circuit, at one point, agree.

    Attributes:
        name: the circuit, and the point.
        kind: what may be expected of its counts: ``"simulators with seeds"``, for which they are
            equal, or why they cannot be.
        agrees: whether they do.
        sigma: how far the most deviating share is off, in standard errors; ``None`` where counts
            are equal or cannot be compared.
        finding: what is wrong, if they do not agree.
    """

    name: str
    kind: str
    agrees: bool
    sigma: float | None = None
    finding: str = ""


@dataclass(frozen=True)
class Comparison:
    """What became of a manifest that ran again.

    Attributes:
        items: what was compared beside the counts.
        verdicts: on the counts of each circuit and point.
    """

    items: tuple[Item, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def agrees(self) -> bool:
        """Whether all counts agree."""
        return all(verdict.agrees for verdict in self.verdicts)

    def lines(self) -> list[str]:
        """What matches, what differs, and the verdict, for people."""
        same = ", ".join(item.name for item in self.items if item.same)
        lines = [f"{same}: match"] if same else []
        for item in self.items:
            if not item.same:
                lines += _some([f"{item.name}: {change}" for change in item.changes])
        kinds = dict.fromkeys(verdict.kind for verdict in self.verdicts if verdict.agrees)
        lines += [self._agreed(kind) for kind in kinds]
        wrong = [verdict for verdict in self.verdicts if not verdict.agrees]
        lines += _some([f"{one.kind}: {one.name}: {one.finding}" for one in wrong])
        versions = next((i for i in self.items if i.name == "versions" and not i.same), None)
        if versions is not None and any(verdict.kind == _EXACT for verdict in wrong):
            lines.append("the versions differ, which may be why the counts do")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON-able data."""
        return {
            "agrees": self.agrees,
            "items": [
                {"name": item.name, "same": item.same, "changes": list(item.changes)}
                for item in self.items
            ],
            "verdicts": [
                {
                    "name": verdict.name,
                    "kind": verdict.kind,
                    "agrees": verdict.agrees,
                    "sigma": verdict.sigma,
                    "finding": verdict.finding,
                }
                for verdict in self.verdicts
            ],
        }

    def _agreed(self, kind: str) -> str:
        mine = [verdict for verdict in self.verdicts if verdict.agrees and verdict.kind == kind]
        of = f" of {plural(len(mine), 'circuit')}" if len(self.verdicts) > 1 else ""
        if kind == _EXACT:
            return f"{kind}: the counts{of} are equal"
        furthest = max(verdict.sigma or 0.0 for verdict in mine)
        return f"{kind}: not reproducible by seed; marginals{of} within {furthest:.1f} sigma"


def compare(
    manifest: Manifest,
    results: Sequence[QVMResult | SweepResult | None],
    versions: Mapping[str, str],
    platform: str,
) -> Comparison:
    """Compare a manifest with the results of running it again.

    Args:
        manifest: what was written.
        results: one for each of its runs; ``None`` where nothing came back.
        versions: what takes part now.
        platform: the system and the processor now.
    """
    pairs = list(zip(manifest.runs, results, strict=True))
    then = dict(manifest.versions) | _named(manifest.results)
    items = [
        *_items(pairs),
        _texts("versions", then, dict(versions) | _named(results)),
        _texts("platform", {"": manifest.platform}, {"": platform}),
    ]
    verdicts = [
        verdict
        for place, (run, result) in enumerate(pairs)
        for verdict in _verdicts(run, result, f"[{place}] " if len(pairs) > 1 else "")
    ]
    return Comparison(tuple(items), tuple(verdicts))


def largest_sigma(ours: PackedCounts, theirs: PackedCounts) -> float:
    """How far the most deviating share of two samples is off, in standard errors.

    The shares are those of ones of each bit, and of odd parity of each two bits.
    """
    import numpy as np

    one, other = _shares(ours), _shares(theirs)
    pooled = (ours.shots * one + theirs.shots * other) / (ours.shots + theirs.shots)
    errors = np.sqrt(pooled * (1 - pooled) * (1 / ours.shots + 1 / theirs.shots))
    sizes = np.abs(one - other)
    return float(np.max(np.divide(sizes, errors, out=np.zeros_like(sizes), where=errors > 0)))


def _shares(counts: PackedCounts) -> npt.NDArray[np.float64]:
    return row_of(table_of_counts(counts)) / counts.shots


def _options(result: QVMResult | SweepResult) -> Mapping[str, Any]:
    return shown(result.plan.circuits[0].options) if result.plan else {}


def _of_metadata(*names: str) -> Callable[[Iterable[ShardRecord]], list[Any]]:
    """What providers say under these names, once."""

    def found(records: Iterable[ShardRecord]) -> list[Any]:
        facts = [
            {name: record.metadata[name] for name in names if name in record.metadata}
            for record in records
        ]
        return _distinct(fact for fact in facts if fact)

    return found


def _methods(records: Iterable[ShardRecord]) -> list[Any]:
    return _distinct(f"{record.method or 'unknown'} on {record.executor}" for record in records)


def _nodes(records: Iterable[ShardRecord]) -> list[Any]:
    return _distinct(record.node_id for record in records)


def _seeds(records: Iterable[ShardRecord]) -> list[Any]:
    return _distinct(seed for record in records for _, _, seed in record.blocks)


def _distinct(values: Iterable[Any]) -> list[Any]:
    return sorted({repr(value): value for value in values}.values(), key=repr)


_FACTS: dict[str, Callable[[Iterable[ShardRecord]], list[Any]]] = {
    "layout": _of_metadata("physical_qubits", "layout"),
    "calibration": _of_metadata("calibration"),
    "method": _methods,
    "nodes": _nodes,
    "seeds": _seeds,
}


def _items(pairs: Sequence[_Pair]) -> Iterator[Item]:
    """What is known of the shards, and the options; nothing where neither run knows of it."""
    yield Item("circuit", same=True)  # by its SHA-256, or it would not have been read
    options = [(shown(run.options), _options(now)) if now else ({}, {}) for run, now in pairs]
    yield _item("options", pairs, options)
    for name, facts in _FACTS.items():
        found = [
            (facts(run.result.shards), facts(now.shards)) if now else ([], []) for run, now in pairs
        ]
        if any(map(any, found)):
            yield _item(name, pairs, found)


def _item(name: str, pairs: Sequence[_Pair], found: Sequence[tuple[Any, Any]]) -> Item:
    changes = []
    for place, ((run, _), (then, now)) in enumerate(zip(pairs, found, strict=True)):
        if then != now:
            label = f"[{place}] {run.name}: " if len(pairs) > 1 else ""
            changes.append(f"{label}{_short(then)} -> {_short(now)}")
    return Item(name, not changes, tuple(changes))


def _named(results: Iterable[QVMResult | SweepResult | None]) -> dict[str, str]:
    """The versions that providers name, which may be those of a far side."""
    found: dict[str, str] = {}
    for result in results:
        for record in () if result is None else result.shards:
            named = record.metadata.get("versions")
            if isinstance(named, Mapping):
                found |= {str(name): str(version) for name, version in named.items()}
    return found


def _texts(name: str, then: Mapping[str, str], now: Mapping[str, str]) -> Item:
    changes = tuple(
        f"{key} {then.get(key, 'none')} -> {now.get(key, 'none')}".strip()
        for key in dict.fromkeys([*then, *now])
        if then.get(key) != now.get(key)
    )
    return Item(name, not changes, changes)


def _verdicts(
    run: RecordedRun, result: QVMResult | SweepResult | None, label: str
) -> Iterator[Verdict]:
    kind, name = _kind(run, result), f"{label}{run.name}"
    if result is None:
        yield Verdict(name, kind, agrees=False, finding="nothing came back")
        return
    if isinstance(run.result, QVMResult) or isinstance(result, QVMResult):
        yield from _by_device(run.result, result, kind, name)
        return
    for place, pair in enumerate(zip(run.result.results, result.results, strict=True)):
        yield from _by_device(*pair, kind, f"{name}[{place}]")


def _by_device(then: Any, now: Any, kind: str, name: str) -> Iterator[Verdict]:
    """One verdict, or one for each node where their counts do not add up."""
    if then is None or now is None or not (then.apart or now.apart):
        yield _verdict(then, now, kind, name)
        return
    before, after = then.by_device(), now.by_device()
    for node_id in dict.fromkeys([*before, *after]):
        pair = before.get(node_id), after.get(node_id)
        yield _verdict(*pair, kind, f"{name} on {node_id}")


def _kind(run: RecordedRun, result: QVMResult | SweepResult | None) -> str:
    """What may be expected of the counts."""
    if result is None or result.plan is None:
        return "unknown"
    if False in (run.result.simulated, result.simulated):
        return _HARDWARE
    if not (run.seeded and seeded(result.plan, result.shards)):
        return "simulators without seeds"
    if _methods(run.result.shards) != _methods(result.shards):
        return "another method"
    return _EXACT if _options(result) == shown(run.options) else "other options"


def _verdict(then: Any, now: Any, kind: str, name: str) -> Verdict:
    if then is None or now is None or not then.shots or not now.shots:
        return Verdict(name, kind, agrees=False, finding="there is nothing to compare")
    if kind == _EXACT:
        if then.packed == now.packed:
            return Verdict(name, kind, agrees=True)
        if then.shots != now.shots:
            finding = f"{plural(then.shots, 'shot')} came back then, {now.shots:,} now"
            return Verdict(name, kind, agrees=False, finding=finding)
    sigma = largest_sigma(then.counted, now.counted)
    if kind == _EXACT:
        finding = f"the counts differ; marginals within {sigma:.1f} sigma"
        return Verdict(name, kind, agrees=False, sigma=sigma, finding=finding)
    effect = _DRIFT if kind == _HARDWARE else 0.0
    parts = {"now": now.counted, "then": then.counted}
    found = disagreements(parts, failure=_FAILURE, effect=effect)
    if not found:
        return Verdict(name, kind, agrees=True, sigma=sigma)
    mine = next(one for one in found if one.node_id == "now")
    finding = (
        f"{mine.where} is 1 in {mine.share:.2%} of the shots, and was in {mine.others:.2%}; "
        f"{sigma:.1f} sigma"
    )
    return Verdict(name, kind, agrees=False, sigma=sigma, finding=finding)


def _short(value: Any) -> str:
    if not value and not isinstance(value, bool | int):
        return "none"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _some(lines: list[str]) -> list[str]:
    hidden = len(lines) - _MOST
    return [*lines[:_MOST], f"... and {hidden} more"] if hidden > 0 else lines
