"""Each call of the store outside the committer, failing: nothing is half done, nothing is lost.

Which call is failed where is told by the table in `test_store_awaits.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest

from tests.api.control_client import BASIC, START_MS, Service, event, service
from tests.api.v1.replay_calls import events, hook
from tests.engine.notice_world import NoticeWorld, in_world
from tests.engine.store.store_faults import FULL, WRONG, first, refusing
from tests.simulation.loop import simulate
from tidings.core.access.portal_rules import Portal
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import DeliveryId, EventNumber, OrgId, show
from tidings.core.notices.emails import CONSENT
from tidings.core.orgs.retention import DAY_MS
from tidings.core.replay import JobState
from tidings.core.running.lease import EndlessLease
from tidings.core.shaping.reference_rules import RecordKind
from tidings.core.sources.message import ForeignMessage
from tidings.engine import outage
from tidings.engine.changes import READ_AGAIN_S
from tidings.engine.inboxes import IDLE_MS, LOOK_AGAIN_S, USED_EVERY_MS, WRITE_AGAIN_S
from tidings.engine.notices.emails import Emails
from tidings.engine.retention import Retention
from tidings.errors import NotFound
from tidings.store import port

ORG = OrgId(7)
TYPE: dict[str, Any] = {
    "description": "An order.",
    "schema": {"type": "object", "properties": {"orderId": {"type": "string"}}},
    "key": "data.orderId",
    "example": {"orderId": "O-71"},
}
Ask = Callable[[Service], Awaitable[Any]]


class Told:
    """What outages have said, instead of the log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        monkeypatch.setattr(outage, "log", self)

    def _note(self, line: str, **_: Any) -> None:
        self.lines.append(line)

    info = warning = error = _note


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


SOURCE: dict[str, Any] = {
    "name": "shop",
    "verification": {"type": "header", "header": "X-Key", "value": "a value that is long"},
}


# -- what somebody waits for: refused, told so, nothing half done ---------------------------------


async def prepared(s: Service) -> None:
    """An org with one of everything."""
    await s.add_org(ORG)
    await s.webhooks.create(ORG, BASIC, "boss")
    await s.event_types.put(ORG, "orderPacked", TYPE)
    await s.inboxes.create(ORG, {})
    await s.parts.sources.sources.create(AuthenticatedCaller(ORG), SOURCE)
    await s.parts.sources.sources.intake.take(source(s), [ForeignMessage("m", [], b"no event")])
    await s.transformations.create(ORG, "plain", "{}", "boss")
    await s.users.create(s.access.caller_of("boss"), ORG, {"email": "a@b.example", "role": "admin"})
    await s.reference.put(ORG, RecordKind.TILLS, {"1": b'{"code":"t"}'})


def seen(s: Service) -> list[Any]:
    """All that is known in memory."""
    return [
        s.orgs.all(),
        sorted(s.access._credentials.items(), key=str),
        sorted(s.users._persons.items(), key=str),
        sorted(s.users._members.items(), key=str),
        [(state.webhook, state.config) for state in s.webhooks.list(ORG)],
        s.event_types.names(ORG),
        s.transformations.list(ORG),
        [live_inbox.stored for live_inbox in s.inboxes.list(ORG)],
        [(live.stored, live.source, live.dead_letters) for live in s.parts.sources.sources.of(ORG)],
        [job.job.number for job in s.replays._runs.values()],
    ]


async def stored(s: Service) -> list[Any]:
    """The same, as the next process will know it."""
    after = Service(s.store, s.clock)
    await after.start()
    await after.inboxes.load()
    known = seen(after)
    known[-1] = [job.number for job in await s.store.open_replays()]
    return known


def boss(s: Service) -> Any:
    return s.access.caller_of("boss")


def user(s: Service) -> str:
    return s.users.list(ORG)[0].person.id


def hooked(s: Service) -> Any:
    return s.webhooks.list(ORG)[0].webhook


def source(s: Service) -> Any:
    return s.parts.sources.sources.of(ORG)[0]


def inbox(s: Service) -> Any:
    return s.inboxes.list(ORG)[0]


