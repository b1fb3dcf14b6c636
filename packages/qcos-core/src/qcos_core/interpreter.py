"""How this interpreter runs a module of ours in another process."""

from __future__ import annotations

import os
import sys


def command(module: str, *arguments: object) -> list[str]:
    """The command that runs a module; use it with :func:`environment`.

    ``python -m`` alone would look for modules in the current folder first, where a file that
    somebody downloaded may be called as one of the library's.
    """
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def environment(*, here: bool = True) -> dict[str, str]:
    """The environment in which that process finds the modules that this one finds.

    Args:
        here: whether those in the current folder too, where this one finds them.
    """
    path = [entry or os.getcwd() for entry in sys.path if entry or here]  # noqa: PTH109 - a text
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
