"""A recipe as an operator begins with it: what `tidings actions init` writes, at work in a service.

Of its files only the addresses are other, how long look-ups may take, and what it has of the
environment.
"""

import copy
import functools
import json
import random
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.actions.recipes.recipe import patient
from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tests.stand_ins.parties import loyalty_platform
from tidings.catalogue import Catalogue, load

SIGNAL = "a-signal-of-the-platform"
ENVIRONMENT = {
    "PLATFORM_SIGNAL": SIGNAL,
    "PLATFORM_KEY": loyalty_platform.KEY,
    "PLATFORM_SECRET": loyalty_platform.SECRET,
}
PLATFORM = "https://eu.api.platform.example"


class Recipe:
    """One at work."""

    def __init__(
        self,
        name: str,
        folder: Path,
        own_service: NewService,
        addresses: Mapping[str, str],
        patch: pytest.MonkeyPatch,
        environment: Mapping[str, str],
    ) -> None:
        """`addresses`: which stands for each of the recipe's."""
        Command(folder)("actions", "init", name, "--into", str(folder), "--org", str(ORG)).must()
        self.file = folder / "actions.toml"
        text = self.file.read_text("utf-8")
        for written, real in addresses.items():
            assert written in text, written
            text = text.replace(written, real)
        self.file.write_text(patient(text), "utf-8")
        for variable, value in (ENVIRONMENT | dict(environment)).items():
            patch.setenv(variable, value)
        self.service: ServiceProcess = own_service(actions=self.file)

    def start(self) -> Api:
        """The service is ready; a client of it."""
        self.service.start()
        return self.service.api(ORG)

    def dies_and_comes_back(self) -> Api:
        """The whole program is killed, and started again."""
        self.service.kill_all()
        return self.start()


def sends(api: Api, event: dict[str, Any]) -> str:
    """An event comes from the platform; its id."""
    headers = {"X-Signal": SIGNAL}
    api.call("POST", f"/in/{ORG}/platform", json.dumps(event).encode(), headers).must(202)
    return str(event["eventId"])


def event_of(name: str, customer: int, **data: Any) -> dict[str, Any]:
    """An event of the catalogue, of another customer."""
    kind = _catalogue().get(name)
    assert kind is not None
    made = copy.deepcopy(kind.example) | {"eventId": str(uuid.uuid4()), "orgId": ORG}
    identifiers = made["data"]["customerIdentifiers"]
    identifiers["customerId"] = customer
    identifiers["instore"] = {"mobile": mobile_of(customer)}
    made["data"] |= data
    return made


def mobile_of(customer: int) -> str:
    """The number that a customer is known by."""
    return f"9198{customer:08}"


def disordered(rng: random.Random, some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As a platform may send them: in any order, and a few of them twice."""
    twice = [row for row in some if rng.random() < 0.2]
    return rng.sample([*some, *twice], len(some) + len(twice))


def done(api: Api, seconds: float = PATIENCE_S) -> None:
    """Nothing is left to do."""
    api.drained(seconds)


def hurried(api: Api, seconds: float = PATIENCE_S) -> None:
    """The same, without waiting for the times of further attempts."""

    def over() -> bool:
        page = api.get("/v1/deliveries?states=retrying,waiting&limit=200").must(200)
        for row in page["deliveries"]:
            asked = api.call("POST", f"/v1/deliveries/{row['id']}/retry")
            assert asked.status in (202, 409), asked  # or it is under way, or over
        time.sleep(0.2)
        left = api.counts()
        return not any(left[state] for state in ("pending", "held", "waiting", "retrying"))

    until(over, "every delivery is final", seconds)


def action(api: Api, name: str) -> str:
    """The id of an action's webhook."""
    page = api.get("/v3/webHooks").must(200)
    [found] = [row for row in page["data"] if row["name"] == name]
    return str(found["webHookId"])


def runs(api: Api, name: str) -> list[dict[str, Any]]:
    """The runs of an action, the newest first, with their attempts."""
    page = api.get(f"/v1/deliveries?webHookId={action(api, name)}&limit=200").must(200)
    return [api.delivery(row["id"]) for row in page["deliveries"]]


def why(run: dict[str, Any]) -> str:
    """What is said of its last attempt."""
    return str(run["attemptList"][-1]["detail"])


def replayed(api: Api, name: str, **asked: Any) -> None:
    """Runs of an action are made again, and are over."""
    body = {"webHookId": action(api, name)} | asked
    job = api.send("POST", "/v1/replays", body).must(201)
    until(
        lambda: api.get(f"/v1/replays/{job['id']}").must(200)["state"] == "finished",
        "the end of the replay",
    )
    done(api)


@functools.cache
def _catalogue() -> Catalogue:
    return load()
