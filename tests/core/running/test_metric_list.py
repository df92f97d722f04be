"""The metrics that are declared: unique names, base units, and a table of docs made from them."""

import re
from pathlib import Path

from tidings.core.running.metric import MetricKind
from tidings.core.running.metric_list import METRICS
from tools import metrics_page

PAGE = Path(__file__).parents[3] / "docs/running.md"


def test_the_table_of_the_page_is_made_from_the_declarations() -> None:
    text = PAGE.read_text("utf-8")
    assert metrics_page.page(text) == text, "run make docs"
    assert all(f"| `{metric.exposed}` |" in text for metric in METRICS.values())


def test_no_two_metrics_have_a_sample_of_the_same_name() -> None:
    samples = [sample for metric in METRICS.values() for sample in metric.samples]
    assert len(samples) > 40
    assert sorted(set(samples)) == sorted(samples)


def test_a_meaning_is_plain_where_prometheus_reads_it() -> None:
    for metric in METRICS.values():
        assert not re.search(r"[`\[\n]", metric.help), metric.name
        assert metric.help.endswith(".") and not metric.meaning.endswith("."), metric.name


def test_histograms_alone_have_bounds_and_they_rise() -> None:
    for metric in METRICS.values():
        assert (metric.kind is MetricKind.HISTOGRAM) == bool(metric.bounds), metric.name
        assert list(metric.bounds) == sorted(set(metric.bounds)), metric.name
