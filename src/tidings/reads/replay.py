"""What replays and cancels are asked for: looked up, counted in words, begun, moved on."""

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from tidings.core.delivery.states import State
from tidings.core.ids import OrgId, read, read_delivery, show
from tidings.core.replay import (
    JobState,
    ReplayKind,
    ReplayTransition,
    announcement,
    cancel_announcement,
    progress,
)
from tidings.core.replay_rules import UNMATCHED, ReplayRequest, read_request
from tidings.core.times import iso
from tidings.core.webhooks.name_matching import names_of
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.access.access import AuthenticatedCaller
from tidings.engine.answer_memory import HoldsAnswers
from tidings.engine.replay import requests as replay_requests
from tidings.engine.replay.refusals import UnknownReplay
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.services.events import EventServices
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.errors import Conflict, FieldRefusal, NotFound, not_found, passed
from tidings.store import port
from tidings.store.port import ReplayJob, StoredDelivery
from tidings.values import describe_value

COUNT_FOR_S = 10.0
COUNT_BYTES = 12 << 20  # what a count takes: of listed ones, their ids and what was found of each
A_REPLAY = "the id of a replay of this org, as rpl_…"


class ReplayParts(Protocol):
    """Services that replays are asked for with."""

    @property
    def store(self) -> port.DeliveryStore:
        """Return the store of deliveries."""

    @property
    def webhooks(self) -> Webhooks:
        """Return the webhooks of the deliveries."""

    @property
    def events(self) -> EventServices:
        """Event types, and what events are found by."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""

    @property
    def web(self) -> HoldsAnswers:
        """The holder of the memory of answers."""


class ReplayCalls:
    """Over the parts."""

    def __init__(self, parts: ReplayParts) -> None:
        self._parts = parts

    def shown(self, job: ReplayJob) -> dict[str, Any]:
        """Show a job as it is answered."""
        replays = self._parts.delivery.replay.runs
        return show_job(job, self._webhook, replays.waiting(job.number), replays.rate(job.number))

    async def look_up(
        self, org: OrgId, kind: ReplayKind, body: dict[str, Any]
    ) -> tuple[ReplayRequest, replay_requests.ResolvedRequest]:
        """Read what a body asks for, and resolve it in the org. Refused says why not."""
        job_request = passed(read_request(kind, body))
        names = self._parts.events.types.spelled(org, job_request.names)
        job_request = msgspec.structs.replace(job_request, names=names)
        return job_request, await self._parts.delivery.replay.requests.look_up(org, job_request)

    async def begin(
        self,
        caller: AuthenticatedCaller,
        job_request: ReplayRequest,
        wanted: replay_requests.ResolvedRequest,
    ) -> ReplayJob:
        """Store the job and begin it. Refused where the org has enough of them."""
        parts = self._parts
        job = parts.delivery.replay.requests.job(caller.org, job_request, wanted, caller.credential)
        return await parts.delivery.replay.runs.create(job, wanted.listed)

    async def cancel(
        self, caller: AuthenticatedCaller, delivery_id: str
    ) -> tuple[StoredDelivery, WebhookState]:
        """Cancel one unfinished delivery of the org. Refused where there is none such."""
        parts, number = self._parts, read_delivery(delivery_id)
        found = None if number is None else await parts.store.delivery(number)
        record = None if found is None else parts.webhooks.by_number(found.webhook)
        if found is None or record is None or record.org != caller.org:
            raise not_found("id", "the id of a delivery of this org, as dlv_…", delivery_id)
        cancelled = await parts.delivery.replay.runs.cancel(
            caller.org, [found.id], caller.credential
        )
        now = await parts.store.delivery(found.id) or found
        if not cancelled:
            raise Conflict(
                FieldRefusal.build(
                    "not_unfinished",
                    "The delivery must be unfinished to be cancelled; it is "
                    f"{State(now.state).word}. Leave it.",
                    field="id",
                )
            )
        return now, record

    async def moved(self, org: OrgId, replay_id: str, what: ReplayTransition) -> ReplayJob:
        """Pause, resume or cancel a job of the org. Refused where that cannot be."""
        number = read("rpl", replay_id)
        try:
            if number is None:
                raise UnknownReplay
            return await self._parts.delivery.replay.runs.move(org, number, what)
        except UnknownReplay:
            raise unknown("id", A_REPLAY, replay_id) from None

    def _webhook(self, number: int | None) -> Webhook | None:
        record = None if number is None else self._parts.webhooks.by_number(number)
        return None if record is None else record.webhook

    async def count(
        self, wanted: replay_requests.ResolvedRequest, for_s: float
    ) -> port.ReplayCount:
        """Count what it would do, within `for_s` seconds. Throttled: others count too much now."""
        memory = self._parts.web.answer_memory
        async with memory.holding(wanted.spec.owner, COUNT_BYTES):
            return await self._parts.delivery.replay.runs.count(wanted.spec, wanted.listed, for_s)

    async def dry_run(
        self,
        job_request: ReplayRequest,
        wanted: replay_requests.ResolvedRequest,
        for_s: float = COUNT_FOR_S,
    ) -> dict[str, Any]:
        """Say what it would do, counted within `for_s` seconds, in one sentence."""
        counted = await self.count(wanted, for_s)
        makes = counted.count - counted.skipped
        if wanted.target is None:
            sentence = cancel_announcement(makes, counted.ended)
        else:
            host = urlsplit(wanted.target.url).hostname or wanted.target.name
            rate = effective_rate(job_request.rate, wanted.target)
            sentence = announcement(makes, counted.ended, host, rate)
        return {
            "dryRun": True,
            "matched": counted.count,
            "skipped": counted.skipped,
            "exact": counted.ended,
            "sentence": sentence,
        }


def unknown(field: str, must: str, got: str) -> NotFound:
    """Build the error for what is not there, or is another org's."""
    return NotFound(
        FieldRefusal.build(
            "not_found",
            f"{field} must be {must}; got {describe_value(got)}, which does not exist. GET "
            "/v1/replays lists replays.",
            field=field,
        )
    )


