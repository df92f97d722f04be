"""The incidents of this process: opened, followed and ended at reviews every few seconds.

Only webhooks that do badly, that have an open incident or a backlog are looked at, so many at each
review, in turns. Changes are written behind, at the end of a review; what cannot be written stays
for the next one. A kill forgets a review at most: the next owner goes on with what the store has,
and the index of the table allows no second open incident of a kind.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec
import structlog

from tidings.core.audit.audit_actions import INCIDENT_ACKNOWLEDGED
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import show
from tidings.core.incidents.incident import EndReason, Incident, IncidentChange, IncidentKind
from tidings.core.incidents.rules import (
    acknowledge,
    decide,
    end,
    mark_notified,
    number_after,
    unnotified_changes,
)
from tidings.core.running.service_part import ServicePart
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.incidents.listener import IncidentListener
from tidings.engine.incidents.sightings import SeenBacklog, WebhookSightings
from tidings.engine.listeners import EngineListeners
from tidings.engine.metrics import EngineMetrics
from tidings.engine.outage import Outage
from tidings.store import port

REVIEW_EVERY_S = 5.0
REVIEWED_MAX = 2_000  # webhooks of one review
SLICE = 100  # of them that are looked at before others have their turn
COUNTED_MAX = 200  # webhooks whose backlogs one review looks up
COUNT_EVERY = 4  # reviews

PART = ServicePart("incidents", "no incident of a webhook opens, grows or ends")

log = structlog.get_logger(__name__)


class IncidentTracker:
    """The open incidents of a cell."""

    def __init__(
        self,
        *,
        store: port.IncidentStore,
        registry: Registry,
        clock: Clock,
        sightings: WebhookSightings,
        audit: AuditLog,
        heard: EngineListeners,
        metrics: EngineMetrics,
        listener: IncidentListener | None = None,
    ) -> None:
        """`listener`: who alerts people; `heard` says when webhooks are deleted."""
        self._store = store
        self._registry = registry
        self._clock = clock
        self._sightings = sightings
        self._audit = audit
        self.cell = 1  # whose process gives numbers to incidents
        self._listener = listener
        self._open: dict[int, dict[str, Incident]] = {}  # by webhook and kind
        self._dirty: dict[int, Incident] = {}  # by number: to be written
        self._being_written: dict[int, Incident] = {}
        self._pending: dict[int, Incident] = {}  # given to the listener, and not sure yet
        self._loaded = False
        self._reviews = 0
        self._next_looked = 0  # the webhook that the next review begins with
        self._next_counted = 0
        self._last_number = 0
        self._opened = self._ended = 0
        self._writing = Outage("incidents")
        heard.changed.add(self._follow_change)
        metrics.divided["incidents_open"] = lambda: self.counts()
        metrics.gauges["oldest_due_seconds"] = lambda: self._sightings.oldest_due_s()
        metrics.counters.update(
            incidents_opened=lambda: self._opened, incidents_ended=lambda: self._ended
        )

    async def load(self) -> None:
        """Take up what a former owner knew. StoreDown."""
        for newest in await self._store.incidents(port.IncidentQuery(limit=1)):
            self._last_number = newest.number
        for incident in await self._store.open_incidents():
            self._last_number = max(self._last_number, incident.number)
            if incident.is_open:
                self._keep_open(incident)
            self._tell(incident)
        self._loaded = True

    def counts(self) -> Counter[str]:
        """Count the open incidents by kind."""
        counted: Counter[str] = Counter({kind.value: 0 for kind in IncidentKind})
        counted.update(kind for by_kind in self._open.values() for kind in by_kind)
        return counted

    def of(self, webhook: int) -> Sequence[Incident]:
        """List the open incidents of a webhook, the worst kind first."""
        by_kind = self._open.get(webhook, {})
        return [by_kind[kind] for kind in IncidentKind if kind in by_kind]

    def all_open(self) -> list[Incident] | None:
        """List all open incidents; None where it is not known yet what a former owner had."""
        if not self._loaded:
            return None
        return [known for by_kind in self._open.values() for known in by_kind.values()]

    def newest(self, incident: Incident) -> Incident:
        """Return an incident as it is now, of which the store may have what it was."""
        known = self._open.get(incident.webhook, {}).get(incident.kind)
        if known is not None and known.number == incident.number:
            return known
        return self.unwritten().get(incident.number, incident)

    def unwritten(self) -> Mapping[int, Incident]:
        """Return by its number each incident that has changed and is not written yet: the store
        has what it was, or nothing of it."""
        return {**self._being_written, **self._dirty}

    async def acknowledge(self, incident: Incident, by: str, note: str) -> Incident:
        """Note that somebody has acknowledged an incident. StoreDown: nobody has."""
        before = self.newest(incident)
        after = acknowledge(before, self._clock.now_ms(), by, note)
        shown = show("inc", incident.number)
        was = {"note": before.note, "acknowledgedBy": before.acknowledged_by}
        now = {"note": note, "acknowledgedBy": by}
        self._change(after)  # first: what changes until it is written has the note with it
        try:
            with self._audit.recording(INCIDENT_ACKNOWLEDGED, incident.org, shown, was, now):
                await self._store.put_incidents([after])
        except BaseException:
            self._take_back(after, before)
            raise
        return self.newest(after)

    def _change(self, incident: Incident) -> None:
        self._dirty[incident.number] = incident
        if incident.is_open:
            self._keep_open(incident)

    def _take_back(self, after: Incident, before: Incident) -> None:
        """Undo an acknowledgement that was not written, whatever else has changed since; a later
        one stays, and so does one that a review has written."""
        newest = self.newest(after)
        is_known = newest.number in self.unwritten() or newest in self.of(newest.webhook)
        if is_known and _acknowledgement(newest) == _acknowledgement(after):
            self._change(acknowledge(newest, *_acknowledgement(before)))

    # -- reviews ----------------------------------------------------------------------------------

    async def run(self, heart: Heart | None = None) -> None:
        """Run reviews until cancelled."""
        heart = heart or unwatched_heart()
        while True:
            await heart.sleep(REVIEW_EVERY_S)
            await self.review()

    async def review(self) -> None:
        """Look at the webhooks whose turn it is, and write what has changed. What the store does
        not answer or take is for the next review."""
        if not self._loaded:
            return
        backlogs: Mapping[int, SeenBacklog] = {}
        if self._reviews % COUNT_EVERY == 0:
            with self._writing:
                backlogs = await self._sightings.backlogs(self._counted())
        self._reviews += 1
        due = sorted({*self._sightings.numbers(), *self._open})
        looked, self._next_looked = _turn(due, self._next_looked, REVIEWED_MAX)
        looked += sorted(backlogs.keys() - {*looked})
        for at in range(0, len(looked), SLICE):
            for number in looked[at : at + SLICE]:
                self._look(number, backlogs.get(number))
            await asyncio.sleep(0)
        self._sightings.forget(self._open)
        with self._writing:
            await self.write()

    def _counted(self) -> list[int]:
        numbers = sorted({*self._open, *self._sightings.backlogged()})
        counted, self._next_counted = _turn(numbers, self._next_counted, COUNTED_MAX)
        return [number for number in counted if self._registry.get(number) is not None]

    def _look(self, number: int, backlog: SeenBacklog | None) -> None:
        webhook = self._registry.get(number)
        if webhook is None:
            self._open.pop(number, None)  # its family has left, and has them with it
            return
        seen = self._sightings.of(webhook, backlog)
        known = self._open.get(number, {})
        first = number_after(self._last_number, seen.now_ms, self.cell)
        for incident, changes in decide(known, seen, first):
            self._last_number = max(self._last_number, incident.number)
            self._take(incident, changes)

    def _take(self, incident: Incident, changes: Sequence[IncidentChange]) -> None:
        self._dirty[incident.number] = incident
        if incident.is_open:
            self._keep_open(incident)
        else:
            self._drop(incident)
        for change in changes:
            self._opened += change is IncidentChange.OPENED
            self._ended += change is IncidentChange.ENDED
            log.info(
                f"an incident {change.value}",
                incident=show("inc", incident.number),
                kind=incident.kind,
                webhook=incident.webhook,
                cause=incident.cause,
            )
        self._tell(incident)

    def _keep_open(self, incident: Incident) -> None:
        self._open.setdefault(incident.webhook, {})[incident.kind] = incident

    def _drop(self, incident: Incident) -> None:
        by_kind = self._open.get(incident.webhook, {})
        by_kind.pop(incident.kind, None)
        if not by_kind:
            self._open.pop(incident.webhook, None)

    def _follow_change(self, webhook: Webhook) -> None:
        """End the incidents of a webhook that is deleted."""
        if webhook.status is WebhookStatus.DELETED:
            for incident in self.of(webhook.number):
                ended = end(incident, self._clock.now_ms(), EndReason.DELETED)
                self._take(ended, [IncidentChange.ENDED])

    # -- told, and written ------------------------------------------------------------------------

    def _tell(self, incident: Incident) -> None:
        listener = self._listener
        if listener is None or incident == self._pending.get(incident.number):
            return
        for change in unnotified_changes(incident):
            self._pending[incident.number] = incident
            listener.note(incident, change, partial(self._mark_notified, incident))

    def _mark_notified(self, incident: Incident) -> None:
        """Note that what had happened to an incident when it was told is sure to be heard."""
        self._pending.pop(incident.number, None)
        heard = mark_notified(incident)
        marked = msgspec.structs.replace(
            self.newest(incident),
            notified_opened=True,
            notified_grew=heard.notified_grew,
            notified_causes=heard.notified_causes,
            notified_ended=heard.notified_ended,
        )
        self._dirty[marked.number] = marked
        if marked.is_open:
            self._keep_open(marked)

    async def write(self) -> None:
        """Write what has changed. StoreDown: it is kept for the next time."""
        dirty, self._dirty = self._dirty, {}
        if not dirty:
            return
        self._being_written = dirty
        try:
            # What has ended goes first: another one of its kind may have opened since.
            rows = sorted(dirty.values(), key=lambda known: (known.is_open, known.number))
            await self._store.put_incidents(rows)
        except BaseException:  # also where its task is ended: nothing is forgotten
            self._dirty = {**dirty, **self._dirty}
            raise
        finally:
            self._being_written = {}

    async def close(self) -> None:
        """Write what is known at a stop."""
        with suppress(port.StoreDown):
            await self.write()


def _turn(numbers: list[int], first: int, most: int) -> tuple[list[int], int]:
    """Return up to `most` of some sorted numbers, from `first` on and round, and the first of the
    next turn."""
    at = next((at for at, number in enumerate(numbers) if number >= first), 0)
    turned = numbers[at:] + numbers[:at]
    following = turned[most] if len(turned) > most else 0
    return turned[:most], following


def _acknowledgement(incident: Incident) -> tuple[int | None, str, str]:
    return incident.acknowledged_ms, incident.acknowledged_by, incident.note
