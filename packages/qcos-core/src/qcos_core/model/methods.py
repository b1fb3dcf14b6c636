"""What a paper says of how its counts were made, from a result alone.

Every sentence is made from something that the result says; what it does not say is not mentioned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from qcos_core.model.plans import ALL
from qcos_core.model.results import QVMResult, ShardRecord
from qcos_core.model.spreadsheets import utc
from qcos_core.model.sweeps import SweepResult
from qcos_core.model.text import plural, printable, shorten

_NAME = 60
_LISTED = 6
_OPERATIONS = 12
_PARTS = 8
_QUBITS = 40
_VALUE = 120
_WARNING = 300
_NOISE = {
    "like": "The gates, wiring and noise are those of the device",
    "noise_model": "The noise model is",
}
_SAME: dict[str, Any] = {
    "task_id": "",
    "shots": 0,
    "blocks": (),
    "attempts": 1,
    "exact": None,
    "started": None,
    "seconds": None,
    "charges": (),
    "metadata": None,
}
"""What may differ between shards that are told of in one sentence."""

_NAMES = {"qiskit": "Qiskit", "qiskit-aer": "Qiskit Aer", "numpy": "NumPy"}
_PAPERS = {
    "qiskit": 'A. Javadi-Abhari et al., "Quantum computing with Qiskit", arXiv:2405.08810 (2024)',
    "numpy": 'C. R. Harris et al., "Array programming with NumPy", Nature 585, 357-362 (2020)',
}


def methods_text(result: QVMResult | SweepResult, *, ended: bool = True) -> str:
    """Paragraphs for a paper's section on methods, in whole sentences.

    They say what was run, where, when, how and with what software, what it cost, and what a reader
    must know. What the result does not say, they do not say either.

    Args:
        result: the result.
        ended: ``False`` where more of it may come back; the text says so.

    Returns:
        Paragraphs of one line each, with empty lines between them.
    """
    facts = _Facts.of(result)
    paragraphs = (
        (_circuit(facts), _parameters(facts), _shots(facts, ended), _left_out(facts)),
        (_nodes(facts), _kind(facts), _options(facts), _layout(facts), _again(facts)),
        (_dates(facts), _charges(facts), _software(facts), _papers(facts)),
        (_warnings(facts),),
    )
    lines = [" ".join(chain.from_iterable(paragraph)) for paragraph in paragraphs]
    return "\n\n".join(filter(None, lines)) + "\n"


@dataclass(frozen=True)
class _Facts:
    """What results and sweeps have in common.

    Attributes:
        result: the result or the sweep.
        results: the results of its points; a result that is no sweep is its only point.
        plan: the plan as JSON-able data; empty where there is none.
    """

    result: QVMResult | SweepResult
    results: Sequence[QVMResult]
    plan: Mapping[str, Any]

    @classmethod
    def of(cls, result: QVMResult | SweepResult) -> _Facts:
        results = result.came_back if isinstance(result, SweepResult) else [result]
        return cls(result, results, result.plan.to_dict() if result.plan else result.plan_data)

    @property
    def shards(self) -> Sequence[ShardRecord]:
        return self.result.shards

    @property
    def circuit(self) -> Mapping[str, Any]:
        """The circuit as its plan describes it."""
        circuits: Sequence[Mapping[str, Any]] = self.plan.get("circuits", ())
        return circuits[0] if len(circuits) == 1 else {}

    @property
    def metadata(self) -> list[Mapping[str, Any]]:
        """What providers told of each shard."""
        return [_mapping(record.metadata) for record in self.shards]


def _circuit(facts: _Facts) -> Iterable[str]:
    circuit, name = facts.circuit, _quoted(facts.result.name)
    if not circuit:
        yield f"The circuit {name} was run."
        return
    qubits, active = circuit["qubits"], circuit["active_qubits"]
    used = "" if qubits == active else f", {active:,} of them in use,"
    bits = plural(circuit["clbits"], "classical bit")
    yield f"The circuit {name} has {plural(qubits, 'qubit')}{used} and {bits}."
    operations = sorted(circuit["operations"].items(), key=lambda item: (-item[1], item[0]))
    kinds = [f"{_short(kind)} ({n:,})" for kind, n in operations if kind != "barrier"]
    if kinds:
        yield f"Its operations are {_listed(kinds, _OPERATIONS)}."
    if circuit["dynamic"]:
        yield "It is dynamic: it resets qubits, has control flow, or goes on after a measurement."
    parts = circuit.get("parts") or []
    if parts:
        widths = [f"{len(part['qubits'])}" for part in parts]
        each = f"{plural(len(parts), 'part')} of {_listed(widths, _PARTS)} qubits"
        yield (
            f"It was run in {each}, which do not interact, each for all shots; "
            "these were paired in random order."
        )


def _parameters(facts: _Facts) -> Iterable[str]:
    result = facts.result
    if isinstance(result, QVMResult):
        values = [f"{_short(name)} = {value:.10g}" for name, value in result.parameters.items()]
        if values:
            yield f"Its parameters had the values {_listed(values)}."
        return
    varied = []
    for place in result.varying:
        column = [values[place] for values in result.points]
        name = _short(result.parameters[place])
        varied.append(f"{name} from {min(column):.10g} to {max(column):.10g}")
    over = f", {_listed(varied)}" if varied else ""
    yield f"It was run at {plural(len(result.points), 'point')} of its parameters{over}."


def _shots(facts: _Facts, ended: bool) -> Iterable[str]:
    result, each = facts.result, facts.circuit.get("shots")
    points = len(result.results) if isinstance(result, SweepResult) else 1
    nodes = _devices(facts)
    asked = result.shots if each is None else each * points * nodes
    if asked == result.shots:
        of_each = f", {each:,} at each of them" if each and points > 1 else ""
        of_each += f", so many on each of {nodes:,} nodes" if nodes > 1 else ""
        yield f"It was run for {_many(asked)}{of_each}."
    else:
        yield f"Of {_many(asked)} that were asked for, {result.shots:,} came back and count."
    if not ended:
        yield "More may come back: it had not ended when this was written."
    saved = list(dict.fromkeys(name for one in facts.results for name in one.saved))
    if saved:
        only = ", which measures nothing," if all(r.packed is None for r in facts.results) else ""
        labels = _listed([_quoted(name) for name in saved])
        yield f"The circuit{only} also saved data, labelled {labels}."
    for seed in _only(one.seed for one in facts.results):
        unused = ", of which hardware takes no notice" if result.simulated is False else ""
        yield f"The seed was {seed}{unused}."


def _devices(facts: _Facts) -> int:
    """How many nodes were given all shots."""
    if facts.plan.get("policy") != ALL:
        return 1
    return len({shard.get("node") for shard in facts.plan.get("shards", ())}) or 1


def _left_out(facts: _Facts) -> Iterable[str]:
    names = dict.fromkeys(
        record.node_id
        for one in facts.results
        for record in one.shards
        if not record.shots and record.node_id in one.packed_by_node
    )
    if names:
        nodes = _listed([f"the node {_quoted(name)}" for name in names])
        yield f"Shots of {nodes} were left out, because they disagreed with those of nodes like it."


def _nodes(facts: _Facts) -> Iterable[str]:
    groups: dict[tuple[ShardRecord, str], int] = {}
    for record in facts.shards:
        device = _mapping(record.metadata).get("device")
        alike = replace(record, **_SAME)
        group = (alike, _quoted(device) if isinstance(device, str) and device else "")
        groups[group] = groups.get(group, 0) + record.shots
    ran = [(record, device, shots) for (record, device), shots in groups.items() if shots]
    for record, device, shots in ran[:_LISTED]:
        yield f"{_many(shots)} {'was' if shots == 1 else 'were'} {_ran(record, device)}."
    others = ran[_LISTED:]
    if others:
        nodes = plural(len({record.node_id for record, _, _ in others}), "other node")
        yield f"The other {_many(sum(shots for *_, shots in others))} came from {nodes}."


def _ran(record: ShardRecord, device: str) -> str:
    """How a node's shots were made, as what can be said of them."""
    node, provider, executor = map(_quoted, (record.node_id, record.provider, record.executor))
    made = "simulated" if record.simulated else "made"
    if record.fallback:
        said = f"planned for the node {node} of the provider {provider}, and {made} by {executor}"
        said += " in its place"
    else:
        by = " by quantum hardware" if record.simulated is False else ""
        said = f"{made}{by} on the node {node} of the provider {provider}"
    if device:
        said += f", on the device {device}"
    return f"{said}, with the method {_quoted(record.method)}" if record.method else said


