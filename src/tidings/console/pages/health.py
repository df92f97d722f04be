"""How the service does: what is not well first, then its figures, then what it told the org."""

from typing import Any

from prometheus_client import CollectorRegistry
from starlette.responses import Response

from tidings import __version__
from tidings.console.service_notices import notices_for
from tidings.console.visit import Visit
from tidings.core.delivery.receivers.judgement import describe_counts
from tidings.core.notices.operational_events import KINDS
from tidings.core.replay import IDS_MAX, OPEN_JOBS_MAX
from tidings.engine.access.limits import CALLS_PER_MINUTE
from tidings.engine.delivery.stops import EVERYTHING
from tidings.engine.inboxes import INBOXES_MAX
from tidings.store.port import EventQuery

EVENTS = 20
LAG_WORTH_SAYING = 10_000  # events; the searches look through what is not indexed too

# Figures of the service that an operator reads, by their names in /metrics.
FIGURES = (
    ("in_flight", "Attempts under way"),
    ("queued", "Deliveries waiting in memory"),
    ("unwritten", "Results not yet written"),
    ("open_breakers", "Webhooks left alone, in all orgs"),
    ("replays_open", "Replays and cancels with work left"),
    ("orgs_stopped", "Orgs whose sending is stopped"),
)


async def show(visit: Visit) -> Response:
    """Show how the service does; with `part=now` only what is asked for again and again."""
    values = await _now(visit)
    if visit.request.query_params.get("part") == "now":
        return visit.page("parts/health.html", **values)
    services, org = visit.services, visit.caller.org
    notices = await services.store.log_events(EventQuery(org, tuple(KINDS), limit=EVENTS))
    settings = services.orgs.settings(org)
    return visit.page(
        "health.html",
        told=notices.events,
        settings=settings,
        limits={
            "calls": visit.caller.calls_per_minute
            or (None if visit.caller.platform else CALLS_PER_MINUTE),
            "inboxes": INBOXES_MAX,
            "jobs": OPEN_JOBS_MAX,
            "ids": IDS_MAX,
        },
        version=__version__,
        **values,
    )


async def _now(visit: Visit) -> dict[str, Any]:
    services, org = visit.services, visit.caller.org
    lag = await services.store.index_lag()
    figures = figures_of(services.web.metrics)
    breakers = []
    records = services.webhooks.list(org)
    judgements = services.delivery.judgements
    unwell = judgements.counts_of(record.webhook for record in records)
    for record in records:
        judged = judgements.of(record.webhook)
        if judged.left_alone:
            breakers.append((record.webhook, judged.health))
    last_s = figures.get("retention_last_run_seconds")
    return {
        "problems": services.web.health.problems(),
        "notices": notices_for(visit),
        "unwell": describe_counts(unwell),
        "all_well": not unwell and not (visit.caller.platform and judgements.notices()),
        "stop": services.delivery.stops.of(org),
        "everything": services.delivery.stops.of(EVERYTHING),
        "halted": bool(figures.get("store_halted")),
        "lag": lag,
        "lag_late": lag > LAG_WORTH_SAYING,
        "retention_ms": round(last_s * 1000) if last_s else None,
        "shown": [(label, figures[name]) for name, label in FIGURES if name in figures],
        "breakers": breakers,
        "database": figures.get("retention_database_bytes"),
    }


def figures_of(metrics: CollectorRegistry) -> dict[str, float]:
    """Read the gauges without labels, without the prefix of their names: what /metrics says."""
    found: dict[str, float] = {}
    for family in metrics.collect():
        if family.type == "gauge" and len(family.samples) == 1 and not family.samples[0].labels:
            found[family.name.removeprefix("tidings_")] = family.samples[0].value
    return found
