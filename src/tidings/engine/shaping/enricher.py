"""Adds to an event what its webhook asks for, out of reference data and the platform's own API.

The first step of shaping: accepted bytes, decoded, come in here and go on to selection. Where all
records are in memory nothing is awaited. A record that nobody has leaves its place thin. A platform
that does not answer makes the event thin, with a warning, or makes the delivery wait, as its
webhook says.
"""

import asyncio
from collections.abc import Iterable

import structlog

from tidings.catalogue import EventType
from tidings.catalogue.event_type import Json
from tidings.core.budget import MEMORY_BYTES
from tidings.core.delivery.job import Job
from tidings.core.ids import OrgId
from tidings.core.shaping.enrichment import AWARDED, BALANCES, CUSTOMERS, Key
from tidings.core.shaping.enrichment_plan import Find, Plan
from tidings.core.shaping.left_out import LeftOut
from tidings.core.shaping.left_out_words import fields_of
from tidings.core.shaping.record import EnrichmentRecord
from tidings.core.shaping.reference_rules import KINDS
from tidings.core.shares.byte_cache import MISSING
from tidings.core.shares.table import SharedTable
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.events.event_types import EventTypeSource
from tidings.engine.shaping.faults import ShapeLater
from tidings.engine.shaping.platform import Platform, PlatformDown
from tidings.engine.shaping.reference import Reference
from tidings.errors import TidingsError
from tidings.store.port import StoreDown

PLANS_MAX, ORGS_MAX = 10_000, 10_000
STORE_WAIT_S = 1.0
LOG_EVERY_S = 60.0
NEVER_MS = 1 << 62  # no balance was asked for since
RECORDS_MAX = 5_000  # that are looked for, for one message
BOUNDED_BYTES = 16 * 1024  # a smaller event cannot name enough of them to come near
_TOO_MANY = (
    f"An event may name {RECORDS_MAX} records, and {MEMORY_BYTES >> 20} MB of them; this one names "
    "more."
)

Found = dict[Key, EnrichmentRecord | None]
PlanKey = tuple[int, int, int]  # webhook, its version, and which object its event type is

log = structlog.get_logger(__name__)


class _NotAtHand(TidingsError):
    """A record is not in memory."""


class _BoundedFinder:
    """Finds records until one message has taken all that it may; then nothing is known."""

    __slots__ = ("_bytes", "_find", "_left", "cut")

    def __init__(self, find: Find) -> None:
        self._find = find
        self._left = RECORDS_MAX
        self._bytes = MEMORY_BYTES
        self.cut: dict[str, None] = {}  # kinds of which some were left out

    def __call__(self, kind: str, id: str) -> EnrichmentRecord | None:
        self._left -= 1
        if self._left < 0 or self._bytes < 0:
            self.cut[kind] = None
            return None
        record = self._find(kind, id)
        if record is not None:
            self._bytes -= record.bytes
        return record