def _kind(facts: _Facts) -> Iterable[str]:
    """Whether all of it was simulated, and whether that was exact."""
    result = facts.result
    if result.simulated is not True:
        return
    yield "No quantum hardware took part."
    if result.exact is True:
        yield "The shots were drawn from the simulated distribution itself, without a cut-off."
    elif result.exact is False:
        yield "A method was cut short, so the shots only approximate the simulated distribution."


def _options(facts: _Facts) -> Iterable[str]:
    tasks = [_mapping(task.get("options")) for task in facts.plan.get("shards", ())]
    given = [(name, _value(v)) for options in tasks for name, v in options.items() if v is not None]
    # a provider knows a device's name, where an option may have been an object
    devices = [("like", _value(told["like"])) for told in facts.metadata if told.get("like")]
    if devices:
        given = [option for option in given if option[0] != "like"] + devices
    found = Counter(given)
    others = []
    for (name, value), number in found.items():
        whole = len(facts.shards) if devices and name == "like" else len(tasks)
        part = "" if number == whole else f" (in {number:,} of {plural(whole, 'shard')})"
        if name in _NOISE:
            yield f"{_NOISE[name]} {value}{part}."
        else:
            others.append(f"{_short(name)} = {value}{part}")
    if others:
        yield f"Other options were {_listed(others)}."


