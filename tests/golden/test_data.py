"""A data directory that an earlier release left at its kill is taken up as if nothing had happened.

It is opened by the service of now, which believes that half an hour has passed since (`dated.py`).
What was made in it, and what was said of it then, stands in its `made.json` (`make_data.py`). The
receivers listen where they did: one test at a time on a machine.
"""

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.browser import Browser
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Arrival
from tests.e2e.harness.until import until
from tests.golden.lists import OF_A_SERVICE, changed
from tests.golden.make_world import FANNED, GONE, PASSWORD
from tests.golden.taken_up import TakenUp, taken_up

PENDING, HELD, RETRYING, DELIVERED, FAILED, PARKED, CANCELLED = range(7)
# What an answer says of this moment, or of who has called meanwhile.
OF_THE_MOMENT = {"health", "lastUsedAt", "lastSignInAt", "from", "to"}
# What answers have gained since, and what it is of all that was there before.
SINCE: dict[str, Any] = dict.fromkeys(["authentication", "connection", "kafka", "sql", "email"]) | {
    "withoutPersonalData": False,
    "waiting": 0,
    "waitsFor": None,
    "deliveredByReplay": None,
    "replayOf": None,
}
# No answer said then what was kept, where a page stands, why nothing is sent, or what everything
# is. Of the tallies, none had two rates; its answers were those of deliveries alone.
RATES_SINCE = {"failedAttemptsPercent", "neverArrived", "neverArrivedPercent", "arrivedPercent"}
TOLD_SINCE = RATES_SINCE | {
    "activity", "attempts", "condition", "endedBy", "incident", "messages", "paging", "sources",
}  # fmt: skip
# Sentences that say it in other words since then.
REWORDED = {
    "Tidings does not retry it: the receiver refuses this message for good.": (
        "It is not tried again: the same bytes can only meet the same answer."
    ),
    "It was parked: it waits to be replayed. Replay it once its receiver is back.": (
        "It was parked, because the webhook was disabled. Set the webhook active; new events are "
        "then sent."
    ),
}
# Of each message: everything else in its head is the same as it was at the kill.
OF_A_MESSAGE = {
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "tidings-delivery",
    "tidings-attempt",
    "tidings-hops",  # since 0024
    "tidings-replay",
    "content-length",
}
LETTERS = {
    "Webhook refused: 2 deliveries have ended without success",
    "Webhook parked is disabled",
}


def plain(value: Any) -> Any:
    """Without what is said of the moment."""
    if isinstance(value, dict):
        return {key: plain(row) for key, row in value.items() if key not in OF_THE_MOMENT}
    return [plain(row) for row in value] if isinstance(value, list) else value


TYPES_SINCE = (
    "tidings.source.failing",
    "tidings.source.aside",
    "tidings.lookup.failing",
    "tidings.connection.failing",
)


def _name(one: dict[str, Any]) -> Any:
    return one.get("eventName") if "family" in one else None  # of an event type, not of an event


def as_then(now: Any, then: Any) -> Any:
    """An answer without what answers have gained since it was given, if that says nothing."""
    if isinstance(now, dict) and isinstance(then, dict):
        more = {key: row for key, row in now.items() if key in SINCE and key not in then}
        assert more == {key: SINCE[key] for key in more}
        new = (more.keys() | TOLD_SINCE) - then.keys()
        return {key: as_then(row, then.get(key)) for key, row in now.items() if key not in new}
    if isinstance(now, list) and isinstance(then, list):
        now = [row for row in now if not isinstance(row, dict) or _name(row) not in TYPES_SINCE]
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [as_then(*both) for both in zip(now, then, strict=True)]
    if isinstance(now, str):
        for sentence, before in REWORDED.items():
            now = now.replace(sentence, before)
    return now


