"""Two services change what the same store keeps: each change is made of what is stored by then.

Neither has heard of what the other has written, as where an answer was lost, or another process
has made a change.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from tests.api.control_client import BASIC, Service, basic, service
from tests.engine.store.store_faults import first, refusing
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine import changes
from tidings.engine.changes import TRIES_MAX, Overtaken
from tidings.engine.webhooks.webhooks import WebhookMoved
from tidings.errors import Conflict, NotFound
from tidings.store import port

ORG = OrgId(7)
CALLER = AuthenticatedCaller(ORG)
VERIFICATION = {"type": "header", "header": "X-Key", "value": "a value that is long"}
SOURCE: dict[str, Any] = {"name": "shop", "verification": VERIFICATION}
TYPE: dict[str, Any] = {
    "description": "An order.",
    "schema": {"type": "object", "properties": {"orderId": {"type": "string"}}},
}
LARGER = {
    "type": "object",
    "properties": {"orderId": {"type": "string"}, "weight": {"type": "number"}},
}


@asynccontextmanager
async def two_services() -> AsyncIterator[tuple[Service, Service]]:
    """Both know an org with one of everything."""
    async with service() as one:
        await one.add_org(ORG)
        await one.webhooks.create(ORG, BASIC, "boss")
        await one.inboxes.create(ORG, {"name": "old"})
        await one.parts.sources.sources.create(CALLER, SOURCE)
        await one.transformations.create(ORG, "plain", "{}", "boss")
        await one.event_types.put(ORG, "orderPacked", TYPE)
        body = {"email": "a@b.example", "role": "admin", "name": "A"}
        await one.users.create(boss(one), ORG, body)
        yield one, await another(one)


async def another(s: Service) -> Service:
    """A service that has just started on the same store."""
    made = Service(s.store, s.clock)
    await made.start()
    await made.inboxes.load()
    return made


def boss(s: Service) -> Any:
    return s.access.caller_of("boss")


def hook(s: Service) -> Any:
    return s.webhooks.list(ORG)[0]


def user(s: Service) -> Any:
    return s.users.list(ORG)[0]


def inbox(s: Service) -> Any:
    return s.inboxes.list(ORG)[0]


def sources(s: Service) -> Any:
    return s.parts.sources.sources


def credential(s: Service) -> Any:
    return s.access.credential("org7")


def org(s: Service) -> Any:
    return s.orgs.get(ORG)


class Crossing(NamedTuple):
    """Two changes of different fields, and what both come to."""

    method: str  # of the store, by which the first one is written
    one: Callable[[Service], Awaitable[Any]]
    other: Callable[[Service], Awaitable[Any]]
    found: Callable[[Service], Any]
    expected: Any


CROSSINGS = {
    "org": Crossing(
        "put_org",
        lambda s: s.orgs.change(ORG, {"name": "New"}, platform=True),
        lambda s: s.orgs.change(ORG, {"timeZone": "Asia/Kolkata"}, platform=True),
        lambda s: (org(s).name, org(s).time_zone),
        ("New", "Asia/Kolkata"),
    ),
    "credential": Crossing(
        "put_credential",
        lambda s: s.access_services.credentials.change(boss(s), ORG, "org7", {"name": "New"}),
        lambda s: s.access_services.credentials.revoke(boss(s), ORG, "org7"),
        lambda s: (credential(s).name, credential(s).revoked_ms is not None),
        ("New", True),
    ),
    "user": Crossing(
        "put_people",
        lambda s: s.users.change(boss(s), ORG, user(s).person.id, {"name": "New"}),
        lambda s: s.users.change(boss(s), ORG, user(s).person.id, {"role": "reader"}),
        lambda s: (user(s).member.name, user(s).member.role),
        ("New", "reader"),
    ),
    "webhook": Crossing(
        "put_webhook",
        lambda s: s.webhooks.replace(ORG, hook(s).webhook.id, {"slaInSeconds": 9}, "boss"),
        lambda s: s.webhooks.change_status(ORG, hook(s).webhook.id, "pause", "boss"),
        lambda s: (
            hook(s).config.settings.sla_s,
            hook(s).webhook.status.value,
            hook(s).webhook.version,
        ),
        (9, "paused", 3),
    ),
    "source": Crossing(
        "put_source",
        lambda s: sources(s).change(
            CALLER, "shop", {"verification": VERIFICATION | {"header": "Y"}}
        ),
        lambda s: sources(s).pause(ORG, "shop", paused=True),
        lambda s: (
            sources(s).named(ORG, "shop").source.verification.header,
            sources(s).named(ORG, "shop").source.paused,
        ),
        ("Y", True),
    ),
    "inbox": Crossing(
        "put_inbox",
        lambda s: s.inboxes.change(ORG, inbox(s).id, {"name": "New"}),
        lambda s: s.inboxes.change(ORG, inbox(s).id, {"answer": {"status": 202}}),
        lambda s: (inbox(s).stored.name, inbox(s).answer.status),
        ("New", 202),
    ),
    "transformation": Crossing(
        "put_transformation",
        lambda s: s.transformations.replace(ORG, "plain", "{ }", "boss"),
        lambda s: s.transformations.delete(ORG, "plain", "boss"),
        lambda s: s.transformations.template(ORG, "plain"),
        None,
    ),
    "type": Crossing(
        "put_type",
        lambda s: s.event_types.put(ORG, "orderPacked", TYPE | {"description": "New."}),
        lambda s: s.event_types.put(ORG, "orderPacked", TYPE | {"schema": LARGER}),
        lambda s: (
            s.event_types.record(ORG, "orderPacked").declaration.schema,
            s.event_types.record(ORG, "orderPacked").stored.revision,
        ),
        (LARGER, 3),
    ),
}


@pytest.mark.parametrize("crossing", CROSSINGS.values(), ids=CROSSINGS)
async def test_two_changes_that_cross_are_both_made(crossing: Crossing) -> None:
    async with two_services() as (one, other):
        await crossing.one(one)
        await crossing.other(other)
        assert crossing.found(other) == crossing.expected
        assert crossing.found(await another(one)) == crossing.expected


@pytest.mark.parametrize("crossing", CROSSINGS.values(), ids=CROSSINGS)
async def test_a_change_whose_answer_was_lost_is_not_undone_by_the_next_one(
    crossing: Crossing,
) -> None:
    async with two_services() as (s, _):
        refusing(s.store, crossing.method, first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await crossing.one(s)
        await crossing.other(s)
        assert crossing.found(s) == crossing.expected
        assert crossing.found(await another(s)) == crossing.expected


class Lost(NamedTuple):
    """A change, and the operation of the store whose answer is lost."""

    method: str
    change: Callable[[Service], Awaitable[Any]]


LOST = {
    **{f"{what} changed": Lost(each.method, each.one) for what, each in CROSSINGS.items()},
    "credential revoked": Lost("put_credential", CROSSINGS["credential"].other),
    "webhook paused": Lost("put_webhook", CROSSINGS["webhook"].other),
    "webhook deleted": Lost(
        "put_webhook", lambda s: s.webhooks.delete(ORG, hook(s).webhook.id, "boss")
    ),
    "source paused": Lost("put_source", CROSSINGS["source"].other),
    "source deleted": Lost("drop_source", lambda s: sources(s).delete(ORG, "shop")),
    "transformation deleted": Lost("put_transformation", CROSSINGS["transformation"].other),
    "inbox deleted": Lost("drop_inbox", lambda s: s.inboxes.delete(ORG, inbox(s).id)),
    "user removed": Lost("drop_member", lambda s: s.users.remove(boss(s), ORG, user(s).person.id)),
}


def known(s: Service) -> list[Any]:
    """What the service knows of the org and of everything that it has."""
    return [
        org(s),
        credential(s),
        s.users.list(ORG),
        [(hook.webhook.status, hook.config) for hook in s.webhooks.list(ORG)],
        [source.source for source in sources(s).of(ORG)],
        [inbox.stored for inbox in s.inboxes.list(ORG)],
        s.transformations.template(ORG, "plain"),
        s.event_types.record(ORG, "orderPacked").stored,
    ]


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
async def test_a_change_whose_answer_was_lost_is_in_force_without_another_one(
    lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above all a credential that was revoked: it must open nothing any more."""
    monkeypatch.setattr(changes, "READ_AGAIN_S", 0.0)
    async with two_services() as (s, _):
        before = known(s)
        refusing(s.store, lost.method, first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await lost.change(s)
        async with asyncio.timeout(60):
            while known(s) == before:
                await asyncio.sleep(0.001)
        assert known(s) == known(await another(s))


async def test_who_expects_a_version_is_refused_and_nobody_else() -> None:
    async with two_services() as (one, other):
        path = f"/v3/webHooks/{hook(one).webhook.id}"
        auth = basic("org7", "secret")
        assert (
            await one.call("PUT", path, {"slaInSeconds": 9}, auth, if_match='"1"')
        ).status == 200
        body = {"maxAllowedConnections": 3}
        refused = await other.call("PUT", path, body, auth, if_match='"1"')
        assert refused.status == 412, refused.body
        with pytest.raises(WebhookMoved):
            await other.webhooks.delete(ORG, hook(other).webhook.id, "boss", {1})
        assert hook(other).webhook.version == 2
        await one.webhooks.change_status(ORG, hook(one).webhook.id, "pause", "boss")
        made = await other.call("PUT", path, body, auth)
        assert made.status == 200 and hook(other).webhook.version == 4, made.body
        assert hook(other).config.settings.sla_s == 9


CREATED: dict[str, Callable[[Service, str], Awaitable[Any]]] = {
    "org": lambda s, name: s.orgs.create(name, 9),
    "credential": lambda s, name: s.access_services.credentials.create(
        boss(s),
        ORG,
        {
            "kind": "till",
            "code": "till.01",
            "name": name,
            "password": "a long word of it",
            "scopes": {"events": "write"},
        },
    ),
    "webhook": lambda s, name: s.webhooks.create(ORG, BASIC | {"name": "two"}, "boss"),
    "source": lambda s, name: sources(s).create(
        CALLER, SOURCE | {"name": "two", "verification": VERIFICATION | {"header": name}}
    ),
    "transformation": lambda s, name: s.transformations.create(ORG, "two", f'"{name}"', "boss"),
}


@pytest.mark.parametrize("create", CREATED.values(), ids=CREATED)
async def test_of_two_that_make_the_same_the_second_is_told_that_it_is_there(
    create: Callable[[Service, str], Awaitable[Any]],
) -> None:
    async with two_services() as (one, other):
        await create(one, "X-One")
        for _ in range(2):
            with pytest.raises(Conflict):
                await create(other, "X-Other")


async def test_what_is_gone_by_then_is_not_found_and_does_not_come_back() -> None:
    async with two_services() as (one, other):
        number = inbox(one).id
        await one.inboxes.delete(ORG, number)
        await sources(one).delete(ORG, "shop")
        id = user(one).person.id
        await one.users.remove(boss(one), ORG, id)
        with pytest.raises(NotFound):
            await other.inboxes.change(ORG, number, {"name": "New"})
        with pytest.raises(NotFound):
            await sources(other).pause(ORG, "shop", paused=True)
        with pytest.raises(NotFound):
            await other.users.change(boss(other), ORG, id, {"name": "New"})
        after = await another(one)
        assert not (after.inboxes.list(ORG) or sources(after).of(ORG) or after.users.list(ORG))


READ_AGAIN = ["load", "load_types", "load_people", "load_transformations", "load_sources"]


@pytest.mark.parametrize("method", [*READ_AGAIN, "load_inboxes", "load_alert_channels"])
async def test_a_change_whose_reading_again_fails_is_refused_and_made_later(method: str) -> None:
    async with two_services() as (one, other):
        await one.orgs.change(ORG, {"name": "New"}, platform=True)
        failed = refusing(other.store, method, first(1))
        with pytest.raises(port.StoreDown):
            await other.orgs.change(ORG, {"timeZone": "Asia/Kolkata"}, platform=True)
        await other.orgs.change(ORG, {"timeZone": "Asia/Kolkata"}, platform=True)
        assert len(failed) == 1
        assert (org(other).name, org(other).time_zone) == ("New", "Asia/Kolkata")


async def test_a_change_that_is_overtaken_each_time_is_given_up_and_answered_503() -> None:
    async with two_services() as (one, _):
        calls = refusing(one.store, "put_org", fault=port.StaleChange("overtaken"))
        with pytest.raises(Overtaken):
            await one.orgs.change(ORG, {"name": "New"}, platform=True)
        assert len(calls) == TRIES_MAX
        reply = await one.call("PATCH", "/v1/orgs/7", {"name": "New"})
        assert reply.status == 503 and reply.headers["retry-after"] == "1"
        assert org(one).name == "Org 7"
