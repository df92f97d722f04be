"""What the engine counts, for Prometheus. Plain integers on the hot path; read when scraped.

No label names a webhook or an event: their number has no bound (docs/running.md, "Metrics").
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Cancelled, Delivered, Failed, Outcome, Retry
from tidings.core.running.first_labels import FirstLabels
from tidings.core.running.histogram import Histogram, LabelledHistograms
from tidings.engine.callables import ReadSeconds
from tidings.engine.running.metric_families import (
    labelled_histograms,
    single_value,
    values_by_label,
)
from tidings.engine.running.org_metrics import OrgMetrics

_RESULTS = {
    Delivered: "delivered",
    Retry: "retrying",
    Failed: "failed",
    Cancelled: "cancelled",
}

_Timings = tuple[Histogram, Histogram | None, Histogram | None]  # send, wait, event to receiver


class EngineMetrics(Collector):
    """Counters of one engine, and gauges that are asked for at each scrape."""

    def __init__(self, orgs: FirstLabels | None = None) -> None:
        """`orgs`: which of them have a label of their own."""
        self.orgs = OrgMetrics(orgs or FirstLabels())
        self.accepted = 0
        self.duplicates = 0
        self.endings: Counter[str] = Counter()
        self.seconds = 0.0
        self.accepts = LabelledHistograms("accept_seconds")
        self._waits = LabelledHistograms("lane_wait_seconds")
        self._sends = LabelledHistograms("send_seconds")
        self._deliveries = LabelledHistograms("delivery_seconds")
        # By type of webhook, outcome, whether it was the first attempt, and no replay's.
        self._timings: dict[tuple[str, type[Outcome], bool, bool], _Timings] = {}
        # By the names of their declarations (core/running/metric_list.py).
        self.gauges: dict[str, ReadSeconds] = {}
        self.counters: dict[str, ReadSeconds] = {}  # as gauges; they only rise
        self.histograms: dict[str, Histogram] = {}
        self.divided: dict[str, Callable[[], Mapping[str, float]]] = {}  # gauges by one label

    @property
    def written(self) -> int:
        """Return a count that rises whenever events have anything written."""
        return self.accepted + self.duplicates + self.endings.total()

    def attempted(
        self, kind: str, job: Job, started_ms: int, ending: Ending, outcome: Outcome
    ) -> None:
        """Count an attempt of a webhook of type `kind`, begun at `started_ms` of the epoch, by what
        came of it: the class of its status, or its fault."""
        if isinstance(ending, ReceiverAnswer):
            self.endings[f"{ending.status // 100}xx"] += 1
        else:
            self.endings[ending.kind] += 1
        took_s = ending.duration_ms / 1000
        self.seconds += took_s
        key = kind, outcome.__class__, job.attempt == 1, job.replay is None
        send, wait, delivery = self._timings.get(key) or self._timings_of(*key)
        send.observe(took_s)
        waited_s = (started_ms - job.accepted_ms) / 1000
        if wait is not None:
            wait.observe(waited_s)
        if delivery is not None:
            delivery.observe(waited_s + took_s)
        self.orgs.attempted(
            job.org,
            _RESULTS[outcome.__class__],
            took_s,
            None if wait is None else waited_s,
            None if delivery is None else waited_s + took_s,
        )

    def _timings_of(
        self, kind: str, outcome: type[Outcome], is_first: bool, of_event: bool
    ) -> _Timings:
        """Return the histograms that attempts of one sort are counted in. A replay's count from
        when it was made, and so tells nothing of its event."""
        result = _RESULTS[outcome]
        attempt = "first" if is_first else "later"
        arrived = of_event and outcome is Delivered
        found = self._timings[kind, outcome, is_first, of_event] = (
            self._sends.of((kind, result)),
            self._waits.of((kind,)) if of_event and is_first else None,
            self._deliveries.of((kind, attempt)) if arrived else None,
        )
        return found

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
        for name, histogram in self.histograms.items():
            yield labelled_histograms(name, [((), histogram)])
        yield labelled_histograms("accept_seconds", self.accepts)
        yield labelled_histograms("lane_wait_seconds", self._waits)
        yield labelled_histograms("send_seconds", self._sends)
        yield labelled_histograms("delivery_seconds", self._deliveries)
        yield from self.orgs.collect()
