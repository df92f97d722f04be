"""What is counted by org, for Prometheus: of few of them by name, of the rest as one."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import Metric

from tidings.core.ids import OrgId
from tidings.core.running.first_labels import FirstLabels
from tidings.core.running.histogram import Histogram, LabelledHistograms
from tidings.engine.running.metric_families import labelled_histograms, labelled_values


class _OrgCounts:
    """The counts of one label."""

    __slots__ = ("accepts", "deliveries", "events", "outcomes", "sends", "waits")

    def __init__(
        self, accepts: Histogram, sends: Histogram, waits: Histogram, deliveries: Histogram
    ) -> None:
        self.events = 0
        self.accepts = accepts
        self.outcomes: Counter[str] = Counter()
        self.sends, self.waits, self.deliveries = sends, waits, deliveries


class OrgMetrics:
    """Counts events and attempts by org. An attempt costs about a microsecond."""

    def __init__(self, labels: FirstLabels) -> None:
        self._labels = labels
        self._by_label: dict[str, _OrgCounts] = {}
        self._by_org: dict[OrgId, _OrgCounts] = {}  # of those that are named
        self._accepts = LabelledHistograms("org_accept_seconds")
        self._sends = LabelledHistograms("org_send_seconds")
        self._waits = LabelledHistograms("org_lane_wait_seconds")
        self._deliveries = LabelledHistograms("org_delivery_seconds")

    def accepted(self, org: OrgId) -> None:
        """Count an event that was accepted."""
        (self._by_org.get(org) or self._counts_of(org)).events += 1

    def answered(self, org: OrgId, took_s: float) -> None:
        """Count a call whose events were accepted, from its arrival to its answer."""
        (self._by_org.get(org) or self._counts_of(org)).accepts.observe(took_s)

    def attempted(
        self,
        org: OrgId,
        outcome: str,
        took_s: float,
        waited_s: float | None,
        arrived_s: float | None,
    ) -> None:
        """Count an attempt. `waited_s`: of a first one, from the accept of its event to its start;
        `arrived_s`: of one by which the event arrived, from its accept to the answer."""
        counts = self._by_org.get(org) or self._counts_of(org)
        counts.outcomes[outcome] += 1
        counts.sends.observe(took_s)
        if waited_s is not None:
            counts.waits.observe(waited_s)
        if arrived_s is not None:
            counts.deliveries.observe(arrived_s)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        counts = sorted(self._by_label.items())
        events = [((label,), count.events) for label, count in counts]
        yield labelled_values("org_events", events)
        attempts = [
            ((label, outcome), number)
            for label, count in counts
            for outcome, number in sorted(count.outcomes.items())
        ]
        yield labelled_values("org_attempts", attempts)
        yield labelled_histograms("org_accept_seconds", self._accepts)
        yield labelled_histograms("org_lane_wait_seconds", self._waits)
        yield labelled_histograms("org_send_seconds", self._sends)
        yield labelled_histograms("org_delivery_seconds", self._deliveries)

    def _counts_of(self, org: OrgId) -> _OrgCounts:
        label = self._labels.of(org)
        counts = self._by_label.get(label)
        if counts is None:
            key = (label,)
            counts = _OrgCounts(
                self._accepts.of(key),
                self._sends.of(key),
                self._waits.of(key),
                self._deliveries.of(key),
            )
            self._by_label[label] = counts
        if label == str(org):
            self._by_org[org] = counts
        return counts