async def look_later(s: Service) -> None:
    """A look so long after the last one that it is written down."""
    s.clock.ms += USED_EVERY_MS
    await s.inboxes.arrivals(inbox(s), None, None, 9)


def job() -> port.ReplayJob:
    spec = port.ReplaySpec(
        ORG, None, None, [ORG], (), None, None, (), False, False, True, EventNumber(0)
    )
    return port.ReplayJob(0, ORG, "cancel", JobState.COUNTING, spec, 10.0, True, "boss")


ASKED: dict[str, Ask] = {
    "put_credential": lambda s: s.access_services.credentials.revoke(boss(s), ORG, "org7"),
    "put_org": lambda s: s.orgs.change(ORG, {"name": "New"}, platform=True),
    "put_type": lambda s: s.event_types.put(ORG, "orderSent", TYPE),
    "delete_type": lambda s: s.event_types.delete(ORG, "orderPacked"),
    "put_webhook": lambda s: s.webhooks.delete(ORG, hooked(s).id, "boss"),
    "webhook_version": lambda s: s.webhooks.version(hooked(s).number, 1),
    "put_transformation": lambda s: s.transformations.replace(ORG, "plain", "{ }", "boss"),
    "transformation_versions": lambda s: s.transformations.versions(ORG, "plain"),
    "put_inbox": lambda s: s.inboxes.create(ORG, {"name": "two"}),
    "drop_inbox": lambda s: s.inboxes.delete(ORG, inbox(s).id),
    "use_inbox": look_later,
    "arrivals": lambda s: s.inboxes.arrivals(inbox(s), None, None, 9),
    "arrival": lambda s: s.inboxes.arrival(inbox(s), 1),
    "put_source": lambda s: s.parts.sources.sources.create(
        AuthenticatedCaller(ORG), SOURCE | {"name": "two"}
    ),
    "drop_source": lambda s: s.parts.sources.sources.delete(ORG, source(s).id),
    "dead_letters": lambda s: s.parts.sources.sources.list_dead_letters(source(s), None, None, 9),
    "dead_letter": lambda s: s.parts.sources.sources.dead_letter(source(s), show("asd", 1)),
    "put_dead_letters": lambda s: s.parts.sources.sources.intake.take(
        source(s), [ForeignMessage("n", [], b"no event")]
    ),
    "drop_dead_letters": lambda s: s.parts.sources.sources.drop_dead_letters(source(s), [1]),
    "put_people": lambda s: s.users.create(
        boss(s), ORG, {"email": "c@d.example", "role": "admin", "password": "a long word of it"}
    ),
    "drop_member": lambda s: s.users.remove(boss(s), ORG, user(s)),
    "put_link": lambda s: s.sessions.make_link("boss"),
    "put_reference": lambda s: s.reference.put(ORG, RecordKind.TILLS, {"1": b"{}"}),
    "delete_reference": lambda s: s.reference.delete(ORG, RecordKind.TILLS, "1"),
    "list_reference": lambda s: s.reference.list(ORG, RecordKind.TILLS, "", 9),
    "count_reference": lambda s: s.reference.count(ORG, RecordKind.TILLS),
    "put_replay": lambda s: s.replays.create(job(), ()),
    "count_replay": lambda s: s.replays.count(job().spec, [port.ReplayEntry(EventNumber(1))], 1.0),
    "owed_before": lambda s: s.services.delivery.replay.backlog.count(START_MS, 1.0),
    "unfinished_before": lambda s: s.services.delivery.replay.backlog.count(START_MS, 1.0),
    "retry_now": lambda s: s.services.delivery.manual_retries.ask(
        ORG, DeliveryId(1), hooked(s).number
    ),
}


@pytest.mark.parametrize("method", ASKED)
async def test_who_asks_is_told_and_nothing_is_half_done(method: str) -> None:
    async with service() as s:
        await prepared(s)
        before = seen(s)
        known = repr(before)
        assert repr(await stored(s)) == known
        failed = refusing(s.store, method, first(2))
        for _ in range(2):
            with pytest.raises(port.StoreDown):
                await ASKED[method](s)
            assert repr(seen(s)) == known == repr(await stored(s))
        await ASKED[method](s)
        assert len(failed) == 2
        assert repr(seen(s)) == repr(await stored(s)), "what is in force is what is kept"


