"""`tidings sources`: made, tried, fed, and what was set aside tried again."""

import json
from pathlib import Path
from typing import Any

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.service import ServiceProcess
from tidings.cli.sources.messages import is_late
from tidings.cli.sources.state import count_last_hour, waiting_of

KEY = {"X-Key": "a value that is long"}
SOURCE = {
    "verification": {"type": "header", "header": "X-Key", "value": KEY["X-Key"]},
    "mapping": {"eventName": {"path": "topic"}, "data": {"path": "order"}},
}


def send(service: ServiceProcess, url: str, body: Any) -> Any:
    path = url[url.index("/in/") :]
    with Api(service.port) as sender:
        return sender.call("POST", path, json.dumps(body).encode(), KEY).must(202)


def test_a_source_s_life(
    tidings: Command, org: Api, service: ServiceProcess, tmp_path: Path
) -> None:
    assert "no source" in tidings("sources", "list").must().err
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(SOURCE))
    made = tidings("sources", "create", "shop", str(file), "--json").must().row
    assert made["url"].endswith(f"/in/{org.org}/shop")

    message = json.dumps({"topic": "pointsIssued", "order": {"n": 1}})
    tried = tidings(
        "sources", "preview", "shop", "-", "--header", f"X-Key: {KEY['X-Key']}", stdin=message
    ).must()
    assert '"eventName": "pointsIssued"' in tried.out and "refused" not in tried.err
    tried = tidings("sources", "preview", "shop", "-", stdin=message).must()
    assert "Its sender would be rejected" in tried.err

    assert send(service, made["url"], json.loads(message))["accepted"] == 1
    looked = tidings("doctor").must().out
    assert "1 source in order" in looked and "known by the header webhook-id" in looked
    for n in range(3):
        assert send(service, made["url"], {"kind": "pointsIssued", "n": n})["aside"] is True
    shown = tidings("sources", "show", "shop").must()
    assert "pointsIssued" in shown.out and "Next: tidings sources dead shop" in shown.err
    told = tidings("doctor").must(1)
    assert "shop has set aside 3 messages" in told.out and "sources dead shop" in told.err
    rows = tidings("sources", "dead", "shop", "--json").must().rows
    assert [row["error"]["code"] for row in rows] == ["no_value"] * 3
    one = tidings("sources", "dead", "shop", "--message", rows[0]["id"]).must()
    assert '"n": 2' in one.out and "no_value" in one.out and KEY["X-Key"] not in one.out

    told = tidings("sources", "retry", "shop").must(1)
    assert "3 messages tried: 0 accepted" in told.err and "3 still set aside" in told.err
    file.write_text(json.dumps({"mapping": {"eventName": {"path": "kind"}}}))
    assert "retry shop" in tidings("sources", "edit", "shop", str(file)).must().err
    told = tidings("sources", "retry", "shop").must()
    assert "3 messages tried: 3 accepted, 0 known before. 0 still" in told.err

    assert "paused" in tidings("sources", "pause", "shop").must().err
    assert "paused" in tidings("sources", "list").must().out
    assert "takes messages" in tidings("sources", "resume", "shop").must().err
    assert made["id"] in tidings("show", made["id"]).must().out
    tidings("sources", "delete", "shop", "--yes").must()
    assert tidings("sources", "list", "--json").must().out == ""


def test_what_is_wrong_is_said_in_a_line(tidings: Command, org: Api, tmp_path: Path) -> None:
    told = tidings("sources", "create", "shop").must(4)
    assert "verification must be set for a source of type webhook" in told.err
    told = tidings("sources", "create", "shop", str(tmp_path / "none.json")).must(2)
    assert "FILE must be a readable file" in told.err
    (tmp_path / "bad.json").write_text("[1]")
    assert "one JSON object" in tidings("sources", "create", "x", str(tmp_path / "bad.json")).err
    assert tidings("sources", "show", "shop").code == 3
    secret = "whsec_" + "A" * 32
    made = tidings("sources", "create", "shop", "--secret", secret, "--json").must().row
    assert made["verification"]["type"] == "standardWebhooks" and secret not in str(made)
    told = tidings("sources", "preview", "shop", "-", "--header", "X-Key", stdin="{}").must(2)
    assert "NAME: VALUE" in told.err


def test_what_waits_is_shown_and_fails_a_script_only_where_it_is_too_much(
    tidings: Command, org: Api
) -> None:
    told = tidings("sources", "lag", "--fail-above", "0").must()
    assert "no source" in told.err
    tidings("sources", "create", "shop", "--secret", "whsec_" + "A" * 32).must()
    row = tidings("sources", "lag", "--fail-above", "0", "--json").must().row
    assert row == {
        "name": "shop",
        "type": "webhook",
        "lag": None,
        "lagAt": None,
        "messagesPerSecond": 0.0,
        "lastMessageAt": None,
        "trouble": None,
        "state": "takes messages",
    }
    told = tidings("sources", "lag", "shop").must()
    assert "Waiting" in told.out and "Next: tidings sources show shop" in told.err
    assert tidings("sources", "lag", "nobody").code == 3


def test_a_probe_fails_where_nobody_can_tell_how_much_waits() -> None:
    """By what the service answers of a source, whatever its type."""
    kept = {"type": "kafka", "paused": False, "trouble": None, "lag": 7, "name": "k"}
    for change, late in (
        ({}, False),
        ({"lag": 11}, True),
        ({"lag": None}, True),
        ({"lag": None, "type": "outbox"}, True),
        ({"lag": None, "type": "webhook"}, False),
        ({"lag": None, "paused": True}, False),
        ({"trouble": "It does not answer."}, True),
    ):
        assert is_late(kept | change, 10) is late, change
    assert waiting_of(kept | {"lag": None}) == "unknown"
    assert waiting_of(kept | {"lag": 0}) == 0
    hour = {"accepted": 3, "aside": 1, "refused": 90}
    assert count_last_hour({"lastHour": hour}) == 4
