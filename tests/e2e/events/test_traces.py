"""The trace of an event goes with it: from its call to its messages, whatever its way is."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare, event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG, free_port
from tests.e2e.harness.until import until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
PROOF = "0123456789abcdef-proof"


class Collector:
    """Takes spans by OTLP over HTTP, and keeps them."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802  # so it is called
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def of(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def arrived(receiver: Receiver, path: str, event_id: str) -> Any:
    return until(
        lambda: next(
            (arrival for arrival in receiver.arrivals(path) if arrival.event_id == event_id), None
        ),
        "the event arrives",
    )


def by_header(api: Api, event_id: str) -> None:
    api.accept(event(event_id, api.org), traceparent=PARENT)


def among_many(api: Api, event_id: str) -> None:
    events = b"[%b,%b]" % (event(new_id(), api.org), event(event_id, api.org))
    api.accept(events, traceparent=PARENT)


def by_cloud_event(api: Api, event_id: str) -> None:
    cloud = {
        "specversion": "1.0",
        "type": "pointsIssued",
        "id": event_id,
        "source": "/loyalty",
        "traceparent": PARENT,
        "data": {"totalPointsIssued": 5, "customerIdentifiers": {"customerId": 7}},
    }
    other = PARENT.replace(TRACE, "f" * 32)  # of the call: what the event names itself goes before
    api.accept(json.dumps(cloud).encode(), "application/cloudevents+json", traceparent=other)


def by_source(api: Api, event_id: str) -> None:
    verification = {"type": "header", "header": "X-Proof", "value": PROOF}
    api.send("POST", "/v1/sources", {"name": "till", "verification": verification}).must(201)
    headers = {"x-proof": PROOF, "content-type": "application/json", "traceparent": PARENT}
    api.call("POST", f"/in/{api.org}/till", event(event_id, api.org), headers).must(202)


@pytest.mark.parametrize("bring", [by_header, among_many, by_cloud_event, by_source])
def test_a_trace_is_passed_on_as_it_came(
    api: Api, receiver: Receiver, bring: Callable[[Api, str], None]
) -> None:
    path, id = receiver.path(), new_id()
    api.webhook(receiver.url(path))
    bring(api, id)
    assert arrived(receiver, path, id).headers["traceparent"] == PARENT


def test_what_is_no_trace_refuses_nothing_and_is_not_passed_on(
    api: Api, receiver: Receiver
) -> None:
    path, ids = receiver.path(), [new_id(), new_id()]
    api.webhook(receiver.url(path))
    api.accept(event(ids[0], api.org), traceparent="00-what-is-this-01")
    api.accept(event(ids[1], api.org))
    for id in ids:
        assert "traceparent" not in arrived(receiver, path, id).headers


def test_calls_and_attempts_are_spans_of_one_trace_over_a_restart(
    own_service: NewService, receiver: Receiver, collector: Collector
) -> None:
    service = own_service(traces_to=collector.url, traces_share=0).start()
    path, id = receiver.path(status=503), new_id()
    api = service.api(ORG)
    hook = api.webhook(receiver.url(path))
    api.accept(event(id, api.org), traceparent=PARENT)
    api.accept(bare())  # nobody traces it, and no share of these is recorded
    arrived(receiver, path, id)
    service.stop()
    receiver.plan(path, status=200)
    service.start()
    api = service.api(ORG)
    done = api.settled(id, hook)
    service.stop()
    [call] = collector.of("accept events")
    attempts = collector.of("deliver HTTP")
    assert call.trace_id.hex() == TRACE and call.parent_span_id.hex() == SPAN
    assert len(attempts) == done["attempts"] >= 2
    assert all(span.trace_id.hex() == TRACE for span in attempts)
    assert all(span.parent_span_id == call.span_id for span in attempts)
    arrivals = [arrival for arrival in receiver.arrivals(path) if arrival.event_id == id]
    sent = [arrival.headers["traceparent"] for arrival in arrivals]
    assert sorted(sent) == sorted(f"00-{TRACE}-{span.span_id.hex()}-01" for span in attempts)
    values = [(pair.key, pair.value) for span in (call, *attempts) for pair in span.attributes]
    assert {value.int_value for key, value in values if key == "tidings.org"} == {api.org}
    statuses = [value.int_value for key, value in values if key == "http.response.status_code"]
    assert sorted(set(statuses)) == [200, 202, 503]


def test_a_share_of_what_nobody_traces_is_recorded(
    own_service: NewService, receiver: Receiver, collector: Collector
) -> None:
    service = own_service(traces_to=collector.url, traces_share=1).start()
    path, id = receiver.path(), new_id()
    api = service.api(ORG)
    api.webhook(receiver.url(path))
    api.accept(event(id, api.org))
    header = arrived(receiver, path, id).headers["traceparent"]
    service.stop()
    [call], [attempt] = collector.of("accept events"), collector.of("deliver HTTP")
    assert attempt.parent_span_id == call.span_id and not call.parent_span_id
    assert header == f"00-{call.trace_id.hex()}-{attempt.span_id.hex()}-01"


def test_a_collector_that_is_away_costs_no_event(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(
        traces_to=f"http://127.0.0.1:{free_port()}/v1/traces", traces_share=1
    ).start()
    path, id = receiver.path(), new_id()
    api = service.api(ORG)
    api.webhook(receiver.url(path))
    api.accept(event(id, api.org))
    arrived(receiver, path, id)
    assert service.stop() == 0
