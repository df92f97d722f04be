"""Actions that waited when a service was killed, of before waits were a state, go on: each is done
once, and nobody sees an attempt that was none.

The service of now takes the directory up a minute after the kill, and again an hour later, when no
wait lasts any more (`dated.py`, `make_waiting.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.mail_server import MailServer
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.store import books
from tests.e2e.harness.until import until
from tests.golden.dated import Clock
from tests.golden.make_waiting import ACTIONS, ARCHIVE, MINUTE_MS, answers_of_v3, write_file
from tests.golden.taken_up import receiver_of_then, unpacked
from tidings.core.times import iso

RETRYING, DELIVERED = 2, 3
WAITS_FOR = {  # what each waited for at the kill
    "tried": "quiet",
    "later": "after",
    "night": "quiet",
    "survey": "needs",
    "ordered": "after",
    "letter": "limit",
}
# The attempts at the kill, by what came of them.
TRIED: dict[str, list[int | None]] = {"tried": [503], "mail": [503], "slow": [None], "quick": [200]}
MADE_AT_LAST = {"mail": 3, "slow": 3, "quick": 1}


class WaitingData:
    """The directory under the code of now."""

    def __init__(self, place: Path, receiver: Receiver) -> None:
        self.receiver = receiver
        self.mail = MailServer(place / "letters")
        self.data = place / "data"
        self.data.mkdir(mode=0o700)
        self.made = unpacked(self.data, ARCHIVE)
        self.clock = Clock(place / "clock", self.made["killedMs"] + MINUTE_MS)
        self.service = self.clock.service(self.data, actions=write_file(place, self.mail.port))
        for name in ACTIONS:
            receiver.plan(f"/waiting/{name}", status=503 if name in ("mail", "slow") else 200)

    def deliveries(self, api: Api) -> dict[str, list[dict[str, Any]]]:
        """All deliveries with their attempts, by the action, in the order of their accept."""
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in reversed(api.get("/v1/deliveries").must(200)["deliveries"]):
            whole = api.get(f"/v1/deliveries/{row['id']}").must(200)
            found[whole["webHookName"]].append(whole)
        return found

    def acts(self, name: str) -> Counter[str]:
        """How often an action was done since, or tried, by the event."""
        came = self.receiver.arrivals(f"/waiting/{name}")
        return Counter(arrival.event["event"] for arrival in came)


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[WaitingData]:
    with receiver_of_then() as receiver:
        found = WaitingData(tmp_path, receiver)
        found.mail.start()
        try:
            yield found
        finally:
            found.service.end()
            found.mail.kill()


def test_what_waited_at_the_kill_of_an_older_release_is_done_once(waiting: WaitingData) -> None:
    """One scenario, of two starts."""
    rows = waiting.made["rows"]
    assert {name for name, _, state, *_ in rows if state == RETRYING} >= WAITS_FOR.keys()
    waiting.service.start()
    with waiting.service.api(ORG) as api:
        it_waits_for_what_it_waited_for(waiting, api)
        v3_answers_as_it_did(waiting)
    assert waiting.service.stop() == 0
    for name in ("mail", "slow"):
        waiting.receiver.plan(f"/waiting/{name}", status=200)
    waiting.clock.set(waiting.made["killedMs"] + 70 * MINUTE_MS)
    waiting.service.start()
    with waiting.service.api(ORG) as api:
        everything_is_done_once(waiting, api)
        no_attempt_is_shown_that_was_none(waiting, api)


def it_waits_for_what_it_waited_for(waiting: WaitingData, api: Api) -> None:
    """Under its reason and until the same time; nothing of it was done meanwhile."""
    until(lambda: waiting.acts("slow"), "what was on its way is tried again")
    found = waiting.deliveries(api)
    due = {name: due_ms for name, _, state, _, due_ms in waiting.made["rows"] if state == RETRYING}
    for name, reason in WAITS_FOR.items():
        first = next(row for row in found[name] if row["state"] != "delivered")
        assert first["state"] == "waiting", name
        ends = {"until": None, "on": "mail"} if reason == "needs" else {"until": iso(due[name])}
        assert first["waitsFor"] == {"reason": reason, "on": None} | ends, name
        assert [attempt["status"] for attempt in first["attemptList"]] == TRIED.get(name, [])
        assert first["attempts"] == len(TRIED.get(name, [])), name
        assert not waiting.acts(name), name
    assert found["ordered"][1]["state"] == "held"
    assert found["mail"][0]["state"] == "retrying"
    assert not waiting.mail.subjects()


def v3_answers_as_it_did(waiting: WaitingData) -> None:
    """On /v3, byte for byte: each wait is an attempt there, as it was."""
    now = answers_of_v3(waiting.service)
    assert now and now == waiting.made["answers"]


def everything_is_done_once(waiting: WaitingData, api: Api) -> None:
    """But for what was on its way at the kill, or was refused."""

    def unfinished() -> list[Any]:
        return books.ask(waiting.data, "SELECT id FROM delivery WHERE state <> 3")

    until(lambda: not unfinished(), "all of it is done")
    events: defaultdict[str, set[str]] = defaultdict(set)
    for name, event, state, *_ in waiting.made["rows"]:
        if state != DELIVERED:
            events[name].add(event)
    for name in ACTIONS:
        done = waiting.acts(name)
        assert set(done) == events[name], name
        assert name in ("mail", "slow") or set(done.values()) <= {1}, name
    assert waiting.mail.subjects() == ["Points 2"], "the first letter has gone before"
    came = waiting.receiver.arrivals("/waiting/ordered")
    assert [arrival.event["event"] for arrival in came] == [
        event for name, event, *_ in waiting.made["rows"] if name == "ordered"
    ]


def no_attempt_is_shown_that_was_none(waiting: WaitingData, api: Api) -> None:
    """Nor of what was done before; and each that was made is there."""
    for name, rows in waiting.deliveries(api).items():
        for row in rows:
            attempts = row["attemptList"]
            assert {attempt["fault"] for attempt in attempts} <= {None, "lost"}, name
            assert attempts[-1]["status"] == 200 or name == "letter", name
            made = MADE_AT_LAST.get(name, len(TRIED.get(name, [])) + 1)
            assert row["attempts"] == len(attempts) == made, name
