"""The recipe `survey`: who has bought is asked once, whatever dies and fails on the way."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.actions.recipes.recipe import NIGHT, NOON, ORG, Recipe, runs, said, zone_at
from tests.e2e.actions.recipes.two import example
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, ServiceProcess
from tests.e2e.harness.service import SECRET as SERVICE_SECRET
from tests.e2e.harness.store.kept import kept_in
from tests.e2e.harness.until import PATIENCE_S, until
from tests.stand_ins.apart import Apart
from tests.stand_ins.parties.medallia import IMPORTER, Medallia

pytestmark = pytest.mark.systems  # it takes half a minute

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # of the test's own source
CLIENT = "secret-of-the-client"
MEERA, JONAS, AARAV, CARLOS = 41200777, 41200888, 41200999, 41201222
IN_FORCE_S = 2.5  # after which a contact list that was replaced is asked, and the earlier one never
WAIT = 'after = "2h"'


@pytest.fixture
def medallia() -> Iterator[Apart]:
    """The survey platform, in a process of its own."""
    with Apart(Medallia) as made:
        yield made


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, medallia: Apart) -> Recipe:
    """The recipe, by day for all its customers, and without the two hours that nobody tests."""
    for name, value in {
        "PLATFORM_SECRET": SECRET,
        "SURVEY_TOKEN_URL": medallia.url("/oauth/brand/token"),
        "SURVEY_URL": medallia.url(f"/inbound/v1/{IMPORTER}"),
        "SURVEY_CLIENT": "client",
        "SURVEY_SECRET": CLIENT,
    }.items():
        monkeypatch.setenv(name, value)
    made = Recipe("survey", tmp_path / "recipe")
    made.tell(zone=zone_at(NOON))
    made.change(WAIT, 'after = "1s"')
    return made


def bought(customer: int, number: int, **data: Any) -> dict[str, Any]:
    """A purchase."""
    return example(
        "transactionAdded", customer, transactionId=number, billNumber=f"B-{number}", **data
    )


def tell(api: Api, *events: dict[str, Any]) -> None:
    """Purchases, which the platform tells of."""
    for event in events:
        api.accept(json.dumps(event | {"orgId": ORG}).encode())


def hurry(api: Api) -> list[Any]:
    """Try again now what is to be tried again; all runs."""
    found = runs(api)
    for row in found:
        if row["state"] in ("retrying", "waiting"):
            api.call("POST", f"/v1/deliveries/{row['id']}/retry")
    return found


def over(api: Api, count: int, seconds: float = PATIENCE_S) -> list[Any]:
    """So many runs, each of which has come to an end, tried again without waiting."""

    def ask() -> list[Any] | None:
        found = hurry(api)
        return found if len([row for row in found if row["doneAt"]]) == count else None

    found = until(ask, f"{count} ended runs", seconds)
    assert found is not None
    return found


def test_an_invitation_says_what_the_feed_wants_each_value_as_text(
    own_service: NewService, recipe: Recipe, medallia: Apart
) -> None:
    recipe.tell(lambda id: {"zone": "Asia/Kolkata"} if id == str(MEERA) else {})
    recipe.change('from = "21:00", to = "09:00"', 'from = "00:00", to = "00:01"')
    service = own_service(actions=recipe.path).start()
    with service.api(ORG) as api:
        tell(api, bought(MEERA, 90551, amount=86.5))
        [run] = over(api, 1)
    assert run["state"] == "delivered"
    assert medallia.invitations() == [
        {
            "transaction_id": "90551",
            "transaction_date": "2026-02-11T04:30:00+05:30",
            "bill_number": "B-90551",
            "amount": "86.50",
            "currency": "EUR",
            "store": "store.01",
            "customer_id": "41200777",
            "email": "meera.nair@mail.example",
            "phone": "+919812300777",
            "name": "Meera Nair",
            "language": "en",
        }
    ]
    assert medallia.tokens_issued() == 1
    kept = b"".join(content for _, content in kept_in(service.data))
    assert CLIENT.encode() not in kept + service.log.read_bytes()


def test_who_is_not_to_be_asked_now_or_at_all_is_not(
    own_service: NewService, recipe: Recipe, medallia: Apart
) -> None:
    recipe.change('after = "1s"', WAIT)  # as the recipe has it
    service = own_service(actions=recipe.path).start()
    with service.api(ORG) as api:
        tell(
            api, bought(MEERA, 1), bought(AARAV, 2, billType="RETURN"), bought(AARAV, 3, amount=0.0)
        )
        [waits] = until(lambda: [run for run in runs(api) if run["waitsFor"]], "a run that waits")
        assert waits["state"] == "waiting" and said(waits).startswith("It is done at 20")
    service.stop()
    recipe.change(WAIT, 'after = "1s"')
    recipe.tell(lambda id: {"zone": zone_at(NIGHT)} if id == str(JONAS) else {})
    service.start()
    with service.api(ORG) as api:
        tell(api, bought(JONAS, 4), bought(CARLOS, 5), bought(41209999, 6))
        by_number = {run["eventId"]: run for run in runs(api)}
        assert len(by_number) == 4, "a return, and what costs nothing, is no purchase"

        def quiet() -> bool:
            return any(
                "It is quiet for the customer until 09:00" in said(row) for row in hurry(api)
            )

        until(quiet, "a customer who sleeps")
        wanted = {
            "The customer has opted out of surveys.",
            "The look-up contact has no record for this event, so there is nothing to do.",
        }

        def cancelled() -> bool:
            return {said(row) for row in hurry(api) if row["state"] == "cancelled"} == wanted

        until(cancelled, "two who are not asked")
        until(medallia.invitations, "the one that had to wait")
    assert [invitation["transaction_id"] for invitation in medallia.invitations()] == ["1"]


def test_each_customer_is_asked_once_in_30_days_and_who_opts_out_between_two_attempts_never(
    own_service: NewService, recipe: Recipe, medallia: Apart
) -> None:
    medallia.fails(None, status=503, path="inbound")
    service = own_service(actions=recipe.path).start()
    with service.api(ORG) as api:
        tell(api, bought(JONAS, 1))
        until(lambda: medallia.calls("inbound", status=503), "an attempt that fails")
        recipe.tell(lambda id: {"opted_out": "yes"} if id == str(JONAS) else {})
        time.sleep(IN_FORCE_S)
        medallia.heals()
        [run] = over(api, 1)
        assert (run["state"], said(run)) == ("cancelled", "The customer has opted out of surveys.")
        assert medallia.invitations() == [] and len(run["attemptList"]) >= 2
        tell(api, *(bought(MEERA, number) for number in range(10, 15)))
        found = over(api, 6)
        assert Counter(row["state"] for row in found) == {"delivered": 1, "cancelled": 5}
        capped = [said(row) for row in found[1:] if row["state"] == "cancelled"]
        assert all("done once for the same subject" in text for text in capped) and len(capped) == 4
        [done] = [row for row in found if row["state"] == "delivered"]
        again = {
            "webHookId": done["webHookId"],
            "states": ["delivered", "cancelled"],
            "again": True,
        }
        api.send("POST", "/v1/replays", again).must(201)
        assert [row["state"] for row in over(api, 12)[6:]] == ["cancelled"] * 6
    service.kill_all()
    with service.start().api(ORG) as api:
        tell(api, bought(MEERA, 20))
        assert over(api, 13)[-1]["state"] == "cancelled", "the count is kept on the disk"
    assert len(medallia.invitations()) == 1


TROUBLES = ["503", "429", "expired tokens", "lost answers", "lost answers, new ones counted alone"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_the_survey_platform_answers_an_invitation_is_made_once(
    own_service: NewService, recipe: Recipe, medallia: Apart, trouble: str
) -> None:
    service = own_service(actions=recipe.path).start()
    with service.api(ORG) as api:
        if trouble == "503":
            medallia.fails(3, status=503, path="inbound")
        elif trouble == "429":
            medallia.fails(3, status=429, path="inbound")  # without Retry-After
        elif trouble.startswith("lost answers"):
            if "alone" in trouble:
                medallia.counts_new_alone()
            medallia.resets(1, done=True, path="inbound")
            medallia.fails(1, status=500, done=True, path="inbound")
        tell(api, bought(MEERA, 1), bought(JONAS, 2))
        if trouble == "expired tokens":
            over(api, 2)
            medallia.revoke_tokens()
            tell(api, bought(AARAV, 3))
        count = 3 if trouble == "expired tokens" else 2
        found = over(api, count)
        assert {row["state"] for row in found} == {"delivered"}
    made = Counter(invitation["transaction_id"] for invitation in medallia.invitations())
    assert made == {str(number): 1 for number in range(1, count + 1)}
    assert bool(medallia.duplicates()) == trouble.startswith("lost answers")
    assert medallia.tokens_issued() == (2 if trouble == "expired tokens" else 1)


@pytest.mark.systems
def test_every_customer_is_asked_once_though_the_program_is_killed_again_and_again(
    own_service: NewService, recipe: Recipe, medallia: Apart
) -> None:
    people = [str(41300000 + number) for number in range(40)]
    for at, id in enumerate(people):
        recipe.people[id] = {
            "customer_id": id, "email": f"c{at}@mail.example", "phone": "", "name": f"C {at}",
            "language": "en", "zone": zone_at(NOON), "opted_out": "yes" if at % 5 == 0 else "",
        }  # fmt: skip
    recipe.tell()
    medallia.resets(6, done=True, path="inbound", after=3)
    medallia.fails(6, status=503, path="inbound", after=5)
    medallia.fails(6, status=429, path="inbound", after=8)
    medallia.slows(0.3, 40, path="inbound")
    service = own_service(actions=recipe.path).start()
    events = [bought(int(id), 1000 + 10 * at + n) for at, id in enumerate(people) for n in range(2)]
    random.Random(7).shuffle(events)
    told: set[str] = set()
    for kill in range(4):
        with service.api(ORG) as api:
            tell(api, *events[kill * 20 : kill * 20 + 20])
            told |= {event["eventId"] for event in events[kill * 20 : kill * 20 + 20]}
            hurry(api)
            time.sleep(1.2 + 0.4 * kill)
        if kill == 1:
            medallia.revoke_tokens()
        service.kill_all()
        service.start()
    with service.api(ORG) as api:
        found = over(api, len(events))
    assert len(told) == len(events) == 80
    asked = Counter(invitation["customer_id"] for invitation in medallia.invitations())
    wanted = {id for at, id in enumerate(people) if at % 5}
    assert asked == dict.fromkeys(wanted, 1)
    assert len(medallia.calls("inbound")) > len(wanted), "some were sent more than once"
    states = Counter(row["state"] for row in found)
    assert states == {"delivered": len(wanted), "cancelled": len(events) - len(wanted)}


def test_an_invitation_that_is_refused_is_told_of_and_replayed_like_any_delivery(
    own_service: NewService, recipe: Recipe, medallia: Apart, receiver: Receiver, tmp_path: Path
) -> None:
    recipe.tell(lambda id: {"phone": "no number"} if id == str(MEERA) else {})
    service = own_service(actions=recipe.path).start()
    path = receiver.path()
    with service.api(ORG) as api:
        api.webhook(receiver.url(path), "on-call", eventNames=["tidings.delivery.exhausted"])
        tell(api, bought(MEERA, 77) | {"eventId": new_id()})
        [told] = receiver.wait(path, 1)
        [run] = [run for run in runs(api) if run["webHookName"] == "survey"]
        assert run["state"] == "failed" and medallia.invitations() == []
        assert "does not say that it was taken (by rejects and records and duplicates)" in said(run)
        assert run["id"] in json.dumps(told.event) and "survey" in json.dumps(told.event)
        assert "no number" not in json.dumps(told.event)
        recipe.tell(lambda id: {"phone": "+919812300777"} if id == str(MEERA) else {})
        time.sleep(IN_FORCE_S)
        replayed(service, tmp_path)
        until(lambda: len(medallia.invitations()) == 1, "the invitation, by a replay")
        assert medallia.invitations()[0]["transaction_id"] == "77"
        until(lambda: runs(api, "survey")[-1]["state"] == "delivered", "the end of it")
        assert [run["state"] for run in runs(api, "survey")] == ["failed", "delivered"]


def replayed(service: ServiceProcess, home: Path) -> None:
    """`tidings replay`, as an operator does."""
    tidings = Command(
        home,
        TIDINGS_URL=f"http://127.0.0.1:{service.port}",
        TIDINGS_KEY=f"{KEY}:{SERVICE_SECRET}",
        TIDINGS_ORG=str(ORG),
    )
    done = tidings("replay", "--webhook", "survey", "--missed-since", "1h", "--yes").must()
    assert "1" in done.out + done.err
