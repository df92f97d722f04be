"""What ends at a time ends then, however often the service was restarted in between."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.api.control_client import BASIC, START_MS, Clock, Service, basic
from tests.simulation.loop import simulate
from tests.simulation.parts import SimulatedClock
from tests.store.in_process import MemoryStore
from tidings.core.access.portal_rules import Portal
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.notices.consent_rules import LINK_MS
from tidings.engine.access.sessions import ABSOLUTE_MS, IDLE_MS, PORTAL_MS
from tidings.engine.access.users import INVITE_MS, RESET, RESET_MS
from tidings.engine.inboxes import IDLE_MS as IDLE_INBOX_MS
from tidings.errors import Denied, Invalid
from tidings.store import port
from tidings.store.port import KEYED_KEPT_MS

ORG = OrgId(7)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ADDRESS = "192.0.2.1"
Holds = Callable[[Service], Awaitable[bool]]
Case = Callable[[Service], Awaitable[tuple[Holds, int]]]  # whether it is in force, and how long


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


async def answers(s: Service, auth: str) -> bool:
    return (await s.call("GET", "/v3/webHooks", None, auth)).status == 200


async def made(s: Service, **fields: Any) -> Any:
    await s.add_org(7)
    body = {"name": "k", "scopes": {"webhooks": "read"}} | fields
    reply = await s.call("POST", "/v1/orgs/7/credentials", body)
    assert reply.status == 201, reply.body
    return reply.json


async def allowed(asked: Awaitable[Any]) -> bool:
    try:
        await asked
    except Denied:
        return False
    return True


async def old_secret_of_a_credential(s: Service) -> tuple[Holds, int]:
    old = await made(s)
    path = f"/v1/orgs/7/credentials/{old['id']}/rotate"
    assert (await s.call("POST", path, {"overlapInHours": 3})).status == 200
    auth = basic(old["id"], old["secret"])
    return lambda s: answers(s, auth), 3 * HOUR_MS


async def credential_with_an_expiry(s: Service) -> tuple[Holds, int]:
    one = await made(s, expiresAt=_time(START_MS + 2 * HOUR_MS))
    auth = basic(one["id"], one["secret"])
    return lambda s: answers(s, auth), 2 * HOUR_MS


async def token_of_an_oauth_client(s: Service) -> tuple[Holds, int]:
    one = await made(s, kind="oauth")
    body = {"key": one["id"], "secret": one["secret"]}
    token = (await s.call("POST", "/v3/oauth/token/generate", body, None)).json["data"]
    auth = "Bearer " + token["accessToken"]
    return lambda s: answers(s, auth), token["ttlSeconds"] * 1000


async def idle_session(s: Service) -> tuple[Holds, int]:
    # Asking is using: each of them is asked once.
    tokens = [
        (await s.sessions.by_credential("boss", "s3cret", ADDRESS, "Firefox")).token
        for _ in range(8)
    ]

    async def holds(s: Service) -> bool:
        try:
            s.sessions.caller(tokens.pop())
        except Denied:
            return False
        return True

    return holds, IDLE_MS


async def sign_in_link(s: Service) -> tuple[Holds, int]:
    links = [await s.sessions.make_link("boss") for _ in range(8)]
    return lambda s: allowed(s.sessions.by_link(links.pop(), ADDRESS)), 600_000


async def portal_link(s: Service) -> tuple[Holds, int]:
    await s.add_org(7)
    caller = s.access.caller_of("boss")
    portals = s.services.access.portals
    links = [
        (await portals.make_link(caller, Portal(org=ORG, role="reader", name="Acme"), 120_000))[0]
        for _ in range(8)
    ]
    return lambda s: allowed(
        s.services.access.portals.open(links.pop(), ADDRESS, "Firefox")
    ), 120_000


async def session_that_is_used(s: Service) -> tuple[Holds, int]:
    # It never idles, and ends all the same: seven days after the sign-in.
    token = (await s.sessions.by_credential("boss", "s3cret", ADDRESS, "Firefox")).token
    [session] = (await s.store.load_people()).sessions

    async def holds(s: Service) -> bool:
        await s.store.note_uses([], [port.SessionUse(session.digest, s.clock.ms - 1000)])
        s.sessions.load(await s.store.load_people())
        return await allowed(_asked(s, token))

    return holds, ABSOLUTE_MS


async def _asked(s: Service, token: str) -> None:
    s.sessions.caller(token)


async def session_of_a_portal(s: Service) -> tuple[Holds, int]:
    await s.add_org(7)
    caller = s.access.caller_of("boss")
    portal = Portal(org=ORG, role="reader", name="Acme")
    link, _ = await s.services.access.portals.make_link(caller, portal, 120_000)
    signed, _ = await s.services.access.portals.open(link, ADDRESS, "Firefox")

    async def holds(s: Service) -> bool:
        return s.sessions.opened(signed.token) is not None

    return holds, PORTAL_MS


async def opened(s: Service, link: str) -> bool:
    """Whether a password could be set by a link of a user."""

    async def hashed(email: str, password: str) -> str:
        return "hashed"  # by no thread: time is virtual here

    s.users.hash_for = hashed  # type: ignore[method-assign]
    try:
        await s.users.open_link(link, "a long pass phrase of hers")
    except Invalid:
        return False
    return True


async def invitations(s: Service) -> list[str]:
    """Of as many users as are asked for in a case."""
    await s.add_org(7)
    links = []
    for at in range(4):
        body = {"email": f"ann{at}@example.test", "name": "Ann", "role": "reader"}
        reply = await s.call("POST", "/v1/orgs/7/users", body)
        assert reply.status == 201, reply.body
        links.append(reply.json["invitation"]["token"])
    return links


async def resets(s: Service) -> list[str]:
    """For users who had accepted."""
    assert all([await opened(s, link) for link in await invitations(s)])
    links = []
    for user in s.users.list(ORG):
        link = await s.users.link(s.access.caller_of("boss"), ORG, user.person.id)
        assert link.purpose == RESET
        links.append(link.token)
    return links


async def invitation(s: Service) -> tuple[Holds, int]:
    links = await invitations(s)
    return lambda s: opened(s, links.pop()), INVITE_MS


async def reset_of_a_password(s: Service) -> tuple[Holds, int]:
    links = await resets(s)
    return lambda s: opened(s, links.pop()), RESET_MS


async def link_that_asks_whether_letters_may_come(s: Service) -> tuple[Holds, int]:
    await s.add_org(7)
    address = "ops@example.test"
    await s.orgs.amend(ORG, lambda settings: msgspec.structs.replace(settings, notify=(address,)))
    token = s.consents.link(ORG, address, s.clock.ms).rpartition("token=")[2]

    async def holds(s: Service) -> bool:
        try:
            s.consents.asked(token)
        except Invalid:
            return False
        return True

    return holds, LINK_MS


async def inbox_that_was_looked_into(s: Service) -> tuple[Holds, int]:
    inbox = (await s.call("POST", "/v1/inboxes")).json
    began_ms, s.clock.ms = s.clock.ms, s.clock.ms + DAY_MS
    looked = await s.call("GET", f"/v1/inboxes/{inbox['id']}/arrivals")
    assert looked.status == 200, looked.body
    s.clock.ms = began_ms

    async def holds(s: Service) -> bool:
        await s.inboxes.drop_idle()
        return bool(s.inboxes.list(OrgId(1)))

    return holds, DAY_MS + IDLE_INBOX_MS + 1


async def idempotency_key(s: Service) -> tuple[Holds, int]:
    await s.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")

    async def holds(s: Service) -> bool:
        # Another body under a key that is kept is refused; later it is a call like any other.
        reply = await s.call("POST", "/v3/webHooks", BASIC | {"name": ""}, idempotency_key="k")
        return "idempotency_key_reused" in reply.body.decode()

    return holds, 24 * HOUR_MS


async def key_of_a_call(s: Service) -> tuple[Holds, int]:
    await s.call("POST", "/v1/inboxes", {"name": "shop"}, idempotency_key="k")

    async def holds(s: Service) -> bool:
        # As above; that a body is refused later is kept under no key.
        return (await s.call("POST", "/v1/inboxes", {"name": 5}, idempotency_key="k")).status == 422

    return holds, KEYED_KEPT_MS


async def cap_of_an_action(s: Service) -> tuple[Holds, int]:
    def use(delivery: int) -> port.CapUse:
        return port.CapUse(1, b"customer", DeliveryId(delivery), 1, DAY_MS)

    await s.store.take_caps([use(1)])

    async def holds(s: Service) -> bool:
        return (await s.store.take_caps([use(2)])) != [None]

    return holds, DAY_MS


async def after(owner: Service) -> Service:
    """The process after this one."""
    await owner.webhooks.close()
    then = Service(owner.store, owner.clock)
    await then.start()
    await then.inboxes.load()
    return then


CASES: list[Case] = [
    old_secret_of_a_credential,
    credential_with_an_expiry,
    token_of_an_oauth_client,
    idle_session,
    sign_in_link,
    portal_link,
    session_that_is_used,
    session_of_a_portal,
    invitation,
    reset_of_a_password,
    link_that_asks_whether_letters_may_come,
    inbox_that_was_looked_into,
    idempotency_key,
    key_of_a_call,
    cap_of_an_action,
]


@pytest.mark.parametrize("restarts", [0, 2])
@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
def test_it_is_in_force_until_then_and_no_longer(case: Case, restarts: int) -> None:
    async def scenario() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        owner = Service(store, clock)
        await owner.start()
        holds, lasts_ms = await case(owner)
        for at in range(restarts):
            clock.ms = START_MS + lasts_ms * at // (restarts + 1)
            owner = await after(owner)
        clock.ms = START_MS + lasts_ms - 1
        assert await holds(owner), "up to the last moment"
        clock.ms += 1
        assert not await holds(owner), "and not beyond it"
        owner = await after(owner)
        assert not await holds(owner), "nor for the one who comes after"
        await owner.webhooks.close()

    simulate(1, scenario())


async def portal_links(s: Service) -> list[str]:
    await s.add_org(7)
    portal = Portal(org=ORG, role="reader", name="Acme")
    return [
        (await s.services.access.portals.make_link(s.access.caller_of("boss"), portal, 120_000))[0]
    ]


async def sign_in_links(s: Service) -> list[str]:
    return [await s.sessions.make_link("boss")]


ONCE: dict[str, tuple[Callable[[Service], Awaitable[list[str]]], Callable[..., Awaitable[bool]]]]
ONCE = {
    "invitation": (invitations, opened),
    "reset": (resets, opened),
    "portal": (
        portal_links,
        lambda s, link: allowed(s.services.access.portals.open(link, ADDRESS, "Firefox")),
    ),
    "sign in": (sign_in_links, lambda s, link: allowed(s.sessions.by_link(link, ADDRESS))),
}


@pytest.mark.parametrize("kind", ONCE)
def test_a_link_that_was_used_opens_nothing_after_a_restart(kind: str) -> None:
    async def scenario() -> None:
        clock = Clock()
        owner = Service(MemoryStore(clock), clock)
        await owner.start()
        make, use = ONCE[kind]
        link = (await make(owner))[0]
        owner = await after(owner)
        assert await use(owner, link)
        assert not await use(owner, link)
        for _ in range(2):
            owner = await after(owner)
            assert not await use(owner, link)
        await owner.webhooks.close()

    simulate(1, scenario())


@pytest.mark.parametrize("restarts", [0, 1])
def test_a_newer_link_ends_the_one_before_also_over_a_restart(restarts: int) -> None:
    async def scenario() -> None:
        clock = Clock()
        owner = Service(MemoryStore(clock), clock)
        await owner.start()
        first = (await resets(owner))[0]
        person = owner.users.list(ORG)[0].person.id
        for _ in range(restarts):
            owner = await after(owner)
        newer = (await owner.users.link(owner.access.caller_of("boss"), ORG, person)).token
        for _ in range(restarts):
            owner = await after(owner)
        assert not await opened(owner, first)
        assert await opened(owner, newer)
        await owner.webhooks.close()

    simulate(1, scenario())


def secrets(s: Service, name: str) -> int:
    """How many sign what is sent to a webhook now: what is matched, and what its lane was told."""
    [webhook] = [
        webhook for webhook in s.registry.match(OrgId(1), "pointsIssued") if webhook.name == name
    ]
    told = [webhook for webhook in s.changed if webhook.name == name]
    assert not told or told[-1].secrets == webhook.secrets
    return len(webhook.secrets)


@pytest.mark.parametrize("restart_h", [None, 0, 1, 9])
def test_old_signing_secrets_end_by_themselves_in_the_process_that_took_them_over(
    restart_h: int | None,
) -> None:
    """Nobody calls: the alarm of the new owner rings for each of them."""

    async def scenario() -> None:
        clock: Any = SimulatedClock()
        store = MemoryStore(clock)
        owner = Service(store, clock)
        await owner.start()
        ends = {"a": [2, 10], "b": [4], "c": []}
        for name, hours in ends.items():
            reply = await owner.call("POST", "/v3/webHooks", BASIC | {"name": name})
            path = f"/v3/webHooks/{reply.json['data']['webHookId']}/rotateSecret"
            for hour in hours:
                await owner.call("POST", path, {"overlapInHours": hour})
        for now in range(12):
            if now == restart_h:
                await owner.webhooks.close()
                owner = Service(store, clock)
                await owner.start()
            for name, hours in ends.items():
                # Up to the hour, and not a second beyond it.
                assert secrets(owner, name) == 1 + sum(end > now for end in hours), (name, now)
            await asyncio.sleep(3590)
            for name, hours in ends.items():
                assert secrets(owner, name) == 1 + sum(end > now for end in hours), (name, now)
            await asyncio.sleep(11)
        await owner.webhooks.close()

    simulate(1, scenario())


def test_a_clock_that_was_set_ahead_ends_old_signing_secrets_within_a_minute() -> None:
    async def scenario() -> None:
        clock: Any = SimulatedClock()
        store = MemoryStore(clock)
        first = Service(store, clock)
        await first.start()
        reply = await first.call("POST", "/v3/webHooks", BASIC | {"name": "a"})
        path = f"/v3/webHooks/{reply.json['data']['webHookId']}/rotateSecret"
        await first.call("POST", path, {"overlapInHours": 10})
        await first.webhooks.close()
        owner = Service(store, clock)
        await owner.start()
        clock.skew_ms += 10 * HOUR_MS
        await asyncio.sleep(61)
        assert secrets(owner, "a") == 1
        await owner.webhooks.close()

    simulate(1, scenario())