@pytest.mark.parametrize(
    "method",
    [
        "put_credential",
        "put_org",
        "put_source",
        "put_type",
        "put_transformation",
    ],
)
async def test_what_was_done_and_not_answered_can_be_asked_for_again(method: str) -> None:
    async with service() as s:
        await prepared(s)
        refusing(s.store, method, first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await ASKED[method](s)
        await ASKED[method](s)
        assert repr(seen(s)) == repr(await stored(s))


@pytest.mark.parametrize("method", ["drop_source", "drop_inbox", "drop_member"])
async def test_what_was_dropped_and_not_answered_is_not_found_again(method: str) -> None:
    async with service() as s:
        await prepared(s)
        refusing(s.store, method, first(1), lost=True)
        with pytest.raises(port.StoreDown):
            await ASKED[method](s)
        with pytest.raises(NotFound):
            await ASKED[method](s)
        assert repr(seen(s)) == repr(await stored(s))


# What writes, the call, and how its repetition is answered: what is gone already is not found.
REPEATED: dict[str, tuple[str, tuple[str, str, Any], int]] = {
    "a type that is new": ("put_type", ("PUT", "/v1/eventTypes/orderSent", TYPE), 200),
    "a type that is added to": (
        "put_type",
        ("PUT", "/v1/eventTypes/orderPacked", TYPE | {"description": "It was packed."}),
        200,
    ),
    "a type that is gone": ("delete_type", ("DELETE", "/v1/eventTypes/orderPacked", None), 404),
    "a webhook that is changed": ("put_webhook", ("PUT", "HOOK", BASIC | {"slaInSeconds": 9}), 200),
    "a webhook that is gone": ("put_webhook", ("DELETE", "HOOK", None), 400),
    "a transformation that is changed": (
        "put_transformation",
        ("PUT", "/v1/transformations/plain", {"template": "{ }"}),
        200,
    ),
    "a transformation that is gone": (
        "put_transformation",
        ("DELETE", "/v1/transformations/plain", None),
        200,
    ),
    "a transformation that is new": (
        "put_transformation",
        ("POST", "/v1/transformations", {"name": "two", "template": "{}"}),
        201,
    ),
}


@pytest.mark.parametrize("name", REPEATED)
async def test_a_call_whose_answer_was_lost_is_done_by_its_repetition(name: str) -> None:
    """And done once: nothing is in memory that is not kept, nor the other way round."""
    method, (verb, path, body), status = REPEATED[name]
    async with service() as s:
        await prepared(s)
        auth = await s.add_org(ORG)
        whole = path.replace("HOOK", f"/v3/webHooks/{hooked(s).id}")
        failed = refusing(s.store, method, first(1), lost=True)
        assert (await s.call(verb, whole, body, auth)).status == 503
        reply = await s.call(verb, whole, body, auth)
        assert reply.status == status, reply.body
        assert failed and repr(seen(s)) == repr(await stored(s))


async def test_a_webhook_that_is_asked_for_again_under_its_key_is_one() -> None:
    async with service() as s:
        auth = await s.add_org(ORG)
        refusing(s.store, "put_webhook", first(1), lost=True)
        made = await s.call("POST", "/v3/webHooks", BASIC, auth, idempotency_key="k")
        assert made.status == 503
        made = await s.call("POST", "/v3/webHooks", BASIC, auth, idempotency_key="k")
        assert made.status in (200, 201), made.body
        assert len(s.webhooks.list(ORG)) == 1
        assert repr(seen(s)) == repr(await stored(s))


@pytest.mark.parametrize("method", ["put_webhook", "put_type", "delete_type", "put_org"])
@pytest.mark.parametrize("also", ["load", "load_types"])
def test_a_change_whose_answer_was_lost_is_in_force_without_its_repetition(
    method: str, also: str
) -> None:
    """Commits wait for what has changed in the store, and nobody may ever call again."""

    async def scenario(s: Service) -> None:
        await prepared(s)
        refusing(s.store, method, first(1), lost=True)
        reading = refusing(s.store, also, first(3))
        with pytest.raises(port.StoreDown):
            await ASKED[method](s)
        await asyncio.sleep(4 * READ_AGAIN_S + 0.1)
        assert len(reading) == 3
        assert s.registry.version == (await s.store.load()).registry_version
        assert repr(seen(s)) == repr(await stored(s))
        receipt = await s.store.commit(port.Batch(s.registry.version, [event("a", "e", [])]))
        assert not receipt.moved

    lasting(scenario)


WRITES = {
    "put_org": ("PATCH", "/v1/orgs/7", {"name": "New"}),
    "put_type": ("PUT", "/v1/eventTypes/orderSent", TYPE),
    "put_inbox": ("POST", "/v1/inboxes", {}),
    "put_source": ("POST", "/v1/sources", SOURCE | {"name": "two"}),
    "put_people": ("POST", "/v1/orgs/7/users", {"email": "c@d.example", "role": "reader"}),
    "put_webhook": ("POST", "/v3/webHooks", BASIC | {"name": "two"}),
    "put_transformation": ("POST", "/v1/transformations", {"name": "two", "template": "{}"}),
}


@pytest.mark.parametrize("method", WRITES)
async def test_a_call_of_the_api_is_answered_503_with_its_code(method: str) -> None:
    async with service() as s:
        await prepared(s)
        known = repr(seen(s))
        refusing(s.store, method, first(1))
        reply = await s.call(*WRITES[method])
        told = reply.json["errors" if "errors" in reply.json else "error"]
        code = told[0]["code"] if isinstance(told, list) else told["code"]
        assert (reply.status, code) in ((503, "store_down"), (503, 4001))
        assert reply.headers["retry-after"] == "1" and repr(seen(s)) == known
        assert (await s.call(*WRITES[method])).status in (200, 201)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("first_since", {"from": "2026-02-11T09:00:00Z"}),
        ("listed_events", {"eventIds": ["e0"]}),
        ("listed_deliveries", {"deliveryIds": [show("dlv", 1)]}),
        ("find", {"search": "O-71"}),
        ("replay", None),
        ("move_replay", None),
    ],
)
async def test_a_request_of_a_replay_is_refused_whole(
    method: str, more: dict[str, Any] | None
) -> None:
    async with service() as s:
        auth = await s.add_org(ORG)
        shown, number = await hook(s, auth)
        await events(s, number, [State.FAILED])
        wanted: dict[str, Any] = {"webHookId": shown["webHookId"]}
        path = "/v1/replays"
        if more is None:
            path += f"/{(await s.call('POST', path, wanted, auth)).json['id']}/cancel"
        body = None if more is None else wanted | more
        failed = refusing(s.store, method, first(1))
        assert (await s.call("POST", path, body, auth)).status == 503 and failed
        assert (await s.call("POST", path, body, auth)).status in (200, 201, 202)


