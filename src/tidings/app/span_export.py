"""Sends spans to a collector, by OpenTelemetry's OTLP over HTTP.

This fills the port `engine/events/tracing.py`. Imported where the setting `traces_to` is given
alone. A span is made when it has ended, whole: the spans of the SDK that are begun and changed cost
three times as much. They wait in a bounded queue for a thread of their own; what has no room is
dropped, and a collector that is away costs nothing but that. Nothing of an event is in a span but
its id.
"""

import random
from collections.abc import Mapping
from importlib.metadata import version
from time import time_ns

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Delivered, Outcome
from tidings.core.events.trace_context import (
    TraceContext,
    is_recorded,
    read_trace,
    span_of_attempt,
    trace_of_kept,
)
from tidings.core.ids import OrgId, show
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import ReadSeconds

ASKED_PER_S = 100  # calls a second that are recorded as their callers ask for it
_SERVER_ERROR = 500
_SAMPLED = 1
_FAILED, _UNSET = Status(StatusCode.ERROR), Status(StatusCode.UNSET)


class RecordedCall:
    """See `CallSpan`."""

    __slots__ = ("_began_ns", "_export", "_org", "_parent", "_trace", "kept")

    def __init__(
        self, export: "SpanExport", trace: TraceContext, parent: TraceContext | None, org: OrgId
    ) -> None:
        self.kept = trace.kept(recorded=True)
        self._export = export
        self._trace = trace
        self._parent = parent
        self._org = org
        self._began_ns = time_ns()

    def end(self, status: int) -> None:
        """See `CallSpan`."""
        self._export.add(
            "accept events",
            SpanKind.SERVER,
            self._trace,
            self._parent,
            {"tidings.org": int(self._org), "http.response.status_code": status},
            failed=status >= _SERVER_ERROR,
            began_ns=self._began_ns,
            ended_ns=time_ns(),
        )


class SpanExport:
    """See `Tracing`. Records `share` of the calls that nobody traces yet, and what callers trace:
    of these so many a second, for they decide what our collector gets."""

    def __init__(self, url: str, share: float, now_s: ReadSeconds, rng: random.Random) -> None:
        self._share = share
        self._now_s = now_s
        self._rng = rng
        self._asked, self._second = 0, 0
        self._resource = Resource.create(
            {"service.name": "tidings", "service.version": version("tidings")}
        )
        self._scope = InstrumentationScope("tidings")
        self._queue = BatchSpanProcessor(make_exporter(url))

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and end the thread."""
        self._queue.shutdown()  # type: ignore[no-untyped-call]

    def begin_call(self, org: OrgId, traceparent: bytes | None) -> RecordedCall | None:
        """See `Tracing`."""
        trace = None if traceparent is None else read_trace(traceparent.decode("latin-1"))
        if not self._is_recorded(trace):
            return None
        return RecordedCall(self, self._new_span(trace), trace, org)

    def admit(self, kept: str) -> str:
        """See `Tracing`."""
        trace = trace_of_kept(kept) if kept else None
        if not self._is_recorded(trace):
            return kept
        return (trace or self._new_span(None)).kept(recorded=True)

    def end_attempt(
        self, kept: str, webhook: Webhook, job: Job, ending: Ending, outcome: Outcome
    ) -> None:
        """See `Tracing`."""
        trace = trace_of_kept(kept)
        if trace is None or not is_recorded(kept):
            return
        ended_ns = time_ns()
        self.add(
            f"deliver {webhook.kind}",
            SpanKind.CLIENT,
            trace._replace(span_id=span_of_attempt(job.delivery, job.attempt)),
            trace,
            _attributes(webhook, job, ending),
            failed=not isinstance(outcome, Delivered),
            began_ns=ended_ns - round(ending.duration_ms * 1e6),
            ended_ns=ended_ns,
        )

    def add(
        self,
        name: str,
        kind: SpanKind,
        trace: TraceContext,
        parent: TraceContext | None,
        attributes: Mapping[str, str | int],
        *,
        failed: bool,
        began_ns: int,
        ended_ns: int,
    ) -> None:
        """Queue a span that has ended; drop it where the queue is full."""
        self._queue.on_end(
            ReadableSpan(
                name,
                _context_of(trace, is_remote=False),
                None if parent is None else _context_of(parent, is_remote=True),
                self._resource,
                attributes,
                kind=kind,
                status=_FAILED if failed else _UNSET,
                start_time=began_ns,
                end_time=ended_ns,
                instrumentation_scope=self._scope,
            )
        )

    def _new_span(self, parent: TraceContext | None) -> TraceContext:
        """Make the context of a new span, in the trace of its parent or in a new one."""
        trace_id = f"{self._rng.getrandbits(128) or 1:032x}" if parent is None else parent.trace_id
        return TraceContext(trace_id, f"{self._rng.getrandbits(64) or 1:016x}", _SAMPLED)

    def _is_recorded(self, trace: TraceContext | None) -> bool:
        if trace is None:
            return self._rng.random() < self._share
        if not trace.is_sampled:
            return False
        second = int(self._now_s())
        if second != self._second:
            self._second, self._asked = second, 0
        self._asked += 1
        return self._asked <= ASKED_PER_S


def make_exporter(url: str) -> SpanExporter:
    """Make what sends spans to a collector."""
    return OTLPSpanExporter(endpoint=url, timeout=5)


def _context_of(trace: TraceContext, *, is_remote: bool) -> SpanContext:
    flags = TraceFlags(trace.flags)
    return SpanContext(int(trace.trace_id, 16), int(trace.span_id, 16), is_remote, flags)


def _attributes(webhook: Webhook, job: Job, ending: Ending) -> Mapping[str, str | int]:
    attributes: dict[str, str | int] = {
        "tidings.org": int(job.org),
        "tidings.webhook": str(webhook.id),
        "tidings.event": job.event_id,
        "tidings.delivery": show("dlv", job.delivery),
        "tidings.attempt": job.attempt,
    }
    if isinstance(ending, ReceiverAnswer):
        attributes["http.response.status_code"] = ending.status
    else:
        attributes["error.type"] = ending.kind.value
    return attributes
