"""`/v1/actions`: what an org's actions are, how they do, and what came of one run."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tests.api.acting import BOTH, ORG, acting, number_of
from tests.api.control_client import Service, service
from tests.api.log_client import accept, settle
from tests.declared_actions import CONTACT, SECRET, Nobody, text_message, welcome
from tidings.core.actions.action import ActionLookup, SqlLookup
from tidings.core.actions.rendered_act import Made, MadeMail, RunStep, bytes_of, note_of
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitsFor
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.core.times import iso
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.engine.actions.declared import ABSENT, declare
from tidings.lookups.port import LookupDown
from tidings.reads.connections import ConnectionViews
from tidings.store import port


async def test_an_org_sees_its_actions_and_what_came_of_them_and_no_other_does() -> None:
    async with acting() as (s, auth):
        number = number_of(s, "welcome")
        for id, state in (("a", State.DELIVERED), ("b", State.CANCELLED), ("c", State.FAILED)):
            [delivery] = await accept(s, id, [number], org=7)
            await settle(s, delivery, number, state)
        await accept(s, "d", [number], org=7)
        found = (await s.call("GET", "/v1/actions", auth=auth)).json
        message, mail = found["actions"]
        assert (message["name"], message["kind"]) == ("text-message", "call")
        assert mail["does"] == "Sends a mail to {{ contact.email }}, over the connection mail"
        counts = {"done": 1, "failed": 1, "cancelled": 1, "parked": 0, "unfinished": 1}
        assert mail["lastDay"] == counts
        assert mail["waiting"] == 1 and mail["troubles"] == []
        whole = await s.call("GET", "/v1/actions/welcome", auth=auth)
        assert whole.status == 200 and whole.json["definition"]["when"].startswith("customerAdded")
        assert whole.json["declaredIn"] == "actions.toml"
        secret = (await s.call("GET", "/v1/actions/text-message", auth=auth)).body.decode()
        assert SECRET not in secret and "…0001" in secret
        other = await s.add_org(8)
        assert (await s.call("GET", "/v1/actions", auth=other)).json["actions"] == []
        for name in ("welcome", "nothing"):
            refused = await s.call("GET", f"/v1/actions/{name}", auth=other)
            assert refused.status == 404


async def test_the_last_day_of_an_action_is_to_the_millisecond_that_of_its_tally() -> None:
    async with acting() as (s, auth):
        number = number_of(s, "welcome")
        for id, passed_ms in (("old", 86_400_001), ("new", 0)):
            [delivery] = await accept(s, id, [number], org=7)
            await settle(s, delivery, number, State.DELIVERED)
            s.clock.ms += passed_ms
        action = await s.call("GET", "/v1/actions/welcome", auth=auth)
        path = f"/v1/webHooks/{action.json['webHookId']}/tally"
        tally = (await s.call("GET", path, auth=auth)).json
        assert action.json["lastDay"]["done"] == tally["delivered"] == 1


async def test_what_ails_an_action_is_said_with_whom_it_needs() -> None:
    async with acting() as (s, auth):
        failing = port.StoredHealth(number_of(s, "welcome"), 1_000, 5, "refused", 1, 9_000)
        known = {failing.webhook: failing}
        s.parts.delivery.engine.healths.shown = known.get  # type: ignore[assignment, method-assign]
        for number in range(5):
            with pytest.raises(LookupDown):
                seen = {"event": {"data": {"customerIdentifiers": {"customerId": number}}}}
                await s.services.actions.lookups.find(CONTACT, seen)
        message, mail = (await s.call("GET", "/v1/actions", auth=auth)).json["actions"]
        down = (
            "Its look-up contact does not answer, so what needs it waits. The contacts must "
            "answer; they do not. Look at them."
        )
        assert mail["troubles"] == [
            "It cannot send: the mail server of the connection mail refuses connections.",
            down,
        ]
        assert message["troubles"] == [down]
        [contact, _] = (await _shown(s, auth))["definition"]["lookUps"]
        assert (contact["asked"], contact["failed"], contact["leftAlone"]) == (5, 5, True)


async def test_a_look_up_that_is_wrong_in_itself_is_told_before_anybody_asks_it() -> None:
    wrong = Nobody("The file contacts.csv must be there; it is not.")
    async with acting(lookups=wrong) as (s, auth):
        assert (await _shown(s, auth))["troubles"][:1] == [
            "Look-up contact: The file contacts.csv must be there; it is not."
        ]


async def test_an_action_that_is_not_in_the_file_any_more_says_so() -> None:
    async with acting({"text-message": text_message()}) as (s, auth):
        await declare(s.webhooks, ORG, BOTH, "actions.toml")
        await declare(s.webhooks, ORG, s.parts.actions.declared.actions, "actions.toml")
        shown = await _shown(s, auth)
        assert (shown["standing"], shown["definition"], shown["does"]) == ("disabled", None, None)
        assert "does not have it any more" in shown["troubles"][0]
        [record] = [state for state in s.webhooks.list(ORG) if state.webhook.name == "welcome"]
        assert record.config.reason == ABSENT


async def test_a_delivery_of_an_action_has_its_steps_and_what_was_made() -> None:
    async with acting() as (s, auth):
        number = number_of(s, "welcome")
        [delivery] = await accept(s, "a", [number], org=7)
        made = Made(
            MadeMail(ShapedMail(("a@b.example",), "Hi", "Text")),
            "de",
            (RunStep("contact", "found", 0.2),),
        )
        quiet = port.Evidence(FaultKind.WAITS, "It is quiet until 08:00 (UTC).", (), b"", False)
        when = s.clock.now_ms()
        waits = port.Settlement(
            DeliveryId(delivery), number, None, State.RETRYING, 1, 1, when, 0, None, 1, quiet
        )
        done = port.Settlement(
            DeliveryId(delivery), number, None, State.DELIVERED, 2, 1, when, 3, 200, None, None,
            bytes_of(made), keeps_sent=True,
        )  # fmt: skip
        for settlement in (waits, done):
            await s.store.commit(port.Batch(s.registry.version, settled=[settlement]))
        shown = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}", auth=auth)).json
        run = shown["run"]
        assert (run["action"], run["language"]) == ("welcome", "de")
        assert [(row["step"], row["name"]) for row in run["steps"]] == [
            ("wait", None),
            ("lookUp", "contact"),
            ("language", "de"),
            ("try", None),
        ]
        assert run["made"]["content"]["subject"] == "Hi"
        [attempt] = shown["attemptList"]
        assert attempt["number"] == 2, "a wait of before was a row of an attempt, and none"


@pytest.mark.parametrize(
    ("reason", "on"), [("after", None), ("quiet", None), ("limit", None), ("needs", "credit")]
)
async def test_a_delivery_that_waits_says_for_what_and_until_when_and_has_no_attempt(
    reason: str, on: str | None
) -> None:
    async with acting() as (s, auth):
        number = number_of(s, "welcome")
        [delivery] = await accept(s, "a", [number], org=7)
        words = "It is not to be done yet, by a rule. Nothing has to be done."
        waits = port.Settlement(
            *(DeliveryId(delivery), number, None, State.WAITING, 1, 1, s.clock.now_ms(), 0, None),
            3_600_000,
            waits=WaitsFor(reason, words, on),
        )
        receipt = await s.store.commit(port.Batch(s.registry.version, settled=[waits]))
        id = show("dlv", delivery)
        until = None if on else iso(receipt.now_ms + 3_600_000)
        shown = (await s.call("GET", f"/v1/deliveries/{id}", auth=auth)).json
        assert shown["state"] == "waiting"
        assert shown["waitsFor"] == {"reason": reason, "until": until, "on": on}
        assert (shown["attempts"], shown["attemptList"], shown["status"]) == (0, [], None)
        assert shown["advice"].startswith("It is not to be done yet, by a rule.")
        assert ("try" in shown["advice"]) == (on is None)
        assert [step["step"] for step in shown["run"]["steps"]] == ["wait"]
        for states, found in (("waiting", [id]), ("retrying", []), ("waiting,failed", [id])):
            page = (await s.call("GET", f"/v1/deliveries?states={states}", auth=auth)).json
            assert [row["id"] for row in page["deliveries"]] == found, states
        webhook = shown["webHookId"]
        tally = (await s.call("GET", f"/v1/webHooks/{webhook}/tally", auth=auth)).json
        assert (tally["waiting"], tally["retrying"], tally["now"]["waiting"]) == (1, 0, 1)
        assert (tally["failing"], tally["attempts"], tally["successPercent"]) == (0, 0, None)


async def test_a_run_that_was_not_done_shows_what_it_had_looked_up() -> None:
    async with acting() as (s, auth):
        number = number_of(s, "welcome")
        [delivery] = await accept(s, "a", [number], org=7)
        notes = (
            note_of(RunStep("contact", "found", 0.25)),
            note_of(RunStep("tier", "found before")),
        )
        reason = port.Evidence(FaultKind.SKIPPED, "Opted out.", notes, b"", False)
        when = s.clock.now_ms()
        ended = port.Settlement(
            DeliveryId(delivery), number, None, State.CANCELLED, 1, 1, when, 0, None, None, reason
        )
        await s.store.commit(port.Batch(s.registry.version, settled=[ended]))
        shown = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}", auth=auth)).json
        assert [
            (row["step"], row["name"], row["said"], row["durationInMs"])
            for row in shown["run"]["steps"]
        ] == [
            ("lookUp", "contact", "found", 0.25),
            ("lookUp", "tier", "found before", 0),
            ("notDone", None, "Opted out.", 0),
        ]
        [attempt] = shown["attemptList"]
        assert attempt["answer"] is None and attempt["request"]["body"] is None
        assert attempt["request"]["note"] == "Nothing was created from the event."


async def test_other_deliveries_are_no_runs() -> None:
    async with service() as s:
        auth = await s.add_org(7)
        body: dict[str, Any] = {
            "name": "crm",
            "eventNames": ["pointsIssued"],
            "webHookUrl": "https://crm.example.com/hook",
            "maxAllowedConnections": 10,
        }
        record, _, _ = await s.webhooks.create(ORG, body, "tests")
        [delivery] = await accept(s, "a", [record.webhook.number], org=7)
        shown = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}", auth=auth)).json
        assert "run" not in shown


async def test_an_action_of_the_file_is_not_deleted_and_one_that_left_it_is() -> None:
    async with acting({"text-message": text_message()}) as (s, auth):
        await declare(s.webhooks, ORG, BOTH, "actions.toml")
        await declare(s.webhooks, ORG, s.parts.actions.declared.actions, "actions.toml")
        ids = {state.webhook.name: state.webhook.id for state in s.webhooks.list(ORG)}
        for query in ("", "?dryRun=true"):
            refused = await s.call(
                "DELETE", f"/v3/webHooks/{ids['text-message']}{query}", auth=auth
            )
            assert refused.status == 409, refused.body
            assert b"must not be in the file of actions to be deleted" in refused.body
        shown = await _shown(s, auth)
        assert shown["advice"].endswith("or delete its webhook to forget it.")
        enabled = await s.call("POST", f"/v3/webHooks/{ids['welcome']}/enable", auth=auth)
        assert enabled.status == 409 and b"must be in the file of actions" in enabled.body
        [delivery] = await accept(s, "a", [number_of(s, "welcome")], org=7)
        assert (await s.call("DELETE", f"/v3/webHooks/{ids['welcome']}", auth=auth)).status == 200
        assert (await s.call("GET", "/v1/actions/welcome", auth=auth)).status == 404
        left = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}", auth=auth)).json
        assert left["webHookName"] == "welcome", "its runs stay"


async def test_a_test_of_an_action_is_for_who_may_read_what_is_known_of_customers() -> None:
    async with acting(lookups=Known()) as (s, _):
        id = next(
            state.webhook.id for state in s.webhooks.list(ORG) if state.webhook.name == "welcome"
        )
        auth = await s.add_org(ORG, "webhooks:read webhooks:write")
        refused = await s.call("POST", f"/v1/webHooks/{id}/test", {}, auth=auth)
        assert refused.status == 403 and b"a@b.example" not in refused.body


async def test_a_test_makes_the_actions_own_example_and_keeps_quiet_hours_unless_it_is_now() -> (
    None
):
    async with acting({"welcome": welcome()}, lookups=Known()) as (s, auth):
        [webhook] = [state.webhook for state in s.webhooks.list(ORG)]
        path = f"/v1/webHooks/{webhook.id}/test"
        kind = s.parts.events.types.get(ORG, "customerAdded", 1)
        assert kind is not None
        customer = str(kind.example["data"]["customerIdentifiers"]["customerId"])
        day_ms = s.clock.ms // 86_400_000 * 86_400_000
        # It is 11:30, 01:30 and 01:31 for the customer, in Kolkata.
        for hours, body, waits in (
            (6.0, {}, False),
            (20.0, {}, True),
            (20.02, {"now": True}, False),
        ):
            s.clock.ms = day_ms + round((24 + hours) * 3_600_000)
            told = (await s.call("POST", path, body, auth)).json
            assert (told["fault"] == FaultKind.WAITS) == waits, told
            sent = str(told["request"]["body"])
            if waits:
                assert "quiet for the customer until 08:00" in told["detail"]
                assert "--now" in told["detail"] and "a@b.example" not in sent
            else:
                assert "a@b.example" in sent and customer in sent


async def test_an_action_is_previewed_in_the_console_alone() -> None:
    async with acting(lookups=Known()) as (s, auth):
        id = next(
            state.webhook.id for state in s.webhooks.list(ORG) if state.webhook.name != "welcome"
        )
        await accept(s, "a", org=7, name="customerAdded")
        shown = await s.call("POST", "/v1/webHooks/preview", {"webHookId": id}, auth=auth)
        assert shown.status == 400 and SECRET not in shown.body.decode(), shown.body


class Known(Nobody):
    """`lookups.port.Source` that has a record for everybody."""

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        return {"email": "a@b.example", "name": "Asha", "mobile": "1"}


async def _shown(s: Service, auth: str) -> Any:
    return (await s.call("GET", "/v1/actions/welcome", auth=auth)).json


async def test_a_connection_tells_of_the_actions_that_go_over_it() -> None:
    contacts = ActionLookup("contact", SqlLookup("loyalty", "SELECT 1", {}))
    both = BOTH | {"checks": msgspec.structs.replace(text_message("checks"), lookups=(contacts,))}
    async with acting(both) as (s, _):
        views = ConnectionViews(
            s.services.delivery.connections,
            s.services.sources.sources,
            s.services.webhooks,
            s.services.actions,
        )

        def over(name: str, kind: str, org: OrgId | None = ORG) -> list[str]:
            connection = Connection(name, kind, {}, None)
            return [webhook.name for webhook in views.users(connection, org).webhooks]

        assert over("mail", "smtp") == ["welcome"] == over("mail", "smtp", None)
        assert over("loyalty", "sql") == ["checks"]
        assert over("mail", "smtp", OrgId(8)) == over("other", "sql") == []
