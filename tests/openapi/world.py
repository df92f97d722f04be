"""A service in process with orgs that have one of everything, and the calls that reach it.

Every value that a path can name is in `Things.ids`, by the parameter's name.
"""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.api.control_client import BASIC, Reply, Service, call, scope_of, service
from tests.api.log_client import accept, settle
from tests.declared_actions import welcome
from tidings import catalogue
from tidings.api.http.gate import HttpGate
from tidings.api.v1.events.accept import AcceptApp
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId, show
from tidings.core.incidents.incident import Incident
from tidings.engine.access.guards.key_guard import KeyGuard
from tidings.engine.actions.declared import declare
from tidings.store import port

TEMPLATE = '{"id": {{ eventId | tojson }}}'
TYPE = {
    "description": "A parcel was handed over.",
    "schema": {"type": "object", "properties": {"parcel": {"type": "string"}}},
    "example": {"parcel": "P-1"},
}
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass
class Things:
    """An org, its credential, and one of everything that it can have."""

    org: int
    mark: str
    auth: str
    ids: dict[str, str]

    def path(self, call: str) -> str:
        """The path of "GET /v1/…/{id}" with this org's own ids."""
        ids = self.path_parameters(call)
        return _PARAMETER.sub(lambda found: ids[found[1]], call.partition(" ")[2])

    def path_parameters(self, call: str) -> dict[str, str]:
        """This org's own ids by the names that the call's path has for them."""
        path = call.partition(" ")[2]
        ids = self.ids | self._named(path)
        return {name: ids[name] for name in _PARAMETER.findall(path)}

    def _named(self, path: str) -> dict[str, str]:
        if path.startswith("/v1/transformations"):
            return {"name": f"{self.mark}Slip"}
        if path.startswith("/v1/eventTypes"):
            return {"name": f"{self.mark}Parcel"}
        return {}


PROOF = {"x-key": "a value that is long"}
SOURCE: dict[str, Any] = {
    "verification": {"type": "header", "header": "X-Key", "value": PROOF["x-key"]},
    "mapping": {"eventName": {"path": "topic"}},
}


# What does not exist, in the form of what does.
NOBODYS = Things(
    9,
    "nobody",
    "",
    {
        "org_id": "9",
        "webHookId": "0" * 24,
        "webhook_id": "0" * 24,
        "pulled_id": "0" * 24,
        "consumerGroupId": str(uuid.UUID(int=9)),
        "eventName": "nobodyParcel",
        "credential_id": "tdk_nobody",
        "user_id": show("usr", 900_001),
        "channel_id": show("alc", 900_001),
        "incident_id": show("inc", 900_001),
        "inbox_id": show("inb", 900_001),
        "arrival_id": show("arr", 900_001),
        "token": "nobody",
        "source_org": "9",
        "source_name": "nobody",
        "source_id": show("src", 900_001),
        "aside_id": show("asd", 900_001),
        "connection_name": "nobody-kafka",
        "action_name": "nobody-welcome",
        "cell": "9",
        "kind": "customers",
        "id": "nobody-1",
        "event_id": "nobody-event",
        "eventId": "nobody-event",
        "requestId": "nobody-request",
        "refId": "nobody-ref",
        "delivery_id": show("dlv", 900_001),
        "rejection_id": show("rej", 900_001),
        "replay_id": show("rpl", 900_001),
    },
)


