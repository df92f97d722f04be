"""One webhook of an org, and what can be done to it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tidings.console.changed_by import changed_by
from tidings.console.pages.charts import charts, spans
from tidings.console.pages.charts.drawing import draw_all
from tidings.console.pages.webhooks import drained, filters
from tidings.console.pages.webhooks import form as webhook_form
from tidings.console.pages.webhooks.edit import living, own
from tidings.console.pages.webhooks.summary import DAY_MS, KEPT_MS, summaries
from tidings.console.visit import Visit
from tidings.core import overlap
from tidings.core.declaration import read_body
from tidings.core.delivery.drain import LOST_SIGHT
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import show as show_id
from tidings.core.shaping.shape_rules import show_fields
from tidings.core.shaping.signatures.schemes import SCHEMES
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.webhooks.key_rotation import SCHEME, KeyRotation
from tidings.core.webhooks.masks import masked
from tidings.core.webhooks.retry_policy_body import show_retry
from tidings.engine.webhooks.records import Verb, WebhookState, after, author
from tidings.reads.events.log_pages import newest_first
from tidings.reads.trouble import AUDIT_SCOPE, find_trouble
from tidings.reads.webhooks.backlog import arrivals_of, attempts_of, backlogs_now
from tidings.reads.webhooks.changes import changed
from tidings.reads.webhooks.drains import offer_drain
from tidings.reads.webhooks.totals import answers_by_count
from tidings.reads.webhooks.warnings import warning_of
from tidings.schema.forms import number_in
from tidings.store.port import DeliveryQuery

SHOWN = 12  # of the newest deliveries
ANSWERS_MAX = 12  # different ones that have a line of their own

# What a verb does, said before and after.
VERBS: dict[Verb, tuple[str, str]] = {
    "pause": ("Pause", "Paused. New deliveries are queued until you resume it."),
    "resume": ("Resume", "Resumed. Queued deliveries are being sent now."),
    "enable": ("Enable", "Enabled. New events are sent; replay what was parked."),
    "disable": ("Disable", "Disabled. Unfinished deliveries are parked and can be replayed."),
}


async def show(visit: Visit) -> Response:
    """Show one webhook: how it does, how it did, its newest deliveries, how it is made."""
    record = own(visit, visit.request.path_params["id"])
    services, webhook = visit.services, record.webhook
    now_ms, number = services.clock.now_ms(), webhook.number
    span = visit.request.query_params.get("span", "")
    if span not in spans.SPANS:
        span = await _fitting_span(visit, number, now_ms)
    length_ms, points, words = spans.SPANS[span]
    may_see_changes = visit.may(AUDIT_SCOPE) and not visit.place.portal
    (summary,), trouble, (series,), newest = await asyncio.gather(
        summaries(services, [record]),
        find_trouble(services, record, with_changes=may_see_changes),
        services.store.series([[number]], now_ms - length_ms, now_ms, points),
        newest_first(services.store, [DeliveryQuery((number,))], None, SHOWN),
    )
    # Of the time that the charts show, which begins with a whole step.
    tally = await services.store.tally(number, series.points[0].start_ms, now_ms + 1, webhook.sla_s)
    answers = answers_of(tally.answers)
    dead = [series] if summary.left_alone else []
    list_path = f"{visit.place.base}/deliveries?webhook={webhook.id}&"
    list_path = list_path if visit.may("logs:read") else ""
    return visit.page(
        "webhook.html",
        record=record,
        webhook=webhook,
        changed=await changed_by(visit, "webhook", webhook.id),
        drain=await offer_drain(services.delivery.drains, webhook, may=visit.may("replay:write")),
        trouble=trouble if trouble.is_shown else None,
        incident=next(iter(services.delivery.incidents.of(record.webhook.number)), None),
        readers=visit.services.delivery.pulls.state(webhook.number),
        summary=summary,
        span=span,
        all_spans=spans.SPANS,
        show=show_id,
        words=words,
        series=series,
        total=charts.total(series),
        delivered=charts.total(series, State.DELIVERED),
        attempts=attempts_of(
            series.points, [point for dead_series in dead for point in dead_series.points]
        ),
        arrivals=arrivals_of(series.points),
        late=tally.sla_breaches if webhook.sla_s else None,
        charts=draw_all(
            [
                charts.deliveries(series, list_path),
                charts.error_rate(series, dead, list_path),
                charts.latency(series, list_path),
            ],
            visit.zone,
        ),
        answers=answers,
        answered=sum(tally.answers.values()),
        since_ms=series.points[0].start_ms,
        behind=max(series.behind, tally.behind),
        rows=newest.rows,
        facts=_facts(record),
        known=services.events.types.names(webhook.org),
        no_match=await filters.say_no_match(visit, summary),
        warning=warning_of(
            webhook,
            services.shaping.transformations.names(webhook.org),
            services.webhooks.unheard_names(record),
            services.notices.consents.unconfirmed(webhook),
            services.webhooks.own_path,
        ),
        verbs=[(verb, VERBS[verb][0]) for verb in VERBS if sayable(verb, webhook.status)],
    )


async def _fitting_span(visit: Visit, number: int, now_ms: int) -> str:
    """Choose the span that fits what a webhook got in the last day."""
    store = visit.services.store
    day = await store.series([[number]], now_ms - DAY_MS, now_ms, spans.LOOKED_AT)
    return spans.shortest(spans.first_moment(day, []), now_ms)


def answers_of(counts: Mapping[int, int]) -> list[tuple[str, int, str]]:
    """List the answers of a tally, the most frequent first: in words, how many attempts had it,
    and the colour of its class. What is beyond the first few stands in one line."""
    ordered = answers_by_count(counts)
    shown = [(_answer(status), count, _colour(status)) for status, count in ordered[:ANSWERS_MAX]]
    if rest := ordered[ANSWERS_MAX:]:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest), "faint"))
    return shown


def _answer(status: int) -> str:
    return str(status) if status else "no answer"


def _colour(status: int) -> str:
    return {2: "ok", 3: "warn"}.get(status // 100, "bad")


def sayable(verb: Verb, status: WebhookStatus) -> bool:
    """Return whether a verb may be said of it and changes anything."""
    led = after(verb, status)
    return led is not None and led is not status


def _facts(record: WebhookState) -> dict[str, Any]:
    """The configuration as it is read, secrets by their last four characters."""
    settings = record.config.settings
    shown = webhook_form.of_settings(settings, active=True)
    ticks = (*webhook_form.TICKS, *webhook_form.FURTHER_TICKS)
    enriched = [tick.field.label for tick in ticks if tick.name in shown.checks]
    sources = ", ".join(shown.sources)
    secrets = record.webhook.secrets
    return {
        "headers": masked(settings.headers),
        "enrichment": enriched + ([f"Customer identifiers: {sources}"] if sources else []),
        "retry": show_retry(settings.retry),
        "fields": show_fields(settings.fields),
        "filter": shown.texts["filter"],
        "rename": settings.rename,
        "secrets": [f"…{show_secret(secret)[-4:]}" for secret in secrets],
        "ends": list(record.config.secret_ends),
        "signatures": [SCHEMES[id] for id in settings.signatures],
    }


# -- what is done to it ---------------------------------------------------------------------------


async def say(visit: Visit) -> Response:
    """Pause, resume or enable at once; disable after a word of warning."""
    record = living(visit, visit.request.path_params["id"])
    verb = _verb(visit.form.get("verb", ""))
    if verb is None:
        return visit.go(_at(record))
    if verb == "disable" and visit.form.get("sure") != "yes":
        return await _ask(visit, record, "disable")
    caller = visit.caller
    saying = visit.services.webhooks.change_status(
        caller.org, record.webhook.id, verb, author(caller)
    )
    await changed(record.webhook.id, saying)
    return visit.go(_at(record), VERBS[verb][1])


async def show_drain(visit: Visit) -> Response:
    """Show how a drain goes; asked for again and again while it does."""
    record = living(visit, visit.request.path_params["id"])
    if not visit.partial:
        return visit.go(_at(record))
    drains, may = visit.services.delivery.drains, visit.may("replay:write")
    drain = await offer_drain(drains, record.webhook, may=may)
    is_lost = "watched" in visit.request.query_params and drains.of(record.webhook) is None
    return visit.page(
        "parts/drain.html",
        webhook=record.webhook,
        drain=drain,
        lost_sight=LOST_SIGHT if is_lost else "",
    )


async def begin_drain(visit: Visit) -> Response:
    """Try a webhook now and drain it, shown before one's eyes on its page."""
    record = living(visit, visit.request.path_params["id"])
    return visit.go(_at(record), await drained.begin(visit, record.webhook))