async def refused(s: Service) -> Sequence[port.Rejection]:
    """The org's refused events."""
    page: port.RejectionPage = await s.store.log_rejections(ORG, None, None, 9)
    return page.rejections


@pytest.mark.parametrize("method", ["rejection", "drop_rejection"])
@pytest.mark.parametrize("lost", [False, True])
async def test_a_refused_event_is_sent_again_once_whatever_was_refused(
    method: str, lost: bool
) -> None:
    async with service() as s:
        await s.add_org(ORG)
        body = event("pointsIssued", "e1", [], ORG).body
        kept = port.NewRejection(ORG, "pointsIssued", "e1", "bad", "It is bad.", "", body)
        await s.store.commit(port.Batch(s.registry.version, rejections=[kept]))
        [row] = await refused(s)
        refusing(s.store, method, first(1), lost=lost)
        again = s.services.events.readmission.take

        async def accepted(org: OrgId, body: bytes, passage: str | None = None) -> Any:
            return "e1", "accepted or known to be"

        s.services.events.readmission.take = accepted  # type: ignore[method-assign]
        with pytest.raises(port.StoreDown):
            await s.services.events.readmission.again(ORG, row.id)
        assert bool(await refused(s)) is not (lost and method[0] == "d")
        if await refused(s):
            await s.services.events.readmission.again(ORG, row.id)
        assert not await refused(s) and again is not None