def show_job(
    job: ReplayJob, webhook: Callable[[int | None], Webhook | None], waiting: str, rate: float
) -> dict[str, Any]:
    """Show a job: what it is about, how far it is, and what has come of it."""
    spec = job.spec
    source, target = webhook(spec.source), webhook(spec.target)
    is_replay = job.kind == ReplayKind.REPLAY
    skipped = job.under_way + job.had + job.no_body
    rate_max = effective_rate(job.rate, target)
    how_far = progress(JobState(job.state), job.made + skipped, job.total, rate_max)
    ends = {
        "delivered": job.delivered,
        "failed": job.failed,
        "parked": job.parked,
        "cancelled": job.cancelled,
    }
    words = [State(state).word for state in spec.states]
    shown: dict[str, Any] = {
        "id": show("rpl", job.number),
        "kind": job.kind,
        "state": job.state,
        "reason": job.reason or waiting or None,
        "webHookId": None if source is None else source.id,
        "toWebHookId": None if target is None else target.id,
        "eventNames": [names_of(name)[-1] for name in spec.names] or None,
        "from": iso(spec.from_ms),
        "to": iso(spec.to_ms),
        "states": [*words, UNMATCHED] if spec.unmatched else words,
        "listed": spec.listed,
        "matched": job.total,
        "counted": job.counted,
        "made": job.made,
        "progress": round(how_far.share, 4),
        "createdBy": job.by,
        "createdAt": iso(job.created_ms),
        "startedAt": iso(job.started_ms),
        "endedAt": iso(job.ended_ms),
    }
    if is_replay:
        shown |= {
            "again": spec.again,
            "ratePerSecond": job.rate,
            "rateNow": round(rate, 1),
            "secondsLeft": None if how_far.left_s is None else round(how_far.left_s),
            "skipped": {
                "underWay": job.under_way,
                "delivered": job.had,
                "noPayload": job.no_body,
            },
            **ends,
            "unfinished": max(0, job.made - sum(ends.values())),
        }
    return shown


def effective_rate(rate: float, target: Webhook | None) -> float:
    """Return the deliveries a second of a job: its rate, or less where the webhook admits less."""
    limit = None if target is None else target.rate_per_s
    return rate if limit is None else min(rate, limit)
