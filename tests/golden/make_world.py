"""Makes one of everything that a data directory can hold, over the API of a running service.

What is done to it stands in `made`, the record that is kept beside the data: how the webhooks look,
what was sent to whom, and what the API said of it.
"""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.browser import Browser
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.mail_server import MailServer, say_yes
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.store import books
from tests.e2e.harness.until import until

MINUTE_MS = 60_000
LATER: dict[str, Any] = {"retryPolicy": {"delaysInSeconds": [900]}}  # due before it is taken up
DOWN = {"status": 503}
FANNED, GONE = 60, 20
PASSWORD = "several words of mine"
PORTAL = {"name": "Acme Loyalty", "role": "reader", "embedIn": ["https://app.acme.example"]}
TYPE: dict[str, Any] = {
    "description": "An order is packed.",
    "schema": {
        "type": "object",
        "required": ["orderId"],
        "properties": {"orderId": {"type": "string", "x-search": True}},
    },
    "key": "data.orderId",
}
SECOND = TYPE | {
    "schema": {"properties": {"orderId": {"type": "integer"}}, "required": ["orderId"]},
    "newVersion": True,
}
TEMPLATE = '{"id": {{ event.eventId }}, "points": {{ data.totalPointsIssued }}}'
HEADERS = {"Authorization": "Bearer of-a-brand-0123456789", "X-Shop": "harbour-0815-4711"}
WISHES = {"customerIdentifiersToBeEnriched": ["Instore"], "tillDetailsEnrichmentEnabled": True}
# What is asked before the kill, and must be answered the same ever after, by org.
ASKED = (
    "/v1/orgs/{org}",
    "/v1/orgs/{org}/credentials",
    "/v1/orgs/{org}/users",
    "/v3/webHooks",
    "/v1/eventTypes",
    "/v1/eventTypes/orderPacked",
    "/v1/transformations",
    "/v1/transformations/slip/versions",
    "/v1/reference/customers",
    "/v1/reference/customers/41200777",
    "/v1/reference/tills/5031",
    "/v1/rejections",
    "/v1/inboxes",
)


