"""README and docs are tests: every Python block runs, from top to bottom of each page."""

import os
from doctest import ELLIPSIS
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from qcos_core import NodeProviderRegistry


def remember(namespace: dict[str, Any]) -> None:
    namespace["_environ"] = dict(os.environ)
    namespace["_state"] = TemporaryDirectory(prefix="qcos-docs-")
    os.environ["QCOS_STATE"] = namespace["_state"].name
    os.environ["QCOS_CACHE"] = str(Path(namespace["_state"].name, "no-cache"))
    namespace["_registered"] = dict(NodeProviderRegistry._registered)


def restore(namespace: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(namespace["_environ"])
    namespace["_state"].cleanup()
    NodeProviderRegistry._registered.clear()
    NodeProviderRegistry._registered.update(namespace["_registered"])


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=remember,
    teardown=restore,
).pytest()