def _layout(facts: _Facts) -> Iterable[str]:
    placed = _only(_qubits(told.get("layout")) for told in facts.metadata)
    placed = placed or _only([_qubits(facts.circuit.get("layout"))])
    used = _only(_qubits(told.get("physical_qubits")) for told in facts.metadata)
    for qubits in placed:
        yield f"The circuit's qubits, in their order, were placed on the physical qubits {qubits}."
    if not placed:
        for qubits in used:
            yield f"The physical qubits in use were {qubits}."


def _again(facts: _Facts) -> Iterable[str]:
    again = sum(record.attempts > 1 for record in facts.shards)
    if again:
        yield f"Of {plural(len(facts.shards), 'shard')}, {again:,} took more than one attempt."


def _dates(facts: _Facts) -> Iterable[str]:
    times = [time for time in (utc(record.started) for record in facts.shards) if time]
    if times:
        first, last = (f"{time.date():%d %B %Y}".lstrip("0") for time in (min(times), max(times)))
        yield (
            f"It ran on {first} (UTC)."
            if first == last
            else f"It ran from {first} to {last} (UTC)."
        )


def _charges(facts: _Facts) -> Iterable[str]:
    if facts.result.charges:
        yield f"The providers charged {_listed(map(_short, facts.result.charges))}."


def _software(facts: _Facts) -> Iterable[str]:
    own = [_mapping(one.versions) for one in facts.results]
    for what, told in (
        ("The results were put together with", own),
        ("The nodes report", [_mapping(one.get("versions")) for one in facts.metadata]),
    ):
        found = {(name, str(version)) for versions in told for name, version in versions.items()}
        if found:
            named = [
                _short(f"{_NAMES.get(name, name)} {version}") for name, version in sorted(found)
            ]
            yield f"{what} {_listed(named, _OPERATIONS)}."


def _papers(facts: _Facts) -> Iterable[str]:
    used = {name for one in facts.results for name in _mapping(one.versions)}
    papers = [f"{_NAMES[name]} as {paper}" for name, paper in _PAPERS.items() if name in used]
    if papers:
        yield f"To be cited are {'; and '.join(papers)}."


def _warnings(facts: _Facts) -> Iterable[str]:
    points = (warning for one in facts.results for warning in one.warnings)
    for warning in dict.fromkeys((*facts.result.warnings, *points)):
        text = shorten(printable(warning), _WARNING)
        yield f"Note: {text}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _mapping(value: Any) -> Mapping[str, Any]:
    """What a provider told, if it is what it should be."""
    return value if isinstance(value, Mapping) else {}


def _qubits(value: Any) -> str:
    """Numbers of qubits, if they are that."""
    if not isinstance(value, (list, tuple)) or not all(type(one) is int for one in value):
        return ""
    return _listed(map(str, value), _QUBITS)


def _only(values: Iterable[Any]) -> list[Any]:
    """The one value that is there, where there is one alone."""
    found = {value for value in values if value not in ("", None)}
    return list(found) if len(found) == 1 else []


def _many(shots: int) -> str:
    return plural(shots, "shot")


def _value(value: Any) -> str:
    """An option's value; an object is known by the beginning of its text."""
    if isinstance(value, Mapping) and set(value) == {"type", "repr"}:
        return shorten(printable(value["repr"]), _VALUE)
    return shorten(printable(value), _VALUE)


def _short(text: object) -> str:
    return shorten(printable(text), _NAME)


def _quoted(text: object) -> str:
    return f'"{_short(text)}"'


def _listed(items: Iterable[str], most: int = _LISTED) -> str:
    """``"a, b and c"``; of too many, the first and how many more there are."""
    found = list(items)
    if len(found) > most:
        found = [*found[:most], f"{len(found) - most:,} more"]
    return " and ".join(filter(None, [", ".join(found[:-1]), found[-1]]))
