"""What a tenant or a stranger can send to hold a service up: one bomb for each kind of input.

A bomb is armed once (what it needs is made) and thrown again and again. Each throw must be
answered, whatever the answer, but never by a fault of the service.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from .api import Api
from .events import new_id

Throw = Callable[[Api], int]
JSON_TYPE = {"content-type": "application/json"}
KILLER_TEMPLATE = (
    "{% set ns=namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
    "{{ ns.x }}"
)
PAUSE_S = 0.2


class Target(Protocol):
    """A service that clients can be made for."""

    def api(self, org: int | None = None) -> Api:
        """Return a client that acts for an org."""


def nested(levels: int) -> dict[str, Any]:
    """Build a schema that tries 2^levels ways to fit one value."""
    return {"type": "integer"} if levels == 0 else {"anyOf": [nested(levels - 1)] * 2}


def arm_schema(api: Api) -> Throw:
    """Throw events whose own schema is dear to check."""
    schema = {"type": "object", "properties": {"v": {"items": nested(8)}}}
    body = {"description": "x", "schema": schema}
    assert api.send("PUT", "/v1/eventTypes/orderWeighed", body).status in (200, 201)

    def throw(api: Api) -> int:
        data = {"v": [1] * 2_000 + ["x"]}
        event = {"eventName": "orderWeighed", "eventId": new_id(), "data": data}
        return api.post(json.dumps(event).encode()).status

    return throw


def arm_template(api: Api) -> Throw:
    """Throw previews of a transformation that doubles without end."""
    made = {"name": "bomb", "template": KILLER_TEMPLATE}
    assert api.send("POST", "/v1/transformations", made).status in (201, 409)
    body = {"eventNames": ["pointsIssued"], "last": 20, "transformation": "bomb"}
    return lambda api: api.send("POST", "/v1/webHooks/preview", body).status


def arm_preview(api: Api) -> Throw:
    """Throw previews of large events."""
    for _ in range(40):
        api.accept(
            json.dumps(
                {
                    "eventName": "pointsIssued",
                    "eventId": new_id(),
                    "data": {"totalPointsIssued": 1, "note": "x" * 240_000},
                }
            ).encode()
        )
    body = {"eventNames": ["pointsIssued"], "last": 200}
    return lambda api: api.send("POST", "/v1/webHooks/preview", body).status


LEVELS = 10  # the deeper the values lie, the more often a pick might read what is around them


def mapping_of(picks: int) -> dict[str, Any]:
    """Build a mapping whose picks all lead to the bottom of the message."""
    bottom = ".".join(["a"] * LEVELS)
    fields = {f"data.f{number}": {"path": f"{bottom}.v{number}"} for number in range(picks)}
    return {"eventName": {"constant": "pointsIssued"}, "fields": fields}


def mapped_message(picks: int, padding: int = 8_000) -> bytes:
    """Build a message for `mapping_of`, of 650 KB or by 80 bytes for each field of padding."""
    values: dict[str, Any] = {f"pad{number}": "x" * 60 for number in range(padding)}
    values |= {f"v{number}": number for number in range(picks)}
    for _ in range(LEVELS):
        values = {"a": values}
    return json.dumps(values).encode()


def arm_mapping(api: Api) -> Throw:
    """Throw messages at a source whose mapping picks a hundred values of them."""
    source = {
        "name": "bombed",
        "verification": {"type": "header", "header": "X-Key", "value": "s" * 32},
        "mapping": mapping_of(100),
    }
    assert api.send("POST", "/v1/sources", source).status in (201, 400, 409)
    message, path = mapped_message(100), f"/in/{api.org}/bombed"
    headers = JSON_TYPE | {"x-key": "s" * 32}
    return lambda api: api.call("POST", path, message, headers).status


def arm_mapping_preview(api: Api) -> Throw:
    """Throw trials of a mapping."""
    message = json.loads(mapped_message(100, 2_500))
    trial = {
        "source": {
            "name": "tried",
            "verification": {"type": "header", "header": "X-Key", "value": "s" * 32},
            "mapping": mapping_of(100),
        },
        "message": {"body": message},
    }
    return lambda api: api.send("POST", "/v1/sources/preview", trial).status


def arm_keyed_body(api: Api) -> Throw:
    """Throw bodies of 8 MiB with an idempotency key."""
    body = b'{"name":"' + b"x" * (8 * 1024 * 1024 - 64) + b'"}'

    def throw(api: Api) -> int:
        headers = JSON_TYPE | {"idempotency-key": new_id()}
        return api.call("POST", "/v3/webHooks", body, headers).status

    return throw


def arm_stranger_body(api: Api) -> Throw:
    """Throw 1 MiB at sources that do not exist, without a credential."""

    def throw(api: Api) -> int:
        with Api(api.port) as stranger:
            return stranger.call("POST", "/in/1/nobody", b"x" * 1024 * 1024, JSON_TYPE).status

    return throw


def arm_deep_event(api: Api) -> Throw:
    """Throw events that are nested too deep, and numbers of thousands of digits."""
    deep = b'{"eventName":"pointsIssued","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    digits = b'{"eventName":"pointsIssued","data":{"totalPointsIssued":' + b"9" * 5_001 + b"}}"

    def throw(api: Api) -> int:
        return max(api.post(deep).status, api.post(digits).status)

    return throw


def arm_large_schema(api: Api) -> Throw:
    """Throw own types of 60 KB each, over and over under new names."""

    def throw(api: Api) -> int:
        fields = {f"field{number}": {"type": "string"} for number in range(1_500)}
        body = {"description": "x", "schema": {"type": "object", "properties": fields}}
        return api.send("PUT", f"/v1/eventTypes/type{new_id()[:6]}", body).status

    return throw


def arm_pull(api: Api) -> Throw:
    """Throw pulls, each of which leaves a cursor behind."""
    made = api.send(
        "POST",
        "/v3/webHooks",
        {
            "name": "read by a bomb",
            "active": True,
            "eventNames": ["pointsIssued"],
            "webHookType": "PULL",
            "maxAllowedConnections": 200,
        },
    ).must(200)["data"]
    body = {"max": 1, "waitInSeconds": 0, "leaseInSeconds": 1}
    return lambda api: api.send("POST", f"/v1/webHooks/{made['webHookId']}/pull", body).status


def arm_log_question(api: Api) -> Throw:
    """Throw questions of the log that look at everything and find nothing."""
    return lambda api: api.get("/v1/events?limit=100&customer=nobody-at-all").status


def arm_form(api: Api) -> Throw:
    """Throw sign-ins with large forms."""
    form = b"name=a&secret=" + b"x" * 60_000
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return lambda api: api.call("POST", "/console/sign-in", form, headers).status


BOMBS: dict[str, Callable[[Api], Throw]] = {
    "schema": arm_schema,
    "template": arm_template,
    "preview": arm_preview,
    "mapping": arm_mapping,
    "mapping preview": arm_mapping_preview,
    "keyed body": arm_keyed_body,
    "stranger's body": arm_stranger_body,
    "deep event": arm_deep_event,
    "large schema": arm_large_schema,
    "pull": arm_pull,
    "log question": arm_log_question,
    "form": arm_form,
}


@dataclass
class Thrown:
    """What the throws of all bombs were answered."""

    answers: dict[str, dict[int, int]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def note(self, name: str, status: int) -> None:
        """Count an answer."""
        counts = self.answers.setdefault(name, {})
        counts[status] = counts.get(status, 0) + 1


@contextlib.contextmanager
def thrown(service: Target, org: int, names: list[str]) -> Iterator[Thrown]:
    """Throw these bombs in turns, each from a thread of its own, until the end of the block."""
    outcome, ended = Thrown(), threading.Event()

    def repeat(name: str, throw: Throw) -> None:
        with service.api(org) as api:
            while not ended.wait(PAUSE_S):
                try:
                    outcome.note(name, throw(api))
                except OSError as error:
                    outcome.broken.append(f"{name}: {error!r}")

    with service.api(org) as api:
        throws = {name: BOMBS[name](api) for name in names}
    threads = [
        threading.Thread(target=repeat, args=(name, throw), daemon=True)
        for name, throw in throws.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield outcome
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)


@contextlib.contextmanager
def pipelined(port: int, connections: int, calls: int) -> Iterator[None]:
    """Ask for a dear page many times on each connection, and read no answer."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * calls
    lines: list[socket.socket] = []
    try:
        for _ in range(connections):
            line = socket.create_connection(
                ("127.0.0.1", port), timeout=10
            )  # shorter: a bomb hangs
            lines.append(line)
            with contextlib.suppress(OSError):
                line.sendall(request)
        yield
    finally:
        for line in lines:
            line.close()
