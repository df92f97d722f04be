"""`/v3/events/consumer-groups/{consumerGroupId}`: a webhook's log, and how it fared.

The original documents the filters, but neither paging nor the answer of the log: those are ours.
"""

from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import RefusalAnswer, answer, envelope, refused
from tidings.api.context import Services
from tidings.api.router import EntryRoute, Routes
from tidings.api.v3.event_log_view import STATUSES, complete, show_log_row
from tidings.api.v3.log_rules import (
    LIMIT,
    LOG_PARAMETERS,
    METRICS_PARAMETERS,
    SORTS,
    TIME,
    LogRequest,
    cursor_of,
    passed_over,
    read_period,
    read_question,
)
from tidings.api.v3.models import ERRORS, LOG, METRICS
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.form import Form
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import FieldRefusal
from tidings.reads.delivery.next_attempts import see
from tidings.reads.events.log_pages import PageOfLog, newest_first, oldest_first
from tidings.reads.events.org_scope import org_scope_of
from tidings.reads.questions import EPOCH_MS, TEXT, listed
from tidings.store.port import REPLAYED, DeliveryQuery, StoredDelivery, Tally
from tidings.values import describe_value

SORTED_MAX = 2000

_SORTED = f"^(({'|'.join((TIME, *SORTS))})(:(asc|desc)?)?)?$"
_ROWS = "^(200|1[0-9][0-9]|[1-9][0-9]?)$"
_CURSOR = "^([da][0-9]{1,18}|s[0-9]{1,18}-[0-9]{1,6})?$"
_SHOWN = ("Pending", "Delivered", "Success", "Retrying", "Failed", "held", "parked", "cancelled")


def _log_query(schema: dict[str, Any]) -> Any:
    """A parameter that is described so and read by `log_rules`, which says all that is wrong."""
    return Query(json_schema_extra={key: value for key, value in schema.items() if key != "type"})


Names = Annotated[str, Query()]
Value = Annotated[str, _log_query(TEXT)]
EpochMs = Annotated[str, _log_query(EPOCH_MS)]


def log_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of a webhook's log over the services."""
    route = Routes(services, tag="logs", refuses=ERRORS)
    logs = Logs(services)

    def own(caller: AuthenticatedCaller, consumerGroupId: str) -> WebhookState:
        record = services.webhooks.by_consumer_group(caller.org, consumerGroupId)
        if record is None:
            raise _unknown(consumerGroupId)
        return record

    @route(
        "GET",
        "/v3/events/consumer-groups/{consumerGroupId}/logs",
        id="listWebhookLogs",
        scope="webhooks:read",
        summary="A webhook's log",
        answers=LOG,
    )
    async def log(
        request: Request,
        caller: AuthenticatedCaller,
        consumerGroupId: str,
        sortBy: Annotated[str, _log_query({"pattern": _SORTED})] = f"{TIME}:desc",
        eventType: Names = "",
        eventSearchKey: Value = "",
        requestId: Value = "",
        apiRequestId: Value = "",
        status: Annotated[str, _log_query(listed(*_SHOWN))] = "",
        startDate: EpochMs = "",
        endDate: EpochMs = "",
        limit: Annotated[str, _log_query({"pattern": _ROWS})] = str(LIMIT),
        cursor: Annotated[str, _log_query({"pattern": _CURSOR})] = "",
    ) -> Response:
        """Filters combine. `eventSearchKey` is any value that an event is found by: a customer's
        id, e-mail, mobile, a card or a bill. Without dates: the last 30 days, newest first."""
        record = own(caller, consumerGroupId)
        question = read_question(request.query_params, services.clock.now_ms())
        data, warnings = await logs.page(record, question)
        passed_over_warnings = passed_over(request.query_params, LOG_PARAMETERS)
        return answer(envelope(data, warnings=(*passed_over_warnings, *warnings)))

    @route(
        "GET",
        "/v3/events/consumer-groups/{consumerGroupId}/metrics",
        id="getWebhookMetrics",
        scope="webhooks:read",
        summary="How a webhook fared",
        answers=METRICS,
    )
    async def metrics(
        request: Request,
        caller: AuthenticatedCaller,
        consumerGroupId: str,
        startDate: EpochMs = "",
        endDate: EpochMs = "",
    ) -> Response:
        """By the time of accept, both ends included, in epoch milliseconds; the last 30 days where
        they are not said."""
        record = own(caller, consumerGroupId)
        form = Form(dict(request.query_params))
        period = read_period(form, services.clock.now_ms())
        if form.refusals:
            raise RefusalAnswer(400, form.refusals)
        webhook = record.webhook
        tally = await services.store.tally(
            webhook.number, period.start_ms, period.end_ms + 1, webhook.sla_s
        )
        dates = {"startDate": period.start_ms, "endDate": period.end_ms}
        warnings = passed_over(request.query_params, METRICS_PARAMETERS)
        return answer(envelope(_show_tally(tally) | dates, warnings=(*warnings, *_behind(tally))))

    return route.made


