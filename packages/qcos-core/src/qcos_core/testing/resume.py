"""What a fresh process does to go on with a submission of another one."""

from __future__ import annotations

import json
import sys

from qcos_core.model.seam import Handle
from qcos_core.providers.base import JobNodeProvider
from qcos_core.providers.registry import NodeProviderRegistry, configured
from qcos_core.testing.submissions import results


def main() -> None:
    """Read a request as JSON, wait for the submission, and print its counts as JSON.

    Raises:
        TypeError: the key belongs to no provider of jobs.
        QCOSError: what a task failed with, or what the provider raised.
    """
    request = json.load(sys.stdin)
    kind = NodeProviderRegistry.get(request["key"])
    provider = configured(request["key"], kind, request["kwargs"])
    if not isinstance(provider, JobNodeProvider):
        message = f"{kind.__name__} is no JobNodeProvider"
        raise TypeError(message)
    sent = request["handle"]
    handle = Handle(sent["key"], tuple(sent["remote_ids"]), sent["detail"])
    counts = {}
    for task_id, result in results(provider, handle, request["timeout_s"]).items():
        if result.error is not None:
            raise result.error
        counts[task_id] = result.counts.to_json() if result.counts is not None else {}
    provider.close()
    print(json.dumps(counts))  # noqa: T201 - the answer to the process that started this one
