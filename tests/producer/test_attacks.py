"""Whatever the service, or what stands before it, does: nothing is lost, and nothing waits for
ever."""

import json
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.harness.until import until
from tests.loops.own_time import own_time
from tests.producer.told import ToldService, answer, error, rows
from tidings_producer import CallRefused, EventRefused, Producer, SettingError, Unanswered, event
from tidings_producer.backoff import Backoff

ToTold = Callable[..., Producer]
REFUSED = {
    "eventId": None,
    "status": "rejected",
    "error": {"code": "unknown_type", "message": "It must be known.", "path": "eventName"},
}


class TlsService(ToldService):
    """With a certificate of an authority of its own."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert("localhost").configure_cert(tls)
        super().__init__(tls)


@pytest.fixture
def told_by_tls() -> Iterator[TlsService]:
    with TlsService() as made:
        yield made


def issued(number: int, **data: Any) -> Any:
    return event("pointsIssued", {"number": number, **data})


def numbers(told: ToldService) -> list[int]:
    return [row["data"]["number"] for row in told.took]


def hang(line: socket.socket, events: list[Any]) -> None:
    """Until the other side has had enough."""
    line.recv(1)


def drip(line: socket.socket, events: list[Any]) -> None:
    line.sendall(b"HTTP/1.1 202 x\r\nContent-Length: 100000\r\n\r\n")
    while True:
        line.sendall(b" ")
        time.sleep(0.02)


def drip_head(line: socket.socket, events: list[Any]) -> None:
    line.sendall(b"HTTP/1.1 202 x\r\nX-A: ")
    while True:
        line.sendall(b"a")
        time.sleep(0.02)


def flood(line: socket.socket, events: list[Any]) -> None:
    while True:
        line.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def endless(line: socket.socket, events: list[Any]) -> None:
    line.sendall(b"HTTP/1.1 202 x\r\n\r\n")
    while True:
        line.sendall(b"a" * 65536)


def cut(line: socket.socket, events: list[Any]) -> None:
    line.sendall(b"HTTP/1.1 202 x\r\nContent-Length: 100\r\n\r\n{")
    line.shutdown(socket.SHUT_RDWR)


def gone(line: socket.socket, events: list[Any]) -> None:
    line.shutdown(socket.SHUT_RDWR)


BAD: dict[str, Any] = {
    "hang": hang,
    "drip": drip,
    "drip head": drip_head,
    "flood": flood,
    "endless": endless,
    "cut": cut,
    "gone": gone,
    "503": error(503, "store_down", "Retry-After: 0"),
    "429": error(429, "too_many_events"),
    "500": answer(500, b"<html>"),
    "garbage": b"\x00\xff\x00garbage\r\n\r\n",
    "no rows": answer(202, b"{}"),
    "rows of others": rows(*[{"eventId": "x", "status": "accepted"}] * 5),
    "redirect": answer(307, b"", "Location: http://127.0.0.1:1/v1/events"),
    "proxy 400": answer(400, b"<html>Bad Request</html>"),
    "401": error(401, "unauthorized"),
    "huge": answer(202, b" " * 200_000),
    "switch": answer(101, b""),
    "chunks": b"HTTP/1.1 202 x\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
    "negative": b"HTTP/1.1 202 x\r\nContent-Length: -5\r\n\r\n",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_spool_tries_again_whatever_came(
    told: ToldService, to_told: ToTold, tmp_path: Path, kind: str
) -> None:
    told.tell(BAD[kind], BAD[kind])
    producer = to_told(spool=tmp_path, deadline_s=0.3)
    producer.send_many(issued(number) for number in range(5))
    assert producer.flush(20), producer.status()
    assert numbers(told) == [0, 1, 2, 3, 4]
    status = producer.status()
    assert (status.accepted, status.refused, status.waiting_bytes) == (5, 0, 0)
    assert status.trouble == "" and len(producer.refused) == 0


@pytest.mark.parametrize("kind", ["hang", "drip", "drip head", "flood", "endless"])
def test_without_a_spool_send_ends_in_time(told: ToldService, to_told: ToTold, kind: str) -> None:
    told.tell(*[BAD[kind]] * 50)
    producer = to_told(deadline_s=0.2, timeout_s=0.5)
    with own_time() as took_s:
        sent = issued(1)
        with pytest.raises(Unanswered, match=r"must answer within 0\.5 s.*same ids") as failed:
            producer.send(sent)
    assert took_s() < 10
    assert failed.value.event_ids == (sent["eventId"],)


@pytest.mark.parametrize("kind", ["401", "redirect", "proxy 400"])
def test_without_a_spool_what_somebody_must_mend_is_told_at_once(
    told: ToldService, to_told: ToTold, kind: str
) -> None:
    told.tell(BAD[kind])
    producer = to_told()
    with pytest.raises(CallRefused, match="The service must answer 202 with a row; got "):
        producer.send(issued(1))
    assert producer.send(issued(2)) in told.known


def test_the_same_event_after_a_lost_answer_is_one(told: ToldService, to_told: ToTold) -> None:
    def take_and_hang(line: socket.socket, events: list[Any]) -> None:
        told.accept(events)
        line.recv(1)

    told.tell(take_and_hang)
    producer = to_told(deadline_s=0.2, timeout_s=0.1)
    sent = issued(1)
    with pytest.raises(Unanswered):
        producer.send(sent)
    until(lambda: producer.status().waiting_bytes == 0, "nothing waits")
    assert to_told().send(sent) == sent["eventId"]
    assert numbers(told) == [1]


def test_retry_after_is_waited_for(told: ToldService, to_told: ToTold, tmp_path: Path) -> None:
    told.tell(error(503, "store_down", "Retry-After: 1"))
    producer = to_told(spool=tmp_path)
    began = time.monotonic()
    producer.send(issued(1))
    until(lambda: "got 503: It must be so. (store_down, body)" in producer.status().trouble, "word")
    assert producer.flush(10)
    assert time.monotonic() - began >= 1


def test_waits_do_not_follow_the_clock_on_the_wall(
    told: ToldService, to_told: ToTold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.tell(*[error(503, "store_down")] * 5)
    producer = to_told(spool=tmp_path)
    leaps = iter([0.0, 4e9, -4e9, 1e18] * 1_000)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: next(leaps))
        patch.setattr(time, "time_ns", lambda: int(next(leaps)))
        for number in range(8):
            producer.send(issued(number))
        assert producer.flush(10)
    assert numbers(told) == list(range(8))


def refuse_some(told: ToldService, wrong: set[int]) -> Callable[..., bytes]:
    """A service that refuses these numbers."""

    def said(line: socket.socket, events: list[Any]) -> bytes:
        taken = [event for event in events if event["data"]["number"] not in wrong]
        found = iter(json.loads(told.accept(taken).partition(b"\r\n\r\n")[2])["events"])
        bad = (event["data"]["number"] in wrong for event in events)
        return rows(*(REFUSED if no else next(found) for no in bad))

    return said


def test_refused_events_block_nobody_and_are_sent_again_when_it_is_mended(
    told: ToldService, to_told: ToTold, tmp_path: Path
) -> None:
    wrong = {2, 5, 6}
    told.tell(*[refuse_some(told, wrong)] * 50)
    producer = to_told(spool=tmp_path, batch_events=3)
    ids = producer.send_many(issued(number) for number in range(9))
    assert producer.flush(10)
    assert numbers(told) == [0, 1, 3, 4, 7, 8]
    refused = list(producer.refused)
    assert [refused_event.event_id for refused_event in refused] == [ids[2], ids[5], ids[6]]
    assert [refused_event.event["data"]["number"] for refused_event in refused] == [2, 5, 6]
    assert (refused[0].code, refused[0].field) == ("unknown_type", "eventName")
    assert producer.refused.drop(ids[5]) == 1
    wrong.clear()
    producer.close()
    again = to_told(spool=tmp_path)
    assert [refused_event.event_id for refused_event in again.refused] == [ids[2], ids[6]]
    assert again.redrive(ids[6]) == 1 and again.redrive() == 1 and again.redrive() == 0
    assert again.flush(10)
    assert numbers(told)[6:] == [6, 2] and len(again.refused) == 0


def test_what_is_redriven_and_refused_again_is_there_once(
    told: ToldService, to_told: ToTold, tmp_path: Path
) -> None:
    told.tell(*[refuse_some(told, {1})] * 50)
    producer = to_told(spool=tmp_path)
    producer.send(issued(1))
    for _ in range(3):
        assert producer.flush(10)
        assert len(producer.refused) == 1
        assert producer.redrive() == 1
    assert producer.flush(10)
    assert len(producer.refused) == 1 and numbers(told) == []


def test_without_a_spool_a_refused_event_is_told_to_its_sender(
    told: ToldService, to_told: ToTold
) -> None:
    told.tell(rows(REFUSED))
    producer = to_told()
    sent = issued(1)
    with pytest.raises(EventRefused, match="It must be known") as refused:
        producer.send(sent)
    found = refused.value
    assert (found.code, found.field) == ("unknown_type", "eventName")
    assert found.event_ids == (sent["eventId"],)
    with pytest.raises(SettingError, match="must have a spool"):
        _ = producer.refused


def test_a_service_with_lower_bounds_is_found_out(
    told: ToldService, to_told: ToTold, tmp_path: Path
) -> None:
    def few(line: socket.socket, events: list[Any]) -> bytes:
        if len(events) > 3:
            return error(413, "too_many_events")
        if any(len(json.dumps(event)) > 5_000 for event in events):
            return answer(413, b"<html>nginx")
        return told.accept(events)

    told.tell(*[few] * 200)
    producer = to_told(spool=tmp_path)
    pads = {7: "x" * 6_000}
    producer.send_many(issued(number, pad=pads.get(number, "")) for number in range(40))
    assert producer.flush(20)
    assert numbers(told) == [number for number in range(40) if number != 7]
    [refused] = producer.refused
    assert refused.event["data"]["number"] == 7 and refused.code == "too_large"


def test_batches_keep_their_bounds(told: ToldService, to_told: ToTold, tmp_path: Path) -> None:
    producer = to_told(spool=tmp_path, batch_events=10, batch_bytes=5_000)
    producer.send_many(issued(number, pad="x" * (number % 7) * 150) for number in range(200))
    assert producer.flush(20)
    assert numbers(told) == list(range(200))
    assert 7 < max(map(len, told.calls)) <= 10
    sizes = [len(json.dumps(call, separators=(",", ":"))) for call in told.calls]
    assert max(sizes) <= 5_002 and len(told.calls) < 60


@pytest.mark.parametrize("spooled", [True, False])
def test_few_events_wait_for_more(
    told: ToldService, to_told: ToTold, tmp_path: Path, spooled: bool
) -> None:
    producer = to_told(linger_s=0.3, spool=tmp_path if spooled else None)
    producer.send_many(issued(number) for number in range(3))
    producer.send_many(issued(number) for number in range(3))
    assert producer.flush(10)
    assert [len(call) for call in told.calls] == ([6] if spooled else [3, 3])


def test_no_secret_is_shown(
    told: ToldService, to_told: ToTold, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told.tell(*[BAD["401"], BAD["gone"], BAD["garbage"], BAD["cut"]])
    producer = to_told(spool=tmp_path)
    producer.send(issued(1, phone="+491701234567"))
    assert producer.flush(10)
    shown = f"{producer!r} {producer.status()} {caplog.text} {vars(producer)}"
    assert "got 401" in caplog.text and "takes events again" in caplog.text
    assert "Basic dGRrXzE6aHVzaA==" in told.heads[0]
    for secret in ("hush", "dGRrXzE6aHVzaA", "+4917"):
        assert secret not in shown


@pytest.mark.parametrize("kind", ["hang", "drip", "cut", "503"])
def test_over_tls_it_is_the_same(told_by_tls: TlsService, tmp_path: Path, kind: str) -> None:
    told_by_tls.tell(BAD[kind])
    trust = ssl.create_default_context()
    told_by_tls.authority.configure_trust(trust)
    quick = Backoff(lambda: 0.02)
    with Producer(
        told_by_tls.url, "tdk_1", "hush", spool=tmp_path, tls=trust, deadline_s=1.0, backoff=quick
    ) as producer:
        producer.send_many(issued(number) for number in range(3))
        assert producer.flush(20), producer.status()
    assert numbers(told_by_tls) == [0, 1, 2]


def test_a_certificate_that_nobody_has_signed_gets_nothing(
    told_by_tls: TlsService, tmp_path: Path
) -> None:
    with Producer(told_by_tls.url, "tdk_1", "hush", spool=tmp_path, close_s=0.0) as producer:
        producer.send(issued(1))
        until(lambda: "CERTIFICATE_VERIFY_FAILED" in producer.status().trouble, "the trouble")
    assert told_by_tls.heads == []


@pytest.mark.parametrize(
    "url", ["ftp://a", "tidings.example", "https://", "https://me:hush@a", "http://a:b", ""]
)
def test_an_address_that_is_none_is_refused_without_what_is_in_it(url: str) -> None:
    with pytest.raises(SettingError) as refused:
        Producer(url, "tdk_1", "hush")
    assert "hush" not in str(refused.value)
