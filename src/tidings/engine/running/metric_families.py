"""Metrics as the Prometheus client library takes them, by their declarations."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from tidings.core.running.histogram import Histogram
from tidings.core.running.metric import MetricKind
from tidings.core.running.metric_list import METRICS


def single_value(name: str, value: float) -> Metric:
    """Build a counter or a gauge that has no labels, from its declaration. Raise KeyError where
    none is declared so."""
    return labelled_values(name, [((), value)])


def values_by_label(name: str, values: Mapping[str, float]) -> Metric:
    """Build a counter or a gauge by its one label, sorted by that label's values."""
    return labelled_values(name, [((label,), value) for label, value in sorted(values.items())])


def labelled_values(name: str, samples: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    """Build a counter or a gauge from its labels' values and the number of each."""
    declared = METRICS[name]
    made = CounterMetricFamily if declared.kind is MetricKind.COUNTER else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily
    family = made(declared.family, declared.help, labels=declared.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def labelled_histograms(
    name: str, by_labels: Iterable[tuple[tuple[str, ...], Histogram]]
) -> Metric:
    """Build a histogram from its labels' values and what was counted under each."""
    declared = METRICS[name]
    family = HistogramMetricFamily(declared.family, declared.help, labels=declared.labels)
    for labels, histogram in by_labels:
        family.add_metric(labels, histogram.buckets, histogram.total)
    return family