# -- links and sessions ---------------------------------------------------------------------------


async def invited(s: Service) -> str:
    _, link = await s.users.create(boss(s), ORG, {"email": "c@d.example", "role": "admin"})
    assert link is not None
    return link.token


async def portal(s: Service) -> str:
    token, _ = await s.access_services.portals.make_link(
        s.access.caller_of("org7"), Portal(org=ORG, role="reader", name=""), 60_000
    )
    return token


LINKS: dict[str, tuple[Ask, Callable[[Service, str], Awaitable[Any]], str]] = {
    "sign in": (
        lambda s: s.sessions.make_link("boss"),
        lambda s, token: s.sessions.by_link(token, "192.0.2.1"),
        "put_session",
    ),
    "portal": (
        portal,
        lambda s, token: s.access_services.portals.open(token, "192.0.2.1", ""),
        "put_session",
    ),
    "invitation": (
        invited,
        lambda s, token: s.users.open_link(token, "a long word of it"),
        "put_people",
    ),
}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("also", ["take_link", "put_link", "nothing"])
async def test_a_link_is_used_up_only_by_what_it_was_for(kind: str, also: str) -> None:
    make, use, method = LINKS[kind]
    async with service() as s:
        await s.add_org(ORG)
        token = await make(s)
        if also == "put_link":  # it can only be held in memory then
            refusing(s.store, "put_link")
        failed = refusing(s.store, "take_link" if also == "take_link" else method, first(2))
        for _ in range(2):
            with pytest.raises(port.StoreDown):
                await use(s, token)
        assert len(failed) == 2
        await use(s, token)
        with pytest.raises(Exception, match="link_ended"):
            await use(s, token)
        assert repr(seen(s)) == repr(await stored(s))


async def test_a_link_that_is_shown_at_another_door_opens_its_own_although_the_store_refuses() -> (
    None
):
    async with service() as s:
        await s.add_org(ORG)
        token = await invited(s)
        refusing(s.store, "put_link", first(1))
        with pytest.raises(Exception, match="link"):
            await s.access_services.portals.open(token, "192.0.2.1", "")
        assert await s.users.open_link(token, "a long word of it")


@pytest.mark.parametrize("times", [1, 2])
async def test_a_session_that_has_ended_does_not_come_back_with_the_next_start(times: int) -> None:
    async with service() as s:
        link = await s.sessions.make_link("boss")
        token = (await s.sessions.by_link(link, "192.0.2.1")).token
        refusing(s.store, "drop_sessions", first(times))
        with pytest.raises(port.StoreDown):
            await s.sessions.sign_out(token)
        for _ in range(times):
            with s.access_services.upkeep._outage:
                await s.access_services.upkeep.write()
        assert not (await s.store.load_people()).sessions


async def test_a_sign_in_is_not_refused_for_the_oldest_session_that_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidings.engine.access.sessions.PER_OWNER_MAX", 1)
    async with service() as s:
        refusing(s.store, "drop_sessions", first(1))
        for _ in range(2):
            link = await s.sessions.make_link("boss")
            token = (await s.sessions.by_link(link, "192.0.2.1")).token
        assert len(s.sessions.list(token)) == 1
        await s.access_services.upkeep.write()
        assert len((await s.store.load_people()).sessions) == 1


# -- what nobody waits for: goes on, and says so once ---------------------------------------------


def lasting(scenario: Callable[[Service], Awaitable[None]]) -> None:
    """In virtual time, over a service."""

    async def main() -> None:
        async with service() as s:
            await scenario(s)

    simulate(1, main())


FAULTS = pytest.mark.parametrize("fault", [FULL, WRONG], ids=["full", "wrong"])
ONCE = ["the store takes it again"]


