"""Spans made of events, with OpenTelemetry."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from qcos_core import __version__
from qcos_core.errors import InvalidArguments
from qcos_core.model.amounts import total
from qcos_core.model.events import Event
from qcos_core.qvm.exporters import WatchedExporter, exporters_of_environment

_ENDS = ("shard_done", "shard_failed", "shard_retried")
_LONGEST_TEXT = 2000
_LONGEST_NAME = 100


def trace_id_of(job_id: str) -> int:
    """The id of a job's trace: a pure function of the job's id."""
    return _number(16, "trace", job_id)


def root_id_of(job_id: str) -> int:
    """The id of a job's own span."""
    return _number(8, "job", job_id)


def span_id_of(event: Event) -> int:
    """The id of the span of an attempt; the same event told twice gives one id."""
    attempt = event.key or f"{event.attempt} {event.started!r}"
    return _number(8, "attempt", event.job_id, event.task_id, attempt)


class Spans:
    """Makes spans of events, and sends them.

    Args:
        exporter: where to; what the environment says if left out.

    Raises:
        InvalidArguments: the exporter is none, or the environment names one that there is not.
        ValueError: OpenTelemetry does not accept one of its variables.
    """

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        if exporter is not None and not isinstance(exporter, SpanExporter):
            message = f"exporter must be a SpanExporter of OpenTelemetry, not {exporter!r}."
            raise InvalidArguments(message)
        given = exporters_of_environment() if exporter is None else [exporter]
        self._exporters = [WatchedExporter(one) for one in given]
        self._ids = _Ids()
        self._lock = threading.Lock()  # events of several jobs come in several threads
        self._closed = False
        self._provider = TracerProvider(
            id_generator=self._ids, resource=_resource(), shutdown_on_exit=False
        )
        self._processors = [BatchSpanProcessor(one) for one in self._exporters]
        for processor in self._processors:
            self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("qcos_core", __version__)

    def tell(self, event: Event) -> None:
        """Make the span of what has ended with this event, if anything has."""
        if event.kind == "job_done":
            self._end_job(event)
        elif event.kind in _ENDS:
            self._end_attempt(event)

    def flush(self, timeout: float) -> bool:
        """Send what there is; whether all of it was sent in time."""
        return self._all([one.force_flush for one in self._processors], timeout)

    def close(self, timeout: float) -> None:
        """Send what there is, and take no more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._all([one.shutdown for one in self._processors], timeout)

    def _end_job(self, event: Event) -> None:
        attributes = {
            "qcos.job.id": event.job_id,
            "qcos.job.name": event.message,
            "qcos.job.state": event.state,
            "qcos.shots": event.shots,
        }
        failed = f"the job is {event.state}" if event.state in ("failed", "partial") else ""
        name = f"job {event.message}"
        self._make(name, event, root_id_of(event.job_id), Context(), attributes, failed)

    def _end_attempt(self, event: Event) -> None:
        attributes: dict[str, Any] = {
            "qcos.job.id": event.job_id,
            "qcos.node.id": event.node_id,
            "qcos.task.id": event.task_id,
            "qcos.shots": event.shots,
        }
        if event.started:
            attributes["qcos.attempt"] = event.attempt
        if event.key:
            attributes["qcos.submission.key"] = event.key
        if event.error:
            attributes["error.type"] = event.error
        for amount in total(event.charges):
            attributes[f"qcos.charges.{amount.unit}"] = float(amount.value)
        failed = "" if event.kind == "shard_done" else event.message or "it failed"
        name = f"shard {event.node_id}"
        self._make(name, event, span_id_of(event), self._below(event), attributes, failed)

    def _below(self, event: Event) -> Context:
        """The place below the job's own span, which may be made much later, and elsewhere."""
        trace_id = trace_id_of(event.job_id)
        decision = self._provider.sampler.should_sample(None, trace_id, "job").decision
        sampled = decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        root = SpanContext(trace_id, root_id_of(event.job_id), is_remote=True, trace_flags=flags)
        return set_span_in_context(NonRecordingSpan(root), Context())

    def _make(
        self,
        name: str,
        event: Event,
        span_id: int,
        place: Context,
        attributes: dict[str, Any],
        failed: str,
    ) -> None:
        end = round(event.time * 1e9)
        began = min(end, round((event.started or event.time) * 1e9))  # clocks are set back, too
        with self._lock:
            if self._closed:
                return
            self._ids.next = (trace_id_of(event.job_id), span_id)
            span = self._tracer.start_span(_text(name, _LONGEST_NAME), place, start_time=began)
        span.set_attributes({_text(key): _clean(value) for key, value in attributes.items()})
        if failed:
            span.set_status(Status(StatusCode.ERROR, _text(failed)))
        span.end(end)

    def _all(self, works: list[Callable[[], Any]], timeout: float) -> bool:
        """Do all of this at one time, and wait so long at most; whether all spans were sent."""
        before = [one.lost for one in self._exporters]
        end = time.monotonic() + timeout
        threads = [threading.Thread(target=one, name="qcos-spans", daemon=True) for one in works]
        for thread in threads:
            thread.start()
        in_time = True
        for exporter, thread in zip(self._exporters, threads, strict=True):
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                exporter.too_slow(timeout)
                in_time = False
        return in_time and before == [one.lost for one in self._exporters]


class _Ids(IdGenerator):
    """Gives out the ids that were put here."""

    next: tuple[int, int] = (1, 1)

    def generate_trace_id(self) -> int:
        return self.next[0]

    def generate_span_id(self) -> int:
        return self.next[1]


def _resource() -> Resource:
    """What OpenTelemetry says of this process; the service is called qcos, unless it has a name."""
    found = Resource.create()
    if not str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return found
    return found.merge(Resource({SERVICE_NAME: "qcos", "service.version": __version__}))


def _number(size: int, *parts: str) -> int:
    text = ":".join(["qcos-1", *parts])
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:size], "big") or 1  # 0 is no id


def _clean(value: Any) -> Any:
    return _text(value) if isinstance(value, str) else value


def _text(text: str, most: int = _LONGEST_TEXT) -> str:
    """A text as it may be sent: not too long, and UTF-8."""
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    return short.encode("utf-8", "replace").decode("utf-8")