class World:
    """The service behind its gate, and the orgs in it."""

    def __init__(self, s: Service) -> None:
        self.s = s
        s.access.guard = KeyGuard(tries=1_000_000)  # one address asks with every wrong credential
        numbers = iter(range(1_000_000))
        accepting = AcceptApp(
            s.acceptor,
            s.parts.events.reader,
            s.access,
            clock_ms=s.clock.now_ms,
            new_request_id=lambda: f"{next(numbers):032x}",
            throttle=s.access_services.limits,
        )
        self.app: Any = HttpGate(accepting, s.app)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        auth: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One call through the gate; a stream is heard until its first words."""
        sent = dict(headers or {})
        if auth is not None:
            sent["authorization"] = auth
        if body is not None and not isinstance(body, bytes):
            sent.setdefault("content-type", "application/json")
            body = json.dumps(body).encode()
        return await call(self.app, method, path, body or b"", sent)

    async def document(self) -> dict[str, Any]:
        """The description."""
        told: dict[str, Any] = (await self.call("GET", "/openapi.json")).json
        return told

    async def org(self, org: int, mark: str) -> Things:
        """An org with one of everything; `mark` is in all names that can be chosen."""
        s = self.s
        auth = await s.add_org(org)
        things = Things(org, mark, auth, {"org_id": str(org), "kind": "customers", "cell": "1"})
        ids = things.ids
        ids["connection_name"] = f"{mark}-kafka"
        ids["action_name"] = f"{mark}-welcome"
        await declare(
            s.webhooks,
            OrgId(org),
            {ids["action_name"]: welcome(ids["action_name"])},
            "actions.toml",
        )

        async def made(method: str, path: str, body: Any = None) -> Any:
            reply = await self.call(method, path, body, auth)
            assert 200 <= reply.status < 300, (method, path, reply.body)
            return reply.json if reply.body else None

        hook = (await made("POST", "/v3/webHooks", BASIC | {"name": f"{mark}Crm"}))["data"]
        ids["webHookId"] = ids["webhook_id"] = hook["webHookId"]
        ids["consumerGroupId"] = hook["consumerGroupId"]
        number = s.webhooks.get(OrgId(org), hook["webHookId"]).webhook.number
        incident = Incident(
            webhook=number, number=org << 8, org=OrgId(org), kind="failing", cause="503", note=mark
        )
        await s.store.put_incidents([incident])
        ids["incident_id"] = show("inc", incident.number)
        pulled = BASIC | {"name": f"{mark}Reader", "webHookType": "PULL"}
        pulled |= {"webHookUrl": "", "webHookHeaders": {}, "active": False}
        ids["pulled_id"] = (await made("POST", "/v3/webHooks", pulled))["data"]["webHookId"]
        body = {"name": f"{mark}Slip", "template": TEMPLATE}
        await made("POST", "/v1/transformations", body)
        await made("PUT", f"/v1/eventTypes/{mark}Parcel", TYPE)
        ids["eventName"] = f"{mark}Parcel"
        made_key = await made(
            "POST", f"/v1/orgs/{org}/credentials", {"name": mark, "scopes": {"logs": "read"}}
        )
        ids["credential_id"] = made_key["id"]
        user = await made("POST", f"/v1/orgs/{org}/users", {"email": f"{mark}@acme.example"})
        ids["user_id"] = user["id"]
        ids["id"] = f"{mark}-1"
        await made("PUT", f"/v1/reference/customers/{mark}-1", {"mobile": f"1555{org:04}"})
        channel = {"name": f"{mark}Alerts", "type": "pagerduty", "routingKey": f"{mark}-key"}
        ids["channel_id"] = (await made("POST", "/v1/alertChannels", channel))["id"]
        inbox = await made("POST", "/v1/inboxes", {"name": f"{mark}Inbox"})
        ids["inbox_id"], ids["token"] = inbox["id"], inbox["url"].rpartition("/")[2]
        await made("POST", f"/inbox/{ids['token']}", {"mark": mark})
        page = await made("GET", f"/v1/inboxes/{inbox['id']}/arrivals")
        ids["arrival_id"] = page["arrivals"][0]["id"]
        source = await made("POST", "/v1/sources", SOURCE | {"name": f"{mark}-shop"})
        ids["source_id"], ids["source_org"] = source["id"], str(org)
        ids["source_name"] = source["name"]
        path = f"/in/{org}/{source['name']}"
        assert (await self.call("POST", path, {"mark": mark}, headers=PROOF)).status == 202
        page = await made("GET", f"/v1/sources/{source['id']}/aside")
        ids["aside_id"] = page["messages"][0]["id"]
        await self._events(things, number)
        replay = {"webHookId": hook["webHookId"], "start": False}
        ids["replay_id"] = (await made("POST", "/v1/replays", replay))["id"]
        while (await made("GET", f"/v1/replays/{ids['replay_id']}"))["state"] == "counting":
            await asyncio.sleep(0.005)
        return things

    async def _events(self, things: Things, number: int) -> None:
        s, org, mark = self.s, things.org, things.mark
        named: dict[str, Any] = {"ref": f"{mark}-ref", "request": f"{mark}-request"}
        for state in (State.DELIVERED, State.FAILED):
            id = f"{mark}-{state.word}"
            [delivery] = await accept(s, id, [number], org=org, customer=mark, **named)
            await settle(
                s, delivery, number, state, status=200 if state is State.DELIVERED else 400
            )
        [delivery] = await accept(s, f"{mark}-event", [number], org=org, customer=mark, **named)
        await settle(s, delivery, number, State.RETRYING, status=503)
        things.ids["delivery_id"] = show("dlv", delivery)
        for name, value in (("eventId", "event"), ("requestId", "request"), ("refId", "ref")):
            things.ids[name] = f"{mark}-{value}"
        things.ids["event_id"] = f"{mark}-event"
        event = catalogue.load().get("pointsIssued")
        assert event is not None
        body = json.dumps(event.example | {"orgId": org, "eventId": f"{mark}-refused"}).encode()
        kept = port.NewRejection(
            OrgId(org),
            "pointsIssued",
            f"{mark}-refused",
            "schema",
            "data was refused.",
            "data",
            body,
        )
        await s.store.commit(port.Batch(s.registry.version, rejections=[kept]))
        page = await s.store.log_rejections(OrgId(org), None, None, 1)
        things.ids["rejection_id"] = show("rej", page.rejections[0].id)

    def stored(self) -> dict[str, list[Any]]:
        """Every row of every table, by the table's name."""
        connection = self.s.store.half.connection
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        tables = sorted(name for (name,) in found)
        return {
            name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))
            for name in tables
        }


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """A started service without orgs; receivers answer 200."""
    async with service() as s:
        s.outside.ending = ReceiverAnswer(
            200, (("content-type", "text/plain"),), b"thanks", False, 3.0
        )
        yield World(s)


__all__ = ["NOBODYS", "Reply", "Things", "World", "scope_of", "world"]
