"""Results and plans as small HTML, for notebooks.

Everything is in the markup itself: no script, no style sheet, nothing to load. Colours are drawn
from the page's own text colour, so that light and dark pages show them alike. All text is escaped;
names come from files and plugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from qcos_core.model.pictures.figure import EXACT, SIMULATED, known
from qcos_core.model.pictures.histogram import labels, top
from qcos_core.model.pictures.sweep import percentages
from qcos_core.model.plans import ALL
from qcos_core.model.text import duration, plural, printable, shorten, span_text

if TYPE_CHECKING:
    from qcos_core.model.plans import ShardPlan
    from qcos_core.model.results import QVMResult, ShardRecord
    from qcos_core.model.sweeps import SweepResult

_OUTCOMES = 16
_ROWS = 20
_COLUMNS = 6
_WARNINGS = 8
_KEY = 48
_NAME = 60
_TEXT = 300

_TABLE = "border-collapse:collapse;margin:.4em 0;font-size:90%"
_CELL = "padding:.15em .7em;border-bottom:1px solid rgba(128,128,128,.35)"
_LEFT, _RIGHT = f"{_CELL};text-align:left", f"{_CELL};text-align:right"
_BAR = "height:.8em;background:#3b8bc9;border-radius:1px;min-width:1px"  # 3:1 on black and white


def result_html(result: QVMResult) -> str:
    """A result: its outcomes with bars, its shards, and what to know about them."""
    facts = [
        plural(result.shots, "shot"),
        EXACT[result.exact],
        SIMULATED[result.simulated],
        f"seed {result.seed}",
    ]
    if known(result.seconds) is not None:
        facts.append(f"{duration(result.seconds or 0.0)} in all")
    facts += filter(None, [str(result.timing)])
    if result.charges:
        facts.append("charges " + " + ".join(map(str, result.charges)))
    tree = result.plan.tree() if result.plan else ""
    return _section(
        f"Result of {_name(result.name)}",
        [
            _facts(facts),
            _warnings(result.warnings),
            _counts(result),
            _saved(result.saved),
            _shards(result),
            _tree(tree),
        ],
    )


def sweep_html(result: SweepResult) -> str:
    """A sweep: at each point the values and how often the most frequent outcomes were seen."""
    facts = [
        plural(len(result.results), "point"),
        plural(result.shots, "shot"),
        EXACT[result.exact],
        SIMULATED[result.simulated],
    ]
    facts += filter(None, [str(result.timing)])
    tree = result.plan.tree() if result.plan else ""
    parts = [_facts(facts), _warnings(result.warnings), _points(result), _tree(tree)]
    return _section(f"Sweep of {_name(result.name)}", parts)


def plan_html(plan: ShardPlan) -> str:
    """A plan: what would run where, and in a fold every alternative."""
    facts = [
        plural(len(plan.circuits), "circuit"),
        plural(plan.shots, "shot"),
        f"policy {plan.policy}",
        f"strategy {plan.strategy}",
    ]
    names = {unit.id: unit.name for unit in plan.units}
    rows = [
        (
            _name(names.get(shard.task.circuit_id, shard.task.circuit_id)),
            shard.node_id,
            (shard.estimate.method if shard.estimate else "") or "unknown",
            f"{shard.task.shots:,}",
            span_text(shard.estimate.seconds if shard.estimate else None),
        )
        for shard in plan.shards[:_ROWS]
    ]
    shards = _table(
        f"{plural(len(plan.shards), 'shard')} on {plural(len(plan.node_ids), 'node')}",
        ("circuit", "node", "method", "shots", "time"),
        rows,
        right=(3, 4),
        hidden=len(plan.shards) - len(rows),
    )
    return _section(
        "Plan",
        [_facts(facts), _warnings(plan.warnings), shards, _tree(plan.tree(), "Alternatives")],
    )


def _counts(result: QVMResult) -> str:
    asked = result.plan is not None and result.plan.policy == ALL
    if result.apart or (asked and result.packed_by_node):
        parts = list(result.by_device().items())
        tables = [_outcomes(one, f"{_name(node_id)}: ") for node_id, one in parts[:_COLUMNS]]
        hidden = len(parts) - len(tables)
        return "".join(tables) + (
            f"<div>... and {plural(hidden, 'more node')}</div>" * bool(hidden)
        )
    return _outcomes(result) if result.packed is not None else ""


def _outcomes(result: QVMResult, where: str = "") -> str:
    counts, hidden, rest = top(result, _OUTCOMES)
    most = max(counts.values(), default=1)
    rows = []
    keys, cut = labels(list(counts), _KEY, _KEY)
    for key, number in zip(keys, counts.values(), strict=True):
        share = 100 * number / max(result.shots, 1)
        bar = f'<div aria-hidden="true" style="{_BAR};width:{12 * number / most:.2f}em"></div>'
        cells = f'<td style="{_RIGHT}">{number:,}</td><td style="{_RIGHT}">{share:.2f}%</td>'
        head = (
            f'<th scope="row" style="{_LEFT};font-weight:normal"><code>{_text(key or "(no bits)")}'
        )
        rows.append(f'<tr>{head}</code></th>{cells}<td style="{_LEFT}">{bar}</td></tr>')
    if hidden:
        text = f"{plural(hidden, 'more outcome')} with {plural(rest, 'shot')}"
        rows.append(f'<tr><td colspan="4" style="{_LEFT}">{text}</td></tr>')
    caption = where + plural(len(counts) + hidden, "outcome")
    if hidden:
        caption += f", the {len(counts)} most frequent first"
    caption += cut
    return _rows(caption, ("outcome", "shots", "percent", ""), rows, right=(1, 2))


def _saved(saved: Mapping[str, Any]) -> str:
    if not saved:
        return ""
    rows = [(name, type(value).__name__) for name, value in list(saved.items())[:_ROWS]]
    more = len(saved) - len(rows)
    return _table("data", ("label", "type"), rows, right=(), hidden=more, noun="more label")


def _points(result: SweepResult) -> str:
    keys: list[str] = []
    shares = None
    if all(one.packed is not None for one in result.came_back):
        keys, shares, _ = percentages(result, _COLUMNS)
    columns = list(result.varying)[:_COLUMNS]
    rows = []
    for place, values in enumerate(result.points[:_ROWS]):
        cells = [f"{values[column]:.6g}" for column in columns]
        if shares is not None:
            cells += [f"{share:.2f}%" for share in shares[:, place]]
        rows.append(cells)
    names = [_name(result.parameters[column]) for column in columns]
    head = (*names, *labels(keys, _KEY, _KEY)[0])
    caption = "points, and the most frequent outcomes" if keys else "points"
    hidden = len(result.points) - len(rows)
    right = tuple(range(len(head)))
    return _table(caption, head, rows, right=right, hidden=hidden, noun="more point")


def _shards(result: QVMResult) -> str:
    rows = [
        (
            record.node_id,
            _executor(record),
            record.method or "unknown",
            f"{record.shots:,}",
            _seconds(record),
            " + ".join(map(str, record.charges)),
        )
        for record in result.shards[:_ROWS]
    ]
    head = ("node", "ran on", "method", "shots", "time", "charges")
    kept = len(head) if any(row[-1] for row in rows) else len(head) - 1
    nodes = plural(len({record.node_id for record in result.shards}), "node")
    return _table(
        f"{plural(len(result.shards), 'shard')} on {nodes}",
        head[:kept],
        [row[:kept] for row in rows],
        right=(3, 4),
        hidden=len(result.shards) - len(rows),
    )


def _executor(record: ShardRecord) -> str:
    again = f", try {record.attempts}" if record.attempts > 1 else ""
    return f"{record.executor}{' (fallback)' if record.fallback else ''}{again}"


def _seconds(record: ShardRecord) -> str:
    seconds = known(record.seconds)
    return "unknown" if seconds is None else duration(seconds)


def _table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int],
    hidden: int,
    noun: str = "more shard",
) -> str:
    lines = []
    for row in rows:
        cells = [
            f'<td style="{_RIGHT if place in right else _LEFT}">{_text(shorten(cell, _NAME))}</td>'
            for place, cell in enumerate(row)
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    if hidden:
        text = f"... and {plural(hidden, noun)}"
        lines.append(f'<tr><td colspan="{len(head)}" style="{_LEFT}">{text}</td></tr>')
    return _rows(caption, head, lines, right=right)


def _rows(caption: str, head: Sequence[str], rows: Sequence[str], *, right: Sequence[int]) -> str:
    cells = [
        f'<th scope="col" style="{_RIGHT if place in right else _LEFT}">{_text(text)}</th>'
        if text
        else f'<td style="{_LEFT}"></td>'
        for place, text in enumerate(head)
    ]
    title = f'<caption style="text-align:left;font-weight:bold">{_text(caption)}</caption>'
    body = "".join(rows)
    return (
        f'<table style="{_TABLE}">{title}<thead><tr>{"".join(cells)}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _section(title: str, parts: Iterable[str]) -> str:
    body = "".join(parts)
    head = f'<div style="font-weight:bold;font-size:110%">{_text(title)}</div>'
    return f'<section aria-label="{_text(title)}" style="color:inherit">{head}{body}</section>'


def _facts(facts: Iterable[str]) -> str:
    return f"<div>{_text('; '.join(facts))}</div>"


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    items = [f"<li>{_text(shorten(printable(one), _TEXT))}</li>" for one in warnings[:_WARNINGS]]
    if len(warnings) > _WARNINGS:
        items.append(f"<li>... and {plural(len(warnings) - _WARNINGS, 'more warning')}</li>")
    style = "margin:.4em 0;padding:.1em .7em;border-left:4px solid #d55e00"
    return f'<div style="{style}"><b>Warnings</b><ul>{"".join(items)}</ul></div>'


def _tree(text: str, summary: str = "Plan") -> str:
    if not text:
        return ""
    style = "background:transparent;color:inherit;line-height:1.25;overflow-x:auto"
    return (
        f'<details><summary>{summary}</summary><pre style="{style}">{escape(text)}</pre></details>'
    )


def _name(name: str) -> str:
    return shorten(printable(name), _NAME)


def _text(text: str) -> str:
    return escape(printable(text))
