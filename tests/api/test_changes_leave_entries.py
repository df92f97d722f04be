"""Every change by a call leaves an entry of the audit log that says who made it.

The walk asks all routes that are not read by GET, each so that it does its work. A new route that
leaves no entry fails it, unless its line below says why there is nothing to record.
"""

from collections.abc import Iterator

import msgspec
import pytest

from tests.api.control_client import service
from tests.api.one_app import the_one
from tests.engine.audit.kept_log import entries_of
from tests.openapi.entries import SCOPES
from tests.openapi.record import BOSS, good
from tests.openapi.world import PROOF, Reply, Things, World, world
from tidings.api.route import PLATFORM
from tidings.api.router import EntryRoute
from tidings.api.v1.events.accept import ACCEPT
from tidings.core.audit.chain import check_chain
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.core.ids import DeliveryId, OrgId, read

# Calls that change nothing administrative, and why.
UNRECORDED = {
    "POST /v1/events": "accepting events is what the service is for; the log of events has them",
    "POST /in/{source_org}/{source_name}": "a message of a source, like an event",
    "POST /inbox/{token}": "an arrival at a test inbox: whoever has its address may send",
    "POST /v1/webHooks/{pulled_id}/pull": "a receiver takes its messages",
    "POST /v1/webHooks/{pulled_id}/acknowledge": "a receiver says what became of its messages",
    "POST /v1/webHooks/preview": "shows what a webhook would get; nothing is kept or sent",
    "POST /v1/sources/preview": "shows what a source would make; nothing is kept",
    "POST /v1/sources/{source_id}/preview": "the same",
    "POST /v3/oauth/token/generate": "tokens are counted, and recorded once a minute",
}
# What a call leaves, where it is not the action that its world's chain has once more.
ACTIONS = {
    "POST /v1/replays": "replay.created",
    "POST /v1/replays/{replay_id}/pause": "replay.paused",
    "POST /v1/replays/{replay_id}/resume": "replay.resumed",
    "POST /v1/replays/{replay_id}/cancel": "replay.cancelled",
    "POST /v1/deliveries/cancel": "replay.cancel_created",
    "POST /v1/deliveries/{delivery_id}/cancel": "delivery.cancelled",
    "POST /v1/stop": "sending.stopped",
    "POST /v1/start": "sending.started",
    "POST /v1/takeAsDelivered": "delivery.taken",
    "POST /v1/orgs/{org_id}/stop": "sending.stopped",
    "POST /v1/orgs/{org_id}/start": "sending.started",
    "POST /v1/orgs/{org_id}/move": "org.moved",
    "POST /v1/orgs/{org_id}/move/undo": "org.stayed",
    "POST /v1/cells/{cell}/drain": "cell.drained",
    "POST /v1/cells/{cell}/open": "cell.opened",
    "POST /v1/cells/{cell}/remove": "cell.removed",
    "PATCH /v1/incidents/{incident_id}": "incident.acknowledged",
    "POST /v1/transformations": "transformation.created",
    "PUT /v1/transformations/{name}": "transformation.changed",
    "DELETE /v1/transformations/{name}": "transformation.deleted",
    "POST /v1/orgs": "org.created",
    "PATCH /v1/orgs/{org_id}": "org.changed",
    "PUT /v1/eventTypes/{name}": "event_type.changed",
    "DELETE /v1/eventTypes/{name}": "event_type.deleted",
    "POST /v1/reference/{kind}:load": "reference.changed",
    "PUT /v1/reference/{kind}/{id}": "reference.changed",
    "DELETE /v1/reference/{kind}/{id}": "reference.deleted",
    "POST /v1/deliveries/{delivery_id}/retry": "delivery.retried",
    "POST /v1/rejections/{rejection_id}/retry": "rejection.retried",
    "POST /v1/webHooks/test": "webhook.tested",
    "POST /v1/webHooks/{webhook_id}/test": "webhook.tested",
    "POST /v1/webHooks/{webhook_id}/drain": "webhook.drained",
    "POST /v1/alertChannels": "alert_channel.created",
    "PATCH /v1/alertChannels/{channel_id}": "alert_channel.changed",
    "DELETE /v1/alertChannels/{channel_id}": "alert_channel.deleted",
    "POST /v1/alertChannels/{channel_id}/test": "alert_channel.tested",
    "POST /v1/inboxes": "inbox.created",
    "PATCH /v1/inboxes/{inbox_id}": "inbox.changed",
    "DELETE /v1/inboxes/{inbox_id}": "inbox.deleted",
    "POST /v1/connections/{connection_name}/check": "connection.checked",
    "POST /v1/sources": "source.created",
    "PATCH /v1/sources/{source_id}": "source.changed",
    "DELETE /v1/sources/{source_id}": "source.deleted",
    "POST /v1/sources/{source_id}/redrive": "source.redriven",
    "POST /v1/sources/{source_id}/pause": "source.changed",
    "POST /v1/sources/{source_id}/resume": "source.changed",
    "POST /v1/sources/{source_id}/takeOver": "source.taken_over",
    "DELETE /v1/sources/{source_id}/aside/{aside_id}": "source.dropped",
    "POST /v1/sources/{source_id}/aside/{aside_id}/redrive": "source.redriven",
    "POST /v3/webHooks": "webhook.created",
    "PUT /v3/webHooks/{webHookId}": "webhook.changed",
    "PATCH /v3/webHooks/{webHookId}": "webhook.changed",
    "DELETE /v3/webHooks/{webHookId}": "webhook.deleted",
    "POST /v3/webHooks/{webHookId}/rotateSecret": "webhook.rotated",
    "POST /v3/webHooks/{webHookId}/pause": "webhook.changed",
    "POST /v3/webHooks/{webHookId}/resume": "webhook.changed",
    "POST /v3/webHooks/{webHookId}/enable": "webhook.changed",
    "POST /v3/webHooks/{webHookId}/disable": "webhook.changed",
    "POST /v1/orgs/{org_id}/credentials": "credential.created",
    "PATCH /v1/orgs/{org_id}/credentials/{credential_id}": "credential.changed",
    "POST /v1/orgs/{org_id}/credentials/{credential_id}/rotate": "credential.rotated",
    "DELETE /v1/orgs/{org_id}/credentials/{credential_id}": "credential.revoked",
    "POST /v1/orgs/{org_id}/users": "user.invited",
    "PATCH /v1/orgs/{org_id}/users/{user_id}": "user.changed",
    "DELETE /v1/orgs/{org_id}/users/{user_id}": "user.removed",
    "POST /v1/orgs/{org_id}/users/{user_id}/link": "user.linked",
    "POST /v1/orgs/{org_id}/portal-links": "portal.linked",
    "POST /v1/passwords": "user.accepted",
}
# What must have happened before, so that a call has something to do.
BEFORE = {
    "POST /v1/start": "POST /v1/stop",
    "POST /v1/orgs/{org_id}/start": "POST /v1/orgs/{org_id}/stop",
    "POST /v1/sources/{source_id}/resume": "POST /v1/sources/{source_id}/pause",
}
# What a call is prepared by in its world, where that leaves an entry too.
PREPARED = {
    "POST /v1/takeAsDelivered": "sending.stopped",
    "POST /v1/replays/{replay_id}/pause": "replay.resumed",
    "POST /v1/sources/{source_id}/takeOver": "source.created",
    "POST /v3/webHooks/{webHookId}/resume": "webhook.changed",
    "POST /v3/webHooks/{webHookId}/enable": "webhook.changed",
    "POST /v1/passwords": "user.invited",
    "POST /v3/oauth/token/generate": "credential.created",
}
# What objects are called in their entries, of those whose ids paths and answers have.
OBJECTS = {
    "PATCH /v1/alertChannels/{channel_id}": "channel_id",
    "DELETE /v1/alertChannels/{channel_id}": "channel_id",
    "POST /v1/alertChannels/{channel_id}/test": "channel_id",
    "PATCH /v1/inboxes/{inbox_id}": "inbox_id",
    "DELETE /v1/inboxes/{inbox_id}": "inbox_id",
    "PATCH /v1/sources/{source_id}": "source_id",
    "DELETE /v1/sources/{source_id}": "source_id",
    "POST /v1/replays/{replay_id}/resume": "replay_id",
    "POST /v1/deliveries/{delivery_id}/retry": "delivery_id",
    "POST /v1/deliveries/{delivery_id}/cancel": "delivery_id",
    "POST /v1/rejections/{rejection_id}/retry": "rejection_id",
    "POST /v1/webHooks/{webhook_id}/test": "webhook_id",
    "POST /v1/connections/{connection_name}/check": "connection_name",
}
MADE = {"POST /v1/replays", "POST /v1/inboxes", "POST /v1/sources", "POST /v1/deliveries/cancel"}


