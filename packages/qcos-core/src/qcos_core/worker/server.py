"""The worker's side: read a request, run it, write the reply, until the pipe closes."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from functools import reduce
from typing import Any

from qcos_core.errors import JobFailed, QCOSError
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.providers.base import NodeProvider
from qcos_core.providers.running import run_own
from qcos_core.worker.protocol import Reply, Request, receive, send, unpack_circuit


def serve(incoming: int, outgoing: int) -> None:
    """Serve requests until the coordinator closes its end or dies.

    The first frame is the coordinator's ``sys.path``. Whatever providers print goes to standard
    error: standard output may be a document.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's to handle
    os.dup2(2, 1)
    providers: dict[str, NodeProvider] = {}
    try:
        sys.path[:] = receive(incoming)
        while True:
            send(outgoing, _answer(receive(incoming), providers))
    except (EOFError, BrokenPipeError):
        return


def _answer(request: Request, providers: dict[str, NodeProvider]) -> Reply:
    try:
        provider = _provider(request, providers)
        spec = QPUNodeSpec(**request.spec)
        circuit = unpack_circuit(request.circuit)
        return Reply(run_own(provider, spec, request.task, circuit, request.width))
    except QCOSError as error:
        return Reply(error=error)
    # a provider is other people's code; whatever it raises is the answer to this request
    except (Exception, SystemExit) as error:  # noqa: BLE001
        failure = JobFailed(f"{type(error).__name__}: {error}")
        failure.add_note(f"In the worker:\n{''.join(traceback.format_exception(error))}")
        return Reply(error=failure)


def _provider(request: Request, providers: dict[str, NodeProvider]) -> NodeProvider:
    ref = request.provider
    name = json.dumps([ref.module, ref.qualname, ref.kwargs], sort_keys=True, default=repr)
    if name not in providers:
        module: Any = importlib.import_module(ref.module)
        provider = reduce(getattr, ref.qualname.split("."), module)()
        provider.configure(**ref.kwargs)
        providers[name] = provider
    return providers[name]
