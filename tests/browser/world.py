"""An org with a past: simulated traffic, and receivers that do well, badly and not at all."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ..e2e.harness import acting
from ..e2e.harness.api import Api
from ..e2e.harness.events import event, new_id
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import KEY, SECRET, ServiceProcess, environment

EVENTS = 600
WRONG = "The CRM is being moved. Call +44 20 7946 0000."
GONE = {"delaysInSeconds": [1], "windowInHours": 0}
LATER = {"delaysInSeconds": [900]}
CHANNEL = {
    "name": "On call",
    "type": "slack",
    "url": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "quiet": {"from": "22:00", "to": "07:00", "days": ["sat", "sun"]},
    "enabled": False,  # what fails here is nobody's to hear
}
TYPES = ["pointsIssued", "transactionAdded", "customerUpdated", "rewardIssued"]


class World:
    """What is there, by its ids."""

    def __init__(self, service: ServiceProcess, receiver: Receiver, org: int) -> None:
        self.service, self.receiver, self.org = service, receiver, org
        self.good, self.bad = receiver.path(), receiver.path(status=500, body=WRONG)
        with self.api() as api:
            types = TYPES
            headers = {"X-Api-Key": "0123456789abcdef", "X-Shop": "mumbai"}
            more: dict[str, Any] = {"eventNames": types, "slaInSeconds": 30}
            self.crm = api.webhook(
                receiver.url(self.good), "Acme CRM", webHookHeaders=headers, **more
            )
            self.failing = api.webhook(
                receiver.url(self.bad), "Partner feed", eventNames=types[:1], retryPolicy=LATER
            )
            self.inbox = api.send("POST", "/v1/inboxes", {"name": "Till of tomorrow"}).must(201)
            self.till = api.webhook(self.inbox["url"], "Till", eventNames=types[:2])
            self.source = self._source(api)
            self._portals(api)
            text = '{"id": {{ event.eventId }}, "points": {{ data.totalPointsIssued }}}'
            api.send("POST", "/v1/transformations", {"name": "crm", "template": text}).must(201)
            self.alert = api.send("POST", "/v1/alertChannels", CHANNEL).must(201)["id"]
            self.runs = acting.happen(api)
            api.send("POST", "/v1/connections/main/check", {}).must(200)
            self._simulate()
            api.post(b'{"eventName": "pointsIssued", "data": {"totalPointsIssued": "many"}}')
            self.failed_event = new_id()
            last = receiver.path(status=410, body=WRONG)
            self.dead = api.webhook(receiver.url(last), "Old feed", retryPolicy=GONE)
            api.accept(event(self.failed_event, org, customer=41200999))
            self.failed = api.settled(self.failed_event, self.dead, ("failed", "parked"))
            self.replay = api.send(
                "POST",
                "/v1/replays",
                {
                    "webHookId": self.crm["webHookId"],
                    "states": ["delivered"],
                    "again": True,
                    "ratePerSecond": 50,
                },
            ).must(201)

    def api(self) -> Api:
        """A client that acts for the org."""
        return self.service.api(self.org)

    def _source(self, api: Api) -> str:
        """An inbound webhook that has taken, set aside and refused messages: its id."""
        proof = {"type": "header", "header": "X-Shop-Key", "value": "0123456789abcdef"}
        names = {"points": "pointsIssued", "ping": None}
        mapping = {"eventName": {"header": "X-Topic", "names": names}, "data": {"path": "data"}}
        body = {"name": "shop", "verification": proof, "mapping": mapping}
        made = api.send("POST", "/v1/sources", body).must(201)
        sender = Api(self.service.port)
        wrong = b'{"data": {"totalPointsIssued": "many"}}'
        for topic, sent in (("points", event(new_id(), self.org)), ("ping", b"{}"),
                            ("points", wrong), ("points", b"no json at all")):  # fmt: skip
            known = {"x-shop-key": "0123456789abcdef", "x-topic": topic, "webhook-id": new_id()}
            sender.call("POST", f"/in/{self.org}/shop", sent, known).must(202)
        sender.call("POST", f"/in/{self.org}/shop", b"{}").must(401)
        sender.close()
        return str(made["id"])

    def _portals(self, api: Api) -> None:
        """A link to the portal that waits, and the session of another one."""
        body = {"name": "Acme Loyalty", "embedIn": ["https://app.acme.example"]}
        at = f"/v1/orgs/{self.org}/portal-links"
        first, _ = [api.send("POST", at, body).must(201)["url"] for _ in range(2)]
        browser = Api(self.service.port)
        assert browser.get("/console" + first.partition("/console")[2]).status == 303
        browser.close()

    def _simulate(self) -> None:
        command = [str(Path(sys.executable).with_name("tidings")), "simulate"]
        command += ["--url", f"http://127.0.0.1:{self.service.port}", "--key", KEY]
        command += ["--secret", SECRET, "--org", str(self.org), "--seed", "7"]
        command += ["--events", str(EVENTS)]
        subprocess.run(command, env=environment(), check=True, timeout=120, capture_output=True)

    @cached_property
    def action(self) -> str:
        """The id of an action's webhook."""
        with self.api() as api:
            return str(api.get("/v1/actions/welcome").must(200)["webHookId"])

    @cached_property
    def aside(self) -> str:
        """The id of a message that the source has set aside."""
        with self.api() as api:
            page = api.get(f"/v1/sources/{self.source}/aside").must(200)
            return str(page["messages"][-1]["id"])

    @cached_property
    def rejection(self) -> str:
        """The id of the event that was refused."""
        with self.api() as api:
            return str(api.get("/v1/rejections").must(200)["rejections"][0]["id"])

    def pages(self) -> Iterator[tuple[str, str]]:
        """Every page that shows something: its name and its path."""
        crm, failed = self.crm["webHookId"], self.failed["id"]
        for name, path in {
            "overview": "",
            "webhooks": "/webhooks",
            "webhook": f"/webhooks/{crm}",
            "webhook-failing": f"/webhooks/{self.failing['webHookId']}",
            "webhook-new": "/webhooks/new?event=pointsIssued",
            "webhook-type": "/webhooks/types/pointsIssued",
            "webhook-edit": f"/webhooks/{crm}/edit",
            "webhook-sample": f"/webhooks/{crm}/sample?event={self.failed_event}",
            "webhook-rotate": f"/webhooks/{crm}/rotate",
            "webhook-delete": f"/webhooks/{crm}/delete",
            "actions": "/actions",
            "action": "/actions/welcome",
            "action-test": "/actions/welcome/test",
            "action-failing": "/actions/receipt",
            "action-held-up": "/actions/survey",
            "action-edit": f"/webhooks/{self.action}/edit",
            "action-webhook": f"/webhooks/{self.action}",
            **{f"run-{name}": f"/deliveries/{id}" for name, id in self.runs.items()},
            "alerts": "/alerts",
            "alert": f"/alerts/{self.alert}",
            "alert-new": "/alerts/new?type=pagerduty",
            "connections": "/connections",
            "sources": "/sources",
            "source": f"/sources/{self.source}",
            "source-aside": f"/sources/{self.source}/aside/{self.aside}",
            "source-new": "/sources/new",
            "source-edit": f"/sources/{self.source}/edit?sample={self.aside}",
            "source-delete": f"/sources/{self.source}/delete",
            "deliveries": "/deliveries",
            "deliveries-filtered": "/deliveries?customer=41200999&status=failed&span=7d&type="
            "transactionAdded,pointsIssued",
            "delivery": f"/deliveries/{failed}",
            "events": "/events",
            "event": f"/events/{self.failed_event}",
            "event-new": "/events/new?type=pointsIssued",
            "rejections": "/rejections",
            "rejection": f"/rejections/{self.rejection}",
            "tail": "/tail",
            "inboxes": "/inboxes",
            "inbox": f"/inboxes/{self.inbox['id']}",
            "replays": "/replays",
            "replay": f"/replays/{self.replay['id']}",
            "replay-new": "/replays/new",
            "catalogue": "/catalogue",
            "type": "/catalogue/pointsIssued",
            "own-types": "/event-types",
            "own-type-new": "/event-types/new",
            "transformations": "/transformations",
            "transformation": "/transformations/crm/versions",
            "transformation-edit": "/transformations/crm/edit",
            "transformation-new": "/transformations/new",
            "reference": "/reference",
            "reference-tried": "/reference?kind=customers&id=41200999",
            "find": "/find?q=41200999",
            "nothing-found": "/find?q=none-of-these",
            "access": "/access",
            "audit-log": "/audit",
            "audit-filtered": "/audit?kind=org&span=7d",
            "credential-new": "/access/credentials/new",
            "user-new": "/access/users/new",
            "portal-links": "/access/portal",
            "portal-link-new": "/access/portal/new",
            "saved-views": "/views",
            "org": "/settings",
            "health": "/health",
            "stop": "/stop",
            "nowhere": "/nothing/is/here",
        }.items():
            yield name, f"/console/o/{self.org}{path}"
        for path in (
            "failing",
            "sessions",
            "orgs",
            "orgs/new",
            "stop-all",
            "audit",
            "nothing/is/here",
        ):
            yield path.replace("/", "-"), f"/console/{path}"