def changing() -> Iterator[str]:
    """Every call that is not read by GET, described or not."""
    yield ACCEPT.call
    for route in the_one().router.routes:
        if isinstance(route, EntryRoute) and route.entry.method != "GET":
            yield route.entry.call


CALLS = list(dict.fromkeys(changing()))


def all_entries(w: World) -> list[AuditEntry]:
    heads = w.s.store.operations["audit_heads"]()
    return [record for head in heads for record in entries_of(w.s.store, head.chain)]


def test_the_lists_name_calls_that_there_are() -> None:
    named = [*UNRECORDED, *ACTIONS]
    assert len(named) == len(set(named)), "one call, one list"
    assert set(named) <= set(CALLS)
    assert len(CALLS) > 60


@pytest.mark.parametrize("call", CALLS)
async def test_every_change_leaves_one_entry_and_nothing_else_leaves_any(call: str) -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        if (before := BEFORE.get(call)) is not None:
            _, made = await good(w, things, before)
            assert made.status < 300, made.body
        marks = {(record.chain, record.number) for record in all_entries(w)}
        reply = await _asked(w, things, call)
        assert 200 <= reply.status < 300, (call, reply.status, reply.body)
        fresh = [record for record in all_entries(w) if (record.chain, record.number) not in marks]
        if (action := PREPARED.get(call)) is not None:
            assert fresh.pop(0).action == action
        if call in UNRECORDED:
            assert fresh == []
            return
        assert [record.action for record in fresh] == [ACTIONS.get(call)], (
            f"{call} must leave an entry of the audit log, and be in ACTIONS with its action; or "
            "in UNRECORDED with the reason why there is nothing to record"
        )
        _check(w, call, things, fresh[0], reply.json if reply.body else None)


