"""Prometheus itself reads the rules: each fires when it must, none where the service is well."""

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tidings.core.running.alert_rules import ALERTS, AlertRule
from tools import alert_files

from ..e2e.harness.events import event, new_id
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import ORG, ServiceProcess

pytestmark = pytest.mark.systems

NewService = Callable[..., ServiceProcess]
RULES = Path(__file__).parents[2] / "deploy" / alert_files.RULES
SAMPLE = re.compile(r"(tidings_\w+)(?:\{(.*)\})? (\S+)")
BUCKETS = "tidings_{}_seconds_bucket"


def slow(metric: str, fast_le: str, labels: str = "") -> list[tuple[str, str]]:
    """The series of a histogram of which nothing lies in the bucket `fast_le`."""
    name = BUCKETS.format(metric)
    return [
        (f'{name}{{le="{fast_le}"{labels}}}', "0+0x800"),
        (f'{name}{{le="300.0"{labels}}}', "0+60x800"),
        (f'{name}{{le="+Inf"{labels}}}', "0+60x800"),
    ]


# What makes each fire, with the labels that it then has and the value.
FIRES: dict[str, tuple[Sequence[tuple[str, str]], dict[str, str], str]] = {
    "TidingsNotReady": ([("tidings_ready", "0+0x800")], {}, ""),
    "TidingsAbsent": ([("other", "1+0x800")], {}, ""),
    "TidingsCellWithoutOwner": ([('tidings_cell_up{cell="2"}', "0+0x800")], {"cell": "2"}, ""),
    "TidingsProcessMissing": (
        [('tidings_ready{i="1"}', "1+0x800"), ('tidings_ready{i="2"}', "0+0x138 stale")],
        {},
        "",
    ),
    "TidingsStoreHalted": ([("tidings_store_halted", "1+0x800")], {}, ""),
    "TidingsIntakeRefuses": (
        [('tidings_accept_seconds_count{status="5xx"}', "0+1x800")],
        {},
        "",
    ),
    "TidingsAcceptSlow": (slow("accept", "1.0", ',status="2xx"'), {}, ""),
    "TidingsCommitsSlow": (slow("commit", "0.5"), {}, ""),
    "TidingsDeliveriesLate": (
        slow("lane_wait", "60.0", ',type="KAFKA"'),
        {"type": "KAFKA"},
        "",
    ),
    "TidingsWebhooksFailing": (
        [('tidings_unwell_webhooks{condition="failing"}', "2+0x100 9+0x99")],
        {},
        "7",
    ),
    "TidingsConnectionHeld": ([("tidings_held_connections", "1+0x800")], {}, ""),
    "TidingsSourceInTrouble": (
        [('tidings_source_trouble{type="kafka"}', "1+0x800")],
        {"type": "kafka"},
        "",
    ),
    "TidingsSourceLag": (
        [('tidings_source_lag{type="kafka"}', "20000+0x800")],
        {"type": "kafka"},
        "20000",
    ),
    "TidingsLoopBlocked": ([("tidings_loop_blocked_total", "0+1x800")], {}, ""),
    "TidingsPartDown": (
        [('tidings_part_works{part="retention"}', "0+0x800")],
        {"part": "retention"},
        "",
    ),
    "TidingsOwnFault": (
        [("tidings_unforeseen_errors_total", "0+1x800"), ("tidings_lost_slots_total", "0+0x800")],
        {},
        "",
    ),
    "TidingsDiskFull": (
        [("tidings_disk_free_bytes", "5+0x800"), ("tidings_disk_bytes", "100+0x800")],
        {},
        "",
    ),
    "TidingsRetentionStale": (
        [("tidings_retention_last_run_seconds", "1+0x800")],
        {},
        "",
    ),
    "TidingsSendingStopped": ([("tidings_sending_stopped", "1+0x800")], {}, ""),
    "TidingsNoticesLost": ([("tidings_notices_lost_total", "0+1x800")], {}, ""),
}
WHEN = {  # how often the rules are evaluated, and until when; each is of the times in its rule
    "TidingsRetentionStale": ("5m", "60h"),
    "TidingsProcessMissing": ("5m", "12h"),
}
USUALLY = "1m", "2h"
ALONE = {"TidingsAbsent"}  # which fires wherever the figures of `tidings_ready` are not there


