"""What the kit found, as one HTML page that an author can publish.

Everything is in the page itself: no script, nothing to load. All text is escaped; names come from
plugins.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from itertools import groupby

_PACKAGES = ("qcos-core", "qiskit", "numpy")
_SIGNS = {"passed": "&#10003;", "failed": "&#10007;", "skipped": "&ndash;"}
_CODE = re.compile(r"`([^`]+)`")
_REASON = re.compile(r"^(Failed|Skipped): ")

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f37; --bad: #c62828;
  --mute: #6b7280; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72; --mute: #9aa4b2; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2.5rem auto;
  padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 0; }
h3 { font-size: 1rem; margin: 1.75rem 0 .25rem; }
section { margin-top: 2.5rem; padding-top: 1.5rem; border-top: 2px solid var(--line); }
.mute { color: var(--mute); }
.verdict { display: inline-block; margin: .75rem 0; padding: .3rem .8rem; border-radius: .4rem;
  border: 1px solid; font-weight: 600; }
.passed { color: var(--good); }
.failed { color: var(--bad); }
.skipped { color: var(--mute); }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top;
  text-align: left; }
th { font-weight: 600; white-space: nowrap; width: 9rem; }
td.sign { width: 1.2rem; font-weight: 700; }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
.why { color: var(--mute); font-size: .85rem; }
.name { display: block; color: var(--mute); font-size: .85rem; }
pre { margin: .4rem 0 0; padding: .5rem .7rem; background: var(--soft); border-radius: .3rem;
  font: .85rem/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check.

    Attributes:
        area: what it is about, in a word.
        name: its function's name.
        says: what must hold; Markdown.
        outcome: ``"passed"``, ``"failed"`` or ``"skipped"``.
        why: why it failed or was skipped.
    """

    area: str
    name: str
    says: str
    outcome: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the kit found about one provider.

    Attributes:
        title: name of the test class.
        key: the provider's key; empty where no profile said.
        name: its display name.
        origin: the package it comes from, with its version.
        claims: what its author claims.
        wanted: names of all checks of the class, run or not.
        findings: what became of each check that ran, by name.
    """

    title: str
    key: str = ""
    name: str = ""
    origin: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    wanted: Sequence[str] = ()
    findings: Mapping[str, Finding] = field(default_factory=dict)

    def number(self, outcome: str) -> int:
        """How many checks came out like this."""
        return sum(finding.outcome == outcome for finding in self.findings.values())

    @property
    def missing(self) -> list[str]:
        """Checks of the class that did not run."""
        return [name for name in self.wanted if name not in self.findings]

    @property
    def verdict(self) -> tuple[str, str]:
        """The outcome of all checks together, and the same in words."""
        failed, total = self.number("failed"), len(self.findings)
        if failed:
            return "failed", f"Does not conform: {failed} of {total} checks failed"
        if self.missing:
            return "skipped", f"Incomplete: {len(self.missing)} checks were not run"
        if not self.number("passed"):
            return "skipped", "Nothing was checked"
        skipped = f", {self.number('skipped')} skipped" if self.number("skipped") else ""
        return "passed", f"Conforms: {self.number('passed')} checks passed{skipped}"


def page(providers: Sequence[Findings]) -> str:
    """The report on one or more providers."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>QCOS conformance report</title>",
            f"<style>{_STYLE}</style></head>",
            "<body>",
            "<h1>QCOS conformance report</h1>",
            f'<p class="mute">{escape(_circumstances())}</p>',
            *(line for provider in providers for line in _section(provider)),
            "</body></html>",
            "",
        ]
    )


def _circumstances() -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return " · ".join([when, *packages, python, f"{platform.system()} {platform.machine()}"])


def _section(provider: Findings) -> Iterator[str]:
    outcome, words = provider.verdict
    yield "<section>"
    yield f"<h2>{escape(provider.name or provider.title)}</h2>"
    yield f'<p class="verdict {outcome}">{_SIGNS[outcome]} {escape(words)}</p>'
    yield "<table>"
    yield _fact("Key", f"<code>{escape(provider.key or 'no profile')}</code>")
    yield _fact("Package", escape(provider.origin or "unknown"))
    yield _fact("Claims", _claims(provider.claims))
    yield _fact("Test class", f"<code>{escape(provider.title)}</code>")
    if provider.missing:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in provider.missing)
        yield _fact("Not run", names)
    yield "</table>"
    for area, findings in groupby(provider.findings.values(), key=lambda finding: finding.area):
        yield f"<h3>{escape(area)}</h3>"
        yield "<table>"
        yield from map(_row, findings)
        yield "</table>"
    yield "</section>"


def _claims(claims: Mapping[str, str]) -> str:
    if not claims:
        return "none"
    return ", ".join(
        f"<code>{escape(name)}</code>" + ("" if value == "yes" else f" {escape(value)}")
        for name, value in claims.items()
    )


def _fact(name: str, value: str) -> str:
    return f"<tr><th>{name}</th><td>{value}</td></tr>"


def _row(finding: Finding) -> str:
    says = _CODE.sub(r"<code>\1</code>", escape(finding.says)) or escape(finding.name)
    why = escape(_REASON.sub("", finding.why))
    if why:
        why = (
            f"<pre>{why}</pre>" if finding.outcome == "failed" else f'<div class="why">{why}</div>'
        )
    return (
        f'<tr><td class="sign {finding.outcome}">{_SIGNS[finding.outcome]}</td>'
        f'<td>{says}<code class="name">{escape(finding.name)}</code>{why}</td></tr>'
    )
