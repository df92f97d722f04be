"""What the engine counts, for Prometheus. Plain integers on the hot path; read when scraped.

No label names a webhook or an event: their number has no bound (docs/running.md, "Metrics").
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.engine.callables import ReadSeconds
from tidings.engine.metric_families import single_value, values_by_label


class EngineMetrics(Collector):
    """Counters of one engine, and gauges that are asked for at each scrape."""

    def __init__(self) -> None:
        self.accepted = 0
        self.duplicates = 0
        self.endings: Counter[str] = Counter()
        self.seconds = 0.0
        # By the names of their declarations (core/running/metric_list.py).
        self.gauges: dict[str, ReadSeconds] = {}
        self.counters: dict[str, ReadSeconds] = {}  # as gauges; they only rise
        self.divided: dict[str, Callable[[], Mapping[str, float]]] = {}  # gauges by one label

    @property
    def written(self) -> int:
        """Return a count that rises whenever events have anything written."""
        return self.accepted + self.duplicates + self.endings.total()

    def attempted(self, ending: Ending) -> None:
        """Count an attempt by what came of it: the class of its status, or its fault."""
        if isinstance(ending, ReceiverAnswer):
            self.endings[f"{ending.status // 100}xx"] += 1
        else:
            self.endings[ending.kind] += 1
        self.seconds += ending.duration_ms / 1000

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        verdicts = {"accepted": self.accepted, "duplicate": self.duplicates}
        yield values_by_label("events", verdicts)
        yield values_by_label("attempts", self.endings)
        yield single_value("attempt_seconds", self.seconds)
        for name, ask in (*self.counters.items(), *self.gauges.items()):
            yield single_value(name, ask())
        for name, ask_all in self.divided.items():
            yield values_by_label(name, ask_all())
