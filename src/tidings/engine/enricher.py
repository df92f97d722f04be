"""Adds to an event what its webhook asks for, out of reference data and the platform's own API.

The first step of shaping: accepted bytes, decoded, come in here and go on to selection. Where all
records are in memory nothing is awaited. A record that nobody has leaves its place thin. A platform
that does not answer makes the event thin, with a warning, or makes the delivery wait, as its
webhook says.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from tidings.catalogue import EventType
from tidings.catalogue.event_type import Json
from tidings.core.byte_cache import MISSING
from tidings.core.enrichment import AWARDED, BALANCES, CUSTOMERS, Key
from tidings.core.enrichment_plan import Find, Plan
from tidings.core.job import Job
from tidings.core.left_out import LeftOut
from tidings.core.left_out_words import fields_of
from tidings.core.record import Record
from tidings.core.reference_rules import KINDS
from tidings.core.webhook import Webhook
from tidings.engine.platform import Platform, PlatformDown
from tidings.engine.reference import Reference
from tidings.engine.shaping_faults import ShapeLater
from tidings.store.port import StoreDown

PLANS_MAX = 10_000
STORE_WAIT_S = 1.0
TOLD_EVERY_S = 60.0

KindOf = Callable[[int, Json], EventType | None]  # what an org's event is of, in its version
Found = dict[Key, Record | None]
PlanKey = tuple[int, int, int]  # webhook, its version, and which object its event type is

log = structlog.get_logger("tidings.enricher")


class Enricher:
    """All webhooks' enrichment."""

    def __init__(
        self, *, kind_of: KindOf, reference: Reference, platform: Platform | None = None
    ) -> None:
        self._kind_of = kind_of
        self._reference = reference
        self._platform = platform
        # What the platform is asked for, and where else a kind is found in the reference data.
        answers = (lambda _: False) if platform is None else platform.answers
        self._pulled = frozenset(filter(answers, (*KINDS, BALANCES, AWARDED)))
        self._homes = {kind: kind for kind in KINDS}
        if BALANCES not in self._pulled:
            self._homes[BALANCES] = CUSTOMERS
        self._plans: dict[PlanKey, tuple[EventType, Plan | None]] = {}
        self._told_s = float("-inf")
        self._untold = 0
        self.thin = 0  # deliveries that were sent thin because the platform did not answer

    def needs(self, webhook: Webhook) -> bool:
        """Whether its events are enriched at all."""
        return webhook.enrichment.any

    async def enrich(self, webhook: Webhook, job: Job, event: Json) -> Json:
        """The enriched event; the given one where there is nothing to add. It is not changed.

        What it had to do without, as the platform did not answer, is noted in `job.left_out`.
        Raises ShapeLater where the webhook waits for the platform, or the store cannot be read.
        """
        plan = self._plan(webhook, job.org, event)
        if plan is None:
            return event
        found: Found = {}
        unknown: dict[Key, None] = {}
        find = self._find_for(job, found, unknown)
        while True:
            filled = plan.fill(event, find)
            if not unknown:
                return filled
            # Then once more: which stores are wanted is known when the tills are.
            await self._fetch(webhook, job, unknown, found)
            unknown.clear()

    # -- inside -----------------------------------------------------------------------------------

    def _plan(self, webhook: Webhook, org: int, event: Json) -> Plan | None:
        if (kind := self._kind_of(org, event)) is None:
            return None
        key = (webhook.number, webhook.version, id(kind))
        kept = self._plans.get(key)
        if kept is None or kept[0] is not kind:
            plan = Plan(kind.enrichment, webhook.enrichment)
            if len(self._plans) >= PLANS_MAX:
                self._plans.clear()
            kept = (kind, None if plan.empty else plan)
            self._plans[key] = kept
        return kept[1]

    def _find_for(self, job: Job, found: Found, unknown: dict[Key, None]) -> Find:
        """What a plan asks for the records of one event: memory first, then what was found for it.
        What neither knows is noted as unknown."""
        org, recall, homes, pulled = job.org, self._reference.recall, self._homes, self._pulled

        def find(kind: str, id: str) -> Record | None:
            if kind in homes:
                record = recall((org, homes[kind], id))
                if type(record) is Record:  # nearly always
                    return record
            else:
                record = None
            if (key := (kind, id)) in found:
                return found[key]
            if record is None and kind in pulled:
                assert self._platform is not None
                record = self._platform.peek(kind, org, id, job.accepted_ms)
            if record is not MISSING:
                return record
            unknown[key] = None
            return None

        return find

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

    async def _lookup(self, org: int, kind: str, ids: list[str]) -> dict[str, Record | None]:
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

    async def _old_balances(self, org: int, keys: list[Key], found: Found) -> bool:
        """A balance that was loaded is better than none; whether there is one."""
        if missing := [id for kind, id in keys if kind == BALANCES]:
            records = await self._lookup(org, CUSTOMERS, missing)
            found.update(((BALANCES, id), record) for id, record in records.items())
            return any(record and "pointsBalance" in record.fields for record in records.values())
        return False

    def _send_thin(self, job: Job, left_out: LeftOut) -> None:
        first = job.left_out is None
        job.left_out = left_out.joined(job.left_out)
        if not first:
            return  # a till that nobody knows and its store are one message
        self.thin += 1
        self._untold += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._told_s >= TOLD_EVERY_S:
            log.warning("sent thin", deliveries=self._untold, why=left_out.why)
            self._told_s, self._untold = now_s, 0