@FAULTS
@pytest.mark.parametrize("method", ["note_uses", "drop_expired", "drop_sessions"])
def test_the_upkeep_of_access_outlives_what_the_store_says(
    method: str, fault: Exception, told: Told
) -> None:
    async def scenario(s: Service) -> None:
        link = await s.sessions.make_link("boss")
        token = (await s.sessions.by_link(link, "192.0.2.1")).token
        s.clock.ms += 1000
        s.sessions.caller(token)
        s.sessions._table._ended[b"gone"] = ()
        failed = refusing(s.store, method, first(3), fault=fault)
        s.access_services.upkeep.start()
        await asyncio.sleep(60 * 5)
        [session] = (await s.store.load_people()).sessions
        assert session.seen_ms == s.clock.ms and s.sessions._table.uses() == []
        assert len(failed) == 3 and len(told.lines) == 2 and told.lines[1:] == ONCE
        await s.access_services.upkeep.stop()

    lasting(scenario)


@FAULTS
@pytest.mark.parametrize("lost", [False, True])
def test_an_idle_inbox_is_dropped_by_a_later_look(fault: Exception, lost: bool, told: Told) -> None:
    async def scenario(s: Service) -> None:
        await s.inboxes.create(ORG, {})
        failed = refusing(s.store, "drop_inbox", first(2), fault=fault, lost=lost)
        s.clock.ms += IDLE_MS + 1
        s.inboxes.start()
        await asyncio.sleep(3 * LOOK_AGAIN_S)
        assert s.inboxes.list(ORG) == [] == await s.store.load_inboxes()
        read_again = lost and isinstance(fault, port.StoreDown)  # it is known to be gone by then
        assert len(failed) == (1 if read_again else 2)
        assert told.lines[1:] == ONCE
        await s.inboxes.close()

    lasting(scenario)


def test_arrivals_wait_for_the_store_and_are_told_of_once(told: Told) -> None:
    async def scenario(s: Service) -> None:
        live = await s.inboxes.create(ORG, {})
        failed = refusing(s.store, "add_arrivals", first(3))
        for number in range(5):
            s.inboxes.receive(live.stored.token, "POST", [], b"%d" % number)
        await asyncio.sleep(4 * WRITE_AGAIN_S)
        page = await s.inboxes.arrivals(live, None, None, 9)
        assert [arrival.body for arrival in page.arrivals] == [b"4", b"3", b"2", b"1", b"0"]
        assert len(failed) == 3 and told.lines[1:] == ONCE

    lasting(scenario)


def test_an_arrival_that_cannot_be_kept_holds_up_no_other() -> None:
    async def scenario(s: Service) -> None:
        live = await s.inboxes.create(ORG, {})
        add = s.store.add_arrivals

        async def picky(arrivals: Any) -> Any:
            if any(arrival.body == b"2" for arrival in arrivals):
                raise WRONG
            return await add(arrivals)

        s.store.add_arrivals = picky  # type: ignore[method-assign]
        for number in range(5):
            s.inboxes.receive(live.stored.token, "POST", [], b"%d" % number)
        await asyncio.sleep(1)
        page = await s.inboxes.arrivals(live, None, None, 9)
        assert [arrival.body for arrival in page.arrivals] == [b"4", b"3", b"1", b"0"]

    lasting(scenario)


@FAULTS
@pytest.mark.parametrize("method", ["retention_state", "drop"])
def test_retention_outlives_what_the_store_says(method: str, fault: Exception, told: Told) -> None:
    async def scenario(s: Service) -> None:
        receipt = await s.store.commit(
            port.Batch(s.registry.version, [event("a", "e", [port.NewDelivery(1, 1)])])
        )
        done = port.Settlement(receipt.firsts[0], 1, None, State.DELIVERED, 1, 1, 0, 5, 200)
        await s.store.commit(port.Batch(0, settled=[done]))
        s.clock.ms += 100 * DAY_MS
        failed = refusing(s.store, method, first(3), fault=fault)
        retention = Retention(store=s.store, clock=s.clock, retentions=dict)
        running = asyncio.ensure_future(retention.run())
        await asyncio.sleep(300)
        assert (await s.store.counts()).events == 0 and not running.done()
        assert len(failed) == 3 and told.lines[1:] == ONCE
        running.cancel()

    lasting(scenario)


