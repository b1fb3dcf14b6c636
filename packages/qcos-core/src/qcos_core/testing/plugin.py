"""The pytest plugin: ``--qcos-report FILE.html`` writes down what the kit found.

pytest loads it wherever qcos-core is installed, so it imports nothing until the option is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("qcos", "QCOS conformance kit").addoption(
        "--qcos-report",
        metavar="FILE",
        help="write what the conformance kit found about providers to an HTML page",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Record what is found, if somebody wants to read it."""
    path = config.getoption("--qcos-report")
    if path:
        from qcos_core.testing.recorder import Recorder

        config.pluginmanager.register(Recorder(path), "qcos-recorder")
