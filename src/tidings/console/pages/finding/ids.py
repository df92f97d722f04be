"""What an id names, in the org of the visitor and in all others that they may see."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import msgspec

from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.console.visit import PlainVisit, named
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import EVENT_ID, OrgId, read, read_delivery
from tidings.engine.access.remote_sessions import RemoteSession
from tidings.engine.inboxes import UnknownInbox
from tidings.engine.sources.live_source import UnknownSource
from tidings.errors import NotFound, RequestRefused
from tidings.reads.delivery.deliveries import own_delivery
from tidings.reads.events.rejections import PREFIX
from tidings.reads.webhooks.incidents import find_incident

ORGS_MAX = 1000  # others in which an id is looked for
_PREFIXED = re.compile(r"(dlv|att|rpl|inb|rej|src|asd|alc|inc)_[0-9a-z]+")
_WEBHOOK = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_WORDS = {
    "dlv": "a delivery",
    "att": "an attempt",
    "rpl": "a replay",
    "inb": "a test inbox",
    "alc": "an alert channel",
    "inc": "an incident",
    "rej": "a rejected event",
    "src": "a source",
    "asd": "a message that a source has set aside",
}


class SearchTarget(msgspec.Struct):
    """A target of the search, in words, and the path to it if it is there."""

    words: list[str]
    path: str | None = None


class IdLook(Protocol):
    """Somebody who looks for an id in an org: a visitor, or the owner of another cell for one."""

    @property
    def services(self) -> Services:
        """Return the running service."""

    @property
    def caller(self) -> AuthenticatedCaller:
        """Return who looks, and in which org."""

    def may(self, scope: str) -> bool:
        """Return whether they hold a scope."""


@dataclass(frozen=True)
class RemoteLook:
    """An `IdLook` for a visitor at another process."""

    services: Services
    caller: AuthenticatedCaller

    def may(self, scope: str) -> bool:
        """See `IdLook`."""
        return self.caller.may(scope)


class IdAsked(msgspec.Struct, frozen=True):
    """Ask a cell for what an id names in any of its orgs, for one who may see them all."""

    wanted: str
    credential: str
    grants: list[str]


class IdFound(msgspec.Struct, frozen=True):
    """Hold the page of what an id names; 0 where it names nothing in this cell."""

    org: OrgId = OrgId(0)
    name: str = ""  # of the org, as people know it
    path: str = ""


async def _find_id(services: Services, asked: IdAsked) -> IdFound:
    orgs = await _orgs_with(services, asked.wanted, [org.id for org in services.orgs.all()])
    grants = frozenset(asked.grants)
    for org in orgs[:ORGS_MAX]:
        caller = AuthenticatedCaller(
            org=org, platform=True, credential=asked.credential, grants=grants
        )
        path = (await find_by_id(RemoteLook(services, caller), asked.wanted)).path
        found = services.orgs.get(org)
        if path is not None and found is not None:
            return IdFound(org, named(found), path)
    return IdFound()


FIND_ID = CellQuestion(name="find-id", asks=IdAsked, finds=IdFound, answer=_find_id)


class OwnIdAsked(msgspec.Struct, frozen=True):
    """Ask a cell for what an id names in those of its orgs where the owner of a session works."""

    wanted: str
    session: RemoteSession


async def _find_own_id(services: Services, asked: OwnIdAsked) -> IdFound:
    users = services.access.users
    person = services.access.sessions.guests.resolve(asked.session).person
    own = [member.org for member in users.seats(person)]
    for org in (await _orgs_with(services, asked.wanted, own))[:ORGS_MAX]:
        caller = users.caller(person, org)
        path = (await find_by_id(RemoteLook(services, caller), asked.wanted)).path
        found = services.orgs.get(org)
        if path is not None and found is not None:
            return IdFound(org, named(found), path)
    return IdFound()


FIND_OWN_ID = CellQuestion(name="find-own-id", asks=OwnIdAsked, finds=IdFound, answer=_find_own_id)


async def find_by_id(visit: IdLook, wanted: str) -> SearchTarget:
    """Look up an id; asks only for what its shape can name and the visitor may read."""
    look = SearchTarget([])
    if (shape := _PREFIXED.fullmatch(wanted)) is not None:
        kind = shape[1]
        look.words.append(f"{_WORDS[kind]} of this id")
        there = _OPENERS.get(kind)
        look.path = None if there is None else await there(visit, wanted)
        return look
    if visit.may("webhooks:read"):
        look.words.append("a webhook of this id, consumer group or name")
        look.path = _webhook(visit, wanted)
    if look.path is None and (kind := visit.services.events.types.get(visit.caller.org, wanted)):
        look.path = f"/catalogue/{quote(kind.name, safe='')}"
    if look.path is None and visit.may("logs:read") and EVENT_ID.fullmatch(wanted):
        look.words.append("an event of this id")
        if await visit.services.store.event(visit.caller.org, wanted) is not None:
            look.path = f"/events/{quote(wanted, safe='')}"
    return look


async def find_elsewhere(visit: PlainVisit, wanted: str, look: SearchTarget) -> IdFound | None:
    """Find what an id names in another org of the visitor's; None where it names nothing."""
    if visit.place.portal or not is_id(wanted):
        return None  # a name means something else in each org
    services = visit.services
    everywhere = [org.id for org in services.orgs.all()] if visit.caller.platform else []
    own = everywhere or [seat.org for seat in visit.seats]
    others = [org for org in own if org != visit.caller.org][:ORGS_MAX]
    if others:
        other = "other " * bool(visit.caller.org)
        look.words.append(f"the same in {len(others)} {other}org{'s' * (len(others) > 1)} of yours")
    for org in await _orgs_with(services, wanted, others):
        caller = services.access.sessions.caller(visit.token, org)
        path = (await find_by_id(RemoteLook(services, caller), wanted)).path
        found = services.orgs.get(org)
        if path is not None and found is not None:
            return IdFound(org, named(found), path)
    return await _in_other_cells(visit, wanted, look)


