"""Test inboxes: receiving addresses of our own, where a brand sees what its receiver would get.

An inbox is known by its id to its org, and by an unguessable token to whoever sends to it. Arrivals
are answered at once and written behind that, a few at a time; a flood is answered 429.
"""

import asyncio
import base64
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import msgspec
import structlog

from tidings.core.audit.audit_actions import INBOX_CHANGED, INBOX_CREATED, INBOX_DELETED
from tidings.core.declaration import read_body
from tidings.core.ids import OrgId, read, show
from tidings.core.inbox_rules import (
    PLAIN,
    ArrivalAnswer,
    InboxAnswer,
    InboxForm,
    harmless,
    typed,
)
from tidings.core.running.service_part import ServicePart
from tidings.core.shaping.signatures.schemes import VerificationKey
from tidings.core.shaping.signatures.standard_webhooks import judge
from tidings.core.shares.budget import SharedBudget
from tidings.core.shares.token_bucket import TokenBucket
from tidings.core.sources.message import bounded_headers
from tidings.core.webhooks.masks import masked_arrival
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import RandomBytes
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.events.feed import Feed
from tidings.engine.families import AwayFamilies
from tidings.engine.heartbeats import Heart
from tidings.engine.outage import Outage
from tidings.engine.running.supervisor import SupervisedTask, Supervisor
from tidings.errors import Conflict, FieldRefusal, NotFound, not_found, passed
from tidings.store import port

INBOXES_MAX = 100  # of an org
IDLE_MS = 30 * 86_400_000
BODY_BYTES_KEPT = 256 * 1024
RATE_PER_S = 50.0  # arrivals at one inbox
# Arrivals that are not written yet, of all orgs; an org has as much as it leaves to others.
UNWRITTEN_MAX, UNWRITTEN_BYTES_MAX = 500, 32 << 20
WRITE_AFTER_S, WRITE_AGAIN_S = 0.05, 1.0
WRITE_BYTES = 2 << 20  # in one write
LOOK_S, LOOK_AGAIN_S = 3600.0, 60.0  # between looks for idle inboxes
USED_EVERY_MS = 60_000  # a look is written down where the last one was so long ago
TOKEN_BYTES = 24
PART = ServicePart("upkeep of inboxes", "test inboxes that nobody uses are kept")

log = structlog.get_logger(__name__)
_answers = msgspec.json.Decoder(InboxAnswer)


class UnknownInbox(NotFound):
    """The org has no inbox of this id."""

    def __init__(self, inbox_id: str) -> None:
        unknown = not_found("id", "the id of an inbox of this org, as inb_…", inbox_id)
        super().__init__(*unknown.refusals)


class LiveInbox:
    """An inbox in memory."""

    def __init__(self, stored: port.Inbox) -> None:
        self.stored = stored
        self.written_ms = stored.used_ms  # the last use that is written down, but for arrivals
        settings = _answers.decode(stored.answer)
        self.answer = msgspec.structs.replace(settings, headers=harmless(settings.headers))
        self.sent_headers = typed(self.answer.headers)
        self.bucket = TokenBucket(RATE_PER_S)

    @property
    def id(self) -> str:
        """Return the id as people see it."""
        return show("inb", self.stored.number)

    @property
    def recorded(self) -> dict[str, Any]:
        """Return what the audit log keeps of it."""
        return _recorded(InboxForm(self.stored.name, self.answer))


