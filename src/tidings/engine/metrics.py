"""What the engine counts, for Prometheus. Plain integers on the hot path; read when scraped.

No label names a webhook or an event: their number has no bound (docs/running.md, "Metrics").
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.engine.callables import ReadSeconds


class EngineMetrics(Collector):
    """Counters of one engine, and gauges that are asked for at each scrape."""

    def __init__(self) -> None:
        self.accepted = 0
        self.duplicates = 0
        self.endings: Counter[str] = Counter()
        self.seconds = 0.0
        self.gauges: dict[str, tuple[str, ReadSeconds]] = {}
        self.counters: dict[str, tuple[str, ReadSeconds]] = {}  # as gauges; they only rise
        # Gauges by a label: what it means, the label, and the values by it.
        self.divided: dict[str, tuple[str, str, Callable[[], Mapping[str, float]]]] = {}

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
        events = CounterMetricFamily("tidings_events", "Events by verdict.", labels=["verdict"])
        events.add_metric(["accepted"], self.accepted)
        events.add_metric(["duplicate"], self.duplicates)
        yield events
        attempts = CounterMetricFamily(
            "tidings_attempts", "Attempts by answer class or fault.", labels=["ending"]
        )
        for ending, count in sorted(self.endings.items()):
            attempts.add_metric([ending], count)
        yield attempts
        yield CounterMetricFamily(
            "tidings_attempt_seconds", "Time spent in attempts.", value=self.seconds
        )
        for name, (meaning, ask) in self.counters.items():
            yield CounterMetricFamily(f"tidings_{name}", meaning, value=ask())
        for name, (meaning, ask) in self.gauges.items():
            yield GaugeMetricFamily(f"tidings_{name}", meaning, value=ask())
        for name, (meaning, label, ask_all) in self.divided.items():
            family = GaugeMetricFamily(f"tidings_{name}", meaning, labels=[label])
            for value, amount in sorted(ask_all().items()):
                family.add_metric([value], amount)
            yield family