async def _asked(w: World, things: Things, call: str) -> Reply:
    """Make a call that does its work."""
    if call == "POST /v1/takeAsDelivered":
        await w.call("POST", "/v1/stop", None, BOSS)
        w.s.clock.ms += 60_000  # what was accepted is older now
        body = {"acceptedBefore": w.s.clock.ms - 1}
        return await w.call("POST", "/v1/takeAsDelivered", body, BOSS)
    _, reply = await good(w, things, call)
    return reply


def _check(w: World, call: str, things: Things, entry: AuditEntry, answer: object) -> None:
    """By whom, in which chain, about what; and nothing that nobody may read."""
    of_platform = SCOPES[call].startswith(PLATFORM)
    kind = "person" if call == "POST /v1/passwords" else "credential"
    assert (entry.actor_kind, entry.face) == (kind, "api") and entry.address
    assert (entry.actor == "boss") is of_platform and entry.actor
    everywhere = call in ("POST /v1/stop", "POST /v1/start", "POST /v1/takeAsDelivered")
    everywhere |= "/v1/cells" in call or "/move" in call
    if call == "POST /v1/orgs":
        assert isinstance(answer, dict) and entry.chain == answer["id"]
    elif call == "POST /v1/sources/{source_id}/takeOver":
        assert entry.chain == 1, "of the platform's own org"
    else:
        assert entry.chain == (PLATFORM_CHAIN if everywhere else things.org)
    if (name := OBJECTS.get(call)) is not None:
        assert entry.object == things.ids[name]
    if call in MADE:
        assert isinstance(answer, dict) and entry.object == answer["id"]
    kept = b"".join((entry.before or b"", entry.after or b"")).decode()
    for hidden in ("Bearer", "0123456789abcdef", PROOF["x-key"], "1555", 'parcel": "P-1'):
        assert hidden not in kept, kept
    key = w.s.parts.ports.secrets.keys.audit
    assert list(check_chain(key, entries_of(w.s.store, entry.chain))) == []