async def drain_marked(visit: Visit) -> Response:
    """Try each webhook that is marked in the list, and drain it."""
    return visit.go("/webhooks", await drained.begin_marked(visit, visit.lists.get("id", [])))


async def ask_delete(visit: Visit) -> Response:
    """Ask before a webhook is deleted, and say what deleting does."""
    record = living(visit, visit.request.path_params["id"])
    if record.webhook.type.acts and record.webhook.name in visit.services.actions.of(record.org):
        return visit.page("webhook_of_file.html", record=record)
    return await _ask(visit, record, "delete")


async def delete(visit: Visit) -> Response:
    """Delete it; it stays in the list of deleted ones."""
    record = living(visit, visit.request.path_params["id"])
    if visit.form.get("sure") != "yes":
        return await _ask(visit, record, "delete")
    caller = visit.caller
    deleting = visit.services.webhooks.delete(caller.org, record.webhook.id, author(caller))
    await changed(record.webhook.id, deleting)
    name = record.webhook.name
    if record.webhook.type.acts:
        return visit.go("/actions", f"{name} is deleted. Its runs stay in the log of deliveries.")
    return visit.go("/webhooks", f"{name} is deleted. It gets no more events.")


async def ask_rotate(visit: Visit) -> Response:
    """Ask for how long the old secret goes on."""
    record = living(visit, visit.request.path_params["id"])
    return _ask_rotate(visit, record, f"{overlap.OVERLAP_H:g}")


