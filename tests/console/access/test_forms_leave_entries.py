"""Every form of the console that changes something leaves an entry of the audit log.

The walk sends all forms, each so that it does its work, as a browser would. A new form that leaves
no entry fails it, unless its line below says why there is nothing to record.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from tests.api.control_client import Reply, call
from tests.console.crawl import event_of, furnish
from tests.console.sources.source_forms import VALUE
from tests.console.webhook_client import FORM, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tests.openapi.two_cells import add_second_cell
from tidings import catalogue
from tidings.console.routes import OF_AN_ORG, console_routes
from tidings.core.audit.chain import check_chain
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId, WebhookId, show
from tidings.core.replay import ReplayTransition
from tidings.core.webhooks.webhook import Webhook
from tidings.store import port

ORG = OrgId(7)
Form = Mapping[str, str | Sequence[str]]

# Forms that change nothing administrative, and why.
UNRECORDED = {
    "/webhooks/check": "says whether a URL may be used; nothing is kept",
    "/webhooks/preview": "shows what a webhook would get; nothing is kept or sent",
    "/actions/{name}/mail": "shows the mail that an action would send; nothing is kept or sent",
    "/webhooks/filter/matches": "shows which events a filter takes; nothing is kept",
    "/webhooks/filter/values/{row}": "offers values of events; nothing is kept",
    "/webhooks/filter/{act}": "shows the rows of a form anew; nothing is kept",
    "/sources/try": "shows what a source would make; nothing is kept",
    "/sources/{id}/try": "the same",
    "/events/new": "accepting events is what the service is for; the log of events has them",
    "/webhooks/{id}/sample": "the same: its sample is an event",
    "/console/{rest:path}": "no page: it is answered 404",
}
# Forms by which people come in and go: `test_access_leaves_entries.py` asks them.
OF_SESSIONS = {
    "/console/sign-in",
    "/console/welcome",
    "/console/portal/o/{org}/leave",
    "/console/sign-out",
    "/console/sessions/end",
}


class Things:
    """An org with one of everything, by what the paths of forms name."""

    def __init__(self, p: Pages, ids: dict[str, str]) -> None:
        self.p = p
        self.ids = ids


async def things_of(p: Pages) -> Things:
    """Furnish the org that the forms are of."""
    known = await furnish(p, 7, "Acme")
    sources = p.s.services.sources.sources
    [live] = sources.of(ORG)
    letters = await sources.list_dead_letters(live, None, None, 1)
    return Things(
        p,
        {
            "webhook": known.webhook,
            "inbox": known.inbox,
            "channel": known.channel,
            "view": known.view,
            "failed": known.deliveries[1],
            "pending": known.deliveries[-1],
            "source": live.id,
            "aside": show("asd", letters.messages[0].number),
        },
    )


async def _as_it_is(things: Things, path: str, **more: str) -> Form:
    """The fields of a form as its page shows them, some changed."""
    browser = await things.p.platform()
    page = text(await browser.get(path))
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        ticked = given.get("type") not in ("checkbox", "radio") or " checked" in tag
        if ticked and "name" in given and given["name"] != "csrf":
            found[given["name"]] = given.get("value", "")
    for name, inner in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', inner)
        found[name] = chosen[0] if chosen else ""
    return found | more


async def _outbox(things: Things) -> None:
    p = things.p
    p.s.parts.sources.sources.connections = {"shop": Connection("shop", "outbox", {}, None)}
    body: dict[str, Any] = {"name": "till", "type": "outbox", "connection": "shop"}
    boss = p.s.access.caller_of("boss")
    live = await p.s.services.sources.sources.create(_in_org(boss), body)
    things.ids["source"] = live.id


def _in_org(caller: Any) -> Any:
    return msgspec.structs.replace(caller, org=ORG)


async def _rejection(things: Things) -> None:
    """A refused event that would be taken now."""
    points = catalogue.load().get("pointsIssued")
    assert points is not None
    body = json.dumps(points.example | {"orgId": 7, "eventId": "late"}).encode()
    kept = port.NewRejection(ORG, "pointsIssued", "late", "schema", "It was refused.", "data", body)
    s = things.p.s
    await s.store.commit(port.Batch(s.registry.version, rejections=[kept]))
    page = await s.store.log_rejections(ORG, None, None, 1)
    things.ids["rejection"] = show("rej", page.rejections[0].id)


async def _replay(things: Things) -> None:
    p = things.p
    [job, *_] = await p.s.store.replays(ORG, 1 << 60, 1)
    things.ids["replay"] = show("rpl", job.number)


async def _credential(things: Things) -> None:
    """A credential of the org beside that of whoever acts."""
    boss, body = _in_org(things.p.s.access.caller_of("boss")), {"name": "crm", "scopes": {}}
    made, _ = await things.p.s.services.access.credentials.create(boss, ORG, body)
    things.ids["credential"] = made.id


async def _second_cell(things: Things) -> None:
    add_second_cell(things.p.s)


def _webhook_of(things: Things) -> Webhook:
    return things.p.s.webhooks.get(ORG, WebhookId(things.ids["webhook"])).webhook


async def _failing(things: Things) -> None:
    number = _webhook_of(things).number
    things.p.healths[number] = port.StoredHealth(number, failing_since_ms=1, failures=9)


async def _user(things: Things) -> None:
    boss = things.p.s.access.caller_of("boss")
    body = {"email": "asha@acme.example", "role": "admin"}
    user, _ = await things.p.s.users.create(boss, ORG, body)
    things.ids["user"] = user.person.id


async def _own_type(things: Things) -> None:
    browser = await things.p.platform()
    reply = await browser.post("/console/o/7/event-types/new", TYPE_FORM)
    assert reply.status == 303, text(reply)


Prepare = Callable[[Things], Awaitable[None]]
TYPE_FORM = {
    "eventName": "orderPacked",
    "description": "An order waits.",
    "schema": '{"type": "object", "properties": {"id": {"type": "string"}}}',
    "example": '{"id": "O-71"}',
    "do": "save",
}
SOURCE_FORM = {
    "name": "orders",
    "type": "webhook",
    "verification": "header",
    "verification.header.header": "X-Key",
    "verification.header.value": VALUE,
    "mapping": '{"eventName": {"path": "kind"}}',
}
# What each form sends that does its work: what is prepared, the id in its path, its fields, and
# the action that it leaves.
FORMS: dict[str, tuple[Prepare | None, dict[str, str], Form | str, str]] = {
    "/webhooks/new": (None, {}, FORM | {"name": "another"}, "webhook.created"),
    "/webhooks/{id}/edit": (None, {"id": "webhook"}, FORM | {"version": "1"}, "webhook.changed"),
    "/webhooks/{id}/say": (None, {"id": "webhook"}, {"verb": "pause"}, "webhook.changed"),
    "/webhooks/{id}/drain": (None, {"id": "webhook"}, {}, "webhook.drained"),
    "/webhooks/drain": (None, {}, "marked", "webhook.drained"),
    "/webhooks/{id}/rotate": (None, {"id": "webhook"}, {}, "webhook.rotated"),
    "/webhooks/{id}/delete": (None, {"id": "webhook"}, {"sure": "yes"}, "webhook.deleted"),
    "/access/credentials/new": (
        None,
        {},
        {"name": "crm", "kind": "key", "scope-logs": "read"},
        "credential.created",
    ),
    "/access/credentials/{id}/rotate": (
        _credential,
        {"id": "credential"},
        {},
        "credential.rotated",
    ),
    "/access/credentials/{id}/revoke": (
        _credential,
        {"id": "credential"},
        {},
        "credential.revoked",
    ),
    "/access/users/new": (None, {}, {"email": "b@acme.example", "role": "admin"}, "user.invited"),
    "/access/users/{id}": (_user, {"id": "user"}, {"do": "disable"}, "user.changed"),
    "/access/portal/new": (None, {}, {"name": "Acme Shop", "role": "reader"}, "portal.linked"),
    "/access/portal/end": (None, {}, "portal", "portal.unlinked"),
    "/webhooks/inbox": (None, {}, FORM, "inbox.created"),
    "/webhooks/test": (None, {}, FORM, "webhook.tested"),
    "/webhooks/{id}/test": (None, {"id": "webhook"}, {}, "webhook.tested"),
    "/actions/{name}/test": (
        None,
        {"name": "=text-message"},
        {"do": "yes", "event": "example customerAdded"},
        "webhook.tested",
    ),
    "/connections/{name}/check": (None, {"name": "=main"}, {}, "connection.checked"),
    "/event-types/new": (None, {}, TYPE_FORM, "event_type.changed"),
    "/event-types/{name}/edit": (
        _own_type,
        {"name": "=orderPacked"},
        TYPE_FORM | {"description": "An order is packed."},
        "event_type.changed",
    ),
    "/transformations/new": (
        None,
        {},
        {"name": "crm", "template": '{"id": 1}', "do": "save"},
        "transformation.created",
    ),
    "/transformations/{name}/edit": (
        None,
        {"name": "=short"},
        {"template": '{"id": 1}', "version": "1", "do": "save"},
        "transformation.changed",
    ),
    "/transformations/{name}/delete": (
        None,
        {"name": "=short"},
        {"sure": "yes"},
        "transformation.deleted",
    ),
    "/sources/new": (None, {}, SOURCE_FORM, "source.created"),
    "/sources/{id}/edit": (
        None,
        {"id": "source"},
        SOURCE_FORM | {"mapping": '{"eventName": {"path": "type"}}'},
        "source.changed",
    ),
    "/sources/{id}/say": (None, {"id": "source"}, {"verb": "pause"}, "source.changed"),
    "/sources/{id}/take-over": (_outbox, {"id": "source"}, {}, "source.taken_over"),
    "/sources/{id}/redrive": (None, {"id": "source"}, {}, "source.redriven"),
    "/sources/{id}/delete": (None, {"id": "source"}, {"sure": "yes"}, "source.deleted"),
    "/sources/{id}/aside/{aside}/redrive": (
        None,
        {"id": "source", "aside": "aside"},
        {},
        "source.redriven",
    ),
    "/sources/{id}/aside/{aside}/drop": (
        None,
        {"id": "source", "aside": "aside"},
        {},
        "source.dropped",
    ),
    "/deliveries/many": (
        None,
        {},
        "cancel",
        "replay.cancel_created",
    ),
    "/deliveries/{id}/retry": (None, {"id": "failed"}, {}, "delivery.retried"),
    "/deliveries/{id}/cancel": (None, {"id": "pending"}, {}, "delivery.cancelled"),
    "/rejections/{id}/retry": (_rejection, {"id": "rejection"}, {}, "rejection.retried"),
    "/inboxes": (None, {}, {"name": "Another"}, "inbox.created"),
    "/inboxes/{id}": (
        None,
        {"id": "inbox"},
        {"name": "Renamed", "status": "503", "delayMs": "0"},
        "inbox.changed",
    ),
    "/inboxes/{id}/delete": (None, {"id": "inbox"}, {"sure": "yes"}, "inbox.deleted"),
    "/alerts/new": (
        None,
        {},
        {"type": "email", "name": "Post", "addresses": "asha@acme.example"},
        "alert_channel.created",
    ),
    "/alerts/{id}": (None, {"id": "channel"}, {"name": "Day shift"}, "alert_channel.changed"),
    "/alerts/{id}/test": (None, {"id": "channel"}, {}, "alert_channel.tested"),
    "/alerts/{id}/delete": (
        None,
        {"id": "channel"},
        {"sure": "yes"},
        "alert_channel.deleted",
    ),
    "/views": (
        None,
        {},
        {"list": "deliveries", "name": "Failed", "query": "status=failed"},
        "saved_view.created",
    ),
    "/views/{id}": (
        None,
        {"id": "view"},
        {"name": "Sorted by name", "revision": "1"},
        "saved_view.changed",
    ),
    "/views/{id}/delete": (None, {"id": "view"}, {}, "saved_view.deleted"),
    "/replays/new": (None, {}, "replay", "replay.created"),
    "/replays/{id}": (
        _replay,
        {"id": "replay"},
        {"step": ReplayTransition.CANCEL.value},
        "replay.cancelled",
    ),
    "/stop": (None, {}, {"do": "stop"}, "sending.stopped"),
    "/settings": (None, {}, "settings", "org.changed"),
    "/console/orgs/new": (
        None,
        {},
        {
            "name": "Fresh",
            "id": "77",
            "timeZone": "UTC",
            "validation": "strict",
            "unknownTypes": "refused",
        },
        "org.created",
    ),
    "/console/stop-all": (None, {}, {"do": "stop"}, "sending.stopped"),
    "/console/failing": (_failing, {}, "failing", "webhook.changed"),
    "/console/cells": (_second_cell, {}, {"do": "drain", "of": "2"}, "cell.drained"),
    "/console/cells/move": (_second_cell, {}, {"org": "7", "to": "2"}, "org.moved"),
    "/console/confirm": (None, {}, "consent", "consent.given"),
}


def posted() -> list[str]:
    """Every form: of an org by its path behind the org's base, others by their whole path."""
    of_orgs = [path for method, path, _, _ in OF_AN_ORG if method == "POST"]
    bases = tuple(f"/console{start}/o/{{org}}" for start in ("", "/portal"))
    inside = {base + path for base in bases for path in of_orgs}
    services: Any = _Anything()
    plain = [
        route.path
        for route in console_routes(services, plain_http=True)
        if "POST" in (route.methods or ())
    ]
    return [*of_orgs, *(path for path in plain if path not in inside)]


