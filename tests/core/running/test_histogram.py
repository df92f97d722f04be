"""Histograms count each value in the first bucket that holds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.running.histogram import Histogram, LabelledHistograms

BOUNDS = (0.1, 1.0, 10.0)


@given(st.lists(st.floats(0, 100)))
def test_a_bucket_counts_what_is_at_most_its_bound(values: list[float]) -> None:
    histogram = Histogram(BOUNDS)
    for value in values:
        histogram.observe(value)
    buckets = dict(histogram.buckets)
    assert list(buckets) == ["0.1", "1.0", "10.0", "+Inf"]
    for bound, count in buckets.items():
        assert count == sum(value <= float(bound) for value in values)
    assert histogram.total == pytest.approx(sum(values))


def test_a_time_before_the_accept_counts_as_none_and_never_lowers_the_sum() -> None:
    histogram = Histogram(BOUNDS)
    histogram.observe(-5.0)
    histogram.observe(2.0)
    assert histogram.total == 2.0
    assert dict(histogram.buckets) == {"0.1": 1, "1.0": 1, "10.0": 2, "+Inf": 2}


def test_values_are_counted_under_their_labels() -> None:
    histograms = LabelledHistograms("send_seconds")
    histograms.observe(("HTTP", "delivered"), 0.2)
    histograms.observe(("HTTP", "failed"), 0.4)
    histograms.observe(("HTTP", "delivered"), 0.3)
    found = {labels: histogram.buckets[-1][1] for labels, histogram in histograms}
    assert found == {("HTTP", "delivered"): 2, ("HTTP", "failed"): 1}


def test_a_histogram_that_is_not_declared_is_refused() -> None:
    with pytest.raises(KeyError):
        LabelledHistograms("unknown_seconds").observe((), 1.0)
