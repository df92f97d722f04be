"""Load generator and receiver against each other, without a service between them."""

import http.client
import os
import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.calls import Calls
from bench.ledger import OwnBooks, Received, numbers
from bench.payload import CUSTOMER_FIRST, ID_SLOT, event_bytes, uuid_source
from bench.process import machine_seconds, usage_of
from bench.receiver import signature
from bench.run import Bench, Measured, close, generate, send_lags_ms
from bench.target import YARDSTICK_SECRET

SECRET = b"k" * 32


class Mirror:
    """A target that is the receiver itself: each event is 'delivered' by being sent."""

    name = "mirror"
    path = "/status/202/0"
    headers = {"webhook-id": "same"}
    webhooks_of = {2001: [0]}
    secrets: dict[int, str] = {}
    listening = frozenset({0})

    def __init__(self, port: int) -> None:
        self.port = port


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.chdir(Path(__file__).parents[2])
    with Bench(tmp_path) as ready:
        yield ready


def post(port: int, path: str, body: bytes, headers: dict[str, str]) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    line.request("POST", path, body, headers)
    status = line.getresponse().status
    line.close()
    return status


def ledger_of(bench: Bench) -> Received:
    return bench.receiver.ledger()


def test_a_closed_loop_sends_so_many_events_and_knows_each_answer(bench: Bench) -> None:
    sent = generate(bench, Mirror(bench.receiver.port), count=500, connections=8)  # type: ignore[arg-type]  # no books
    assert len(set(sent.ids)) == 500
    assert set(numbers(sent.statuses, "H")) == {202}
    assert len(ledger_of(bench).ids) == 500
    assert sent.errors == sent.unsent == 0


def test_an_open_loop_keeps_its_schedule(bench: Bench) -> None:
    sent = generate(bench, Mirror(bench.receiver.port), seconds=0.5, rate=400.0, schedule="even")  # type: ignore[arg-type]  # no books
    due = list(numbers(sent.due))
    assert len(due) == 199
    assert {later - earlier for earlier, later in zip(due, due[1:], strict=False)} == {2_500_000}
    assert min(send_lags_ms(sent)) >= 0


def test_a_poisson_schedule_is_the_same_for_the_same_seed(bench: Bench) -> None:
    target: Any = Mirror(bench.receiver.port)
    runs = [generate(bench, target, seconds=0.2, rate=300.0, seed=5) for _ in range(2)]
    gaps = [
        [later - earlier for earlier, later in zip(due, due[1:], strict=False)]
        for due in (list(numbers(run.due)) for run in runs)
    ]
    assert len(gaps[0]) == len(gaps[1])
    assert max(abs(gap - two) for gap, two in zip(*gaps, strict=True)) <= 1


def test_a_call_may_bring_several_events_and_each_gets_its_answer(bench: Bench) -> None:
    target: Any = Mirror(bench.receiver.port)
    sent = generate(bench, target, count=40, connections=2, per_call=10)
    assert len(set(sent.ids)) == 40
    assert list(numbers(sent.statuses, "H")) == [202] * 40
    assert len(ledger_of(bench).ids) == 4


def test_a_call_with_several_events_holds_each_under_its_own_id_and_customer() -> None:
    calls = Calls([2001, 2002], 1024, "/x", {}, customers=2)
    call = calls.many(3, [ID_SLOT.encode(), b"1" * 36])
    head, body = call.split(b"\r\n\r\n", 1)
    assert f"content-length: {len(body)}".encode() in head
    first, second = msgspec.json.decode(body)
    assert (first["eventId"], second["eventId"]) == (ID_SLOT, "1" * 36)
    assert [first["orgId"], second["orgId"]] == [2002, 2001]
    customers = [row["data"]["customerIdentifiers"]["customerId"] for row in (first, second)]
    assert customers == [CUSTOMER_FIRST + 1, CUSTOMER_FIRST]


def test_a_signed_call_is_verified_by_the_receiver(bench: Bench) -> None:
    bench.receiver.know({0: YARDSTICK_SECRET})
    target: Any = Mirror(bench.receiver.port)
    target.path, target.headers = "/h/0", {}
    sent = generate(bench, target, count=300, connections=2, secret=YARDSTICK_SECRET)
    got = ledger_of(bench)
    assert sorted(got.ids) == sorted(sent.ids)
    assert (got.verified > 0, got.forged) == (True, 0)


def test_a_call_of_an_action_is_entered_by_its_event_whatever_its_key(bench: Bench) -> None:
    for key in ("j", "k"):
        named = {"Idempotency-Key": key, "X-Event-Id": "e"}
        assert post(bench.receiver.port, "/h/0", b"{}", named) == 200
    assert ledger_of(bench).ids == [b"e", b"e"]


