"""The metric that says which of several processes is ready: the owner of the store alone."""

from collections.abc import Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from tidings.engine.running.metric_families import single_value


class ReadyGauge(Collector):
    """Asks at each scrape whether this process is ready."""

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready

    def collect(self) -> Iterator[Metric]:
        """Yield the metric at this moment (prometheus_client)."""
        yield single_value("ready", self._is_ready())


def show_metrics(metrics: CollectorRegistry) -> Response:
    """Answer the figures as Prometheus reads them."""
    return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)
