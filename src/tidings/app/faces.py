"""What the API and the console are given of the composed service."""

from prometheus_client import CollectorRegistry

from tidings.api.context import Services
from tidings.api.http.body_guard import BodyGuard
from tidings.api.http.metrics_access import MetricsReaders
from tidings.api.http.stream_places import StreamPlaces
from tidings.compose import App


def services_of(
    app: App,
    *,
    public_url: str = "",
    metrics_readers: MetricsReaders | None = None,
    streams: StreamPlaces | None = None,
    bodies: BodyGuard | None = None,
) -> Services:
    """The parts that routes and pages speak to. `streams`: how many may be open, and by whom;
    `bodies`: how much of them may be held."""
    metrics = CollectorRegistry()
    for collector in app.collectors:
        metrics.register(collector)
    access = app.access
    return Services(
        store=app.ports.store,
        access=access.access,
        orgs=app.orgs,
        consents=app.consents,
        webhooks=app.webhooks,
        event_types=app.event_types,
        transformations=app.transformations,
        shaper=app.shaper,
        neo_values=app.transformations.choices,
        judgement_of=app.judgements.of,
        destination=app.destination,
        headers_of=app.headers_of,
        pulls=app.pulls,
        next_attempt_of=app.engine.dispatcher.next_attempts.of,
        reference=app.reference,
        replays=app.replays,
        replay_requests=app.replay_requests,
        stops=app.stops,
        restored_backlog=app.restored_backlog,
        credentials=access.credentials,
        users=access.users,
        sessions=access.sessions,
        portals=access.portals,
        public_url=public_url,
        metrics_readers=metrics_readers or MetricsReaders(),
        guard=access.guard,
        limits=access.limits,
        feed=app.feed,
        streams=streams or StreamPlaces(),
        bodies=bodies or BodyGuard(),
        clock=app.ports.clock,
        health=app.readiness,
        metrics=metrics,
        terms=app.terms,
        manual_retries=app.manual_retries,
        trial=app.trial,
        readmission=app.readmission,
        inboxes=app.inboxes,
        connections=app.connections,
        actions=app.actions,
        sources=app.sources,
        inbound=app.inbound,
        keyed_calls=app.keyed_calls,
    )
