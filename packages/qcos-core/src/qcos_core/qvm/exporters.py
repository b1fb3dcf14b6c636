"""Where spans go: OpenTelemetry's exporters, as its variables name them, and what fails there."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from importlib_metadata import entry_points
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult

from qcos_core.errors import InvalidArguments
from qcos_core.model.redaction import redact

_log = logging.getLogger(__name__)

_GROUP = "opentelemetry_traces_exporter"
_PROTOCOLS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_LONGEST_REASON = 300


def exporters_of_environment() -> list[SpanExporter]:
    """The exporters that ``OTEL_TRACES_EXPORTER`` names; one for OTLP if it is not set.

    OTLP goes over HTTP unless ``OTEL_EXPORTER_OTLP_PROTOCOL`` says ``grpc``. ``console`` prints to
    standard error.

    Raises:
        InvalidArguments: there is no exporter of that name, or it does not accept its variables.
    """
    names = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    wanted = dict.fromkeys(name.strip() for name in names.split(","))
    return [_exporter(name) for name in wanted if name and name.lower() != "none"]


class WatchedExporter(SpanExporter):
    """Passes spans on, and warns once if that fails; what the exporter itself logs is left out.

    Args:
        exporter: whom to pass them on to.

    Attributes:
        lost: how often that has failed.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self.lost = 0
        self._exporter = exporter
        self._warned = False
        self._said: list[str] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Pass spans on; never raises."""
        reason = "it says no more"
        with _heard(type(self._exporter).__module__, self._said):
            try:
                if self._exporter.export(spans) is SpanExportResult.SUCCESS:
                    return SpanExportResult.SUCCESS
            # other people's code: whatever it raises, traces are no reason to fail
            except Exception as error:  # noqa: BLE001
                reason = f"{type(error).__name__}: {error}"
        self.lost += 1
        self._warn(self._said[-1] if self._said else reason)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Let the exporter end."""
        self._exporter.shutdown()

    def too_slow(self, seconds: float) -> None:
        """Warn that it has taken too long."""
        so_far = f"; it said: {self._said[-1]}" if self._said else ""
        self._warn(f"there was no answer within {seconds:g} s{so_far}")

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            text = " ".join(str(redact(reason)).split())
            if len(text) > _LONGEST_REASON:
                text = f"{text[:_LONGEST_REASON]}..."
            _log.warning("traces could not be sent: %s", text)


@contextmanager
def _heard(logger_name: str, said: list[str]) -> Iterator[None]:
    """Take down what this thread logs there, instead of letting it be logged."""
    here, logger = threading.get_ident(), logging.getLogger(logger_name)

    def take(record: logging.LogRecord) -> bool:
        if threading.get_ident() != here:
            return True
        said[:] = [record.getMessage()]
        return False

    logger.addFilter(take)
    try:
        yield
    finally:
        logger.removeFilter(take)


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr)
    wanted = name
    if name == "otlp":
        names = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
        protocol = next((text for one in names if (text := os.environ.get(one, "").strip())), "")
        wanted = _PROTOCOLS.get(protocol or "http/protobuf", f"otlp ({protocol})")
    installed = {point.name: point for point in entry_points(group=_GROUP)}
    if wanted not in installed:
        message = f"no exporter of traces called {wanted} is installed."
        hint = f"OTEL_TRACES_EXPORTER is one of otlp, {', '.join(sorted(installed))}."
        if name == "otlp":
            hint = "Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, and the endpoint for HTTP."
        raise InvalidArguments(message, hint=hint)
    try:
        made = installed[wanted].load()()
    # other people's code, given what other people wrote into the environment
    except Exception as error:
        message = f"the exporter {wanted} does not start: {type(error).__name__}: {error}."
        raise InvalidArguments(message) from error
    if not isinstance(made, SpanExporter):
        message = f"what {wanted} names is no exporter of traces."
        raise InvalidArguments(message)
    return made