class _Anything:
    """Services of a console whose pages nobody asks for."""

    def __getattr__(self, name: str) -> Any:
        return _Anything()

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Anything()


POSTED = posted()


def test_the_lists_name_forms_that_there_are() -> None:
    named = [*UNRECORDED, *sorted(OF_SESSIONS), *FORMS]
    assert len(named) == len(set(named)), "one form, one list"
    assert set(named) == set(POSTED), (
        "a form must leave an entry of the audit log, and be in FORMS with what it sends; or in "
        "UNRECORDED with the reason why there is nothing to record"
    )
    assert len(POSTED) > 45


def all_entries(p: Pages) -> list[AuditEntry]:
    heads = p.s.store.operations["audit_heads"]()
    return [record for head in heads for record in entries_of(p.s.store, head.chain)]


async def fields_of(things: Things, fields: Form | str, path: str) -> Form:
    """The fields of a form that depend on what there is."""
    if fields == "cancel":
        return {"do": "cancel selected", "step": "start", "id": things.ids["pending"]}
    if fields == "replay":
        return {"webhook": things.ids["webhook"], "rate": "1"}
    if fields == "settings":
        return await _as_it_is(things, path, name="Acme Ltd")
    if fields == "portal":
        [waiting] = await things.p.s.services.access.portals.current.links(ORG)
        return {"link": waiting.id}
    if fields == "marked":
        return {"id": things.ids["webhook"]}
    if fields == "failing":
        named = f"7.{things.ids['webhook']}.{_webhook_of(things).version}"
        return {"do": "pause", "step": "start", "named": named}
    assert not isinstance(fields, str)
    return fields