def test_pages_that_could_not_be_given_back_are_by_a_later_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = [3]
    monkeypatch.setattr("tidings.engine.retention.to_give_back", lambda *_: left[0] > 0)

    async def scenario(s: Service) -> None:
        async def give_back(pages: int) -> port.DropReceipt:
            left[0] -= 1
            return port.DropReceipt(1, True, 10)

        s.store.give_back = give_back  # type: ignore[method-assign]
        failed = refusing(s.store, "give_back", first(2))
        blind = refusing(s.store, "file_space", first(1))
        retention = Retention(store=s.store, clock=s.clock, retentions=dict)
        running = asyncio.ensure_future(retention.run())
        await asyncio.sleep(120)
        assert left == [0] and len(failed) == 2 and len(blind) == 1 and not running.done()
        running.cancel()

    lasting(scenario)


REPLAY = "open_replays candidates count_replay note_counted move_replay tally_replay close_replay"


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("method", REPLAY.split()[1:] + ["unfinished_of"])
def test_a_job_ends_as_it_would_have_whatever_was_refused(
    method: str, lost: bool, times: int, told: Told
) -> None:
    """Also where the store refuses to say where the job is meanwhile."""

    async def scenario(s: Service) -> None:
        auth = await s.add_org(ORG)
        shown, number = await hook(s, auth)
        await events(s, number, [State.FAILED] * 12)
        cancels = method == "unfinished_of"
        failed = refusing(s.store, method, first(times), lost=lost)
        body = {"webHookId": shown["webHookId"], "ratePerSecond": 5000}
        id = (await s.call("POST", "/v1/replays", body, auth)).json["id"]
        if not cancels:
            refusing(s.store, "replay", lambda call: 0 < len(failed) == times and call < 3)
        await asyncio.sleep(60)
        if cancels:
            await s.call("POST", f"/v1/replays/{id}/cancel", None, auth)
            await asyncio.sleep(60)
        pending = await s.store.page(number, 0, 100)
        assert len(pending) == (0 if cancels else 12)
        ends = [
            port.Settlement(job.delivery, number, None, State.DELIVERED, 1, 1, 0, 5, 200)
            for job in pending
        ]
        await s.store.commit(port.Batch(0, settled=ends))
        await asyncio.sleep(120)
        job = (await s.call("GET", f"/v1/replays/{id}", None, auth)).json
        assert job["state"] == ("cancelled" if cancels else "finished"), job
        if not cancels:
            assert (job["matched"], job["made"], job["delivered"]) == (12, 12, 12)
        assert len(failed) == times and s.replays.open == 0 and len(s.told) == 1
        assert told.lines.count("waits for the store") == told.lines.count(ONCE[0]) >= 1

    lasting(scenario)


def test_jobs_are_taken_up_by_the_start_that_the_store_lets_through() -> None:
    async def scenario(s: Service) -> None:
        await s.replays.create(job(), ())
        await s.replays.stop()
        s.replays._runs.clear()
        refusing(s.store, "open_replays", first(1))
        with pytest.raises(port.StoreDown):
            await s.replays.start()
        await s.replays.start()
        assert s.replays.open == 1

    lasting(scenario)


LETTER = port.QueuedEmail("x", OrgId(1), CONSENT, b'{"address":"a@b.example","askedAt":1}', 0)


# -- letters, lanes, retries ----------------------------------------------------------------------


@FAULTS
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("method", ["emails", "put_email", "drop_emails"])
def test_a_letter_goes_once_whatever_was_refused(
    method: str, lost: bool, fault: Exception, told: Told
) -> None:
    if method == "put_email" and fault is WRONG:
        pytest.skip("the job of the notices is begun anew, see test_retention_job.py")

    async def scenario(world: NoticeWorld) -> None:
        world.addresses[1] = ("ops@acme.example",)
        await asyncio.sleep(0 if method == "put_email" else 1)  # its own letters are taken up
        crm = await world.webhook("crm", "groupCreated")
        failed = refusing(world.store, method, first(2), fault=fault, lost=lost)
        emails = Emails(
            store=world.store,
            clock=world.clock,
            lease=EndlessLease(),
            addresses=lambda org: world.addresses.get(org, ()),
            mailer=world.post,
        )
        running = None
        if method == "emails":  # the world's own has asked already
            await world.store.put_email(LETTER)
            emails._awaits = lambda org, address, purpose: True
            emails._link = lambda *_: "https://x.example"
            running = asyncio.ensure_future(emails.run())
        else:
            world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=50))
        await asyncio.sleep(60)
        assert len(world.post.sent) == 1 and len(failed) == 2
        assert await world.store.emails() == []
        if running is not None:
            assert not running.done() and told.lines[1:] == ONCE
            running.cancel()

    in_world(scenario)


