"""What the API and the console are given of the composed service."""

import itertools
import os
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from tidings.api.cells.cell_list import InstallationCells
from tidings.api.cells.moves import CellMoves
from tidings.api.cells.other_cells import OtherCells
from tidings.api.context import Services, WebServices
from tidings.api.http.body_guard import BodyGuard
from tidings.api.http.metrics_access import MetricsReaders
from tidings.api.http.ready_gauge import ReadyGauge
from tidings.api.http.stream_places import StreamPlaces
from tidings.compose import App
from tidings.engine.keyed_calls import KeyedCalls
from tidings.settings.service_addresses import host_of
from tidings.settings.settings import Settings


def services_of(
    app: App,
    *,
    public_url: str = "",
    metrics_readers: MetricsReaders | None = None,
    streams: StreamPlaces | None = None,
    bodies: BodyGuard | None = None,
    others: OtherCells | None = None,
    moves: CellMoves | None = None,
    cells: InstallationCells | None = None,
) -> Services:
    """Build the subjects that routes and pages speak to. `streams`: how many may be open, and by
    whom; `bodies`: how much of them may be held; `others`: the other cells, where there
    are several; `moves`: of families between them;
    `cells`: all of them."""
    metrics = CollectorRegistry()
    readiness = app.running.readiness
    for collector in (*app.running.collectors, ReadyGauge(lambda: not readiness.problems())):
        metrics.register(collector)
    return Services(
        store=app.base.store,
        clock=app.base.clock,
        orgs=app.orgs,
        access=app.access,
        webhooks=app.webhooks,
        events=app.events,
        shaping=app.shaping,
        actions=app.actions,
        delivery=app.delivery,
        sources=app.sources,
        notices=app.notices,
        web=WebServices(
            health=readiness,
            views=app.running.views,
            metrics=metrics,
            keyed_calls=KeyedCalls(app.base.store, app.ports.secrets.vault),
            metrics_readers=metrics_readers or MetricsReaders(),
            streams=streams or StreamPlaces(),
            bodies=bodies or BodyGuard(),
            public_url=public_url,
            others=others,
            moves=moves,
            cells=cells,
        ),
    )


def metrics_readers(settings: Settings) -> MetricsReaders:
    """Build the list of those who may read the figures beside the platform's own credential."""
    token, networks = settings.metrics_token, settings.metrics_from
    return MetricsReaders(
        everybody=settings.dev and token is None and not networks,
        token=None if token is None else token.reveal(),
        networks=networks,
    )


def inbox_host(settings: Settings) -> str | None:
    """Return the host that serves test inboxes alone; None where they have none."""
    return None if settings.inbox_url is None else host_of(settings.inbox_url)


def request_ids() -> Callable[[], str]:
    """Return a maker of request ids: unique for ever, by a random half; cheap, by a counted
    half."""
    ours, count = os.urandom(8).hex(), itertools.count()
    return lambda: f"{ours}{next(count):016x}"