class Inboxes:
    """All inboxes of the service, over the store."""

    def __init__(
        self,
        *,
        store: port.InboxStore,
        changes: Changes,
        audit: AuditLog,
        clock: Clock,
        random_bytes: RandomBytes,
        url_of: Callable[[str], str],
        tokens: set[str],
        supervisor: Supervisor,
        keys_at: Callable[[OrgId, str], Sequence[VerificationKey]],
        headers_at: Callable[[OrgId, str], Collection[str]] = lambda org, url: (),
        families: AwayFamilies | None = None,
    ) -> None:
        """`tokens`: those of all inboxes are kept there. `keys_at` and `headers_at` know the
        org's webhooks that send to a URL: their signing secrets, and the names of the headers that
        are stored for them. Inboxes of `families` that are not here take nothing; None: all are
        here."""
        self._store = store
        self._families = families
        self._changes = changes
        changes.reread_beside.add(lambda beside: self._reload(beside.inboxes))
        self._audit = audit
        self._clock = clock
        self._random_bytes = random_bytes
        self._url_of = url_of
        self._keys_at = keys_at
        self._headers_at = headers_at
        self._tokens = tokens
        self._by_token: dict[str, LiveInbox] = {}
        self._by_number: dict[int, LiveInbox] = {}
        self._unwritten: list[port.Arrival] = []
        self._places = SharedBudget[OrgId](UNWRITTEN_MAX)
        self._bytes = SharedBudget[OrgId](UNWRITTEN_BYTES_MAX)
        self._owners: dict[int, OrgId] = {}  # by inbox, of those that have arrivals unwritten
        self._writing: asyncio.Task[None] | None = None
        self._supervisor = supervisor
        self._looking: SupervisedTask | None = None
        self._apart = 0  # so many are written one by one
        self._outage = Outage("arrivals at inboxes")
        self._idling = Outage("the end of idle inboxes")
        self.feed = Feed()  # of arrivals, by the number of their inbox

    # -- inboxes ----------------------------------------------------------------------------------

    async def load(self) -> None:
        """Fill at start."""
        for stored in await self._store.load_inboxes():
            self._keep(stored)

    def start(self) -> None:
        """Look for idle inboxes from now on."""
        self._looking = self._supervisor.start(PART, self._look)

    async def close(self) -> None:
        """End the streams, write what is left. Idempotent."""
        self.feed.close()
        if self._looking is not None:
            await self._looking.stop()
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        with self._outage:
            await self._write()

    def list(self, org: OrgId) -> list[LiveInbox]:
        """List the org's inboxes, newest first."""
        own = [inbox for inbox in self._by_number.values() if inbox.stored.org == org]
        return sorted(own, key=lambda one: -one.stored.number)

    def get(self, org: OrgId, inbox_id: str) -> LiveInbox:
        """Find an inbox of the org. Raise UnknownInbox for anything else."""
        number = read("inb", inbox_id)
        live = None if number is None else self._by_number.get(number)
        if live is None or live.stored.org != org:
            raise UnknownInbox(inbox_id)
        return live

    def url(self, live: LiveInbox) -> str:
        """Return the receiving URL of an inbox."""
        return self._url_of(live.stored.token)

    def org_of(self, token: str) -> OrgId | None:
        """Return the org whose inbox has this token; None where there is none."""
        live = self._by_token.get(token)
        return None if live is None else live.stored.org

    def knows(self, token: str) -> bool:
        """Return whether an inbox has this token."""
        return token in self._by_token

    async def create(self, org: OrgId, body: dict[str, object]) -> LiveInbox:
        """Create an inbox. Invalid, Conflict, StoreDown."""
        form = _read(body)

        async def create() -> LiveInbox:
            count = sum(1 for inbox in self._by_number.values() if inbox.stored.org == org)
            if count >= INBOXES_MAX:
                raise Conflict(_too_many())
            token, answer = _text(self._random_bytes(TOKEN_BYTES)), msgspec.json.encode(form.answer)
            fresh = port.Inbox(0, org, token, name=form.name, answer=answer)
            with self._audit.recording(INBOX_CREATED, org, None, None, _recorded(form)):
                stored = await self._store.put_inbox(fresh)
            return self._keep(stored)

        return await self._changes.run(create)

    async def change(self, org: OrgId, inbox_id: str, body: dict[str, object]) -> LiveInbox:
        """Change the name or the answer. UnknownInbox, Invalid, StoreDown."""

        async def change() -> LiveInbox:
            live = self.get(org, inbox_id)
            form = _read(body, live.stored.name, live.answer)
            changed = port.revise(
                live.stored,
                name=form.name,
                answer=msgspec.json.encode(form.answer),
                used_ms=self._clock.now_ms(),
            )
            with self._audit.recording(INBOX_CHANGED, org, live.id, live.recorded, _recorded(form)):
                stored = await self._store.put_inbox(changed)
            return self._keep(stored)

        return await self._changes.run(change)

    async def delete(self, org: OrgId, inbox_id: str) -> None:
        """Forget an inbox with its arrivals. UnknownInbox, StoreDown."""

        async def change() -> None:
            await self._drop(self.get(org, inbox_id))

        await self._changes.run(change)

    async def arrivals(
        self, live: LiveInbox, before: int | None, after: int | None, limit: int
    ) -> port.ArrivalPage:
        """Read a page of an inbox's arrivals, those of this moment among them."""
        await self._looked_at(live)
        await self._write()
        page = await self._store.arrivals(live.stored.number, before, after, limit)
        shown = [self._masked(live, arrival) for arrival in page.arrivals]
        return msgspec.structs.replace(page, arrivals=shown)

    async def arrival(self, live: LiveInbox, number: int) -> port.Arrival | None:
        """Read one arrival of an inbox, with what is secret in its headers masked; None where it is
        not there."""
        found = await self._store.arrival(live.stored.number, number)
        return None if found is None else self._masked(live, found)

    # -- arrivals ---------------------------------------------------------------------------------

    def receive(
        self, token: str, method: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> ArrivalAnswer:
        """Take an arrival, whoever brings it; the answer is due after its delay."""
        live = self._by_token.get(token)
        if live is None:
            return _refusal(404, "no_inbox", "No inbox has this address. It may have been deleted.")
        now_ms = self._clock.now_ms()
        org, size = live.stored.org, len(body[:BODY_BYTES_KEPT])
        if self._families is not None and self._families.is_away(org):
            away = self._families.refusal_of(org)
            return _refusal(503, "family_away", str(away), ("retry-after", "1"))
        has_room = self._places.admits(org) and self._bytes.admits(org, size)
        if not has_room or not live.bucket.take(now_ms / 1000):
            return _refusal(
                429,
                "too_many_arrivals",
                f"An inbox takes {RATE_PER_S:.0f} arrivals a second; got more. Send more slowly.",
                ("retry-after", "1"),
            )
        stored, answer = live.stored, live.answer
        keys = self._keys_at(stored.org, self.url(live))
        judged = judge(headers, body, keys, now_ms // 1000)
        live.stored = msgspec.structs.replace(stored, used_ms=now_ms)
        self._places.charge(org, 1)
        self._bytes.charge(org, size)
        self._owners[stored.number] = org
        self._unwritten.append(
            port.Arrival(
                number=0,
                inbox=stored.number,
                at_ms=now_ms,
                method=method[:16],
                headers=masked_arrival(
                    bounded_headers(headers), self._headers_at(stored.org, self.url(live))
                ),
                body=body[:BODY_BYTES_KEPT],
                size=len(body),
                verdict=judged.verdict.value,
                reason=judged.reason,
                status=answer.status,
            )
        )
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())
        body = answer.body.encode()
        return ArrivalAnswer(answer.status, live.sent_headers, body, delay_s=answer.delay_ms / 1000)

    def under_way(self, is_of: Callable[[OrgId], bool]) -> int:
        """Count what came to inboxes of some orgs and is not written yet."""
        return self._places.held_where(is_of)

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_AFTER_S)
        while self._unwritten:
            with self._outage:
                await self._write()
            if self._outage.lasts:
                await asyncio.sleep(WRITE_AGAIN_S)  # beyond UNWRITTEN_MAX arrivals are refused

    async def _write(self) -> None:
        while self._unwritten:
            part, size = [], 0
            for arrival in self._unwritten:
                part.append(arrival)
                size += len(arrival.body)
                if size >= WRITE_BYTES or self._apart:
                    break
            del self._unwritten[: len(part)]
            try:
                numbers = await self._store.add_arrivals(part)
            except Exception as error:
                if isinstance(error, port.StoreDown) and not isinstance(error, port.FamilyAway):
                    self._unwritten[:0] = part
                    raise
                # Not the disk: one of them. It must not hold up the others.
                if len(part) > 1:
                    self._unwritten[:0] = part
                    self._apart = len(part)
                    continue
                log.error("an arrival cannot be kept", inbox=part[0].inbox, reason=repr(error))
                numbers = [0]
            self._apart = max(0, self._apart - 1)
            self._count_written(part)
            for arrival, number in zip(part, numbers, strict=True):
                if number:
                    self._tell(msgspec.structs.replace(arrival, number=number))

    def _count_written(self, arrivals: Sequence[port.Arrival]) -> None:
        """Free the room of requests that wait no longer, whether they were written or cannot be."""
        for arrival in arrivals:
            org = self._owners[arrival.inbox]
            self._places.give(org)
            self._bytes.give(org, len(arrival.body))
        if not self._places.held:
            self._owners.clear()

    def _tell(self, arrival: port.Arrival) -> None:
        if self.feed.listening:
            fact = {
                "id": show("arr", arrival.number),
                "arrivedAt": arrival.at_ms,
                "method": arrival.method,
                "bytes": arrival.size,
                "verdict": arrival.verdict,
                "reason": arrival.reason,
                "status": arrival.status,
            }
            self.feed.tell(arrival.inbox, "arrival", fact)

    # -- inside -----------------------------------------------------------------------------------

    async def _looked_at(self, live: LiveInbox) -> None:
        """Extend the life of an inbox that somebody looks at, also for the next process. Raise
        StoreDown."""
        now_ms = self._clock.now_ms()
        if now_ms - live.written_ms >= USED_EVERY_MS:
            await self._store.use_inbox(live.stored.number, now_ms)
            live.written_ms = now_ms
        live.stored = msgspec.structs.replace(live.stored, used_ms=now_ms)

    def _masked(self, live: LiveInbox, arrival: port.Arrival) -> port.Arrival:
        """Mask the headers of a request once more: earlier versions of Tidings stored it
        unmasked."""
        names = self._headers_at(live.stored.org, self.url(live))
        return msgspec.structs.replace(arrival, headers=masked_arrival(arrival.headers, names))

    def _keep(self, stored: port.Inbox) -> LiveInbox:
        live = LiveInbox(stored)
        if (old := self._by_number.get(stored.number)) is not None:
            live.bucket = old.bucket
        self._by_number[stored.number] = self._by_token[stored.token] = live
        self._tokens.add(stored.token)
        return live

    def _reload(self, found: Sequence[port.Inbox]) -> None:
        """Take over what is stored, and was not told here."""
        numbers = {stored.number for stored in found}
        for live in [live for number, live in self._by_number.items() if number not in numbers]:
            self._forget(live)
        for stored in found:
            known = self._by_number.get(stored.number)
            if known is None:
                self._keep(stored)
            elif known.stored.revision != stored.revision:
                used_ms = max(known.stored.used_ms, stored.used_ms)
                self._keep(msgspec.structs.replace(stored, used_ms=used_ms))

    async def _drop(self, live: LiveInbox) -> None:
        """Forget an inbox in the store, and here. Runs inside `Changes.run`."""
        with self._audit.recording(INBOX_DELETED, live.stored.org, live.id, live.recorded):
            await self._store.drop_inbox(live.stored.number)
        self._forget(live)

    def _forget(self, live: LiveInbox) -> None:
        self._by_token.pop(live.stored.token, None)
        self._tokens.discard(live.stored.token)
        self._by_number.pop(live.stored.number, None)

    async def _look(self, heart: Heart) -> None:
        while True:
            with self._idling:
                await self.drop_idle()
            await heart.sleep(LOOK_AGAIN_S if self._idling.lasts else LOOK_S)

    async def drop_idle(self) -> None:
        """Forget inboxes where nothing has arrived and nobody has looked for 30 days."""
        before = self._clock.now_ms() - IDLE_MS
        for number, idle in list(self._by_number.items()):
            if idle.stored.used_ms < before:
                await self._changes.run(partial(self._drop_if_idle, number, before))

    async def _drop_if_idle(self, number: int, before: int) -> None:
        """Forget an inbox that nobody has used meanwhile. Runs inside `Changes.run`."""
        live = self._by_number.get(number)
        if live is not None and live.stored.used_ms < before:
            log.info("idle inbox dropped", inbox=live.id, org=live.stored.org)
            await self._drop(live)


def _recorded(form: InboxForm) -> dict[str, Any]:
    """Return what the audit log keeps of an inbox. Its answer may hold anything: of its body the
    size is kept, of its headers the names."""
    answer = form.answer
    return {
        "name": form.name,
        "status": answer.status,
        "delayMs": answer.delay_ms,
        "headers": sorted(name for name, _ in answer.headers),
        "bodyBytes": len(answer.body.encode()),
    }


def _read(body: dict[str, object], name: str = "", answer: InboxAnswer = PLAIN) -> InboxForm:
    return passed(read_body(InboxForm, body, InboxForm(name, answer)))


def _too_many() -> FieldRefusal:
    return FieldRefusal.build(
        "too_many_inboxes",
        f"An org must have at most {INBOXES_MAX} inboxes; got one more. Delete one that you do not "
        "need.",
    )


def _refusal(status: int, code: str, sentence: str, *headers: tuple[str, str]) -> ArrivalAnswer:
    body = msgspec.json.encode({"error": {"code": code, "message": sentence, "path": ""}})
    return ArrivalAnswer(status, (("content-type", "application/json"), *headers), body)


def _text(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).decode()