def test_a_letter_that_was_withdrawn_is_not_taken_up_by_a_job_that_begins() -> None:
    async def scenario(world: NoticeWorld) -> None:
        emails = Emails(
            store=world.store,
            clock=world.clock,
            lease=EndlessLease(),
            addresses=lambda org: ("ops@acme.example",),
            mailer=world.post,
        )
        await world.store.put_email(LETTER)
        emails._awaits = lambda org, address, purpose: True
        emails._gone.append("x")
        refusing(world.store, "drop_emails", first(1))
        running = asyncio.ensure_future(emails.run())
        await asyncio.sleep(10)
        assert world.post.sent == [] and await world.store.emails() == []
        running.cancel()

    in_world(scenario)


@FAULTS
@pytest.mark.parametrize("method", ["page", "unfinished", "release", "put_healths", "retire"])
def test_what_lanes_ask_behind_the_calls_is_asked_again(
    method: str, fault: Exception, told: Told
) -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated", status=503)
        await world.event()
        await asyncio.sleep(1)
        failed = refusing(world.store, method, first(2), fault=fault)
        commit = refusing(world.store, "commit", first(1), fault=FULL, lost=True)
        with pytest.raises(port.StoreDown):
            await world.event()  # lanes look again: at pages, standings and takes
        world.engine.dispatcher.recovery.look_again({crm.number})
        if method == "retire":
            await world.webhooks.change_status(crm.org, crm.id, "pause", "its owner")
            await world.webhooks.set_status(crm.number, WebhookStatus.DISABLED, "It is gone.")
            await world.webhooks.retired()
        await asyncio.sleep(60)
        world.receivers.status["/crm"] = 200
        await asyncio.sleep(7200)
        assert len(failed) == 2 and commit == [0] and len(told.lines) >= 2
        states = world.store.half.connection.execute(
            "SELECT DISTINCT state FROM delivery"
        ).fetchall()
        ended = State.PARKED if method == "retire" else State.DELIVERED
        assert states == [(int(ended),)], states

    in_world(scenario)


@FAULTS
@pytest.mark.parametrize("lost", [False, True])
def test_what_is_parked_is_parked_by_a_later_look(fault: Exception, lost: bool, told: Told) -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated", status=503)
        for _ in range(30):
            await world.event()
        await asyncio.sleep(60)
        healths = world.engine.healths
        healths.parks = lambda webhook: True  # type: ignore[method-assign]
        world.clock.skew_ms += 8 * DAY_MS
        failed = refusing(world.store, "park_expired", first(2), fault=fault, lost=lost)
        healths.bad(crm.number, "503")
        await asyncio.sleep(200)
        states = world.store.half.connection.execute(
            "SELECT DISTINCT state FROM delivery d JOIN event e ON e.seq = d.event"
            " WHERE e.name = 'groupCreated'"
        ).fetchall()
        ended = {State(cast(int, state)) for (state,) in states}
        assert {State.PARKED} <= ended <= {State.PARKED, State.FAILED} and len(failed) == 2
        assert "the store takes it again" in told.lines

    in_world(scenario)


@FAULTS
def test_an_owner_who_was_told_is_told_again_at_most_by_the_next_start(
    fault: Exception, told: Told
) -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated", status=410)
        failed = refusing(world.store, "drop_disabling", first(1), fault=fault)
        await world.event()
        await asyncio.sleep(60)
        assert len(failed) == 1 == len(told.lines)
        [owed] = (await world.store.load()).disablings
        assert owed.webhook == crm.number, "the next start tells it, under the same id"

    in_world(scenario)
