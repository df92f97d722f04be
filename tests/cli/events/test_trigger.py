"""`tidings trigger`, and the next steps that a fresh service prints: all can be copied and run."""

import json
import re
import shlex
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command, Done
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tidings.catalogue import load
from tidings.cli.events.trigger import put
from tidings.cli.events.type_lookup import fresh
from tidings.cli.exits import CommandExit

# They go on until they are told to end, or ask a person for a secret.
GO_ON = ("tidings tail", "tidings listen", "tidings serve", "tidings login")
OWN = {
    "description": "An order is packed.",
    "schema": {
        "type": "object",
        "required": ["orderId"],
        "properties": {
            "orderId": {"type": "string", "x-search": True},
            "parcel": {"$ref": "#/$defs/parcel"},
        },
        "$defs": {"parcel": {"type": "object", "properties": {"kg": {"type": "number"}}}},
    },
    "key": "data.orderId",
    "example": {"orderId": "O-71"},
}


@pytest.fixture
def whole(service: ServiceProcess, tmp_path: Path) -> Command:
    """The command as who has just started the service has it: the platform's credential alone."""
    return Command(
        tmp_path,
        TIDINGS_URL=f"http://127.0.0.1:{service.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
    )


@pytest.fixture
def strict(service: ServiceProcess, new_org: Any, tmp_path: Path) -> tuple[Command, Api]:
    """The command with a credential of an org whose events are checked."""
    org = new_org()
    path = f"/v1/orgs/{org.org}/credentials"
    scopes = {"events": "write", "webhooks": "write", "logs": "read", "replay": "none"}
    made = org.send("POST", path, {"name": "own", "scopes": scopes}).must(201)
    key = f"{made['id']}:{made['secret']}"
    url = f"http://127.0.0.1:{service.port}"
    return Command(tmp_path, TIDINGS_URL=url, TIDINGS_KEY=key), org


def step_of(done: Done) -> str:
    line = done.err.splitlines()[-1]
    assert line.startswith("Next: "), done.err
    return line.removeprefix("Next: ")


def test_every_printed_next_step_of_a_fresh_service_can_be_run(
    whole: Command, tmp_path: Path
) -> None:
    file = tmp_path / "events.json"
    file.write_bytes(bare(eventId="e-1"))
    left = deque(
        [
            "tidings doctor",
            "tidings events list",
            "tidings events list --family own",
            "tidings events show CouponIssue",
            "tidings events show tidings.webhook.failing",
            "tidings events example tierUpgraded --thin",
            "tidings events log",
            "tidings events rejected",
            "tidings webhooks list",
            "tidings deliveries list",
            "tidings inboxes list",
            "tidings orgs list",
            "tidings credentials list",
            "tidings replay list",
            f"tidings send {file}",
        ]
    )
    ran: set[str] = set()
    while left:
        command = left.popleft()
        if command in ran or command.startswith(GO_ON):
            continue
        ran.add(command)
        assert not set("|<>;&").intersection(command), command
        done = whole(*shlex.split(command)[1:])
        if "Not a terminal: pass --yes." in done.err:
            continue  # it was understood, and a person says on a terminal whether it is done
        # A receiver that is not there fails a test, and a doctor may find something.
        may_fail = ("tidings webhooks test", "tidings doctor")
        assert done.code in ((0, 1) if command.startswith(may_fail) else (0,)), (command, done.err)
        left.append(step_of(done))
    assert {"tidings trigger CouponIssue", "tidings webhooks test crm"} <= ran


def test_the_same_line_twice_is_two_events_of_the_callers_own_org(
    strict: tuple[Command, Api],
) -> None:
    tidings, org = strict
    step = step_of(tidings("events", "example", "pointsIssued").must())
    assert step == "tidings trigger pointsIssued"
    began_ms = time.time_ns() // 1_000_000
    rows = [tidings(*step.split()[1:], "--json").must().row for _ in range(2)]
    assert [row["status"] for row in rows] == ["accepted", "accepted"]
    assert rows[0]["eventId"] != rows[1]["eventId"]
    for row in rows:
        event = org.event(row["eventId"])["body"]
        assert event["orgId"] == org.org
        assert event["refId"].startswith(f"{org.org}_")
        assert began_ms <= event["createdAt"] <= time.time_ns() // 1_000_000


def test_a_printed_example_can_be_sent_each_time_it_is_printed(
    strict: tuple[Command, Api],
) -> None:
    tidings, _ = strict
    for more in ([], ["--thin"], []):
        printed = tidings("events", "example", "tierUpgraded", *more).must().out
        assert tidings("send", "-", "--json", stdin=printed).must().row["status"] == "accepted"


@pytest.mark.parametrize("kind", load().kinds(), ids=lambda kind: kind.label)
def test_a_fresh_event_of_each_type_fits_it_and_names_no_other_org(kind: Any) -> None:
    event = fresh(kind.example, 77)
    assert load().check(kind.name, event) == []
    text = json.dumps(event)
    # As a number of its own: an id that was drawn may have the digits in it.
    assert '"orgId": 77' in text and not re.search(r"(?<![0-9A-Za-z-])2001(?![0-9A-Za-z-])", text)
    assert kind.example["eventId"] != event["eventId"]


def test_values_are_set_and_the_rest_stays(strict: tuple[Command, Api]) -> None:
    tidings, org = strict
    row = tidings(
        *("trigger", "pointsIssued", "--json"),
        *("--set", "data.totalPointsIssued=7", "--set", "data.customerIdentifiers.customerId=55"),
        *("--set", "data.regularPointsBreakup[0].expiryAt=2030-01-01", "--set", "data.more.a=[1]"),
    ).must().row  # fmt: skip
    data = org.event(row["eventId"])["body"]["data"]
    assert data["totalPointsIssued"] == 7 and data["customerIdentifiers"]["customerId"] == 55
    assert data["regularPointsBreakup"][0]["expiryAt"] == "2030-01-01"
    assert data["more"] == {"a": [1]} and "loyaltyProgramDetails" in data
    done = tidings("trigger", "pointsIssued", "--set", "data.totalPointsIssued=much").must(4)
    assert "data.totalPointsIssued" in done.out and step_of(done) == "tidings events rejected"