class Enricher:
    """All webhooks' enrichment."""

    def __init__(
        self, *, types: EventTypeSource, reference: Reference, platform: Platform | None = None
    ) -> None:
        self._types = types
        self._reference = reference
        self._platform = platform
        # What the platform is asked for, and where else a kind is found in the reference data.
        answers = (lambda _: False) if platform is None else platform.answers
        self._pulled = frozenset(filter(answers, (*KINDS, BALANCES, AWARDED)))
        self._homes = {kind: kind for kind in KINDS}
        if BALANCES not in self._pulled:
            self._homes[BALANCES] = CUSTOMERS
        self._plans = SharedTable[OrgId, PlanKey, tuple[EventType, Plan | None]](PLANS_MAX)
        # By org. The interpreter is at its best with functions that stay: one that is made for each
        # event costs an event a sixth more.
        self._at_hand: dict[int, Find] = {}
        self._logged_s = float("-inf")
        self._untold = 0
        self.thin = 0  # deliveries that were sent thin because the platform did not answer

    def needs(self, webhook: Webhook) -> bool:
        """Return whether its events are enriched at all."""
        return webhook.enrichment.any

    async def enrich(self, webhook: Webhook, job: Job, event: Json) -> Json:
        """Add to an event what its webhook asks for; return the given one where there is nothing to
        add. It is not changed.

        What it had to do without, as the platform did not answer, is noted in `job.left_out`. Raise
        ShapeLater where the webhook waits for the platform, or the store cannot be read.
        """
        plan = self._plan(webhook, job.org, event)
        if plan is None:
            return event
        if plan.lacks_customer(event):
            job.left_out = self._of_group(webhook, plan).joined(job.left_out)
        find = self._at_hand.get(job.org)
        if find is None:
            if len(self._at_hand) >= ORGS_MAX:
                self._at_hand.clear()
            find = self._at_hand[job.org] = self._memory(job.org, NEVER_MS)
        bounded = _BoundedFinder(find) if len(job.body) > BOUNDED_BYTES else None
        try:
            filled = plan.fill(event, find if bounded is None else bounded)
        except _NotAtHand:
            pass  # an exception that is being handled would come with all that are raised below
        else:
            if bounded is not None:
                self._note_cut(webhook, job, bounded)
            return filled
        return await self._gathered(webhook, job, event, plan)

    # -- inside -----------------------------------------------------------------------------------

    def _plan(self, webhook: Webhook, org: OrgId, event: Json) -> Plan | None:
        if (kind := self._types.event_type_of(org, event)) is None:
            return None
        key = (webhook.number, webhook.version, id(kind))
        kept = self._plans.get(key)
        if kept is None or kept[0] is not kind:
            plan = Plan(kind.enrichment, webhook.enrichment, kind.owner)
            kept = (kind, None if plan.empty else plan)
            self._plans.put(webhook.org, key, kept)
        return kept[1]

    def _memory(self, org: OrgId, since_ms: int) -> Find:
        """Return a function that finds an org's records in memory, a balance only if it was asked
        for since `since_ms`. It raises _NotAtHand for what memory does not know."""
        recall, homes, pulled = self._reference.recall, self._homes, self._pulled
        peek = None if self._platform is None else self._platform.peek

        def find(kind: str, id: str) -> EnrichmentRecord | None:
            record = recall((org, homes[kind], id)) if kind in homes else None
            if type(record) is EnrichmentRecord:  # nearly always
                return record
            if record is None and kind in pulled:
                assert peek is not None
                record = peek(kind, org, id, since_ms)
            if record is MISSING:
                raise _NotAtHand
            return record

        return find

    async def _gathered(self, webhook: Webhook, job: Job, event: Json, plan: Plan) -> Json:
        """Enrich the event once all that it takes has been looked up or asked for."""
        found: Found = {}
        unknown: dict[Key, None] = {}
        memory = self._memory(job.org, job.accepted_ms)

        def find(kind: str, id: str) -> EnrichmentRecord | None:
            key = (kind, id)
            if key in found:
                return found[key]
            try:
                return memory(kind, id)
            except _NotAtHand:
                unknown[key] = None
                return None

        while True:
            bounded = _BoundedFinder(find)
            filled = plan.fill(event, bounded)
            if not unknown:
                self._note_cut(webhook, job, bounded)
                return filled
            # Then once more: which stores are wanted is known when the tills are.
            await self._fetch(webhook, job, unknown, found)
            unknown.clear()

    async def _fetch(self, webhook: Webhook, job: Job, keys: Iterable[Key], found: Found) -> None:
        """Fill in the rest: the reference data first, then the platform for what is not there."""
        by_kind: dict[str, list[str]] = {}
        for kind, id in keys:
            by_kind.setdefault(kind, []).append(id)
        asked: list[Key] = []
        for kind, ids in by_kind.items():
            home = self._homes.get(kind)
            if home is not None:
                records = await self._lookup(job.org, home, ids)
            else:
                records = dict.fromkeys(ids)
            for id, record in records.items():
                found[(kind, id)] = record
                if record is None and kind in self._pulled:
                    asked.append((kind, id))
        if asked:
            await self._ask(webhook, job, asked, found)

    async def _lookup(
        self, org: OrgId, kind: str, ids: list[str]
    ) -> dict[str, EnrichmentRecord | None]:
        try:
            return await self._reference.lookup(org, kind, ids)
        except StoreDown:
            raise ShapeLater(
                "The reference data could not be read. Tidings tries again.", STORE_WAIT_S
            ) from None

    async def _ask(self, webhook: Webhook, job: Job, keys: list[Key], found: Found) -> None:
        platform = self._platform
        assert platform is not None
        answers = await asyncio.gather(
            *(platform.ask(kind, job.org, id, job.accepted_ms) for kind, id in keys),
            return_exceptions=True,
        )
        down: PlatformDown | None = None
        lacking: list[Key] = []
        for key, answer in zip(keys, answers, strict=True):
            if isinstance(answer, PlatformDown):
                down = answer
                lacking.append(key)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found[key] = answer
        if down is None:
            return
        if webhook.enrichment.wait:
            raise ShapeLater(f"{down.reason} The delivery waits for it.", max(1.0, down.delay_s))
        older = await self._old_balances(job.org, lacking, found)
        kinds = [kind for kind, _ in lacking if not (older and kind == BALANCES)]
        fields = fields_of(kinds, webhook.enrichment)
        self._send_thin(job, LeftOut(fields, down.reason, older))

    async def _old_balances(self, org: OrgId, keys: list[Key], found: Found) -> bool:
        """Take the balances that were loaded, which is better than none; return whether there is
        one."""
        if missing := [id for kind, id in keys if kind == BALANCES]:
            records = await self._lookup(org, CUSTOMERS, missing)
            found.update(((BALANCES, id), record) for id, record in records.items())
            return any(record and "pointsBalance" in record.fields for record in records.values())
        return False

    def _note_cut(self, webhook: Webhook, job: Job, bounded: "_BoundedFinder") -> None:
        """Note what a message goes without because its event names too many records."""
        if bounded.cut:
            fields = fields_of(bounded.cut, webhook.enrichment)
            job.left_out = LeftOut(fields, _TOO_MANY, too_many=True).joined(job.left_out)

    def _of_group(self, webhook: Webhook, plan: Plan) -> LeftOut:
        """Return what a group's event goes without: no fault of anybody's, and nothing to wait
        for."""
        return LeftOut((), "", of_group=fields_of(plan.of_customer, webhook.enrichment))

    def _send_thin(self, job: Job, left_out: LeftOut) -> None:
        first = job.left_out is None or not (job.left_out.fields or job.left_out.older)
        job.left_out = left_out.joined(job.left_out)
        if not first:
            return  # a till that nobody knows and its store are one message
        self.thin += 1
        self._untold += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._logged_s >= LOG_EVERY_S:
            log.warning("sent thin", deliveries=self._untold, why=left_out.why)
            self._logged_s, self._untold = now_s, 0
