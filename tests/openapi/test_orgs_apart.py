"""The walk of all calls with two orgs: none reads or changes what is the other's."""

import json
from typing import Any

from tests.openapi.calls import body_of, headers_of
from tests.openapi.entries import SCOPES
from tests.openapi.record import good
from tests.openapi.world import NOBODYS, Reply, Things, World, world
from tidings.api.openapi.document import operations
from tidings.api.route import OPEN

# Names that each org chooses for itself: with another org's name a call makes the caller's own.
OWN_NAMES = {"PUT /v1/eventTypes/{name}", "PUT /v1/reference/{kind}/{id}"}
# Paths that name no thing of an org.
NO_THING = {"GET /v1/reference/{kind}", "POST /v1/reference/{kind}:load"}
# What stands in paths and is no secret of an org's: its number, and names of the whole service.
SHARED_NAMES = {"kind", "org_id", "cell"}
# The address of a test inbox is its own credential, and /inbox takes what comes: open by design. A
# source takes what proves to be its sender's, whoever else calls.
ADDRESSES = {"POST /inbox/{token}", "POST /in/{source_org}/{source_name}"}

# Calls whose body or query can name a thing: the parts that do, `{…}` filled with ids.
NAMED: list[tuple[str, str, Any]] = [
    ("POST", "/v1/replays", {"webHookId": "{webHookId}"}),
    ("POST", "/v1/replays", {"webHookId": "OWN", "toWebHookId": "{webHookId}"}),
    ("POST", "/v1/replays", {"webHookId": "OWN", "deliveryIds": ["{delivery_id}"], "dryRun": True}),
    ("POST", "/v1/replays", {"webHookId": "OWN", "eventIds": ["{event_id}"], "dryRun": True}),
    ("POST", "/v1/deliveries/cancel", {"webHookId": "{webHookId}"}),
    ("POST", "/v1/deliveries/cancel", {"deliveryIds": ["{delivery_id}"], "dryRun": True}),
    ("POST", "/v1/deliveries/cancel", {"eventIds": ["{event_id}"], "dryRun": True}),
    ("POST", "/v1/webHooks/preview", {"webHookId": "{webHookId}"}),
    ("POST", "/v1/webHooks/test", {"webHookId": "{webHookId}"}),
    ("GET", "/v1/deliveries?webHookId={webHookId}", None),
    ("GET", "/v1/deliveries?eventId={event_id}", None),
    ("GET", "/v1/deliveries?requestId={requestId}", None),
    ("GET", "/v1/deliveries?refId={refId}", None),
    ("GET", "/v1/deliveries?q={mark}", None),
    ("GET", "/v1/deliveries?eventName={eventName}", None),
    ("GET", "/v1/events?eventId={event_id}", None),
    ("GET", "/v1/events?requestId={requestId}", None),
    ("GET", "/v1/events?q={mark}", None),
    ("GET", "/v1/replays?before={replay_id}", None),
    ("PATCH", "/v3/webHooks/OWN", {"transformation": "{mark}Slip"}),
    ("PATCH", "/v3/webHooks/OWN", {"eventNames": ["{eventName}"]}),
]


def _filled(value: Any, names: dict[str, str], own: str) -> Any:
    text = json.dumps(value).replace("OWN", own)
    for name, id in names.items():
        text = text.replace("{" + name + "}", id)
    return json.loads(text)


def _told(reply: Reply, things: Things) -> tuple[int, str]:
    """An answer with the ids that the caller wrote taken out, and its own counters."""
    text = reply.body.decode()
    for id in sorted({*things.ids.values(), things.mark}, key=len, reverse=True):
        if id != "customers":
            text = text.replace(f'\\"{id}\\"', "…").replace(f'"{id}"', "…")
            text = text.replace(id, "…") if len(id) > 4 else text
    return reply.status, text


async def _seen(w: World, things: Things) -> list[tuple[str, int, bytes]]:
    """Everything that an org can read of itself."""
    found = []
    for call, _ in operations(await w.document()):
        if call.startswith("GET /v") and SCOPES[call] != OPEN and "stream" not in call:
            reply = await w.call("GET", things.path(call), None, things.auth)
            found.append((call, reply.status, reply.body))
    return found


async def _two(w: World) -> tuple[Things, Things]:
    return await w.org(2001, "alfa"), await w.org(3001, "bravo")


async def test_another_orgs_ids_are_answered_like_ids_that_do_not_exist_and_change_nothing() -> (
    None
):
    async with world() as w:
        alfa, bravo = await _two(w)
        calls = [call for call, _ in operations(await w.document()) if "{" in call]
        walked = 0
        for call in calls:
            if call in ADDRESSES | OWN_NAMES | NO_THING:
                continue
            method, body, before = call.partition(" ")[0], body_of(call, alfa), w.stored()
            sent = headers_of(call)
            theirs = await w.call(method, bravo.path(call), body, alfa.auth, sent)
            assert w.stored() == before, call
            nobodys = await w.call(method, NOBODYS.path(call), body, alfa.auth, sent)
            assert _told(theirs, bravo) == _told(nobodys, NOBODYS), call
            assert 400 <= theirs.status < 500 or theirs.json["data"] in (None, []), call
            walked += 1
        assert walked > 50


async def test_another_orgs_ids_in_bodies_and_filters_are_like_ids_that_do_not_exist() -> None:
    async with world() as w:
        alfa, bravo = await _two(w)
        own = alfa.ids["webHookId"]
        before = await _seen(w, bravo)
        for method, path, body in NAMED:
            answers = []
            for things in (bravo, NOBODYS):
                ids = things.ids | {"mark": things.mark}
                where, what = _filled([path, body], ids, own)
                reply = await w.call(method, where, what, alfa.auth)
                answers.append(_told(reply, things))
            assert answers[0] == answers[1], (method, path, body)
        assert await _seen(w, bravo) == before


async def test_no_call_that_does_its_work_shows_or_changes_anything_of_another_org() -> None:
    async with world() as w:
        alfa, bravo = await _two(w)
        before = await _seen(w, bravo)
        secret = {id for name, id in bravo.ids.items() if name not in SHARED_NAMES}
        for call, _ in operations(await w.document()):
            if SCOPES[call] == OPEN or SCOPES[call].startswith("platform"):
                continue
            _, reply = await good(w, alfa, call)
            told = reply.body.decode()
            assert "bravo" not in told and not any(id in told for id in secret), call
        assert await _seen(w, bravo) == before


async def test_names_that_each_org_chooses_make_the_callers_own() -> None:
    async with world() as w:
        alfa, bravo = await _two(w)
        before = await _seen(w, bravo)
        for call in sorted(OWN_NAMES):
            body = body_of(call, alfa)
            reply = await w.call("PUT", bravo.path(call), body, alfa.auth)
            assert reply.status == 201, (call, reply.body)
        assert await _seen(w, bravo) == before


async def test_an_org_cannot_act_for_another_by_the_header() -> None:
    async with world() as w:
        alfa, bravo = await _two(w)
        before = w.stored()
        for call, _ in operations(await w.document()):
            if SCOPES[call] == OPEN:
                continue
            method, body = call.partition(" ")[0], body_of(call, bravo)
            sent = headers_of(call) | {"x-tidings-org": str(bravo.org)}
            reply = await w.call(method, bravo.path(call), body, alfa.auth, sent)
            assert reply.status == 403, (call, reply.body)
        assert w.stored() == before
