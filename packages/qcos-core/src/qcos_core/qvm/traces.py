"""Traces: what happens to jobs, for OpenTelemetry.

Nothing of OpenTelemetry is imported before a :class:`JobTraces` is made.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Self

from qcos_core.errors import InvalidArguments

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from qcos_core.model.events import Event

_log = logging.getLogger(__name__)

PATIENCE_S = 3.0
"""How long the end of a job, or of the process, waits for whoever takes the spans."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class JobTraces:
    """An observer that makes one trace of each job.

    The ids of a trace and its spans follow from the job's id, so that a job that several processes
    carry on, one after the other, is one trace, whoever of them sends a part of it. A span is
    made when what it tells of has ended: an attempt at a shard, or the job. OpenTelemetry's
    global settings are neither used nor changed.

    Use it as a context manager around the machine, so that the last spans are sent at the end.

    Args:
        exporter: where spans go; if left out, where OpenTelemetry's own variables say, such as
            ``OTEL_TRACES_EXPORTER`` and ``OTEL_EXPORTER_OTLP_ENDPOINT``.

    Raises:
        InvalidArguments: OpenTelemetry is not installed, the variables are wrong, or the exporter
            is none.

    Example::

        with JobTraces() as traces, DistributedQVM(cluster, observers=[traces]) as qvm:
            print(qvm.run(circuit, shots=1000).counts)
    """

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        try:
            from qcos_core.qvm.spans import Spans

            self._spans = Spans(exporter)
        except InvalidArguments:
            raise
        except ValueError as error:
            message = f"OpenTelemetry does not accept one of its variables: {error}."
            raise InvalidArguments(message) from error
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "opentelemetry":
                raise  # it is there, but something that it needs is not
            message = "traces need OpenTelemetry: pip install 'qcos-core[otel]'."
            raise InvalidArguments(message) from None

    def __call__(self, event: Event) -> None:
        """Take note of one event; never waits."""
        self._spans.tell(event)

    def flush(self, timeout: float = PATIENCE_S) -> bool:
        """Send what there is.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether all of it was sent.
        """
        return self._spans.flush(timeout)

    def close(self, timeout: float = PATIENCE_S) -> None:
        """Send what there is, and take no more; a warning is logged if it cannot be sent.

        Args:
            timeout: seconds to wait at most.
        """
        self._spans.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def from_environment() -> JobTraces | None:
    """What OpenTelemetry's variables ask for; ``None`` where they ask for nothing.

    They ask for traces where ``OTEL_TRACES_EXPORTER`` or an endpoint for OTLP is set. Where they
    cannot have them a warning is logged, because nobody's job should fail for that.
    """
    if not _asked():
        return None
    try:
        return JobTraces()
    except InvalidArguments as error:
        _log.warning("there will be no traces: %s", error)
        return None


def _asked() -> bool:
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = os.environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporters:
        return exporters.lower() != "none"
    return any(os.environ.get(name, "").strip() for name in _ENDPOINTS)
