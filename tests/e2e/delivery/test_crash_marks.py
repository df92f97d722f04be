"""However often the service is killed: what had not left is charged to nobody.

Each webhook here has work that does not leave, for a reason of its own, while the service is killed
again and again; then the reason ends, and what arrives says how many attempts there were.
"""

from functools import partial
from typing import Any

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ORG
from ..harness.store.books import lost_attempts
from ..harness.until import until

KILLS = 3
STEPS = {"delaysInSeconds": [1, 3600]}


def accepted(api: Api, count: int, **fields: Any) -> list[str]:
    """Events of the org, accepted."""
    ids = [new_id() for _ in range(count)]
    api.accept(b"[" + b",".join(event(text, api.org, **fields) for text in ids) + b"]")
    return ids


def is_delivered(api: Api, ids: list[str], count: int) -> bool:
    """Whether so many of them are delivered, as their org is told."""
    rows = api.get("/v1/deliveries?states=delivered&limit=100").must(200)["deliveries"]
    return len({row["eventId"] for row in rows} & set(ids)) == count


def test_what_was_held_up_through_many_kills_leaves_as_its_first_attempt(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    orgs: dict[str, int] = {}
    ids: dict[str, list[str]] = {}
    paths = {}
    hooks = {}
    held = ("paused", "stopped", "busy", "behind_a_key", "limited")
    for why in held:
        with service.api() as api:
            orgs[why] = api.send("POST", "/v1/orgs", {"name": why}).must(201)["id"]
        with service.api(orgs[why]) as api:
            silent = why in ("busy", "behind_a_key")
            limited: dict[str, Any] = {"rateLimit": 0.01} if why == "limited" else {}
            path = paths[why] = receiver.path(**({"mode": "silent"} if silent else {}))
            hooks[why] = api.webhook(
                receiver.url(path),
                maxAllowedConnections=1,
                ordering="strict" if why == "behind_a_key" else "none",
                retryPolicy=STEPS,
                **limited,
            )
            verb = f"/v3/webHooks/{hooks[why]['webHookId']}/pause"
            if why == "paused":
                api.send("POST", verb, {}).must(200)
            elif why == "stopped":
                api.send("POST", f"/v1/orgs/{orgs[why]}/stop", {}).must(200)
            ids[why] = accepted(api, 12)
    for why in ("busy", "behind_a_key", "limited"):
        receiver.wait(paths[why], 1)
    for life in range(1, KILLS + 1):
        for why in ("busy", "behind_a_key"):  # it is on its way again
            receiver.wait(paths[why], life)
        with service.api(orgs["limited"]) as api:  # its one is off its way
            until(partial(is_delivered, api, ids["limited"], life), "the one that the limit admits")
        service.kill_all()
        service.start()
    # Only what was on its way is marked: one request of each silent receiver, in each life.
    lost = lost_attempts(service.data)
    for why in ("paused", "stopped", "limited"):
        assert not lost.keys() & set(ids[why]), why
    for why in ("busy", "behind_a_key"):
        assert lost.get(ids[why][0], 0) == KILLS == sum(lost.get(text, 0) for text in ids[why])

    for why in ("paused", "stopped"):
        with service.api(orgs[why]) as api:
            if why == "paused":
                api.send("POST", f"/v3/webHooks/{hooks[why]['webHookId']}/resume", {}).must(200)
            else:
                api.send("POST", f"/v1/orgs/{orgs[why]}/start", {}).must(200)
            for text in ids[why]:
                told = api.settled(text)
                assert (told["state"], told["attempts"]) == ("delivered", 1), why
        assert {arrival.attempt for arrival in receiver.arrivals(paths[why])} == {1}, why
    service.end()  # silent receivers would have a stop wait


def test_the_first_real_failure_waits_for_the_first_delay(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    path = receiver.path(mode="silent")
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=1, retryPolicy=STEPS)
        [one] = [new_id()]
        api.accept(event(one, ORG))
    for number in range(KILLS):
        receiver.wait(path, number + 1)
        service.kill_all()
        if number == KILLS - 1:
            receiver.plan(path, first=[{"status": 503}], status=200)
        service.start()
    with service.api() as api:
        told = api.settled(one)  # a second step would be an hour away
        assert told["state"] == "delivered" and told["attempts"] == KILLS + 2
    attempts = [arrival.attempt for arrival in receiver.arrivals(path)]
    assert attempts == list(range(1, KILLS + 3)), "the numbers stay true and rise"
    assert lost_attempts(service.data) == {one: KILLS}
    assert service.stop() == 0
