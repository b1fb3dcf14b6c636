"""Fresh interpreters, which know of a provider only what is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from qcos_core.model.seam import Handle
from qcos_core.testing.verdict import fail

_LOOK_UP = """
import json, sys
from qcos_core import NodeProviderRegistry
kind = NodeProviderRegistry.get(sys.argv[1])
print(json.dumps({
    "class": f"{kind.__module__}:{kind.__qualname__}",
    "name": kind.DISPLAY_NAME,
    "origin": NodeProviderRegistry.origin(sys.argv[1]),
    "modules": sorted(sys.modules),
}))
"""
START_S = 60.0
"""How long a fresh interpreter may take to start, on a busy machine too; no node answers then."""

_RESUME = "from qcos_core.testing.resume import main; main()"


@cache
def look_up(key: str) -> dict[str, Any]:
    """What a fresh interpreter finds under a key, and every module it has loaded then."""
    answer: dict[str, Any] = _run(_LOOK_UP, [key], "", START_S)
    return answer


def resume(
    key: str, kwargs: Mapping[str, Any], handle: Handle, timeout_s: float
) -> dict[str, dict[str, Any]]:
    """What a fresh process fetches for a handle, once the submission is done.

    The arguments go through a pipe, because they may hold secrets.

    Returns:
        Counts by task id, as ``PackedCounts.to_json`` writes them.
    """
    request = {
        "key": key,
        "kwargs": dict(kwargs),
        "handle": {
            "key": handle.key,
            "remote_ids": list(handle.remote_ids),
            "detail": dict(handle.detail),
        },
        "timeout_s": timeout_s,
    }
    answer: dict[str, dict[str, Any]] = _run(_RESUME, [], json.dumps(request), timeout_s + START_S)
    return answer


def _run(code: str, arguments: list[str], given: str, timeout_s: float) -> Any:
    """What a fresh interpreter prints last, as JSON; the current folder is not on its path."""
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and code that stands here
            [sys.executable, "-P", "-c", code, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        fail(f"a fresh interpreter gave no answer within {timeout_s:g} s.")
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        fail(f"a fresh interpreter ended with {done.returncode}: {said[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
