"""Records the checks of a pytest run, by provider, and writes the report at its end."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qcos_core.errors import QCOSError
from qcos_core.model.redaction import REDACTED
from qcos_core.providers.registry import NodeProviderRegistry
from qcos_core.testing.base import ProviderChecks
from qcos_core.testing.catalogue import check, checks
from qcos_core.testing.report import Finding, Findings, page
from qcos_core.testing.subject import Subject

_NAME = "qcos_finding"


class Recorder:
    """A plugin for one run of pytest, in its own process or over several workers of xdist.

    Args:
        path: where the report goes.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._written = False
        self._found: dict[str, Findings] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach to pytest's report of a check what it was about."""
        report = yield
        if isinstance(item, pytest.Function) and _is_check(item):
            setattr(report, _NAME, _facts(item, call))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what became of a check; where several phases tell, the last that is no pass."""
        facts: dict[str, Any] | None = getattr(report, _NAME, None)
        if facts is None or (report.outcome == "passed" and report.when != "call"):
            return
        about = Findings(**facts["about"])
        before = self._found.get(facts["class"], about)
        finding = Finding(**facts["check"], outcome=report.outcome, why=facts["why"])
        self._found[facts["class"]] = replace(
            about if about.key else before, findings={**before.findings, finding.name: finding}
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report, if a provider was tested; a worker of xdist writes none."""
        if self._found and not hasattr(session.config, "workerinput"):
            self._path.write_text(page(list(self._found.values())), encoding="utf-8")
            self._written = True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the report is."""
        said = self._path if self._written else "not written, because no provider was tested"
        terminalreporter.write_line(f"QCOS conformance report: {said}")


def _is_check(item: pytest.Function) -> bool:
    return item.cls is not None and issubclass(item.cls, ProviderChecks)


def _facts(item: pytest.Function, call: pytest.CallInfo[None]) -> dict[str, Any]:
    """Plain data, which workers of xdist can send."""
    kind: Any = item.cls
    subject = item.funcargs.get("subject")
    part = next((base for base in kind.__mro__ if item.originalname in vars(base)), kind)
    area = part.AREA if "AREA" in vars(part) else "Its own"
    says = check(area, item.originalname, item.function).says
    why = call.excinfo.exconly() if call.excinfo else ""
    secrets = subject.secrets.values() if isinstance(subject, Subject) else ()
    for secret in secrets:
        why = why.replace(secret, REDACTED)
    return {
        "class": item.nodeid.rpartition("::")[0],
        "check": {"area": area, "name": item.name, "says": says},
        "about": {
            "title": kind.__name__,
            "wanted": tuple(one.name for one in checks(kind)),
            **(_about(subject) if isinstance(subject, Subject) else {}),
        },
        "why": why,
    }


def _about(subject: Subject) -> dict[str, Any]:
    key = subject.profile.key
    about: dict[str, Any] = {"key": key, "claims": subject.claims()}
    try:
        about |= {"name": subject.kind.DISPLAY_NAME, "origin": NodeProviderRegistry.origin(key)}
    except QCOSError as error:
        about["origin"] = str(error)
    return about