def alarm(alert: AlertRule, labels: dict[str, str], value: str) -> dict[str, Any]:
    """An alert as it fires."""
    summary = alert.summary.replace("{{ $value }}", value)
    for name, label in labels.items():
        summary = summary.replace(f"{{{{ $labels.{name} }}}}", label)
    runbook = f"{alert_files.DOCS}#{alert.name.lower()}"
    return {
        "exp_labels": {"severity": str(alert.severity), **labels},
        "exp_annotations": {"summary": summary, "runbook_url": runbook},
    }


def judge(where: Path, tests: list[dict[str, Any]]) -> str:
    """Evaluate the rules by `promtool`; what differs from what is expected, empty if nothing."""
    file = where / "tests.yaml"  # every JSON is YAML
    file.write_text(json.dumps({"rule_files": [str(RULES)], "tests": tests}))
    ended = subprocess.run(
        ["promtool", "test", "rules", file], check=False, capture_output=True, text=True
    )
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr


def expecting(
    series: Sequence[tuple[str, str]],
    fired: dict[str, list[dict[str, Any]]],
    every: str = USUALLY[0],
    when: str = USUALLY[1],
) -> dict[str, Any]:
    """A test of `promtool`: of all alerts, those of `fired` alone, at one moment."""
    return {
        "interval": every,
        "input_series": [{"series": name, "values": values} for name, values in series],
        "alert_rule_test": [
            {"eval_time": when, "alertname": name, "exp_alerts": fired.get(name, [])}
            for name in FIRES
        ],
    }


def test_the_rules_are_well_formed() -> None:
    checked = subprocess.run(
        ["promtool", "check", "rules", RULES], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


def test_each_alert_fires_alone_when_what_it_is_of_is_so(tmp_path: Path) -> None:
    assert FIRES.keys() == {alert.name for alert in ALERTS}
    tests = []
    for alert in ALERTS:
        series, labels, value = FIRES[alert.name]
        has_own = alert.name in ALONE or "tidings_ready" in alert.expression
        ready = [] if has_own else [("tidings_ready", "1+0x800")]
        fired = {alert.name: [alarm(alert, labels, value)]}
        tests.append(expecting([*series, *ready], fired, *WHEN.get(alert.name, USUALLY)))
    assert judge(tmp_path, tests) == ""


def scraped(service: ServiceProcess) -> list[tuple[str, str]]:
    """Every sample of a running service, as a series that stays so for two hours."""
    with service.api() as boss:
        lines = boss.get("/metrics").body.decode().splitlines()
    found = [SAMPLE.fullmatch(line) for line in lines if not line.startswith("#")]
    return [
        (f"{sample[1]}{{{sample[2] or ''}}}", f"{float(sample[3]):.9f}+0x120")
        for sample in found
        if sample is not None and sample[3] != "NaN"
    ]


def test_no_alert_fires_at_a_service_that_is_well_and_one_where_sending_is_stopped(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    service = own_service().start()
    with service.api(ORG) as api:
        api.webhook(receiver.url(receiver.path()))
        id = new_id()
        api.accept(event(id, ORG))
        api.settled(id)
    series = scraped(service)
    names = {name.partition("{")[0] for name, _ in series}
    asked = {name for alert in ALERTS for name in re.findall(r"tidings_\w+", alert.expression)}
    assert asked - names == {"tidings_cell_up"}, "a rule asks for what the service has not"
    assert judge(tmp_path, [expecting(series, {})]) == ""
    with service.api() as boss:
        assert boss.call("POST", "/v1/stop").status == 200
    stopped = next(alert for alert in ALERTS if alert.name == "TidingsSendingStopped")
    fired = {stopped.name: [alarm(stopped, {}, "")]}
    assert judge(tmp_path, [expecting(scraped(service), fired)]) == ""
