"""An org with more of everything than a screen holds, under names as long as people give them."""

import json
from collections.abc import Iterator

from ...e2e.harness.api import Api
from ...e2e.harness.events import event, new_id
from ...e2e.harness.receiver import Receiver
from ...e2e.harness.service import ORG, ServiceProcess

MANY = 20
HEADERS = {"X-Api-Key": "0123456789abcdef", "X-Shop": "mumbai"}
CITIES = ("Mumbai", "Kolkata", "Jaipur", "Chennai", "Pune")
TYPES = ["pointsIssued", "transactionAdded", "customerUpdated", "rewardIssued"]
LATER = {"delaysInSeconds": [900]}
PROOF = {"type": "header", "header": "X-Shop-Key", "value": "0123456789abcdef"}
MAPPING = {"eventName": {"header": "X-Topic", "names": {"points": "pointsIssued"}}}
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
WRONG = b'{"eventName": "pointsIssued", "data": {"totalPointsIssued": "many"}}'

CONNECTION = """
[stream-of-the-region-{number}]
type = "kafka"
orgs = "all"
servers = "broker-1.streams.acme.example:9092,broker-2.streams.acme.example:9092"
security = "sasl_plaintext"
username = "tidings"
password = "a-password-of-the-broker"
topics = ["loyalty.*", "orders"]
"""
ACTION = """
[actions.call-the-survey-of-region-{number}]
types = ["customerAdded"]

[actions.call-the-survey-of-region-{number}.call]
method = "POST"
url = "https://survey.acme.example/v1/invitations"
credential = "survey"
json = {{unit = "EUR"}}
"""
ACTIONS = f"""
org = {ORG}

[credentials.survey]
type = "apiKey"
header = "X-Api-Key"
value = "0123456789abcdef"
"""


def connections() -> str:
    """Write the operator's file of connections."""
    return "".join(CONNECTION.format(number=number) for number in range(MANY))


def actions() -> str:
    """Write the operator's file of actions."""
    return ACTIONS + "".join(ACTION.format(number=number) for number in range(MANY))


class Crowd:
    """What is there."""

    def __init__(self, service: ServiceProcess, receiver: Receiver) -> None:
        self.org = ORG
        with service.api(ORG) as api:
            self._hooks(api, receiver)
            self._sources(api)
            for number in range(MANY):
                city = CITIES[number % len(CITIES)]
                api.send("POST", "/v1/inboxes", {"name": f"Till {number} of {city}"}).must(201)
                channel = {"name": f"On call in {city} {number}", "type": "slack", "url": SLACK}
                api.send("POST", "/v1/alertChannels", channel | {"enabled": False}).must(201)
                described = {
                    "description": f"A customer enters the shop of {city} by door {number}, and is "
                    "known by the loyalty card.",
                    "schema": {"type": "object"},
                }
                api.send("PUT", f"/v1/eventTypes/shopVisitedByDoor{number}", described).must(201)
                api.post(WRONG)
                access = {"kind": "key", "name": f"Till {number} of {city}", "scopes": TILL}
                api.send("POST", f"/v1/orgs/{ORG}/credentials", access).must(201)
                person = {"email": f"person-{number}@loyalty.acme.example", "role": "operator"}
                api.send("POST", f"/v1/orgs/{ORG}/users", person).must(201)
                brand = {"name": f"Brand {number} of {city}", "parent": ORG}
                api.send("POST", "/v1/orgs", brand).must(201)
                self._replay(api, number)

    def _hooks(self, api: Api, receiver: Receiver) -> None:
        good, bad = receiver.path(), receiver.path(status=503)
        more = {"eventNames": TYPES, "slaInSeconds": 30, "webHookHeaders": HEADERS}
        hooks = [
            api.webhook(receiver.url(good), f"Partner feed of {city}", **more) for city in CITIES
        ]
        self.hook = hooks[0]["webHookId"]
        for number in range(MANY):
            url = receiver.url(bad)
            api.webhook(url, f"Shop {number}", retryPolicy=LATER, eventNames=["rewardIssued"])
        for customer in range(MANY):
            api.accept(event(new_id(), ORG, customer=41200000 + customer))
        for _ in range(12):
            api.accept(event(new_id(), ORG, name="rewardIssued"))

    def _sources(self, api: Api) -> None:
        for number in range(MANY):
            body = {
                "name": f"shop-of-region-{number}",
                "verification": PROOF,
                "mapping": MAPPING | {"data": {"path": "data"}},
            }
            api.send("POST", "/v1/sources", body).must(201)

    def _replay(self, api: Api, number: int) -> None:
        asked = {"webHookId": self.hook, "states": ["delivered"], "again": True}
        rate = {"ratePerSecond": 50 + number}
        answer = api.call(
            "POST",
            "/v1/replays",
            json.dumps(asked | rate).encode(),
            {"content-type": "application/json"},
        )
        answer.must(201)

    def lists(self) -> Iterator[tuple[str, str]]:
        """Every page that is a list: its name and its path."""
        for name in (
            *("webhooks", "actions", "sources", "connections", "deliveries", "events"),
            *("rejections", "inboxes", "alerts", "replays", "catalogue", "event-types"),
            *("access", "audit"),
        ):
            yield name, f"/console/o/{self.org}/{name}"
        for name in ("failing", "orgs"):
            yield name, f"/console/{name}"


TILL = {"events": "write"}