class Logs:
    """Reads the log of one webhook."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def page(
        self, record: WebhookState, question: LogRequest
    ) -> tuple[dict[str, Any], tuple[FieldRefusal, ...]]:
        """Return `data` of the answer, and warnings."""
        webhook = record.webhook
        scope = org_scope_of(self._services.orgs, record.org, [webhook] if question.values else [])
        warnings = scope.warnings
        terms = self._services.events.terms.asked
        queries = [
            DeliveryQuery(
                webhooks=(webhook.number,),
                states=question.states,
                event_names=self._services.events.types.spelled(org, question.event_names),
                from_ms=question.period.start_ms,
                to_ms=question.period.end_ms + 1,
                terms=tuple(terms(org, value) for value in question.values),
            )
            for org in scope.orgs
        ]
        if question.field == TIME:
            rows = await self._by_time(queries, question)
            following = None if rows.on is None else cursor_of(question, rows.on)
        else:
            rows, following, cut = await self._sorted(queries, question)
            warnings += cut
        begun = [see(self._services, row, record).row for row in rows.rows]
        more = await complete(self._services.store, begun)
        now_ms, zone = self._services.clock.now_ms(), self._services.zone(record.org)
        shown = [show_log_row(row, webhook, more, now_ms, zone) for row in begun]
        data = {
            "consumerGroupId": webhook.consumer_group,
            "events": shown,
            "paging": {"limit": question.limit, "next": following},
        }
        return data, warnings

    async def _by_time(self, queries: list[DeliveryQuery], question: LogRequest) -> PageOfLog:
        store = self._services.store
        if question.descending:
            return await newest_first(store, queries, question.at, question.limit)
        return await oldest_first(store, queries, question.at or 0, question.limit)

    async def _sorted(
        self, queries: list[DeliveryQuery], question: LogRequest
    ) -> tuple[PageOfLog, str | None, tuple[FieldRefusal, ...]]:
        """The newest rows that fit, sorted. `at` holds on to where they began, so that rows that
        come while somebody turns the pages do not move them."""
        rows: list[StoredDelivery] = []
        on = question.at
        while True:
            page = await newest_first(self._services.store, queries, on, SORTED_MAX - len(rows))
            rows += page.rows
            on = page.on
            if on is None or len(rows) >= SORTED_MAX:
                break
        began = question.at or (rows[0].id + 1 if rows else 1)
        rows.sort(key=lambda row: row.id, reverse=True)
        rows.sort(key=SORTS[question.field], reverse=question.descending)
        end = question.offset + question.limit
        following = cursor_of(question, began, end) if end < len(rows) else None
        cut = () if on is None else (_sorted_newest(question.field),)
        return PageOfLog(rows[question.offset : end], None), following, cut


def _show_tally(tally: Tally) -> dict[str, Any]:
    counts = {
        word: sum(tally.by_state.get(int(state), 0) for state in states)
        for word, states in STATUSES.items()
    }
    # The four are the total. What a replay has delivered since has arrived: nobody has to do
    # anything about it, and it counts as nothing that failed or is parked any more.
    counts["Delivered"] += tally.by_state.get(REPLAYED, 0)
    average = tally.delivered_ms_sum / tally.delivered if tally.delivered else None
    return {
        "totalEvents": sum(counts.values()),
        "deliveredEvents": counts["Delivered"],
        "failedEvents": counts["Failed"],
        "pendingEvents": counts["Pending"],
        "retryingEvents": counts["Retrying"],
        "averageDeliveryTime": None if average is None else round(average, 3),
    }


def _behind(tally: Tally) -> tuple[FieldRefusal, ...]:
    if not tally.behind:
        return ()
    return (
        FieldRefusal.build(
            "still_counting",
            f"All deliveries should be counted; {tally.behind} are not yet, because the counters "
            "are being rebuilt. Check again in a minute.",
            field="data",
        ),
    )


def _sorted_newest(field: str) -> FieldRefusal:
    return FieldRefusal.build(
        "newest_sorted",
        f"By {field} the newest {SORTED_MAX} rows that fit are sorted; there are older ones. "
        "Narrow startDate and endDate to see those.",
        field="sortBy",
    )


def _unknown(consumerGroupId: str) -> RefusalAnswer:
    return refused(
        400,
        400,
        "consumerGroupId must be that of a webhook of this org; got "
        f"{describe_value(consumerGroupId)}. "
        "GET /v3/webHooks lists them.",
        field="consumerGroupId",
    )