@pytest.mark.parametrize("form", list(FORMS))
async def test_every_form_that_changes_something_leaves_one_entry(form: str) -> None:
    prepare, named, fields, action = FORMS[form]
    async with pages() as p:
        things = await things_of(p)
        if prepare is not None:
            await prepare(things)
        path = form if form.startswith("/console") else f"/console/o/7{form}"
        for name, key in named.items():
            value = key[1:] if key.startswith("=") else things.ids[key]
            path = path.replace(f"{{{name}}}", value)
        marks = {(record.chain, record.number) for record in all_entries(p)}
        if fields == "consent":
            reply = await _consent(p)
            marks |= {
                (record.chain, record.number)
                for record in all_entries(p)
                if record.action == "org.changed"
            }
        else:
            browser = await p.platform()
            reply = await browser.post(path, await fields_of(things, fields, path))
        is_still_aside = reply.status == 409 and form.endswith("/{aside}/redrive")
        assert reply.status in (200, 303) or is_still_aside, (form, text(reply))
        fresh = [record for record in all_entries(p) if (record.chain, record.number) not in marks]
        fresh = [record for record in fresh if not record.action.startswith("session.")]
        assert [record.action for record in fresh] == [action], (form, text(reply)[:2000])
        [entry] = fresh
        assert entry.face == "console" and entry.address
        assert entry.actor == ("owner@acme.example" if fields == "consent" else "boss")
        of_platform = ("/console/stop-all", "/console/cells", "/console/cells/move")
        chains = {"/console/orgs/new": 77} | dict.fromkeys(of_platform, PLATFORM_CHAIN)
        assert entry.chain == chains.get(form, 7)
        assert VALUE.encode() not in (entry.after or b"") + (entry.before or b"")
        seal = p.s.parts.ports.secrets.keys.audit
        assert list(check_chain(seal, entries_of(p.s.store, entry.chain))) == []