def test_an_own_type_is_known_to_every_command(strict: tuple[Command, Api]) -> None:
    tidings, org = strict
    org.send("PUT", "/v1/eventTypes/orderPacked", OWN).must(201)
    bare_ = {name: value for name, value in OWN.items() if name != "example"}
    org.send("PUT", "/v1/eventTypes/shop.orderLost", bare_).must(201)
    listed = tidings("events", "list", "--json").must().rows
    assert [row["eventName"] for row in listed if row["family"] == "own"] == [
        "orderPacked",
        "shop.orderLost",
    ]
    assert len(listed) == len(load().names()) + 2
    assert len(tidings("events", "list", "--json", "--family", "own").must().rows) == 2
    shown = tidings("events", "show", "orderPacked").must()
    assert "An order is packed." in shown.out and "parcel.kg" in shown.out
    assert step_of(shown) == "tidings events example orderPacked"
    printed = tidings("events", "example", "orderPacked")
    assert step_of(printed.must()) == "tidings trigger orderPacked"
    assert tidings("send", "-", "--json", stdin=printed.out).must().row["status"] == "accepted"
    schema = json.loads(tidings("events", "schema", "orderPacked", "--json").must().out)
    assert schema["properties"]["data"]["required"] == ["orderId"]
    for _ in range(2):
        assert tidings("trigger", "orderPacked", "--json").must().row["status"] == "accepted"
    done = tidings("events", "show", "orderpacked").must(3)
    assert "Did you mean orderPacked?" in done.err
    # Without an example its data is what the line says.
    assert step_of(tidings("events", "example", "shop.orderLost").must(3)) == (
        "tidings events schema shop.orderLost"
    )
    assert tidings("trigger", "shop.orderLost").must(4)
    tidings("trigger", "shop.orderLost", "--set", "data.orderId=O-1").must()


def test_a_version_of_an_own_type_is_named_by_its_label(strict: tuple[Command, Api]) -> None:
    tidings, org = strict
    org.send("PUT", "/v1/eventTypes/order.vPacked", OWN).must(201)
    schema = {"type": "object", "required": ["boxes"], "properties": {"boxes": {"type": "integer"}}}
    second = {**OWN, "schema": schema, "example": {"boxes": 2}, "newVersion": True}
    org.send("PUT", "/v1/eventTypes/order.vPacked", second).must(201)
    shown = tidings("events", "show", "order.vPacked").must()
    assert shown.out.startswith("order.vPacked.v2\n") and "boxes" in shown.out
    assert step_of(shown) == "tidings events example order.vPacked.v2"
    for name, field in (("order.vPacked.v2", "boxes"), ("order.vPacked.v1", "orderId")):
        row = tidings("trigger", name, "--json").must().row
        assert field in org.event(row["eventId"])["body"]["data"]


def test_a_webhook_of_an_own_type_is_proposed_what_raises_it(strict: tuple[Command, Api]) -> None:
    tidings, org = strict
    org.send("PUT", "/v1/eventTypes/orderPacked", OWN).must(201)
    org.webhook("https://example.com/hook", eventNames=["orderPacked"])
    for command in ("webhooks preview crm", "doctor crm"):
        assert step_of(tidings(*command.split())) == "tidings trigger orderPacked"


def test_without_the_service_the_catalogue_is_shown_and_what_is_left_out_is_told(
    whole: Command,
) -> None:
    gone = {"TIDINGS_URL": "http://127.0.0.1:9"}
    listed = whole("events", "list", "--json", **gone).must()
    assert len(listed.rows) == len(load().names())
    assert listed.err.startswith("Types of the org's own are left out. http://127.0.0.1:9 must be")
    whole("events", "show", "pointsIssued", **gone).must()
    assert "must be a running Tidings" in whole("events", "show", "mine", **gone).must(5).err
    alone = whole("events", "list", TIDINGS_KEY="", TIDINGS_URL="").must()
    assert "left out" not in alone.err


def test_what_the_service_raises_itself_is_not_triggered(whole: Command) -> None:
    done = whole("trigger", "tidings.webhook.failing").must(2)
    assert done.err.startswith("NAME must be an event type that your systems raise; got tidings.")


@pytest.mark.parametrize(
    "change", ["data", "=5", "data..x=1", "data.[0]=1", "data.x[a]=1", ".data=1", "data.x[0=1"]
)
def test_a_change_that_names_no_place_is_told(whole: Command, change: str) -> None:
    done = whole("trigger", "pointsIssued", "--set", change).must(2)
    assert done.err.startswith("--set must be path=JSON; got ")


def test_a_place_that_the_event_does_not_have_is_made_or_told() -> None:
    event: dict[str, Any] = {"data": {"list": [1], "one": 5}}
    put(event, "data.list[1].a", 2)
    put(event, "data.new[0]", "x")
    assert event == {"data": {"list": [1, {"a": 2}], "one": 5, "new": ["x"]}}
    for path, got in (
        ("data.one.x", "a single value before x"),
        ("data.list[5]", "a list of 2 before [5]"),
        ("data[0]", "an object before [0]"),
        ("data.list.x", "a list of 2 before x"),
    ):
        with pytest.raises(CommandExit, match=r"must lead through the event") as raised:
            put(event, path, 1)
        assert got in raised.value.problem