def signed_by(arrival: Arrival, secret: str) -> str:
    """The signature by the specification, and no code of the service's."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{arrival.message}.{arrival.headers['webhook-timestamp']}."
    digest = hmac.digest(key, head.encode() + arrival.body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def test_it_is_taken_up_as_it_was_left(tmp_path: Path) -> None:
    """One scenario, in the order in which its parts would disturb each other."""
    with taken_up(tmp_path) as up:
        what_was_answered_is_answered_the_same(up)
        the_doors_are_open_that_were_and_no_others(up)
        a_replay_that_was_paused_goes_on_when_resumed(up)
        what_was_due_arrives_with_the_same_bytes_and_head(up)
        what_was_held_arrives_in_the_order_of_its_key(up)
        what_was_on_its_way_is_marked_as_perhaps_sent(up)
        what_was_stopped_or_paused_waits_until_it_may_go(up)
        what_was_owed_reaches_every_webhook(up)
        own_data_still_rules(up)
        the_letters_go(up)
        what_was_parked_can_be_replayed(up)
        replays_end_with_their_counts(up)
        every_delivery_is_accounted_for(up)
        its_figures_and_its_tables_are_those_of_the_lists(up)


def what_was_answered_is_answered_the_same(up: TakenUp) -> None:
    """Configuration, final deliveries, tallies, arrivals, refused events."""
    for asked, (status, said) in up.made["answers"].items():
        org, _, path = asked.partition(" ")
        with up.service.api(int(org)) as api:
            reply = api.get(path)
        text = reply.body.decode().replace(f":{up.service.port}/", f":{up.made['port']}/")
        assert reply.status == status, asked
        now, then = plain(json.loads(text)), plain(said)
        assert as_then(now, then) == then, asked


def the_doors_are_open_that_were_and_no_others(up: TakenUp) -> None:
    """Sessions, portals, links, keys, tokens."""
    doors, port = up.made["doors"], up.service.port

    def keyed(id: str, secret: str) -> int:
        with Api(port, f"{id}:{secret}") as caller:
            return caller.get("/v1/caller").status

    with Api(port) as nobody:
        for name in ("session", "portal"):
            cookie, path = doors[name]
            assert nobody.call("GET", path, None, {"cookie": cookie}).status == 200, name
            wrong = cookie[:-4] + ("aaaa" if cookie[-4:] != "aaaa" else "bbbb")
            assert nobody.call("GET", path, None, {"cookie": wrong}).status != 200, name
        assert nobody.get(doors["portalLink"]).status == 303
        assert nobody.get(doors["portalLink"]).status != 303, "once"
        assert nobody.get(doors["portalLinkEnded"]).status != 303
        token = {"x-cap-api-oauth-token": doors["token"]["accessToken"]}
        assert nobody.call("GET", "/v1/caller", None, token).status == 200
        nobody.send("POST", "/v3/oauth/token/generate", doors["oauth"]).must(200)
        asked = {"token": doors["invitation"], "password": "other words of mine"}
        assert nobody.send("POST", "/v1/passwords", asked).status in (200, 204)
    for name, old in (("both", 200), ("newOnly", 401)):
        id, before, now = doors[name]
        assert (keyed(id, before), keyed(id, now)) == (old, 200), name
    known = {name: keyed(*key) for name, key in doors["keys"].items()}
    assert known == {"limited": 200, "lasts": 200, "ends": 401, "gone": 401}
    id, password = doors["till"]
    assert keyed(id, hashlib.md5(password.encode()).hexdigest()) == 200
    assert Browser(port, "asha@acme.example", PASSWORD).get("/console")[0] == 200
    with pytest.raises(AssertionError):
        Browser(port, doors["disabled"], PASSWORD)
    with up.api("Harbour") as api:
        body, answer = doors["once"]
        headers = {"content-type": "application/json", "idempotency-key": "the-first"}
        again = api.call("POST", "/v3/webHooks", body.encode(), headers)
        now, then = plain(again.must(200)), plain(answer)
        assert as_then(now, then) == then, "the key of the first call is known"


def what_was_due_arrives_with_the_same_bytes_and_head(up: TakenUp) -> None:
    """Each under its ids, signed with every secret in force."""
    quiet = {"shaped", "paused"}
    for name, event_id, _, delivery, attempts in up.unfinished(PENDING, RETRYING):
        if name in quiet or name.startswith("fan"):
            continue
        arrival, hook = up.came(name, delivery), up.hook(name)
        assert arrival.body == up.expected(name, event_id, delivery), name
        assert arrival.method == hook["method"]
        before = {key: row for key, row in hook["headers"].items() if key not in OF_A_MESSAGE}
        now = {key: header for key, header in arrival.headers.items() if key not in OF_A_MESSAGE}
        assert now == before, name
        assert arrival.message.partition("~")[0] == event_id
        assert arrival.attempt > attempts, name
        signatures = [signed_by(arrival, secret) for secret in hook["secrets"]]
        assert arrival.headers["webhook-signature"].split(" ") == signatures, name
    assert len(up.hook("signed")["secrets"]) == 2


def what_was_held_arrives_in_the_order_of_its_key(up: TakenUp) -> None:
    """One after the other, each of its key."""
    for name in ("keyed", "strict"):
        rows = [row for row in up.unfinished() if row[0] == name]
        arrivals = {row[1]: up.came(name, row[3]) for row in rows}
        by_key: dict[object, list[Arrival]] = {}
        for row in rows:  # in the order of their accept
            arrival = arrivals[row[1]]
            assert arrival.body == up.expected(*row[:2], row[3])
            customer = arrival.event["data"]["customerIdentifiers"]["customerId"]
            by_key.setdefault(customer if name == "keyed" else None, []).append(arrival)
        assert len(by_key) == (2 if name == "keyed" else 1)
        for of_key in by_key.values():
            times = [arrival.at_s for arrival in of_key]
            assert times == sorted(times) and len(of_key) > 2, name


def what_was_on_its_way_is_marked_as_perhaps_sent(up: TakenUp) -> None:
    """An attempt that nobody knows the end of, and the one after it."""
    ends = {"silent": ["lost", None], "silentAgain": [None, "lost", None]}
    rows = [row for row in up.unfinished() if row[0] in ends]
    assert len(rows) == 4
    with up.api("In flight") as api:
        for name, event_id, _, delivery, _ in rows:
            assert up.came(name, delivery).attempt == len(ends[name])
            attempts = api.settled(event_id)["attemptList"]
            assert [attempt["fault"] for attempt in attempts] == ends[name]


def what_was_stopped_or_paused_waits_until_it_may_go(up: TakenUp) -> None:
    """And then arrives, shaped by the version that it was made with."""
    for name, org in (("shaped", "Stopped"), ("paused", "Harbour")):
        rows = [row for row in up.unfinished() if row[0] == name]
        assert len(rows) == 2 and not up.arrivals(name), name
        with up.api(org) as api:
            if name == "shaped":
                told = api.call("POST", f"/v1/orgs/{api.org}/start").must(200)
                assert told["stopped"] is False
            else:
                api.call("POST", f"/v3/webHooks/{up.hook(name)['id']}/resume").must(200)
        for _, event_id, _, delivery, _ in rows:
            assert up.came(name, delivery).body == up.expected(name, event_id, delivery)


def what_was_owed_reaches_every_webhook(up: TakenUp) -> None:
    """Deliveries of an event that were not made yet; what a receiver has disabled stays so."""
    fanned = up.made["fanned"]
    body = up.made["events"][fanned].encode()
    assert up.made["owed"] > FANNED // 2, "the kill came in the middle"
    with up.api("Fan") as api:

        def states() -> list[str] | None:
            rows = api.event(fanned)["deliveries"]
            found = [row["state"] for row in rows]
            return found if {*found} <= {"delivered", "failed"} and len(found) == FANNED else None

        found = Counter(until(states, "all of them are final") or ())
        assert sum(found.values()) == FANNED and found["failed"] <= GONE
        refused = {
            row["webHookId"] for row in api.event(fanned)["deliveries"] if row["state"] == "failed"
        }
        hooks = api.get("/v3/webHooks").must(200)["data"]
        assert {hook["webHookId"] for hook in hooks if hook["standing"] == "disabled"} == refused
    for at in range(FANNED):
        hook = up.hook(f"fan{at:02}")
        came = up.arrivals(f"fan{at:02}")
        assert came or hook["arrived"], at
        assert {arrival.body for arrival in came} <= {body}


def own_data_still_rules(up: TakenUp) -> None:
    """Types of its own, known event ids, test inboxes, an org above that listens."""
    with up.api("Harbour") as api:
        for version, order, status in ((1, "O-1", 202), (1, 7, 422), (2, 7, 202), (2, "O-1", 422)):
            packed = {
                "eventName": "orderPacked",
                "eventId": new_id(),
                "eventVersion": version,
                "data": {"orderId": order},
            }
            assert api.post(json.dumps(packed).encode()).status == status, packed
        known = next(
            row for row in up.made["events"].values() if f'"orgId":{api.org},' in row
        ).encode()
        [row] = api.accept(known)
        assert row["status"] == "duplicate"
        [inbox] = api.get("/v1/inboxes").must(200)["inboxes"]
        token = inbox["url"].rpartition("/")[2]
        assert api.send("POST", f"/inbox/{token}", {"a": 1}).status == 200
        path = f"/v1/inboxes/{inbox['id']}/arrivals"
        until(lambda: len(api.get(path).must(200)["arrivals"]) == 3, "it is shown too")
    with up.api("Harbour East") as child:
        before, event_id = len(up.arrivals("steady")), new_id()
        child.accept(event(event_id, child.org, name="tierUpgraded"))
        came = up.receiver.wait(up.hook("steady")["path"], before + 1)
        assert came[-1].event_id == event_id


def the_letters_go(up: TakenUp) -> None:
    """Those that the mail server had not taken."""
    waited = sum(count for _, count in up.made["letters"])
    until(lambda: len(up.mail.subjects()) >= waited, f"{waited} letters")
    assert LETTERS <= set(up.mail.subjects())


def what_was_parked_can_be_replayed(up: TakenUp) -> None:
    """With its bytes, under its own id."""
    hook = up.hook("parked")
    with up.api("Harbour") as api:
        rows = api.get(f"/v1/deliveries?webHookId={hook['id']}").must(200)["deliveries"]
        parked = {row["eventId"] for row in rows}
        assert len(parked) == 3
        api.call("POST", f"/v3/webHooks/{hook['id']}/enable").must(200)
        api.send("POST", "/v1/replays", {"webHookId": hook["id"]}).must(201)
        came = up.receiver.wait(hook["path"], 3)
        assert {arrival.message for arrival in came} == parked
        for arrival in came:
            assert arrival.body == up.made["events"][arrival.event_id].encode()


def a_replay_that_was_paused_goes_on_when_resumed(up: TakenUp) -> None:
    """It has not gone on by itself."""
    job = up.made["replays"]["paused"]
    with up.api("Replays") as api:
        path = f"/v1/replays/{job['id']}"
        assert api.get(path).must(200)["state"] == "paused"
        assert not up.arrivals("late2")
        api.call("POST", f"{path}/resume").must(200)


def replays_end_with_their_counts(up: TakenUp) -> None:
    """Every event once, but for those that were on their way at the kill, or had no answer."""
    for name, webhook, count in (
        ("half", "late1", 24),
        ("paused", "late2", 24),
        ("listed", "late0", 20),
    ):
        job = up.made["replays"][name]
        with up.service.api(job["org"]) as api:

            def ended(api: Api = api, id: str = job["id"]) -> dict[str, Any] | None:
                found: dict[str, Any] = api.get(f"/v1/replays/{id}").must(200)
                return found if found["state"] == "finished" else None

            found = until(ended, f"the replay {name} ends")
            assert found is not None
            told = (found["matched"], found["made"], found["delivered"])
            assert told == (count, count, count), name
        again = [
            arrival
            for arrival in up.arrivals(webhook)
            if arrival.headers["tidings-replay"] == job["id"]
        ]
        before = up.hook(webhook)["bodies"]
        for arrival in again:
            if arrival.headers["tidings-delivery"] in before:
                assert arrival.attempt > 1, "it was on its way"
        with up.service.api(job["org"]) as api:
            repeats_had_no_answer(api, again, before)


def repeats_had_no_answer(api: Api, arrivals: Iterable[Arrival], before: Collection[str]) -> None:
    """No attempt arrives twice, and another one follows only where the receiver has not answered
    within the deadline: its machine may stand still for so long. `before`: of the deliveries that
    arrived before the kill, the attempt of then may be lost."""
    attempts: dict[str, list[int]] = {}
    for arrival in arrivals:
        attempts.setdefault(arrival.headers["tidings-delivery"], []).append(arrival.attempt)
    for delivery, numbers in attempts.items():
        if len(numbers) > 1:
            listed = api.get(f"/v1/deliveries/{delivery}").must(200)["attemptList"]
            times = [row.at_s for row in arrivals if row.headers["tidings-delivery"] == delivery]
            assert len({*numbers}) == len(numbers), (delivery, numbers, times, listed)
            assert max(numbers) == len(listed), (delivery, numbers, listed)
            *faults, last = [attempt["fault"] for attempt in listed]
            may_be = {"timeout"} | ({"lost"} if delivery in before else set())
            assert {*faults} <= may_be and last is None, (delivery, numbers, listed)


def every_delivery_is_accounted_for(up: TakenUp) -> None:
    """What was final stays as it was; everything else has arrived; nothing more was made."""
    then, made = Counter[int](), Counter[str]()
    for name, state, count in up.made["states"]:
        then[state] += count
        made[name] += count
    # Each of these gets 24 events by a replay of all, and the first 20 of them by a list.
    replayed = sum(24 - made[name] for name in ("late1", "late2")) + 24 + 20 - made["late0"]
    of_this_test = len({"steady"}) + 3  # an event, and a replay of what was parked
    with up.service.api() as boss:
        now = boss.drained()
    assert now["orphans"] == 0
    for word, number in (("failed", FAILED), ("parked", PARKED), ("cancelled", CANCELLED)):
        assert now[word] == then[number], word
    due = len(up.unfinished()) + up.made["owed"] + replayed
    assert now["delivered"] == then[DELIVERED] + due + of_this_test


def its_figures_and_its_tables_are_those_of_the_lists(up: TakenUp) -> None:
    """What `make golden` writes of a running service."""
    for name, look in OF_A_SERVICE.items():
        assert (said := changed(name, look(up))) == "", f"{said}\nif it is meant: make golden"