async def test_an_org_that_is_changed_by_a_call_says_so_with_what_it_was() -> None:
    async with service() as s:
        await s.call("POST", "/v1/orgs", {"id": 50, "name": "Acme"})
        await s.call("PATCH", "/v1/orgs/50", {"name": "Acme Ltd"})
        made, changed = entries_of(s.store, 50)
        assert (made.action, made.object, made.before) == ("org.created", "50", None)
        assert (changed.action, changed.actor_kind, changed.face) == (
            "org.changed",
            "credential",
            "api",
        )
        assert changed.actor and changed.address
        assert msgspec.json.decode(changed.before or b"") == {"name": "Acme"}
        assert msgspec.json.decode(changed.after or b"") == {"name": "Acme Ltd"}


async def test_a_call_of_the_command_line_says_so_as_its_own_claim() -> None:
    async with service() as s:
        for agent in ("tidings-cli/0.1.0", "curl/8", "tidings/1"):
            await s.call("POST", "/v1/orgs/1/stop", user_agent=agent)
        assert [record.face for record in entries_of(s.store, 1)[-3:]] == ["cli", "api", "api"]


async def test_what_has_nothing_to_change_leaves_no_entry() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        ids = things.ids
        for call in (
            f"DELETE /v1/reference/customers/{ids['id']}",
            f"POST /v1/replays/{ids['replay_id']}/cancel",
        ):
            method, path = call.split(" ")
            assert (await w.call(method, path, None, things.auth)).status < 300
        replays = w.s.replays
        delivery = read("dlv", ids["delivery_id"])
        assert delivery is not None
        assert await replays.cancel(OrgId(2001), [DeliveryId(delivery)], "me")
        marks = len(all_entries(w))
        assert not await replays.cancel(OrgId(2001), [DeliveryId(delivery)], "me")
        for call, status in (
            (f"POST /v1/deliveries/{ids['delivery_id']}/cancel", 409),
            (f"DELETE /v1/reference/customers/{ids['id']}", 404),
            (f"POST /v1/replays/{ids['replay_id']}/cancel", 409),
            (f"POST /v1/replays/{ids['replay_id']}/pause", 409),
            ("POST /v1/orgs/2001/start", 200),
            (f"POST /v1/sources/{ids['source_id']}/resume", 200),
        ):
            method, path = call.split(" ")
            assert (await w.call(method, path, None, things.auth)).status == status, call
        assert len(all_entries(w)) == marks


async def test_a_change_whose_entry_cannot_be_written_is_refused_but_a_stop_holds() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        marks = len(all_entries(w))
        w.s.store.down = True
        for call in ("POST /v1/inboxes", "POST /v1/webHooks/test", "POST /v1/orgs/{org_id}/stop"):
            _, reply = await good(w, things, call)
            assert reply.status == 503, (call, reply.body)
        assert not w.s.outside.sent, "nothing has left"
        assert w.s.stops.is_stopped(OrgId(things.org)), "and nothing leaves: what is safe is done"
        w.s.store.down = False
        assert len(all_entries(w)) == marks
        assert (await w.call("GET", "/v1/inboxes", None, things.auth)).json["inboxes"][1:] == []


async def test_a_load_is_recorded_by_how_much_it_was_and_never_by_what() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        rows = b"".join(b'{"id":%d,"mobile":"15550100"}\n' % number for number in range(3000))
        head = {"content-type": "application/x-ndjson"}
        path = "/v1/reference/customers:load"
        assert (await w.call("POST", path, rows, things.auth, head)).json["loaded"] == 3000
        begun, ended = (
            msgspec.json.decode(record.after or b"")
            for record in entries_of(w.s.store, 2001)
            if record.action == "reference.changed" and b"load" in (record.after or b"")
        )
        assert begun["load"] == "begun" and begun["count"] < 3000
        assert (ended["load"], ended["count"]) == ("ended", 3000)
        assert ended["ids"] == [str(number) for number in range(20)]


async def test_a_redrive_of_many_leaves_one_entry() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        path = f"/in/2001/{things.ids['source_name']}"
        for number in range(150):
            assert (await w.call("POST", path, {"n": number}, headers=PROOF)).status == 202
        await w.call("POST", f"/v1/sources/{things.ids['source_id']}/redrive", None, things.auth)
        [entry] = [
            record for record in entries_of(w.s.store, 2001) if record.action == "source.redriven"
        ]
        told = msgspec.json.decode(entry.after or b"")
        assert told["count"] == 151 and len(told["messages"]) == 20
