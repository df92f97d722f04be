"""`tidings simulate`: what it sends, at what rate, what it does when it is asked to wait."""

import json
from itertools import islice
from typing import Any

import pytest

from tests.cli.events.answering_service import Stand, stand
from tidings.cli import main
from tidings.cli.events.simulate import EVENTS_PER_CALL, GIVE_UP_S, WAIT_S_MAX, Courier, Stopped
from tidings.cli.exits import Exit
from tidings.cli.service import ServiceUnreachable
from tidings.simulator import simulate

__all__ = ["stand"]  # the fixture


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class FakeLine:
    """Answers from a list, then accepts everything."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.retry_after_s: float | None = None
        self.bodies: list[bytes] = []
        self.headers: dict[str, str] = {}

    def call(
        self, method: str, path: str, body: bytes, headers: dict[str, str], /
    ) -> tuple[int, bytes]:
        assert (method, path) == ("POST", "/v1/events")
        self.bodies.append(body)
        self.headers = headers
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            status, self.retry_after_s, said = answer
            return status, json.dumps(said).encode()
        rows = [
            {"eventId": json.loads(line)["eventId"], "status": "accepted"}
            for line in body.split(b"\n")
        ]
        counts = {"accepted": len(rows), "duplicates": 0, "rejected": 0}
        return 202, json.dumps(counts | {"events": rows}).encode()


def refused(status: int, retry_s: float | None = None) -> tuple[int, float | None, Any]:
    return status, retry_s, {"error": {"code": "x", "message": "Not now."}}


def carry(line: FakeLine, events: int, rate: float | None = None) -> tuple[Courier, Clock]:
    clock = Clock()
    courier = Courier(line, 7, clock=clock.time, sleep=clock.sleep)
    courier.carry(islice(simulate(7, 1), events), rate)
    return courier, clock


def test_events_go_in_calls_and_in_order() -> None:
    line = FakeLine()
    courier, clock = carry(line, 2 * EVENTS_PER_CALL + 1)
    assert [body.count(b"\n") + 1 for body in line.bodies] == [EVENTS_PER_CALL] * 2 + [1]
    sent = [json.loads(row)["eventId"] for body in line.bodies for row in body.split(b"\n")]
    wanted = [happening.event_id for happening in islice(simulate(7, 1), len(sent))]
    assert sent == wanted and courier.totals.last_id == sent[-1]
    assert courier.totals.by_status["accepted"] == len(sent)
    assert line.headers == {"content-type": "application/x-ndjson", "x-tidings-org": "7"}
    assert clock.slept == []


@pytest.mark.parametrize(("rate", "size"), [(10.0, 2), (0.5, 1), (1000.0, 200), (100_000.0, 200)])
def test_a_rate_is_kept(rate: float, size: int) -> None:
    line = FakeLine()
    events = size * 20
    _, clock = carry(line, events, rate)
    assert all(body.count(b"\n") + 1 == size for body in line.bodies)
    assert clock.now - 100.0 == pytest.approx((events - size) / rate)


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_refused_for_the_moment_is_sent_again(status: int) -> None:
    line = FakeLine(refused(status, 5.0), refused(status))
    courier, clock = carry(line, 10)
    assert line.bodies[0] == line.bodies[1] == line.bodies[2]
    assert clock.slept == [5.0, 2.0], "what it asks for, then longer each time"
    assert courier.totals.sent == 10 and courier.totals.waits == 2


def test_a_wait_is_bounded_and_it_gives_up_in_the_end() -> None:
    line = FakeLine(*[refused(503, 9_999.0)] * 100)
    with pytest.raises(Stopped, match="Not now") as stopped:
        carry(line, 10)
    assert stopped.value.code is Exit.FAILED
    assert len(line.bodies) <= GIVE_UP_S / WAIT_S_MAX + 3


@pytest.mark.parametrize(("status", "code"), [(401, Exit.REFUSED), (413, Exit.REFUSED)])
def test_what_will_not_be_taken_ends_it(status: int, code: Exit) -> None:
    line = FakeLine(refused(status))
    with pytest.raises(Stopped) as stopped:
        carry(line, 10)
    assert stopped.value.code is code and len(line.bodies) == 1


def test_a_lost_connection_is_tried_again_but_not_one_that_never_was() -> None:
    with pytest.raises(ServiceUnreachable):
        carry(FakeLine(ServiceUnreachable("nobody there")), 10)
    line = FakeLine()
    courier = Courier(line, 7, clock=(clock := Clock()).time, sleep=clock.sleep)
    courier.carry(islice(simulate(7, 1), 5), None)
    line.answers = [ServiceUnreachable("gone")]
    courier.carry(islice(simulate(7, 2), 5), None)
    assert courier.totals.sent == 10 and courier.totals.waits == 1


def test_refused_events_are_counted_and_the_first_reason_is_kept() -> None:
    rows = [
        {"eventId": "a", "status": "accepted"},
        {"status": "rejected", "error": {"message": "data must be an object."}},
        {"status": "rejected", "error": {"message": "another"}},
    ]
    counts = {"accepted": 1, "duplicates": 0, "rejected": 2, "events": rows}
    courier, _ = carry(FakeLine((202, None, counts)), 3)
    assert courier.totals.first_error == "data must be an object."
    assert courier.totals.by_status == {"accepted": 1, "duplicates": 0, "rejected": 2}


def test_the_command_sends_the_story_and_sums_up(
    stand: Stand, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--seed", "5", "--events", "250", "--org", "3"]) == Exit.OK
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "Seed 5: --seed 5 plays the same events again, with the same ids."
    assert lines[1].startswith("250 accepted · 0 duplicates · 0 rejected · ")
    assert lines[2].startswith("Next: tidings show ")
    assert len(stand.calls) == 2


def test_chosen_types_alone_are_sent(stand: Stand) -> None:
    types = "pointsIssued, tierUpgraded"
    assert main(["simulate", "--seed", "5", "--events", "300", "--types", types]) == Exit.OK
    events = [json.loads(line) for _, _, body in stand.calls for line in body.split(b"\n")]
    assert {event["orgId"] for event in events} <= {0, 7}, "the credential's own"
    names = {event["eventName"] for event in events}
    assert names == {"pointsIssued", "tierUpgraded"}


def test_printing_needs_no_service(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.delenv("TIDINGS_KEY", raising=False)
    assert main(["simulate", "--print", "--seed", "5", "--events", "30", "--org", "9"]) == Exit.OK
    out, err = capsysbinary.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert len(events) == 30 and err == b""
    assert {event["orgId"] for event in events} <= {0, 9}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--customers", "1"], "--customers must be from 2 to 1,000,000; got 1."),
        (["--events", "0"], "--events must be 1 or more; got 0."),
        (["--rate", "0"], "--rate must be more than 0"),
        (["--org", "0"], "--org must be 1 or more; got 0."),
        (
            ["--types", "pointsissued"],
            "--types must contain names of event types; got pointsissued.",
        ),
        (["--key", "a"], "--key and --secret must come together"),
    ],
)
def test_options_that_cannot_be_are_told(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *options]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_without_a_credential_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TIDINGS_KEY", raising=False)
    assert main(["simulate"]) == Exit.USAGE
    assert "TIDINGS_KEY must be key:secret" in capsys.readouterr().err


def test_nobody_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDINGS_KEY", "a:b")
    assert main(["simulate", "--url", "http://127.0.0.1:9"]) == Exit.UNREACHABLE
    assert "must be a running Tidings" in capsys.readouterr().err