async def _consent(p: Pages) -> Reply:
    """The owner of an address agrees."""
    address = "owner@acme.example"
    await p.s.orgs.change(ORG, {"settings": {"notify": [address]}}, platform=True)
    token = p.s.consents.link(ORG, address, p.s.clock.ms).rpartition("token=")[2]
    body = f"token={token}".encode()
    sent = {
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
    }
    return await call(p.app, "POST", "/console/confirm", body, sent)


@pytest.mark.parametrize("form", [form for form in UNRECORDED if not form.startswith("/console")])
async def test_what_is_only_shown_leaves_none(form: str) -> None:
    async with pages() as p:
        things = await things_of(p)
        browser = await p.platform()
        marks = len(all_entries(p))
        id = things.ids["source" if "/sources" in form else "webhook"]
        path = f"/console/o/7{form}".replace("{id}", id).replace("{name}", "welcome")
        path = path.replace("{act}", "add-0").replace("{row}", "0")
        sent: Form = SOURCE_FORM if "/sources" in form else FORM
        if form.startswith("/actions"):
            sent = {"event": "example customerAdded"}
        if form == "/events/new":
            sent = {"event": event_text()}
        if form.endswith("/sample"):
            sent = {"type": "pointsIssued"}
        reply = await browser.post(path, sent)
        assert reply.status in (200, 303), (form, text(reply))
        assert len(all_entries(p)) == marks


def event_text() -> str:
    """An event as its page takes it."""
    points = catalogue.load().get("pointsIssued")
    assert points is not None
    return json.dumps(points.example | {"orgId": 7, "eventId": event_of(7, 77)})
