"""The worker's side: read a request, run it, write the reply, until the pipe closes."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from dataclasses import replace
from functools import reduce
from typing import Any

from qcos_core.errors import JobFailed, QCOSError
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.model.seam import TaskResult
from qcos_core.providers.base import NodeProvider
from qcos_core.providers.running import run_own
from qcos_core.worker.orphans import die_with_parent
from qcos_core.worker.protocol import Reply, Request, encode, receive, unpack_circuit, write


def serve(incoming: int, outgoing: int, parent: int) -> None:
    """Serve requests until the coordinator closes its end or dies.

    Whatever providers print goes to standard
    error: standard output may be a document.
    """
    die_with_parent(parent)
    os.dup2(2, 1)
    providers: dict[str, NodeProvider] = {}
    try:
        while True:
            write(outgoing, _frame(_answer(receive(incoming), providers)))
    except (EOFError, BrokenPipeError):
        return


def _answer(request: Request, providers: dict[str, NodeProvider]) -> Reply:
    try:
        sys.path += [entry for entry in request.path if entry not in sys.path]
        provider = _provider(request, providers)
        spec = QPUNodeSpec(**request.spec)
        circuits = {name: unpack_circuit(packed) for name, packed in request.circuits.items()}
        results = run_own(provider, spec, request.tasks, circuits, request.wanted)
        return Reply(tuple(map(_sendable, results)))
    # a provider is other people's code; whatever it raises is the answer to this request
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return Reply(error=_portable(error))


def _frame(reply: Reply) -> bytes:
    try:
        return encode(reply)
    # what a provider returned may hold anything, even what cannot be sent
    except Exception as error:  # noqa: BLE001
        return encode(Reply(error=_portable(error)))


def _sendable(result: TaskResult | None) -> TaskResult | None:
    if result is None or result.error is None:
        return result
    return replace(result, error=_portable(result.error))


def _portable(error: BaseException) -> QCOSError:
    """An error that the coordinator can rebuild: its own classes know how, others may not."""
    if isinstance(error, QCOSError) and type(error).__module__ == QCOSError.__module__:
        return error
    failure = JobFailed(f"{type(error).__name__}: {error}")
    failure.add_note(f"In the worker:\n{''.join(traceback.format_exception(error))}")
    return failure


def _provider(request: Request, providers: dict[str, NodeProvider]) -> NodeProvider:
    ref = request.provider
    name = json.dumps([ref.module, ref.qualname, ref.kwargs], sort_keys=True, default=repr)
    if name not in providers:
        module: Any = importlib.import_module(ref.module)
        provider = reduce(getattr, ref.qualname.split("."), module)()
        provider.configure(**ref.kwargs)
        providers[name] = provider
    return providers[name]
