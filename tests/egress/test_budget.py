"""All connections of a process have one bound; the one that is idle for longest gives way."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault
from tidings.egress.address import parse_target
from tidings.egress.sender import HttpSender

from .receivers import OK, Receiver, answering
from .support import BODY, DEV, HEADERS, Names, at

SILENT_S = 0.4


@contextmanager
def nobody() -> Iterator[int]:
    """A port that nobody listens on: it is bound, so that nobody else gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_kept_connections_give_way_to_other_webhooks() -> None:
    sender = HttpSender(DEV, Names(at("127.0.0.1")), connections_max=4)
    with Receiver(answering(OK)) as receiver:
        target = parse_target(receiver.url(), allow_http=True)
        outlets = [sender.open(target, 4) for _ in range(12)]
        for _ in range(3):
            for outlet in outlets:
                ending = await outlet.send("POST", lambda: HEADERS, BODY, 60)
                assert isinstance(ending, ReceiverAnswer), ending
                assert sender.budget.open <= 4
        for outlet in outlets:
            await outlet.close()
    assert sender.budget.open == 0
    await sender.close()


async def test_beyond_the_bound_it_is_our_fault_and_nothing_was_sent() -> None:
    sender = HttpSender(DEV, Names(at("127.0.0.1")), connections_max=3)
    with Receiver(silent) as receiver:
        target = parse_target(receiver.url(), allow_http=True)
        outlets = [sender.open(target, 4) for _ in range(5)]
        endings = await asyncio.gather(
            *(outlet.send("POST", lambda: HEADERS, BODY, SILENT_S) for outlet in outlets)
        )
        kinds = [ending.kind for ending in endings if isinstance(ending, TransportFault)]
        assert sorted(kinds) == sorted([FaultKind.TIMEOUT] * 3 + [FaultKind.OURS] * 2)
        ours = [
            ending for ending in endings if isinstance(ending, TransportFault) and not ending.sent
        ]
        assert len(ours) == 2
    assert sender.budget.open == 0
    await sender.close()


async def test_a_connection_that_is_not_made_is_given_back() -> None:
    sender = HttpSender(DEV, Names(at("127.0.0.1")), connections_max=2)
    with nobody() as port:
        outlet = sender.open(parse_target(f"http://127.0.0.1:{port}/", allow_http=True), 4)
        for _ in range(6):
            ending = await outlet.send("POST", lambda: HEADERS, BODY, 60)
            assert isinstance(ending, TransportFault) and ending.kind is FaultKind.REFUSED
        assert sender.budget.open == 0
        sending = asyncio.ensure_future(outlet.send("POST", lambda: HEADERS, BODY, 60))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert sender.budget.open == 0
    await sender.close()