def test_a_mail_is_entered_by_its_subject(tmp_path: Path) -> None:
    with Bench(tmp_path, receiver="bench.mail_receiver") as bench:
        mails = [EmailMessage() for _ in range(3)]
        with smtplib.SMTP("127.0.0.1", bench.receiver.port) as line:
            for number, mail in enumerate(mails):
                mail["Subject"], mail["From"], mail["To"] = f"id-{number}", "a@x.test", "b@x.test"
                mail.set_content("\n.\n.a line that begins with a dot\n")
                line.send_message(mail)
        got = ledger_of(bench)
        assert got.ids == [b"id-0", b"id-1", b"id-2"]
        assert (got.webhooks, got.unreadable) == ([b"0"] * 3, 0)


def test_a_run_that_was_refused_is_void(bench: Bench) -> None:
    target: Any = Mirror(bench.receiver.port)
    target.path = "/status/503/0"
    sent = generate(bench, target, count=10, connections=1)
    measured: Measured = close(target, sent, Received([], [], b"", 0, 0, 0, 0.0), {}, OwnBooks())
    assert "10 events were not answered 202" in measured.faults
    assert measured.line().startswith("mirror    VOID: ")


def test_a_signature_is_verified_by_the_receiver(bench: Bench) -> None:
    bench.receiver.know({3: YARDSTICK_SECRET})
    good = signature(SECRET, b"one", b"1700000000", b"{}").decode()
    headers = {"webhook-id": "one", "webhook-timestamp": "1700000000"}
    assert post(bench.receiver.port, "/h/3", b"{}", headers | {"webhook-signature": good}) == 200
    assert (ledger_of(bench).verified, ledger_of(bench).forged) == (1, 0)
    bench.receiver.tell("reset")
    post(bench.receiver.port, "/h/3", b"[]", headers | {"webhook-signature": good})
    assert (ledger_of(bench).verified, ledger_of(bench).forged) == (1, 1)


def test_the_receiver_refuses_for_a_while_and_recovers(bench: Bench) -> None:
    bench.receiver.tell("answer", status=503, requests=2)
    statuses = [post(bench.receiver.port, "/h/0", b"{}", {"Webhook-Id": "x"}) for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert ledger_of(bench).ids == [b"x"] * 3


def test_the_receiver_can_be_slow_and_silent(bench: Bench) -> None:
    started = time.monotonic()
    assert post(bench.receiver.port, "/slow/50/1", b"{}", {"webhook-id": "s"}) == 200
    assert time.monotonic() - started >= 0.05
    line = http.client.HTTPConnection(
        "127.0.0.1", bench.receiver.port, timeout=0.1
    )  # shorter: it hangs
    line.request("POST", "/silent/1", b"{}", {"webhook-id": "n"})
    with pytest.raises(TimeoutError):
        line.getresponse()
    line.close()
    assert bench.receiver.tell("count")["silenced"] == 1
    assert ledger_of(bench).ids == [b"s"]


def test_a_request_in_pieces_is_read_whole(bench: Bench) -> None:
    line = http.client.HTTPConnection("127.0.0.1", bench.receiver.port, timeout=120)
    line.connect()
    for piece in (
        b"POST /h/4 HTTP/1.1\r\nwebhook-",
        b"id: w\r\nContent-Length: 4\r\n\r\nab",
        b"cd",
    ):
        line.sock.sendall(piece)
        time.sleep(0.02)
    assert line.sock.recv(100).startswith(b"HTTP/1.1 200 ")
    line.close()
    assert (ledger_of(bench).ids, ledger_of(bench).webhooks) == ([b"w"], [b"4"])


def test_the_event_has_the_size_that_was_asked_for_and_one_place_for_its_id() -> None:
    body = event_bytes(2042)
    assert len(body) == 1024
    assert body.count(ID_SLOT.encode()) == 1
    assert msgspec.json.decode(body)["orgId"] == 2042
    with pytest.raises(ValueError, match="an event has at least"):
        event_bytes(2042, 100)


def test_ids_are_uuids_of_version_4() -> None:
    make = uuid_source(seed=1)
    ids = [make() for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(len(body) == 36 and body[14:15] == b"4" and body[19:20] == b"8" for body in ids)


def test_the_event_is_one_that_the_catalogue_accepts() -> None:
    loader = pytest.importorskip("tidings.catalogue.loader")
    event = msgspec.json.decode(event_bytes(2001))
    assert loader.load().check(event["eventName"], event) == []


def test_the_usage_of_a_tree_counts_its_ended_children() -> None:
    before = usage_of(os.getpid()).cpu_seconds
    pid = os.fork()
    if not pid:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        os._exit(0)
    os.waitpid(pid, 0)
    assert usage_of(os.getpid()).cpu_seconds - before >= 0.08
    assert machine_seconds()[0] > 0
