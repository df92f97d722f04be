"""The nouns and the daily verbs as a user drives them, behind a pipe and on a terminal."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.command import Command, Running
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until


def started(tidings: Command) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def start(*arguments: str) -> Running:
        made.append(tidings.start(*arguments))
        return made[-1]

    yield start
    for running in made:
        running.kill()


running = pytest.fixture(started)


def next_of(err: str) -> str:
    (line,) = [text for text in err.splitlines() if text.startswith("Next: ")]
    return line[6:]


# -- webhooks --------------------------------------------------------------------------------------


def test_a_webhook_s_life(tidings: Command, org: Api) -> None:
    done = tidings(
        "webhooks",
        "create",
        "crm",
        "https://example.com/x",
        "--on",
        "pointsIssued, tierUpgraded",
        "--header",
        "X-Shop: 7",
        "--json",
    ).must(0)
    made = done.row
    assert made["signingSecret"].startswith("whsec_")
    assert made["webHookHeaders"] == {"X-Shop": "…"}
    assert next_of(done.err) == "tidings webhooks test crm"
    done = tidings("webhooks", "edit", "crm", "--set", "rateLimit=50", "--json").must(0)
    assert done.row["rateLimit"] == 50
    for verb, standing in (
        ("pause", "paused"),
        ("resume", "active"),
        ("disable", "disabled"),
        ("enable", "active"),
    ):
        assert tidings("webhooks", verb, "crm", "--json").must(0).row["standing"] == standing
    secret = tidings("webhooks", "rotate", "crm", "--json").must(0).row["signingSecret"]
    assert secret not in (made["signingSecret"], None)
    for command in (["show", "crm"], ["list"]):
        shown = tidings("webhooks", *command).must(0)
        assert secret not in shown.out + shown.err
    assert tidings("webhooks", "delete", "crm").must(2).err.endswith("pass --yes.\n")
    tidings("webhooks", "delete", "crm", "--yes").must(0)
    tidings("webhooks", "show", "crm").must(3)
    tidings("webhooks", "show", made["webHookId"]).must(0)
    assert [row["name"] for row in tidings("webhooks", "list", "--all", "--json").rows] == ["crm"]
    assert tidings("webhooks", "list", "--json").must(0).rows == []


def test_a_webhook_that_signs_by_a_key_pair_shows_its_public_keys(
    tidings: Command, org: Api
) -> None:
    words = ("crm", "https://example.com/x", "--on", "pointsIssued", "--signatures", "v1,v1a")
    made = tidings("webhooks", "create", *words).must(0)
    [key] = re.findall(r"public key v1a +(whpk_\S+)\n", made.out)
    assert "whsec_" in made.out
    done = tidings("webhooks", "rotate", "crm").must(0)
    newest, former = re.findall(r"public key v1a +(whpk_\S+)", done.out)
    assert former == key != newest and f"{former} until " in done.out
    shown = tidings("webhooks", "show", "crm").must(0)
    assert re.findall(r"whpk_\S+", shown.out) == [newest, former] and "v1, v1a" in shown.out
    one = tidings("webhooks", "rotate", "crm", "--scheme", "v1a").must(0)
    assert "whsec_" not in one.out and len(re.findall(r"whpk_\S+", one.out)) == 3
    tidings("webhooks", "edit", "crm", "--signatures", "v1a").must(0)
    alone = tidings("webhooks", "rotate", "crm", "--overlap-hours", "0").must(0)
    assert "whsec_" not in alone.out and "shown only once" not in alone.err
    wrong = tidings("webhooks", "edit", "crm", "--signatures", "v2").must(4)
    assert "signatures must be a list of v1 and v1a" in wrong.err


def test_a_name_that_is_nearly_right_is_suggested(tidings: Command, hook: Any) -> None:
    done = tidings("webhooks", "show", "cmr").must(3)
    assert "Did you mean crm?" in done.err and done.out == ""


def test_a_header_that_may_hold_a_secret_is_not_shown(tidings: Command, org: Api) -> None:
    org.webhook("https://example.com/x", webHookHeaders={"Authorization": "Bearer 0123456789ab"})
    shown = tidings("webhooks", "show", "crm").must(0)
    assert "Authorization: …89ab" in shown.out and "01234567" not in shown.out


def test_a_test_message_shows_the_answer(tidings: Command, hook: Any, failing: Any) -> None:
    assert re.search(r"answer +200\n", tidings("webhooks", "test", "crm").must(0).out)


def test_a_test_message_that_is_refused_ends_with_1(tidings: Command, failing: Any) -> None:
    done = tidings("webhooks", "test", "shop").must(1)
    assert "answered 400 Bad Request" in done.err


def test_a_preview_shows_what_would_arrive(tidings: Command, org: Api, hook: Any) -> None:
    org.accept(bare(eventId="e-1"))
    org.accept(bare(eventId="e-2"))
    org.accept(bare("tierUpgraded", eventId="e-3"))  # of another type: it is not looked at
    done = tidings("webhooks", "preview", "crm").must(0)
    assert "It would have received 2 of the last 2 events." in done.err


# -- deliveries, show ------------------------------------------------------------------------------


def test_deliveries_are_filtered_and_the_worst_is_proposed(
    tidings: Command, org: Api, hook: Any, failing: Any
) -> None:
    for element in ("e-1", "e-2"):
        org.accept(bare(eventId=element))
        org.settled(element, hook)
        org.settled(element, failing)
    bad = org.delivery_of("e-2", failing)
    assert len(tidings("deliveries", "list", "--json").must(0).rows) == 4
    done = tidings("deliveries", "list", "--status", "failed", "--webhook", "shop", "--since", "1h")
    assert len(done.must(0).out.splitlines()) == 3
    assert next_of(done.err) == f"tidings show {bad['id']}"
    assert tidings("deliveries", "list", "--limit", "3", "--json").rows[0]["eventId"] == "e-2"
    assert (
        "No delivery matches." in tidings("deliveries", "list", "--on", "tierUpgraded").must(0).err
    )
    assert tidings("deliveries", "list", "--since", "soon").must(2).out == ""
    assert "states must be" in tidings("deliveries", "list", "--status", "faild").must(4).err


@pytest.mark.parametrize("listed", [("deliveries", "list"), ("events", "log")])
def test_a_range_in_which_nothing_can_lie_is_refused_with_the_reason(
    tidings: Command, org: Api, listed: tuple[str, str]
) -> None:
    ahead = tidings(*listed, "--since", "2999-01-01T00:00:00Z").must(4)
    assert "must not lie ahead" in ahead.err and "2999-01-01" in ahead.err
    empty = tidings(*listed, "--since", "1h", "--until", "2h").must(4)
    assert "must be before" in empty.err and "nothing lies" in empty.err
    assert ahead.out == empty.out == ""


def test_show_opens_whatever_an_id_names(tidings: Command, org: Api, hook: dict[str, Any]) -> None:
    org.accept(bare(eventId="e-1", apiRequestId="request-77"))
    delivery = org.settled("e-1")
    job = org.send("POST", "/v1/replays", {"webHookId": hook["webHookId"], "start": False}).json
    inbox = org.send("POST", "/v1/inboxes", {"name": "mine"}).must(201)
    key = tidings("credentials", "create", "r", "--scope", "logs:read", "--json").row["id"]
    for id, field, value in (
        (delivery["id"], "id", delivery["id"]),
        (job["id"], "id", job["id"]),
        (hook["webHookId"], "name", "crm"),
        (hook["consumerGroupId"], "name", "crm"),
        ("crm", "name", "crm"),
        ("e-1", "eventId", "e-1"),
        (str(org.org), "id", org.org),
        (key, "id", key),
        ("request-77", "eventId", "e-1"),
    ):
        assert tidings("show", id, "--json").must(0).row[field] == value, id
        text = tidings("show", id).must(0)
        assert str(value) in text.out, id
        assert next_of(text.err).startswith("tidings "), id
    assert "Nothing has arrived yet." in tidings("show", inbox["id"]).must(0).err


@pytest.mark.parametrize(
    "id",
    [
        "dlv_0000000000009",
        "rpl_0000000000009",
        "inb_0000000000009",
        "arr_0000000000009",
        "0" * 24,
        "no-such-thing",
        "99999999",
        "\x1b[31m",
    ],
)
def test_what_is_not_there_is_3(tidings: Command, id: str) -> None:
    done = tidings("show", id).must(3)
    assert done.out == "" and done.err.endswith("\n") and "\x1b" not in done.err


def test_another_org_s_things_are_not_there(
    tidings: Command, org: Api, hook: Any, new_org: Any
) -> None:
    org.accept(bare(eventId="e-1"))
    id = org.settled("e-1")["id"]
    other = str(new_org().org)
    for element in (id, "e-1", hook["webHookId"], "crm"):
        tidings("show", element, "--org", other).must(3)


def test_a_delivery_is_tried_again_and_cancelled(
    tidings: Command, org: Api, receiver: Receiver
) -> None:
    path = receiver.path(status=503)
    org.webhook(receiver.url(path), retryPolicy={"delaysInSeconds": [600]})
    org.accept(bare(eventId="e-1"))
    id = org.settled("e-1", states=("retrying",))["id"]
    tidings("deliveries", "retry", id).must(0)
    receiver.wait(path, 2)
    done = tidings("deliveries", "cancel", id, "--json").must(0)
    assert done.row["state"] == "cancelled"
    assert "must be unfinished" in tidings("deliveries", "cancel", id).must(4).err


# -- replay ----------------------------------------------------------------------------------------


def test_a_replay_says_what_it_would_do_and_then_does_it(
    tidings: Command, org: Api, receiver: Receiver
) -> None:
    path = receiver.path(status=400)
    hook = org.webhook(receiver.url(path))
    for number in range(3):
        org.accept(bare(eventId=f"e-{number}"))
        org.settled(f"e-{number}")
    receiver.plan(path, status=200)
    asked = ("replay", "--webhook", "crm", "--missed-since", "1h")
    done = tidings(*asked, "--dry-run").must(0)
    assert "This sends 3 requests to 127.0.0.1" in done.err
    assert next_of(done.err) == "tidings replay --webhook crm --missed-since 1h"
    flags = ("--on", "pointsIssued", "--since", "2h", "--again", "--rate", "5", "--yes")
    asked_so = (*asked[:3], *flags)
    done = tidings(*asked_so, "--dry-run").must(0)
    assert next_of(done.err) == " ".join(("tidings", *asked_so))
    assert tidings(*asked).must(2).err.endswith("pass --yes.\n")
    terminal = tidings.on_terminal(*asked)
    terminal.shows("Start it? [y/N]")
    terminal.type("n\n")
    terminal.ended().must(4)
    assert org.get("/v1/replays").must(200)["replays"] == []
    done = tidings(*asked, "--yes", "--json").must(0)
    assert (done.row["state"], done.row["delivered"]) == ("finished", 3)
    assert len(tidings("replay", "list", "--json").must(0).rows) == 1
    again = tidings(*asked, "--yes").must(0)
    assert next_of(again.err) == "tidings deliveries list --webhook crm"
    assert hook["webHookId"] == done.row["webHookId"]


def test_a_replay_can_be_paused_resumed_and_cancelled(
    tidings: Command, org: Api, failing: dict[str, Any]
) -> None:
    org.accept(bare(eventId="e-1"))
    org.settled("e-1")
    body = {"webHookId": failing["webHookId"], "start": False}
    id = org.send("POST", "/v1/replays", body).must(201)["id"]
    assert tidings("replay", "pause", id, "--json").must(0).row["state"] == "paused"
    assert tidings("replay", "show", id, "--watch").must(0).out.startswith("replay")
    tidings("replay", "resume", id).must(0)
    tidings("replay", "show", id, "--watch").must(0)
    assert "it is finished" in tidings("replay", "cancel", id).must(4).err
    assert tidings("replay").must(2).err.startswith("--webhook must name the webhook")


# -- tail ------------------------------------------------------------------------------------------


def test_tail_prints_events_and_deliveries_as_they_happen(
    running: Any, org: Api, hook: Any
) -> None:
    tail = running("tail")
    tail.says("Listening to")
    org.accept(bare(eventId="e-1"))
    lines = tail.prints(2)
    assert "· accepted   pointsIssued  for 1 webhook  e-1" in lines[0]
    assert re.search(r"✓ delivered  pointsIssued  crm  200  .* ms  try 1  dlv_", lines[1])
    assert "2 facts" in tail.end().must(0).err


def test_tail_filters(running: Any, org: Api, hook: Any, failing: Any) -> None:
    tail = running("tail", "--status", "failed", "--on", "pointsIssued", "--json")
    tail.says("Listening to")
    org.accept(bare("tierUpgraded", eventId="e-0"))
    org.accept(bare(eventId="e-1"))
    row = json.loads(tail.prints(1)[0])
    assert (row["kind"], row["webHookName"], row["state"]) == ("delivery", "shop", "failed")
    assert len(tail.end().must(0).out.splitlines()) == 1


def test_tail_refuses_a_state_that_never_comes(tidings: Command) -> None:
    assert tidings("tail", "--status", "parked").must(2).err.startswith("--status must be")


# -- orgs, credentials, inboxes --------------------------------------------------------------------


def test_an_org_and_a_credential_of_its_own(tidings: Command, service: ServiceProcess) -> None:
    org = tidings("orgs", "create", "Acme", "--time-zone", "Asia/Kolkata", "--json").must(0).row
    tidings("orgs", "edit", str(org["id"]), "--validation", "lenient").must(0)
    shown = tidings("orgs", "show", str(org["id"])).must(0).out
    assert "Asia/Kolkata" in shown and "lenient" in shown
    assert org["id"] in [row["id"] for row in tidings("orgs", "list", "--json").must(0).rows]
    at = ("--org", str(org["id"]))
    made = (
        tidings(
            "credentials",
            "create",
            "reader",
            "--scope",
            "logs:read",
            "--scope",
            "webhooks:read",
            "--json",
            *at,
        )
        .must(0)
        .row
    )
    reader = {"TIDINGS_KEY": f"{made['id']}:{made['secret']}", "TIDINGS_ORG": ""}
    tidings("webhooks", "list", **reader).must(0)
    done = tidings(
        "webhooks", "create", "a", "https://example.com/", "--on", "pointsIssued", **reader
    ).must(4)
    assert done.out == ""
    listed = tidings("credentials", "list", *at).must(0)
    assert made["secret"] not in listed.out and "webhooks:read, logs:read" in listed.out
    new = tidings("credentials", "rotate", made["id"], "--overlap-hours", "0", "--json", *at).row
    tidings("webhooks", "list", **reader).must(4)
    reader["TIDINGS_KEY"] = f"{new['id']}:{new['secret']}"
    tidings("webhooks", "list", **reader).must(0)
    assert tidings("credentials", "revoke", made["id"], *at).must(2).out == ""
    tidings("credentials", "revoke", made["id"], "--yes", *at).must(0)
    tidings("webhooks", "list", **reader).must(4)
    assert tidings("credentials", "create", "x", "--scope", "logs", *at).must(2).out == ""


def test_an_inbox_shows_what_has_arrived(tidings: Command, org: Api) -> None:
    made = tidings("inboxes", "create", "mine", "--status", "503", "--delay", "1ms", "--json").row
    secret = "Bearer 0123456789abcdef"
    org.webhook(made["url"], webHookHeaders={"Authorization": secret})
    tidings("webhooks", "test", "crm").must(1)
    # What it answers at once it writes down a moment later.
    shows = ("inboxes", "show", made["id"], "--json")
    [row] = until(lambda: tidings(*shows).must(0).rows, "that it is kept")
    assert (row["verdict"], row["status"]) == ("valid", 503)
    assert "valid" in tidings("inboxes", "show", made["id"]).must(0).out
    for command in (["show", row["id"]], ["inboxes", "show", made["id"], "--arrival", row["id"]]):
        shown = tidings(*command).must(0)
        assert '"eventName":"pointsIssued"' in shown.out and secret not in shown.out
    assert len(tidings("inboxes", "list", "--json").must(0).rows) == 1
    tidings("inboxes", "delete", made["id"]).must(0)
    tidings("inboxes", "show", made["id"]).must(3)


# -- doctor ----------------------------------------------------------------------------------------


def test_doctor_names_one_cause_and_one_fix(
    tidings: Command, org: Api, failing: Any, service: ServiceProcess
) -> None:
    org.accept(bare(eventId="e-1"))
    id = org.settled("e-1")["id"]
    done = tidings("doctor", "shop").must(1)
    lines = [line for line in done.out.splitlines() if line[:5] in ("Cause", "Fix  ")]
    assert len(lines) == 2
    assert "answered 400 Bad Request" in done.out
    assert next_of(done.err) == f"tidings show {id}"
    tidings("webhooks", "pause", "shop").must(0)
    row = tidings("doctor", "shop", "--json").must(1).row
    assert row["cause"].startswith("shop is paused") and row["fix"] == "Resume it."


def test_doctor_finds_a_filter_that_takes_nothing(tidings: Command, org: Api) -> None:
    never = {"path": "data.totalPointsIssued", "gt": 1000}
    org.webhook("https://example.com/x", filter=never)
    org.accept(bare(eventId="e-1"))
    assert tidings("doctor", "crm", "--json").row["cause"].startswith("Its filter matches none of")


def test_doctor_finds_a_credential_that_is_not_known(tidings: Command) -> None:
    done = tidings("doctor", TIDINGS_KEY="boss:wrong").must(1)
    assert "does not accept the credential from TIDINGS_KEY" in done.out and "wrong" not in done.out
    step = f"tidings login default --url {tidings.environ['TIDINGS_URL']}"
    assert next_of(done.err) == step


def test_doctor_where_nobody_is_there_is_5(tidings: Command) -> None:
    tidings("doctor", "--url", "http://127.0.0.1:1").must(5)


# -- events ----------------------------------------------------------------------------------------


def test_events_are_listed_and_those_that_nobody_wanted(
    tidings: Command, org: Api, hook: Any
) -> None:
    org.accept(bare(eventId="e-1"))
    org.accept(bare("tierUpgraded", eventId="e-2"))
    rows = tidings("events", "log", "--since", "1h", "--json").must(0).rows
    assert [row["eventId"] for row in rows] == ["e-2", "e-1"]
    assert tidings("events", "log", "--unwanted", "--json").must(0).row["eventId"] == "e-2"
    done = tidings("events", "log", "--on", "pointsIssued").must(0)
    assert "e-1" in done.out and next_of(done.err) == "tidings show e-1"


def test_refused_events_are_listed_with_their_reason(tidings: Command, org: Api) -> None:
    assert "No events were rejected." in tidings("events", "rejected").must(0).err
    org.post(bare("pointIssued", eventId="e-1"))
    done = tidings("events", "rejected").must(0)
    assert "pointIssued" in done.out and "must be" in done.out
    assert tidings("events", "rejected", "--json").must(0).row["eventId"] == "e-1"


def test_messages_are_fetched_printed_and_acknowledged(tidings: Command, org: Api) -> None:
    made = tidings("webhooks", "create", "reader", "--type", "PULL", "--on", "pointsIssued").must(0)
    assert "Next: tidings webhooks pull reader" in made.err
    told = tidings("webhooks", "pull", "reader").must(0)
    assert told.out == "" and "no messages" in told.err
    org.accept(bare(eventId="pulled-1"))
    kept = tidings("webhooks", "pull", "reader", "--keep", "--json").must(0).row
    assert json.loads(kept["body"])["eventId"] == "pulled-1"
    org.accept(bare(eventId="pulled-2"))
    assert "pulled-2" in tidings("webhooks", "pull", "reader").must(0).out
    assert org.settled("pulled-2")["state"] == "delivered"
    told = tidings("webhooks", "pull", "crm-of-nobody").must(3)
    assert "must be the name or id" in told.err


def test_where_a_webhook_that_has_no_url_leads_is_shown(tidings: Command, org: Api) -> None:
    org.webhook("", "reader", webHookType="PULL")
    assert "PULL" in tidings("webhooks", "list").must(0).out
    shown = tidings("webhooks", "show", "reader").must(0).out
    assert "PULL" in shown and "POST" not in shown, "nothing is called"