def is_id(wanted: str) -> bool:
    """Return whether a text is an id by its form, which means the same in every org."""
    return any(pattern.fullmatch(wanted) for pattern in (_PREFIXED, _WEBHOOK, _UUID))


def is_prefixed(wanted: str) -> bool:
    """Return whether a text is an id that says what it names, such as `dlv_…`."""
    return _PREFIXED.fullmatch(wanted) is not None


async def _orgs_with(services: Services, wanted: str, orgs: list[OrgId]) -> list[OrgId]:
    """List the orgs in which an id has to be looked for; of a delivery, the most frequent one, its
    row says which."""
    if (number := read_delivery(wanted)) is None:
        return orgs
    found = await services.store.delivery(number)
    record = None if found is None else services.webhooks.by_number(found.webhook)
    return [org for org in orgs if record is not None and org == record.org]


async def _in_other_cells(visit: PlainVisit, wanted: str, look: SearchTarget) -> IdFound | None:
    """An id that an org of another cell knows, for one who sees all orgs, or has a seat there: all
    owners are asked at once, and those that have not answered are named."""
    others = visit.services.web.others
    if others is None:
        return None
    remote = visit.services.access.everywhere.described(visit.token)
    elsewhere = visit.services.access.sessions.guests.elsewhere
    if visit.caller.platform:
        asked = IdAsked(wanted, visit.caller.credential, sorted(visit.caller.grants))
        gathered = await others.ask(
            FIND_ID.name, msgspec.json.encode(asked), IdFound, FIND_ID.answer_s
        )
    elif remote is None or elsewhere is None or not remote.email:
        return None  # a credential works in its one org
    else:
        cells = await elsewhere.cells_of(remote)
        own = msgspec.json.encode(OwnIdAsked(wanted, remote))
        gathered = await others.ask(
            FIND_OWN_ID.name, own, IdFound, FIND_OWN_ID.answer_s, cells=cells
        )
        if not cells:
            return None
    for found in gathered.by_cell.values():
        if found.org and found.path.startswith("/"):
            return found
    whose = "the orgs" if visit.caller.platform else "your orgs"
    look.words.append(f"the same in {whose} of other cells")
    look.words += [f"not in cell {cell}, which has not answered" for cell in gathered.missing]
    return None


def _webhook(visit: IdLook, wanted: str) -> str | None:
    by_id = _WEBHOOK.fullmatch(wanted) or _UUID.fullmatch(wanted)
    for record in visit.services.webhooks.list(visit.caller.org):
        webhook = record.webhook
        ids = (webhook.id, webhook.consumer_group)
        if (wanted.lower() in ids) if by_id else wanted == webhook.name:
            return f"/webhooks/{webhook.id}"
    return None


async def _delivery(visit: IdLook, wanted: str) -> str | None:
    if not visit.may("logs:read"):
        return None
    services = visit.services
    try:
        await own_delivery(services.store, services.webhooks, visit.caller.org, wanted)
    except RequestRefused:
        return None
    return f"/deliveries/{wanted}"


async def _replay(visit: IdLook, wanted: str) -> str | None:
    number = read("rpl", wanted)
    if number is None or not visit.may("replay:read"):
        return None
    found = await visit.services.store.replay(visit.caller.org, number)
    return None if found is None else f"/replays/{wanted}"


async def _inbox(visit: IdLook, wanted: str) -> str | None:
    if not visit.may("webhooks:read"):
        return None
    try:
        visit.services.delivery.inboxes.get(visit.caller.org, wanted)
    except UnknownInbox:
        return None
    return f"/inboxes/{wanted}"


async def _alert_channel(visit: IdLook, wanted: str) -> str | None:
    if not visit.may("webhooks:read"):
        return None
    channel = visit.services.notices.channels.find(wanted)
    is_own = channel is not None and channel.org == visit.caller.org
    return f"/alerts/{wanted}" if is_own else None


async def _incident(visit: IdLook, wanted: str) -> str | None:
    """Find the page of the webhook that an incident is of: what is wrong with it stands there."""
    if not visit.may("webhooks:read"):
        return None
    incident = await find_incident(visit.services, visit.caller.org, wanted)
    record = None if incident is None else visit.services.webhooks.by_number(incident.webhook)
    return None if record is None else f"/webhooks/{record.webhook.id}"


async def _rejection(visit: IdLook, wanted: str) -> str | None:
    number = read(PREFIX, wanted)
    if number is None or not visit.may("logs:read"):
        return None
    found = await visit.services.store.rejection(visit.caller.org, number)
    return None if found is None else f"/rejections/{wanted}"


async def _source(visit: IdLook, wanted: str) -> str | None:
    if not visit.may("sources:read"):
        return None
    try:
        live = visit.services.sources.sources.get(visit.caller.org, wanted)
    except UnknownSource:
        return None
    return f"/sources/{live.id}"


async def _find_dead_letter(visit: IdLook, wanted: str) -> str | None:
    if not visit.may("sources:read"):
        return None
    for live in visit.services.sources.sources.of(visit.caller.org):
        try:
            await visit.services.sources.sources.dead_letter(live, wanted)
        except NotFound:
            continue
        return f"/sources/{live.id}/aside/{wanted}"
    return None


_OPENERS: dict[str, Callable[[IdLook, str], Awaitable[str | None]]] = {
    "dlv": _delivery,
    "rpl": _replay,
    "inb": _inbox,
    "alc": _alert_channel,
    "inc": _incident,
    "rej": _rejection,
    "src": _source,
    "asd": _find_dead_letter,
}
