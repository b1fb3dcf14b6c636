"""Manifests: all that it takes to run something again, on this machine or another, as JSON.

A manifest holds the circuits as QPY, how they were run, the cluster without its secrets, and what
came back. It holds no pickles, so what options hold must be JSON too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from qcos_core.errors import InvalidArguments
from qcos_core.model.origin import origin_of
from qcos_core.model.plans import PlannedCircuit, ShardPlan
from qcos_core.model.results import QVMResult, ShardRecord
from qcos_core.model.scrubber import Scrubber
from qcos_core.model.sweeps import SweepResult
from qcos_core.qvm.origins import Origin, Run

SCHEMA = "qcos.manifest/1"

_AS_THEY_ARE = frozenset(
    ("counts", "memory", "parameters", "per_device", "points", "register_bits", "registers")
)
"""Fields of a result in which nothing is masked: digits in them may look like a secret."""


def of(results: QVMResult | SweepResult | Sequence[QVMResult | SweepResult]) -> dict[str, Any]:
    """The manifest of what one call of ``run``, or one job, returned.

    Args:
        results: a result, or several of the same call, in any order.

    Raises:
        CircuitRejected: QPY would lose a part of a circuit.
        InvalidArguments: results of different calls, or what ``QVMResult.manifest`` refuses.
    """
    several = [results] if isinstance(results, QVMResult | SweepResult) else list(results)
    parts = [part for result in several for part in _parts(result)]
    runs = {id(origin.run): origin.run for _, origin in parts}
    if len(runs) != 1:
        message = f"a manifest is made of the results of one call of run, not of {len(runs)}."
        raise InvalidArguments(message)
    (run,) = runs.values()
    scrubber = run.scrubber()
    circuits: dict[str, dict[str, Any]] = {}
    entries = [_entry(run, result, origin, circuits, scrubber) for result, origin in parts]
    document = {
        "schema": SCHEMA,
        "request": _open(run.request(), scrubber, "the requirements of the run"),
        "cluster": run.cluster(),
        "versions": dict(run.versions()),
        "platform": f"{platform.system()} {platform.machine()}",
        "circuits": circuits,
        "runs": entries,
    }
    # what a provider says of a run may be anything; what is not JSON is kept as text
    plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return plain


def seeded(plan: ShardPlan, records: Iterable[ShardRecord]) -> bool:
    """Whether seeds alone decided the shots of these shards.

    Args:
        plan: the plan that they are of.
        records: the shards of one circuit.
    """
    takes = {one.node_id: one.limits.seeded for found in plan.candidates.values() for one in found}
    # the fallback executors take seeds
    return all(record.fallback or takes.get(record.node_id, False) for record in records)


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON-able data that can be given to a run again.

    Raises:
        InvalidArguments: one of them holds an object.
    """
    return {str(name): _plain(value, str(name)) for name, value in options.items()}


def _parts(result: Any) -> Iterator[tuple[QVMResult | SweepResult, Origin]]:
    """A result; of a slice of a sweep, each of its points."""
    origin = origin_of(result)
    if isinstance(result, SweepResult) and not _whole(result):
        yield from ((one, origin_of(one)) for one in result.came_back)
    else:
        yield result, origin


def _whole(sweep: SweepResult) -> bool:
    planned = _planned(sweep)
    return (sweep.shape, sweep.points) == (planned.shape, planned.points)


def _planned(result: QVMResult | SweepResult) -> PlannedCircuit:
    assert result.plan is not None  # noqa: S101 - what has an origin has a plan
    return result.plan.circuits[0]


def _entry(
    run: Run,
    result: QVMResult | SweepResult,
    origin: Origin,
    circuits: dict[str, dict[str, Any]],
    scrubber: Scrubber,
) -> dict[str, Any]:
    planned, plan = _planned(result), result.plan
    first = origin.point or 0
    points = planned.points if isinstance(result, SweepResult) else planned.points[first:][:1]
    options = _open(plain_options(planned.options), scrubber, f"the options of {planned.name}")
    layout = planned.profile.layout
    return {
        "circuit": _packed(run.qpy(origin.circuit_id, planned.profile), circuits, scrubber),
        "name": scrubber.scrub(result.name),
        "shots": planned.shots,
        "seed": planned.seed,
        "position": planned.position + first,
        "options": options,
        "layout": None if layout is None else list(layout),
        "parameters": list(planned.parameters),
        "points": [list(values) for values in points],
        "shape": list(planned.shape or ()) if isinstance(result, SweepResult) else None,
        "strategy": _strategy(planned, plan),
        "seeded": plan is not None and seeded(plan, result.shards),
        "result": _scrubbed(result.to_dict(), scrubber),
    }


def _strategy(planned: PlannedCircuit, plan: ShardPlan | None) -> str | None:
    """How a circuit was cut, where that decides its counts and another machine might not do so."""
    if planned.parts:
        return "factor"
    decisions = plan.decisions_of(planned.id) if plan else ()
    might = any(one.strategy == "factor" and one.estimate for one in decisions)
    return "whole" if might else planned.strategy


def _packed(content: bytes, circuits: dict[str, dict[str, Any]], scrubber: Scrubber) -> str:
    digest = hashlib.sha256(content).hexdigest()
    if digest not in circuits:
        text = content.decode("utf-8", "ignore")
        if scrubber.scrub(text) != text:
            message = "a circuit holds a secret, which must not be written down."
            raise InvalidArguments(message, hint="Take it out of its name or metadata.")
        version = content[6]
        qpy = base64.b64encode(content).decode()
        circuits[digest] = {"qpy_version": version, "qpy": qpy}
    return digest


def _scrubbed(document: Mapping[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    return {
        name: value
        if name in _AS_THEY_ARE
        else [one if one is None else _scrubbed(one, scrubber) for one in value]
        if name == "results"
        else scrubber.scrub_json(value)
        for name, value in document.items()
    }


def _open(data: Mapping[str, Any], scrubber: Scrubber, what: str) -> Mapping[str, Any]:
    """What must be written down as it is, or not at all."""
    if scrubber.scrub_json(data) != data:
        message = f"{what} hold a secret, which must not be written down."
        raise InvalidArguments(message)
    return data


def _plain(value: Any, name: str) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return json.loads(json.dumps(value))  # a member of an Enum becomes its value
    if isinstance(value, (list, tuple)):
        return [_plain(item, name) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {str(key): _plain(item, name) for key, item in value.items()}
    kind = type(value)
    message = f"the option {name} holds a {kind.__module__}.{kind.__qualname__}, which is not JSON."
    hint = "A manifest carries options by name, such as like='fake_torino'; see decision 11."
    raise InvalidArguments(message, hint=hint)
