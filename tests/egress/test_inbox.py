"""Deliveries to our own inboxes: handed over in process; every other URL goes to the network."""

from typing import Any

import pytest

from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.inbox_rules import ArrivalAnswer
from tidings.egress.inbox import SCHEME, InboxOutlet, InboxSender, OwnAddress
from tidings.egress.port import ReceiverAddress

TOKEN = "t" * 32


class Inbox:
    """Answers as told and keeps what came."""

    def __init__(self, answered: ArrivalAnswer) -> None:
        self.answered = answered
        self.came: list[tuple[Any, ...]] = []

    def __call__(
        self, token: str, method: str, headers: list[tuple[str, str]], body: bytes, /
    ) -> ArrivalAnswer:
        self.came.append((token, method, headers, body))
        return self.answered


async def send(
    answered: ArrivalAnswer, *, keep: bool = False, deadline_s: float = 30
) -> tuple[Inbox, Ending | None]:
    inbox = Inbox(answered)
    outlet = InboxOutlet(TOKEN, inbox, keep_answers=keep)
    ending = await outlet.send("POST", lambda: [("a", "b")], b"{}", deadline_s)
    return inbox, ending


async def test_what_is_sent_arrives_and_the_answer_comes_back() -> None:
    inbox, ending = await send(ArrivalAnswer(503, (("retry-after", "1"),), b"busy"))
    assert inbox.came == [(TOKEN, "POST", [("a", "b")], b"{}")]
    assert isinstance(ending, ReceiverAnswer)
    assert (ending.status, ending.headers, ending.body) == (503, (("retry-after", "1"),), b"busy")


async def test_of_a_2xx_answer_the_head_is_read_unless_more_is_asked_for() -> None:
    answered = ArrivalAnswer(200, (("a", "b"),), b"x" * 20_000)
    _, ending = await send(answered)
    assert isinstance(ending, ReceiverAnswer) and ending.body == b"" and ending.headers == ()
    _, ending = await send(answered, keep=True)
    assert isinstance(ending, ReceiverAnswer) and len(ending.body) == 16_384 and ending.truncated


async def test_a_delay_beyond_the_deadline_is_a_time_out() -> None:
    _, ending = await send(ArrivalAnswer(200, (), b"", delay_s=60.0), deadline_s=0.05)
    assert isinstance(ending, TransportFault) and ending.kind is FaultKind.TIMEOUT and ending.sent
    assert 40 <= ending.duration_ms < 10_000
    _, ending = await send(ArrivalAnswer(200, (), b"", delay_s=0.05))
    assert isinstance(ending, ReceiverAnswer) and ending.duration_ms >= 45


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/",
        "http://127.0.0.1:8080/inbox/",
        "http://127.0.0.1:8080/inbox/short",
        f"http://127.0.0.1:8080/inbox/{TOKEN}?x=1",
        f"http://127.0.0.1:8080/inbox/{TOKEN}/../../v1/orgs",
        f"http://127.0.0.1:8080/inbox/{TOKEN}#",
        f"http://127.0.0.1:80801/inbox/{TOKEN}",
        f"http://127.0.0.1:8080@evil.example/inbox/{TOKEN}",
        f"https://127.0.0.1:8080/inbox/{TOKEN}",
        f" http://127.0.0.1:8080/inbox/{TOKEN}",
        f"http://127.0.0.1:8080/inbox/{TOKEN}\n",
        f"http://127.0.0.1:8080/inbox/{'t' * 65}",
    ],
)
def test_only_the_whole_address_of_an_inbox_is_ours(url: str) -> None:
    own = OwnAddress("http://127.0.0.1:8080")
    assert own.token(url) is None and own.target(url) is None
    assert own.token(own.url(TOKEN)) == TOKEN
    assert own.target(own.url(TOKEN)) == ReceiverAddress(SCHEME, TOKEN, 0, "/")


def test_other_targets_are_opened_by_the_other_sender() -> None:
    opened: list[ReceiverAddress] = []

    class Network:
        def open(self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool) -> Any:
            opened.append(target)
            return "network"

    sender = InboxSender(Network(), Inbox(ArrivalAnswer(200, (), b"")))
    plain = ReceiverAddress("http", TOKEN, 80, "/")
    assert sender.open(plain, 1, keep_answers=False) == "network"
    assert isinstance(
        sender.open(ReceiverAddress(SCHEME, TOKEN, 0, "/"), 1, keep_answers=False), InboxOutlet
    )
    assert opened == [plain]