class World:
    """The orgs of one service, and the record of what was made in them."""

    def __init__(self, service: ServiceProcess, receiver: Receiver) -> None:
        self.service = service
        self.receiver = receiver
        self.made: dict[str, Any] = {
            "webhooks": {},
            "events": {},
            "answers": {},
            "doors": {},
            "replays": {},
        }
        self.orgs: dict[str, int] = {}

    def org(self, name: str, **fields: Any) -> Api:
        """A new org, and a client that acts for it."""
        with self.service.api() as boss:
            made = boss.send("POST", "/v1/orgs", {"name": name} | fields).must(201)
        self.orgs[name] = made["id"]
        return self.service.api(made["id"])

    def hook(
        self, api: Api, name: str, plan: dict[str, Any] | None = None, **fields: Any
    ) -> dict[str, Any]:
        """A webhook at a path of its own name, which answers by the plan."""
        path = f"/golden/{name}"
        self.receiver.plan(path, **(plan or {"status": 200}))
        hook = api.webhook(fields.pop("url", None) or self.receiver.url(path), name, **fields)
        self.note(api, hook, path)
        return hook

    def note(self, api: Api, hook: dict[str, Any], path: str) -> None:
        """Keep of a webhook what its receiver has to know."""
        self.made["webhooks"][hook["name"]] = {
            "id": hook["webHookId"],
            "org": api.org,
            "path": path,
            "secrets": [hook["signingSecret"]],
        }

    def post(self, api: Api, count: int = 1, **how: Any) -> list[str]:
        """Events in one call; their ids."""
        bodies = {text: event(text, api.org, **how) for text in (new_id() for _ in range(count))}
        api.accept(b"[" + b",".join(bodies.values()) + b"]")
        self.made["events"] |= {text: body.decode() for text, body in bodies.items()}
        return list(bodies)

    def tried(self, api: Api, ids: list[str], state: str = "retrying") -> None:
        """Wait until each has come to a state."""
        for text in ids:
            until(partial(self._is, api, text, state), f"{text} is {state}")

    @staticmethod
    def _is(api: Api, event: str, state: str) -> bool:
        return bool(api.delivery_of(event)["state"] == state)

    def replay(self, api: Api, name: str, **body: Any) -> dict[str, Any]:
        """A job by a name of the record's."""
        job: dict[str, Any] = api.send("POST", "/v1/replays", body).must(201)
        self.made["replays"][name] = {"id": job["id"], "org": api.org}
        return job

    def ask(self, api: Api, *paths: str) -> None:
        """Keep what is answered."""
        for path in paths:
            where = path.format(org=api.org)
            reply = api.get(where)
            self.made["answers"][f"{api.org} {where}"] = [reply.status, reply.json]

    # -- the org of most things -------------------------------------------------------------------

    def harbour(self, mail: MailServer) -> None:
        """An org with webhooks in every state, and everything else that orgs have."""
        api = self.org("Harbour", timeZone="Asia/Kolkata")
        child = self.org("Harbour East", parent=api.org)
        with self.service.api() as boss:
            patch = {"settings": {"notify": ["on-call@example.test"], "unknownTypes": "admitted"}}
            boss.send("PATCH", f"/v1/orgs/{api.org}", patch).must(200)
        say_yes(mail, api, api.org)
        mail.kill()
        mail.start("silent")
        self.own_data(api)
        self.people(api)
        self.credentials(api)
        self.kept_bytes(api)
        self.states(api)
        self.hook(api, "steady", eventNames=["tierUpgraded"], listenToChildEvents=True)
        self.post(child, name="tierUpgraded")
        self.receiver.wait("/golden/steady", 1)
        api.post(b'{"eventName": "pointsIssued", "data": {"totalPointsIssued": "many"}}').must(422)
        until(lambda: api.get("/v1/rejections").must(200)["rejections"], "a refused event")
        final = [
            self.made["webhooks"][name] for name in ("steady", "refused", "cancelled", "parked")
        ]
        for row in final:
            self.ask(
                api, *(f"/v1/webHooks/{row['id']}/tally", f"/v1/deliveries?webHookId={row['id']}")
            )
            page = api.get(f"/v1/deliveries?webHookId={row['id']}").must(200)["deliveries"]
            self.ask(api, *(f"/v1/deliveries/{row['id']}" for row in page))
        self.ask(api, *ASKED)

    def own_data(self, api: Api) -> None:
        """Event types, transformations, reference data, a test inbox."""
        api.send("PUT", "/v1/eventTypes/orderPacked", TYPE).must(201)
        api.send("PUT", "/v1/eventTypes/orderPacked", SECOND).must(201)
        slip = "/v1/transformations"
        api.send("POST", slip, {"name": "slip", "template": '{"old": true}'}).must(201)
        api.send("PUT", f"{slip}/slip", {"template": TEMPLATE}).must(200)
        api.send("POST", slip, {"name": "gone", "template": "{}"}).must(201)
        api.call("DELETE", f"{slip}/gone")
        customer = {"mobile": "15550100", "email": "asha@example.test", "pointsBalance": 410}
        api.send("PUT", "/v1/reference/customers/41200777", customer).must(201)
        till = {"code": "till.01", "name": "Till 1", "storeId": "9"}
        api.send("PUT", "/v1/reference/tills/5031", till).must(201)
        store = {"code": "store.01", "name": "Harbour store", "externalId": "S-01"}
        api.send("PUT", "/v1/reference/stores/9", store).must(201)
        inbox = api.send("POST", "/v1/inboxes", {"name": "mine"}).must(201)
        self.hook(api, "inbox", url=inbox["url"], eventNames=["groupCreated"])
        self.tried(api, self.post(api, 2, name="groupCreated"), "delivered")
        arrivals = f"/v1/inboxes/{inbox['id']}/arrivals"
        until(lambda: len(api.get(arrivals).must(200)["arrivals"]) == 2, "both are shown")
        page = api.get(arrivals).must(200)["arrivals"]
        self.ask(api, arrivals, *(f"{arrivals}/{row['id']}" for row in page))

    def people(self, api: Api) -> None:
        """Members, invitations, sessions, portals."""
        doors, users = self.made["doors"], f"/v1/orgs/{api.org}/users"
        owner = {"email": "asha@acme.example", "role": "owner", "password": PASSWORD}
        with self.service.api() as boss:
            boss.send("POST", users, owner).must(201)
            reader = {"email": "ravi@acme.example", "role": "reader", "password": PASSWORD}
            out = boss.send("POST", users, reader).must(201)
            boss.send("PATCH", f"{users}/{out['id']}", {"disabled": True}).must(200)
            guest = {"email": "mina@acme.example", "role": "operator"}
            invited = boss.send("POST", users, guest).must(201)
            doors["invitation"] = invited["invitation"]["token"]
            doors["disabled"] = reader["email"]
            here = Browser(self.service.port, owner["email"], PASSWORD)
            doors["session"] = [here.cookies, f"/console/o/{api.org}"]
            links = f"/v1/orgs/{api.org}/portal-links"
            opened = boss.send("POST", links, PORTAL).must(201)["url"]
            for name, minutes in (("portalLink", 60), ("portalLinkEnded", 10)):
                asked = PORTAL | {"expiresInMinutes": minutes}
                url = boss.send("POST", links, asked).must(201)["url"]
                doors[name] = "/console" + url.partition("/console")[2]
        doors["portal"] = open_portal(self.service.port, opened)

    def credentials(self, api: Api) -> None:
        """Keys in force, in rotation, ending and ended; a till; an OAuth client."""
        doors, where = self.made["doors"], f"/v1/orgs/{api.org}/credentials"
        with self.service.api() as boss:

            def key(name: str, **more: Any) -> dict[str, Any]:
                body = {"name": name, "scopes": {"events": "write", "logs": "read"}} | more
                made: dict[str, Any] = boss.send("POST", where, body).must(201)
                return made

            for name, hours in (("both", 24), ("newOnly", 0.1)):
                old = key(name)
                asked = {"overlapInHours": hours}
                new = boss.send("POST", f"{where}/{old['id']}/rotate", asked).must(200)
                doors[name] = [old["id"], old["secret"], new["secret"]]
            limited = key("limited", limits={"eventsPerSecond": 500, "callsPerMinute": 900})
            now_ms = self.made["clockMs"]
            ends = key("ends", expiresAt=iso(now_ms + 10 * MINUTE_MS))
            lasts = key("lasts", expiresAt=iso(now_ms + 43_200 * MINUTE_MS))
            gone = key("gone")
            boss.call("DELETE", f"{where}/{gone['id']}").must(200)
            doors["keys"] = {
                row["name"]: [row["id"], row["secret"]] for row in (limited, ends, lasts, gone)
            }
            till = key("till", kind="till", code="till.7")
            doors["till"] = [till["id"], till["secret"]]
            client = key("client", kind="oauth")
            doors["oauth"] = {"key": client["id"], "secret": client["secret"]}
            with Api(self.service.port) as nobody:
                token = nobody.send("POST", "/v3/oauth/token/generate", doors["oauth"]).must(200)
            doors["token"] = token["data"]

    def kept_bytes(self, api: Api) -> None:
        """Messages that are not the accepted bytes, tried and to be sent again as they were."""
        shapes: dict[str, dict[str, Any]] = {
            "kept": {"fields": {"keep": ["data.totalPointsIssued", "refId"]}},
            "renamed": {"rename": {"data.totalPointsIssued": "points"}},
            "slip": {"transformation": "slip"},
            "enriched": WISHES,
            "filtered": {"filter": {"path": "data.totalPointsIssued", "gte": 5}},
        }
        for name, shape in shapes.items():
            self.hook(api, name, DOWN, eventNames=["pointsIssued"], **LATER, **shape)
        signed = self.hook(
            api,
            "signed",
            DOWN,
            webHookHeaders=HEADERS,
            methodType="PUT",
            keepResponses=True,
            **LATER,
        )
        rotate = f"/v3/webHooks/{signed['webHookId']}/rotateSecret"
        new = api.send("POST", rotate, {"overlapInHours": 24}).must(200)["data"]["signingSecret"]
        self.made["webhooks"]["signed"]["secrets"].insert(0, new)
        first = self.post(api, 2) + self.post(api, customer=99)  # nobody knows the second customer

        def tried(one: str) -> bool:
            rows = api.event(one)["deliveries"]
            return len(rows) == len(shapes) + 1 and all(row["state"] == "retrying" for row in rows)

        for text in first:
            until(partial(tried, text), "each was tried")
        hooks = {row["name"]: row for row in api.get("/v3/webHooks").must(200)["data"]}
        api.change(hooks["renamed"], rename={"data.totalPointsIssued": "changed"})
        api.send("PUT", "/v1/reference/customers/41200777", {"mobile": "changed"}).must(200)
        for name in [*shapes, "signed"]:
            api.change(hooks[name], eventNames=["rewardCreated"])  # nothing new comes to them

    def states(self, api: Api) -> None:
        """A webhook for every state in which a delivery can stand."""

        def one(name: str, type: str, plan: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
            return self.hook(api, name, plan, eventNames=[type], **more)

        one("keyed", "customerAdded", DOWN, ordering="key", **LATER)
        for at in range(6):
            ids = self.post(api, name="customerAdded", customer=1 + at % 2)
            self.tried(api, ids, "retrying" if at < 2 else "held")
        one("strict", "customerUpdated", DOWN, ordering="strict", **LATER)
        for at in range(4):
            ids = self.post(api, name="customerUpdated", customer=at)
            self.tried(api, ids, "retrying" if at < 1 else "held")
        one("refused", "groupUpdated", {"status": 400, "body": "not this"})
        self.tried(api, self.post(api, 2, name="groupUpdated"), "failed")
        cancelled = one("cancelled", "groupMemberAdded", DOWN, **LATER)
        self.tried(api, ids := self.post(api, 2, name="groupMemberAdded"))
        delivery = api.delivery_of(ids[0])["id"]
        api.call("POST", f"/v1/deliveries/{delivery}/cancel").must(200)
        body = {"webHookId": cancelled["webHookId"]}
        self.made["replays"]["cancel"] = {
            "id": api.send("POST", "/v1/deliveries/cancel", body).must(201)["id"],
            "org": api.org,
        }
        self.tried(api, ids, "cancelled")
        parked = one("parked", "groupMemberRemoved", None)
        api.call("POST", f"/v3/webHooks/{parked['webHookId']}/disable").must(200)
        self.tried(api, self.post(api, 3, name="groupMemberRemoved"), "parked")
        paused = one("paused", "rewardUpdated", None)
        api.call("POST", f"/v3/webHooks/{paused['webHookId']}/pause").must(200)
        self.post(api, 2, name="rewardUpdated")
        self.broken(api)
        inactive = one("inactive", "tierDowngraded", None)
        api.change(inactive, active=False)
        self.post(api, name="till.opened")  # of a type that nobody has declared
        deleted = one("deleted", "cardUpdated", None)
        self.tried(api, self.post(api, name="cardUpdated"), "delivered")
        api.delete(deleted)
        idempotent = {
            "name": "once",
            "active": True,
            "eventNames": ["rewardIssued"],
            "webHookType": "HTTP",
            "webHookUrl": self.receiver.url("/golden/once"),
            "methodType": "POST",
            "webHookHeaders": {},
            "maxAllowedConnections": 1,
        }
        headers = {"content-type": "application/json", "idempotency-key": "the-first"}
        body_ = json.dumps(idempotent)
        answer = api.call("POST", "/v3/webHooks", body_.encode(), headers).must(200)
        self.note(api, answer["data"], "/golden/once")
        self.made["doors"]["once"] = [body_, answer]

    def broken(self, api: Api) -> None:
        """A receiver that only fails: its breaker opens."""
        reset = {"mode": "reset"}
        broken = self.hook(api, "broken", reset, eventNames=["promotionIssued"], **LATER)
        for _ in range(15):
            self.post(api, name="promotionIssued")
        path = f"/v3/webHooks/{broken['webHookId']}"
        until(
            lambda: (api.get(path).must(200)["data"]["health"] or {}).get("leftAlone"),
            "a breaker that is open",
        )

    def replays(self) -> None:
        """One that is half done, one by a list, one that is paused, one that has ended."""
        api = self.org("Replays")
        self.hook(api, "first", eventNames=["pointsRedeemed"])
        ids = self.post(api, 24, name="pointsRedeemed")
        self.tried(api, ids, "delivered")
        late = [self.hook(api, f"late{at}", eventNames=["pointsRedeemed"]) for at in range(3)]
        by = {hook["name"]: hook["webHookId"] for hook in late}
        job = self.replay(api, "done", webHookId=by["late0"], missedSince=0, ratePerSecond=500)
        place = f"/v1/replays/{job['id']}"
        until(lambda: api.get(place).must(200)["state"] == "finished", "a replay that has ended")
        self.ask(api, place)
        paused = self.replay(api, "paused", webHookId=by["late2"], missedSince=0, ratePerSecond=5)
        self.receiver.wait("/golden/late2", 3)
        api.call("POST", f"/v1/replays/{paused['id']}/pause").must(200)
        self.replay(api, "half", webHookId=by["late1"], missedSince=0, ratePerSecond=5)
        listed = {"webHookId": by["late0"], "eventIds": ids[:20], "again": True}
        self.replay(api, "listed", **listed, ratePerSecond=5)
        self.receiver.wait("/golden/late1", 3)
        self.receiver.wait("/golden/late0", 26)

    # -- what is under way at the kill -------------------------------------------------------------

    def stopped(self) -> None:
        """An org where sending is stopped: shaped messages that nobody was ever sent."""
        api = self.org("Stopped")
        keep = {"fields": {"keep": ["data.totalPointsIssued"]}}
        self.hook(api, "shaped", eventNames=["pointsIssued"], **keep)
        self.tried(api, self.post(api), "delivered")
        api.call("POST", f"/v1/orgs/{api.org}/stop").must(200)
        self.post(api, 2)

    def in_flight(self) -> None:
        """Attempts whose answer nobody will ever see."""
        api = self.org("In flight")
        self.hook(api, "silent", {"mode": "silent"}, eventNames=["pointsIssued"])
        self.post(api, 3)
        self.receiver.wait("/golden/silent", 3)
        once = {"first": [DOWN], "mode": "silent"}
        again = {"retryPolicy": {"delaysInSeconds": [1]}}
        self.hook(api, "silentAgain", once, eventNames=["pointsExpired"], **again)
        self.post(api, name="pointsExpired")
        self.receiver.wait("/golden/silentAgain", 2)

    def thin(self) -> None:
        """Sent without what the platform did not answer, and tried again so."""
        api = self.org("Thin")
        wishes = {"customerIdentifiersToBeEnriched": ["Instore"]}
        self.hook(api, "thin", DOWN, eventNames=["pointsIssued"], **LATER, **wishes)
        self.tried(api, self.post(api))

    def fan_out(self) -> None:
        """Killed while the deliveries of one event are made, and webhooks are disabled by it."""
        api = self.org("Fan")
        for at in range(FANNED):
            plan = {"status": 410 if at < GONE else 200}
            self.hook(api, f"fan{at:02}", plan, eventNames=["tierRenewed"])
        self.replays()
        self.made["fanned"] = self.post(api, name="tierRenewed")[0]
        data = self.service.data
        query = "SELECT (SELECT count(*) FROM disabling) > 0 AND (SELECT count(*) FROM fan_out) > 0"
        until(lambda: books.ask(data, query)[0][0], "both at one moment")
        self.service.kill_all()


def open_portal(port: int, url: str) -> list[str]:
    """The cookie that a portal's link gives, and the page that it leads to."""
    with Api(port) as nobody:
        opened = nobody.call("GET", "/console" + url.partition("/console")[2])
        assert opened.status == 303, opened
        return [opened.headers["set-cookie"].partition(";")[0], opened.headers["location"]]


def iso(ms: int) -> str:
    """A time as calls take it."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
