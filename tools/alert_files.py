"""Writes the rules for Prometheus, the dashboard for Grafana, and their part of a page:
`python -m tools.alert_files DEPLOY PAGE`."""

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tidings.core.running.alert_rules import ALERTS, AlertRule
from tidings.core.running.metric import MetricDeclaration, MetricKind
from tidings.core.running.metric_list import METRICS

RULES, DASHBOARD = "prometheus/rules.yaml", "grafana/dashboard.json"
DOCS = "https://tidings.example/docs/running"
BEGIN = "<!-- made by `make docs` from the declarations: the alerts -->"
END = "<!-- the end of the alerts -->"
WIDTH, HEIGHT = 12, 8
SELECT = '{job=~"$job"}'
_LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
QUANTILES = ("0.5", "0.9", "0.99")


def rules() -> str:
    """Return the alerting rules as YAML."""
    return "\n".join(_rule_lines()) + "\n"


def _rule_lines() -> Iterator[str]:
    yield "# Made from the code by `make docs`: what each means and what to do is in the page of"
    yield "# each `runbook_url`, which is docs/running.md."
    yield "groups:"
    yield "  - name: tidings"
    yield "    rules:"
    for alert in ALERTS:
        yield f"      - alert: {alert.name}"
        yield f"        expr: {json.dumps(alert.expression)}"
        yield f"        for: {alert.for_}"
        yield f"        labels: {{severity: {alert.severity}}}"
        yield "        annotations:"
        yield f"          summary: {json.dumps(alert.summary)}"
        yield f"          runbook_url: {DOCS}#{alert.name.lower()}"


def dashboard() -> str:
    """Return the dashboard as Grafana imports it: a panel for each title of the declarations."""
    by_panel: dict[str, list[MetricDeclaration]] = {}
    for metric in METRICS.values():
        if metric.panel:
            by_panel.setdefault(metric.panel, []).append(metric)
    panels = [_panel(at, title, shown) for at, (title, shown) in enumerate(by_panel.items())]
    source = {"type": "prometheus", "uid": "${source}"}
    job = {
        "name": "job",
        "type": "query",
        "datasource": source,
        "query": "label_values(tidings_ready, job)",
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
    }
    made = {
        "title": "Tidings",
        "uid": "tidings",
        "schemaVersion": 38,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus"}, job]
        },
        "panels": panels,
    }
    return json.dumps(made, indent=1) + "\n"


def _panel(at: int, title: str, shown: list[MetricDeclaration]) -> dict[str, Any]:
    asked = [question for metric in shown for question in _questions(metric)]
    units = {_unit(metric) for metric in shown}
    return {
        "id": at + 1,
        "type": "timeseries",
        "title": title,
        "description": " ".join(metric.help for metric in shown),
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"x": at % 2 * WIDTH, "y": at // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": units.pop() if len(units) == 1 else "short"}},
        "targets": [
            {"refId": f"Q{number}", "expr": expression, "legendFormat": legend}
            for number, (expression, legend) in enumerate(asked)
        ],
    }


def _questions(metric: MetricDeclaration) -> Iterator[tuple[str, str]]:
    """Yield what a panel asks of a metric, each with the legend of its lines."""
    labels = ", ".join(("cell", *metric.labels))
    shown = " ".join(f"{{{{{label}}}}}" for label in ("cell", *metric.labels))
    if metric.kind is MetricKind.HISTOGRAM:
        rate = f"sum by ({labels}, le) (rate({metric.family}_bucket{SELECT}[$__rate_interval]))"
        for share in QUANTILES:
            yield f"histogram_quantile({share}, {rate})", f"{metric.name} p{share[2:]:0<2} {shown}"
        return
    asked = f"{metric.exposed}{SELECT}"
    if metric.kind is MetricKind.COUNTER:
        asked = f"rate({asked}[$__rate_interval])"
    yield f"sum by ({labels}) ({asked})", f"{metric.name} {shown}"


def _unit(metric: MetricDeclaration) -> str:
    if metric.name.endswith("_bytes"):
        return "bytes"
    if metric.kind is MetricKind.COUNTER:
        return "cps"
    return "s" if metric.name.endswith("_seconds") else "short"


def page(text: str) -> str:
    """Return a page with the alerts as they are now."""
    before, _, rest = text.partition(BEGIN)
    found = [f"#### {alert.name}\n\n{fill(_sentences(alert))}\n" for alert in ALERTS]
    return f"{before}{BEGIN}\n\n" + "\n".join(found) + f"\n{END}{rest.partition(END)[2]}"


def fill(text: str) -> str:
    """Return a paragraph in lines."""
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def _sentences(alert: AlertRule) -> str:
    """Say when an alert fires and what to do then, without the templates of Prometheus."""
    summary = _LABEL.sub(r"*\1*", alert.summary).replace("{{ $value }}", "Many")
    return f"{summary} {alert.act}"


if __name__ == "__main__":
    deploy, path = Path(sys.argv[1]), Path(sys.argv[2])
    for name, made in ((RULES, rules()), (DASHBOARD, dashboard())):
        (deploy / name).parent.mkdir(exist_ok=True)
        (deploy / name).write_text(made, "utf-8")
    path.write_text(page(path.read_text("utf-8")), "utf-8")
