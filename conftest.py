"""README and docs are tests: every Python block runs, from top to bottom of each page."""

from doctest import ELLIPSIS
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from qcos_core import NodeProviderRegistry


def remember_providers(namespace: dict[str, Any]) -> None:
    namespace["_registered"] = dict(NodeProviderRegistry._registered)


def restore_providers(namespace: dict[str, Any]) -> None:
    NodeProviderRegistry._registered.clear()
    NodeProviderRegistry._registered.update(namespace["_registered"])


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=remember_providers,
    teardown=restore_providers,
).pytest()
