"""What the calls of `/v1/replays` and the cancels by filter have in common."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, refused
from tidings.api.context import Services, read_object
from tidings.api.not_there import not_there
from tidings.core.delivery.states import State
from tidings.core.form import came
from tidings.core.ids import read
from tidings.core.replay import OPEN_JOBS_MAX, Kind, Step, announcement, before, cancel_announcement
from tidings.core.replay_rules import ReplayRequest, read_request
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.access.access import Caller
from tidings.engine.replay import requests as replay_requests
from tidings.engine.replay.runs import NotNow, TooMany, UnknownReplay
from tidings.engine.webhooks.records import Record
from tidings.reads.replay.view import effective_rate, show_job
from tidings.store.port import ReplayJob, StoredDelivery

BODY_BYTES_MAX = 8 << 20  # a list of 100,000 ids
COUNT_FOR_S = 10.0
A_REPLAY = "the id of a replay of this org, as rpl_…"


class ReplayCalls:
    """Over the services."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def shown(self, job: ReplayJob) -> dict[str, Any]:
        """A job as it is answered."""
        replays = self._services.replays
        return show_job(job, self._webhook, replays.waiting(job.number), replays.rate(job.number))

    async def ask(self, kind: Kind, request: Request) -> Response:
        """Make a job of what a body asks for, or only count."""
        caller = self._services.caller(request, "replay:write")
        body = await read_object(request, bytes_max=BODY_BYTES_MAX)
        job_request, wanted = await self.look_up(caller.org, kind, body)
        warnings = [
            {"code": one.code, "message": one.message, "field": one.field}
            for one in job_request.warnings
        ]
        more = {"unknownIds": wanted.unknown, "warnings": warnings}
        if job_request.dry_run:
            return answer(await self.dry_run(job_request, wanted) | more)
        made = await self.begin(caller, job_request, wanted)
        return answer(self.shown(made) | more, 201)

    async def look_up(
        self, org: int, kind: Kind, body: dict[str, Any]
    ) -> tuple[ReplayRequest, replay_requests.ResolvedRequest]:
        """What a body asks for, and what that comes to in the org. Refused says why not."""
        job_request = read_request(kind, body)
        if not isinstance(job_request, ReplayRequest):
            raise Refused(400, job_request)
        names = self._services.event_types.spelled(org, job_request.names)
        job_request = msgspec.structs.replace(job_request, names=names)
        try:
            return job_request, await self._services.replay_requests.look_up(org, job_request)
        except replay_requests.ReplayRequestRefused as wrong:
            raise Refused(400, [wrong.refusal]) from None

    async def begin(
        self, caller: Caller, job_request: ReplayRequest, wanted: replay_requests.ResolvedRequest
    ) -> ReplayJob:
        """Store the job and begin it. Refused where the org has enough of them."""
        services = self._services
        try:
            job = services.replay_requests.job(caller.org, job_request, wanted, caller.credential)
            return await services.replays.create(job, wanted.listed)
        except TooMany:
            raise _too_many() from None

    async def cancel(self, caller: Caller, delivery_id: str) -> tuple[StoredDelivery, Record]:
        """Cancel one unfinished delivery of the org. Refused where there is none such."""
        services, number = self._services, read("dlv", delivery_id)
        found = None if number is None else await services.store.delivery(number)
        record = None if found is None else services.webhooks.by_number(found.webhook)
        if found is None or record is None or record.org != caller.org:
            raise not_there("id", "the id of a delivery of this org, as dlv_…", delivery_id)
        cancelled = await services.replays.cancel([found.id], caller.credential)
        now = await services.store.delivery(found.id) or found
        if not cancelled:
            raise refused(
                409,
                "not_unfinished",
                f"The delivery must be unfinished to be cancelled; it is {State(now.state).word}. "
                "Leave it. (not_unfinished, field id)",
                "id",
            )
        return now, record

    async def move(self, request: Request, replay_id: str, what: Step) -> Response:
        """Pause, resume or cancel a job."""
        org = self._services.caller(request, "replay:write").org
        return answer(self.shown(await self.moved(org, replay_id, what)))

    async def moved(self, org: int, replay_id: str, what: Step) -> ReplayJob:
        """Pause, resume or cancel a job of the org. Refused where that cannot be."""
        number = read("rpl", replay_id)
        try:
            if number is None:
                raise UnknownReplay(replay_id)
            return await self._services.replays.move(org, number, what)
        except UnknownReplay:
            raise unknown("id", A_REPLAY, replay_id) from None
        except NotNow as now:
            raise _not_now(what, now.state) from None

    def _webhook(self, number: int | None) -> Webhook | None:
        record = None if number is None else self._services.webhooks.by_number(number)
        return None if record is None else record.webhook

    async def dry_run(
        self,
        job_request: ReplayRequest,
        wanted: replay_requests.ResolvedRequest,
        for_s: float = COUNT_FOR_S,
    ) -> dict[str, Any]:
        """What it would do, counted within `for_s` seconds and said in one sentence."""
        counted = await self._services.replays.count(wanted.spec, wanted.listed, for_s)
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


def unknown(field: str, must: str, got: str) -> Refused:
    """What is not there, or is another org's."""
    return refused(
        404,
        "not_found",
        f"{field} must be {must}; got {came(got)}, which is not there. GET /v1/replays lists "
        f"replays. (not_found, field {field})",
        field,
    )


def _not_now(what: Step, state: str) -> Refused:
    allowed = " or ".join(before(what))
    return refused(
        409,
        "wrong_state",
        f"A replay must be {allowed} for {what}; it is {state}. Ask for its state again. "
        "(wrong_state, field id)",
        "id",
    )


def _too_many() -> Refused:
    return refused(
        409,
        "too_many",
        f"An org must have at most {OPEN_JOBS_MAX} unfinished replays and cancels; it has so many. "
        "Wait for one, or cancel it. (too_many, body)",
    )
