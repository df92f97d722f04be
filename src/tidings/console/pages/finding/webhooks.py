"""Webhooks by a part of their name or host, in all orgs that somebody may see.

All webhooks are in memory and are looked through. A look ends after `LOOKED_AT_MAX` webhooks and
orgs, and yields to everything else after each `TURN` of them: nobody's key press holds up a
delivery.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Sequence

import msgspec

from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.console.pages.webhooks.listed import rank_of
from tidings.console.visit import PlainVisit, named
from tidings.core.cells.families import CellId
from tidings.core.delivery.receivers.problem_groups import host_of
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.access.remote_sessions import RemoteSession
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import Denied

READS = "webhooks:read"
LOOKED_AT_MAX = 20_000
TURN = 250
HOSTS_MAX = 5
ORGS_MAX = 5
ROWS_MAX = 50
ANSWER_S = 1.0
_WELL = 99  # behind every rank of those that need somebody


class FoundWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that was found. The lower its rank, the more it needs somebody."""

    rank: int
    org: OrgId
    org_name: str
    id: WebhookId
    name: str
    host: str
    state: str


class FoundHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host to which several webhooks of an org send."""

    org: OrgId
    org_name: str
    host: str
    webhooks: int


class FoundOrg(msgspec.Struct, frozen=True):
    """An org that has the text in its name, or as its number."""

    org: OrgId
    org_name: str


class WebhooksFound(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the first of what was found."""

    webhooks: Sequence[FoundWebhook] = ()
    hosts: Sequence[FoundHost] = ()
    orgs: Sequence[FoundOrg] = ()
    is_whole: bool = True  # whether everything was looked at
    missing: Sequence[CellId] = ()


class WebhooksAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Ask a cell for webhooks of the owner of a session; without one, for one who may see all."""

    wanted: str
    limit: int
    session: RemoteSession | None = None


async def _find(services: Services, asked: WebhooksAsked) -> WebhooksFound:
    limit = min(asked.limit, ROWS_MAX)
    if asked.session is None:
        orgs = [org.id for org in services.orgs.all()]
        return await look_through(services, asked.wanted, orgs, orgs, limit)
    users = services.access.users
    person = services.access.sessions.guests.resolve(asked.session).person
    seats = [member.org for member in users.seats(person)]
    readable = [org for org in seats if users.caller(person, org).may(READS)]
    return await look_through(services, asked.wanted, readable, seats, limit)


FIND_WEBHOOKS = CellQuestion(
    name="find-webhooks",
    asks=WebhooksAsked,
    finds=WebhooksFound,
    answer=_find,
    answer_s=ANSWER_S,
)


async def search_webhooks(visit: PlainVisit, wanted: str, limit: int) -> WebhooksFound:
    """Find webhooks, hosts and orgs by a part of their names: those that fail first, then those of
    the org of the visit, then by name."""
    services, here = visit.services, visit.caller.org
    if visit.caller.platform:
        seats = [org.id for org in services.orgs.all()]
        readable = seats if visit.may(READS) else []
    else:
        seats = [seat.org for seat in visit.seats]
        readable = [org for org in seats if _reads(visit, org)]
    seats, readable = (sorted(orgs, key=lambda org: org != here) for orgs in (seats, readable))
    own = await look_through(services, wanted, readable, seats, limit, here)
    found = [own, *await _ask_others(visit, wanted, limit)]
    return WebhooksFound(
        webhooks=heapq.nsmallest(
            limit,
            [webhook for part in found for webhook in part.webhooks],
            key=lambda webhook: _order(webhook.rank, webhook.org, webhook.name, here),
        ),
        hosts=[host for part in found for host in part.hosts][:HOSTS_MAX],
        orgs=[org for part in found for org in part.orgs if org.org != here][:ORGS_MAX],
        is_whole=all(part.is_whole for part in found),
        missing=[cell for part in found for cell in part.missing],
    )


def _reads(visit: PlainVisit, org: OrgId) -> bool:
    try:
        return visit.services.access.sessions.caller(visit.token, org).may(READS)
    except Denied:
        return False


async def _ask_others(visit: PlainVisit, wanted: str, limit: int) -> Sequence[WebhooksFound]:
    """Ask the other cells in which the visitor may see anything."""
    others, elsewhere = visit.services.web.others, visit.services.access.sessions.guests.elsewhere
    if others is None or visit.place.portal:
        return ()
    remote, cells = None, None
    if visit.caller.platform:
        if not visit.may(READS):
            return ()
    else:
        remote = visit.services.access.everywhere.described(visit.token)
        if remote is None or elsewhere is None or not remote.email:
            return ()  # a credential works in its one org
        cells = await elsewhere.cells_of(remote)
        if not cells:
            return ()
    asked = msgspec.json.encode(WebhooksAsked(wanted=wanted, limit=limit, session=remote))
    gathered = await others.ask(
        FIND_WEBHOOKS.name, asked, WebhooksFound, FIND_WEBHOOKS.answer_s, cells=cells
    )
    return [*gathered.by_cell.values(), WebhooksFound(missing=gathered.missing)]


async def look_through(
    services: Services,
    wanted: str,
    readable: Sequence[OrgId],
    seats: Sequence[OrgId],
    limit: int,
    here: OrgId | None = None,
) -> WebhooksFound:
    """Look through the orgs of this cell. `readable`: those whose webhooks may be seen; `seats`:
    those that may be told of; `here`: the one whose webhooks come first."""
    part = wanted.strip().casefold()
    best: list[tuple[tuple[int, bool, str, int], str, WebhookState]] = []
    hosts: Counter[tuple[OrgId, str]] = Counter()
    suspects = services.delivery.judgements.suspects()
    turn: list[tuple[tuple[int, bool, str, int], str, WebhookState]] = []
    looked_at, is_whole = 0, True

    def keep() -> None:
        best[:] = heapq.nsmallest(limit, [*best, *turn], key=lambda row: row[0])
        turn.clear()

    for org in readable if part else ():
        for record in services.webhooks.list(org):
            looked_at += 1
            if looked_at % TURN == 0:
                keep()
                await asyncio.sleep(0)
            if looked_at >= LOOKED_AT_MAX:
                break
            webhook = record.webhook
            if webhook.status is WebhookStatus.DELETED:
                continue
            host = _host(webhook) if part in webhook.url.casefold() else ""
            host = host if part in host else ""
            if not host and part not in webhook.name.casefold():
                continue
            if host:
                hosts[org, host] += 1
            is_suspect = webhook.number in suspects
            rank = rank_of(services.delivery.judgements.of(webhook)) if is_suspect else _WELL
            turn.append((_order(rank, org, webhook.name, here), host, record))
        looked_at += 1
        if looked_at >= LOOKED_AT_MAX:
            is_whole = False
            break
    keep()
    return WebhooksFound(
        webhooks=[_show(services, order[0], record) for order, _, record in best],
        hosts=_most_used(services, hosts),
        orgs=await _orgs_named(services, part, seats),
        is_whole=is_whole,
    )


def _order(rank: int, org: OrgId, name: str, here: OrgId | None) -> tuple[int, bool, str, int]:
    return rank, org != here, name.casefold(), org


def _show(services: Services, rank: int, record: WebhookState) -> FoundWebhook:
    webhook = record.webhook
    return FoundWebhook(
        rank=rank,
        org=webhook.org,
        org_name=_name(services, webhook.org),
        id=webhook.id,
        name=webhook.name,
        host=_host(webhook),
        state=services.delivery.judgements.of(webhook).condition.value,
    )


def _host(webhook: Webhook) -> str:
    """Return the host that a webhook calls; empty where it calls none."""
    return "" if webhook.type.acts or webhook.connection else host_of(webhook.url)


def _most_used(services: Services, hosts: Counter[tuple[OrgId, str]]) -> list[FoundHost]:
    """Return the hosts that several webhooks have; what one has alone is found as that webhook."""
    return [
        FoundHost(org=org, org_name=_name(services, org), host=host, webhooks=count)
        for (org, host), count in hosts.most_common(HOSTS_MAX)
        if count > 1
    ]


async def _orgs_named(services: Services, part: str, seats: Sequence[OrgId]) -> list[FoundOrg]:
    found: list[FoundOrg] = []
    for at, id in enumerate(seats[:LOOKED_AT_MAX] if part else ()):
        if at % TURN == TURN - 1:
            await asyncio.sleep(0)
        org = services.orgs.get(id)
        if org is not None and (part in org.name.casefold() or part == str(id)):
            found.append(FoundOrg(id, named(org)))
            if len(found) > ORGS_MAX:
                break
    return found


def _name(services: Services, org: OrgId) -> str:
    known = services.orgs.get(org)
    return "" if known is None else named(known)
