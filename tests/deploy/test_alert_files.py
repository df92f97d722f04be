"""The rules for Prometheus and the dashboard for Grafana are made from the declarations."""

import json
import re
from pathlib import Path

from tidings.core.running.alert_rules import ALERTS
from tidings.core.running.metric_list import METRICS
from tools import alert_files

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/running.md"
SAMPLES = {sample for metric in METRICS.values() for sample in metric.samples}
NAMES = re.compile(r"\btidings_\w+")


def test_the_files_and_the_page_are_as_they_are_made() -> None:
    for name, made in (
        (alert_files.RULES, alert_files.rules()),
        (alert_files.DASHBOARD, alert_files.dashboard()),
    ):
        assert (ROOT / "deploy" / name).read_text("utf-8") == made, "run make docs"
    text = PAGE.read_text("utf-8")
    assert alert_files.page(text) == text, "run make docs"


def test_rules_and_dashboard_ask_for_declared_samples_alone() -> None:
    asked = {name for alert in ALERTS for name in NAMES.findall(alert.expression)}
    shown = set[str]()
    for panel in json.loads(alert_files.dashboard())["panels"]:
        for target in panel["targets"]:
            shown |= set(NAMES.findall(target["expr"]))
    assert len(asked) > 15 and len(shown) > 30
    assert sorted((asked | shown) - SAMPLES) == []


def test_each_alert_has_its_place_on_the_page_that_it_links_to() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(set(names)) == len(names)
    anchors = {line.removeprefix("#### ").lower() for line in PAGE.read_text().splitlines()}
    links = re.findall(r"runbook_url: (\S+)#(\S+)", alert_files.rules())
    assert [link for link, _ in links] == [alert_files.DOCS] * len(names)
    assert [anchor for _, anchor in links if anchor not in anchors] == []


def test_an_alert_says_in_one_sentence_what_is_wrong() -> None:
    for alert in ALERTS:
        assert alert.summary.endswith(".") and len(alert.summary) < 160, alert.name
        assert alert.act.endswith("."), alert.name