async def rotate(visit: Visit) -> Response:
    """Make a new signing secret and show it, this once."""
    record = living(visit, visit.request.path_params["id"])
    overlap_text = visit.form.get(overlap.FIELD, "").strip()
    scheme = visit.form.get(SCHEME, "").strip()
    wanted = read_body(
        KeyRotation, {overlap.FIELD: number_in(overlap_text), SCHEME: scheme or None}
    )
    if isinstance(wanted, list):
        refusals = {refusal.field: refusal.message for refusal in wanted}
        return _ask_rotate(visit, record, overlap_text, scheme, refusals)
    caller = visit.caller
    rotating = visit.services.webhooks.rotate_secret(
        caller.org, record.webhook.id, wanted.overlap_ms, author(caller), scheme=wanted.scheme
    )
    record, secret = await changed(record.webhook.id, rotating)
    shown = None if secret is None else show_secret(secret)
    return visit.page("webhook_made.html", record=record, secret=shown, warnings=(), rotated=True)


def _ask_rotate(
    visit: Visit,
    record: WebhookState,
    hours: str,
    scheme: str = "",
    refusals: dict[str, str] | None = None,
) -> Response:
    """Ask for how long the old keys go on and, of several schemes, whose key is rotated."""
    return visit.page(
        "webhook_rotate.html",
        400 if refusals else 200,
        record=record,
        hours=hours,
        scheme=scheme,
        schemes=[(id, f"{id}: {SCHEMES[id].label}") for id in record.webhook.signatures],
        refusals=refusals or {},
    )


async def _ask(visit: Visit, record: WebhookState, verb: str) -> Response:
    """Ask before a change, and say what would happen, with counts."""
    now_ms = visit.services.clock.now_ms()
    number = record.webhook.number
    (left,) = await backlogs_now(visit.services.store, visit.services.clock, [number])
    (month,) = await visit.services.store.count_states([number], now_ms - KEPT_MS, now_ms)
    return visit.page(
        "webhook_sure.html",
        record=record,
        verb=verb,
        waiting=left.waiting,
        parked=left.parked,
        total=sum(month.values()),
    )


def _verb(word: str) -> Verb | None:
    return next((verb for verb in VERBS if verb == word), None)


def _at(record: WebhookState) -> str:
    """Return the path of the page that tells what was done to it."""
    if record.webhook.type.acts:
        return f"/actions/{record.webhook.name}"
    return f"/webhooks/{record.webhook.id}"
