"""`webhooks list`, `webhooks show` and `doctor` against a receiver that only fails."""

from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until
from tidings.cli.webhooks.health import health_cell
from tidings.core.delivery.receivers.judgement import GLYPHS, Condition

CROWD = 300


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        *(({"condition": word.value}, f"{GLYPHS[word]} {word}") for word in Condition),
        ({"standing": "paused"}, "‖ paused"),  # of an answer to a change, which judges nothing
    ],
)
def test_a_word_with_its_glyph_says_how_it_does(fields: dict[str, Any], word: str) -> None:
    assert health_cell({"standing": "active", "health": None} | fields).plain == word


def test_a_crowd_behind_a_dead_receiver_is_told_as_that_everywhere(
    tidings: Command, org: Api, receiver: Receiver, hook: dict[str, Any]
) -> None:
    dead = org.webhook(receiver.url(receiver.path(status=503)), "dead", eventNames=["tierUpgraded"])

    def left_alone() -> bool:
        org.accept(b"[" + b",".join([bare("tierUpgraded")] * 10) + b"]")
        shown = org.get(f"/v3/webHooks/{dead['webHookId']}").must(200)["data"]
        return bool((shown["health"] or {}).get("leftAlone"))

    until(left_alone, "its breaker is open")
    org.accept(b"[" + b",".join([bare("tierUpgraded")] * CROWD) + b"]")
    done = tidings("doctor", "dead").must(1)
    said = " ".join(done.out.split())
    assert "dead is left alone: its receiver answers 503 since " in said, said
    assert "deliveries wait for it; it is " in said
    assert "connections" not in said and "--connections" not in done.err
    assert done.err.splitlines()[-1] == f"Next: tidings webhooks test {dead['webHookId']}"
    lines = tidings("webhooks", "list").must().out.splitlines()
    assert any("dead" in line and "✗ failing" in line for line in lines), lines
    assert any("crm" in line and "✓ well" in line for line in lines), lines
    shown = " ".join(tidings("webhooks", "show", "dead").must().out.split())
    assert "✗ failing" in shown and "answers 503 since " in shown
    assert "✓ well" in tidings("webhooks", "show", "crm").must().out
    # Paused, that comes first: nothing is asked meanwhile.
    tidings("webhooks", "pause", "dead").must()
    assert "dead is paused" in tidings("doctor", "dead").must(1).out
