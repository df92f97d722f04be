"""`/v1/webHooks/{id}/tally` and `/series`: how a webhook fared, in numbers and over time."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer
from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.v1.events.log_models import SERIES_PARAMETERS, TALLY_PARAMETERS
from tidings.core.delivery.states import State
from tidings.core.form import Form
from tidings.engine.webhooks.records import Record
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.reads.events.log_query import read_question
from tidings.reads.refusals import not_there
from tidings.reads.times import iso
from tidings.reads.webhooks.left import UNSENT, attempts_of, left_now
from tidings.store.port.events.log import LEFT_STATES, POINTS_MAX, REPLAYED

DAY_MS = 86_400_000
DAYS_MAX = 400
_TRIED_BADLY = (State.FAILED, State.RETRYING)
_RANGE = frozenset(("from", "to"))


def total_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/webHooks", tags=["webhooks"], responses=V1_ERRORS)

    def own(request: Request, webhook_id: str) -> Record:
        org = services.caller(request, "logs:read").org
        try:
            return services.webhooks.get(org, webhook_id)
        except UnknownWebhook:
            must = "the id of a webhook of this org"
            raise not_there("webHookId", must, webhook_id) from None

    def span(request: Request, org: int, known: frozenset[str]) -> tuple[int, int]:
        asked = read_question(
            {name: request.query_params[name] for name in request.query_params if name != "points"},
            known,
            services.zone(org),
        )
        to_ms = services.clock.now_ms() + 1 if asked.to_ms is None else asked.to_ms
        from_ms = to_ms - DAY_MS if asked.from_ms is None else asked.from_ms
        form = Form({})
        if not 0 <= to_ms - from_ms <= DAYS_MAX * DAY_MS:
            form.refuse(
                "bad_range",
                "from",
                f"from must be before to, by at most {DAYS_MAX} days; got {iso(from_ms)} and "
                f"{iso(to_ms)}. Change one of them.",
            )
            raise Refused(400, form.refusals)
        return from_ms, to_ms

    @router.get(
        "/{webhook_id}/tally", summary="Deliveries by state", openapi_extra=TALLY_PARAMETERS
    )
    async def tally(request: Request, webhook_id: str) -> Response:
        """Of a time, the last day where none is said. The sum over the states is the total;
        `replayed` is what failed or was parked and a replay has delivered since: it counts there
        alone. `failing` is what failed, is retried, or waits unsent while the webhook is left
        alone; `answers` counts what was tried by its last status, null where no answer came.
        `attempts` have ended and `failedAttempts` of them did not deliver; `successPercent` is the
        share of attempts that did, where what waits unsent while the webhook is left alone counts
        as one that fails. `now` is what is left to do at this moment, whatever the time asked for:
        what is unfinished, and what waits parked for a replay."""
        record = own(request, webhook_id)
        from_ms, to_ms = span(request, record.org, _RANGE)
        number, sla_s = record.webhook.number, record.webhook.sla_s
        counted = await services.store.tally(number, from_ms, to_ms, sla_s)
        health = services.health_of(number)
        left_alone = record.webhook.sends and health is not None and health.opens > 0
        bad = (*_TRIED_BADLY, *UNSENT) if left_alone else _TRIED_BADLY
        (left,) = await left_now(services.store, services.clock, [number])
        attempts = attempts_of([counted], [counted] if left_alone else [])
        mean = round(counted.delivered_ms_sum / counted.delivered) if counted.delivered else None
        return answer(
            {
                "from": iso(from_ms),
                "to": iso(to_ms),
                "total": sum(counted.by_state.values()),
                **_words(counted.by_state),
                "failing": sum(counted.by_state.get(int(state), 0) for state in bad),
                "attempts": attempts.ended,
                "failedAttempts": attempts.failed,
                "successPercent": attempts.percent_succeeded,
                "now": {state.word: left.by_state.get(state, 0) for state in LEFT_STATES},
                "averageDeliveryTimeInMs": mean,
                "answers": _answers(counted.answers),
                "slaInSeconds": sla_s,
                "slaBreaches": counted.sla_breaches,
                "notCountedYet": counted.behind,
            }
        )

    @router.get(
        "/{webhook_id}/series", summary="Deliveries over time", openapi_extra=SERIES_PARAMETERS
    )
    async def series(request: Request, webhook_id: str) -> Response:
        """Equal steps of a time, the last day where none is said; steps are whole 5 minutes."""
        record = own(request, webhook_id)
        from_ms, to_ms = span(request, record.org, _RANGE)
        points = _points(request)
        found = await services.store.series([record.webhook.number], from_ms, to_ms, points)
        return answer(
            {
                "stepInMs": found.step_ms,
                "points": [
                    {
                        "start": iso(point.start_ms),
                        **_words(point.by_state),
                        "attempts": point.attempts,
                        "failedAttempts": attempts_of([point]).failed,
                        "p50InMs": point.p50_ms,
                        "p95InMs": point.p95_ms,
                    }
                    for point in found.points
                ],
                "notCountedYet": found.behind,
            }
        )

    return router


def _words(by_state: dict[int, int]) -> dict[str, Any]:
    counts = {state.word: by_state.get(int(state), 0) for state in State}
    return counts | {"replayed": by_state.get(REPLAYED, 0)}


def _answers(counts: dict[int, int]) -> list[dict[str, Any]]:
    """The last answer of all that was tried, the most frequent first; null: it got none."""
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [{"status": status or None, "deliveries": count} for status, count in ordered]


def _points(request: Request) -> int:
    form = Form(dict(request.query_params))
    points = form.whole("points", 1, POINTS_MAX, 48)
    if form.refusals:
        raise Refused(400, form.refusals)
    return points
