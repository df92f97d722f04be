"""Whether a request may leave is asked in the moment before its first byte, and only then."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.core.running.leases import EndingLease
from tests.destinations.http.exchanges import HttpReceiver
from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault
from tidings.destinations.http.authentication.asking import asking_over
from tidings.egress.address import parse_target
from tidings.egress.outlet import HttpOutlet
from tidings.egress.port import Headers, ReceiverAddress
from tidings.egress.resolve import NameAddresses, ResolutionFault
from tidings.egress.sender import HttpSender

from .receivers import EMPTY, Receiver, answering, read_request
from .support import BODY, DEV, HEADERS, at, outlet_to, post

CA = trustme.CA()


class Asked:
    """Counts how often it is asked; says no while `no`."""

    def __init__(self, *, no: bool = False) -> None:
        self.no = no
        self.times = 0

    def __call__(self) -> Headers | None:
        self.times += 1
        return None if self.no else HEADERS


async def send(outlet: HttpOutlet, asked: Asked) -> ReceiverAnswer | TransportFault | None:
    return await outlet.send("POST", asked, BODY, 60.0)


class SlowNames:
    """A resolver that answers when it is told to."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()

    async def resolve(self, name: str, deadline_s: float) -> NameAddresses | ResolutionFault:
        await self.answers.wait()
        return at("127.0.0.1")

    async def close(self) -> None: ...


class Stalling:
    """A receiver that takes connections and begins with TLS when it is told to."""

    def __init__(self) -> None:
        certificate = CA.issue_cert("hook.test")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.requests: list[bytes] = []

    async def serve(self, go_on: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        sock, _ = await loop.sock_accept(self._listener)
        await go_on.wait()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, sock, ssl=self._context
            )
            while True:
                self.requests.append(await read_request(reader))
                transport.write(EMPTY)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def stalling() -> Iterator[Stalling]:
    made = Stalling()
    yield made
    made.close()


def recording(requests: list[bytes]) -> Callable[..., object]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await read_request(reader))
            writer.write(EMPTY)

    return handle


@pytest.mark.parametrize("no", [False, True])
async def test_a_slow_name_server_is_waited_for_first(no: bool) -> None:
    names, asked, requests = SlowNames(), Asked(), list[bytes]()
    with Receiver(recording(requests)) as receiver:  # type: ignore[arg-type]
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            sending = asyncio.create_task(send(outlet, asked))
            await asyncio.sleep(0.05)
            assert asked.times == 0
            asked.no = no
            names.answers.set()
            ending = await sending
            assert asked.times == 1
            assert (ending is None) == no and len(requests) == (not no)


@pytest.mark.parametrize("no", [False, True])
async def test_a_slow_handshake_is_waited_for_first(
    stalling: Stalling, tmp_path: Path, no: bool
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(CA.cert_pem.bytes())
    asked, go_on = Asked(), asyncio.Event()
    serving = asyncio.create_task(stalling.serve(go_on))
    url = f"https://hook.test:{stalling.port}/"
    async with outlet_to(url, ca_bundle=bundle) as outlet:
        sending = asyncio.create_task(send(outlet, asked))
        await asyncio.sleep(0.05)
        assert asked.times == 0
        asked.no = no
        go_on.set()
        ending = await sending
        assert asked.times == 1 and (ending is None) == no
        assert len(stalling.requests) == (not no)
        # The connection is kept: this receiver takes one only.
        assert isinstance(await post(outlet), ReceiverAnswer)
        assert len(stalling.requests) == 1 + (not no)
    await serving


@pytest.mark.parametrize("no", [False, True])
async def test_a_free_connection_is_waited_for_first(no: bool) -> None:
    asked, answers, requests = Asked(), asyncio.Event(), list[bytes]()
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await read_request(reader))
            loop.call_soon_threadsafe(arrived.set)
            while not answers.is_set():
                await asyncio.sleep(0.005)
            writer.write(EMPTY)

    with Receiver(handle) as receiver:
        async with outlet_to(receiver.url(), connections_max=1) as outlet:
            first = asyncio.create_task(post(outlet))
            await arrived.wait()
            second = asyncio.create_task(send(outlet, asked))
            await asyncio.sleep(0.05)
            assert asked.times == 0
            asked.no = no
            answers.set()
            assert isinstance(await first, ReceiverAnswer)
            assert ((await second) is None) == no and asked.times == 1
            assert isinstance(await post(outlet), ReceiverAnswer)
            assert len(requests) == 2 + (not no) and receiver.connections == 1


async def test_on_a_kept_connection_it_is_asked_at_once_and_a_no_keeps_it() -> None:
    requests: list[bytes] = []
    with Receiver(recording(requests)) as receiver:  # type: ignore[arg-type]
        async with outlet_to(receiver.url()) as outlet:
            assert isinstance(await post(outlet), ReceiverAnswer)
            asked = Asked(no=True)
            for _ in range(5):
                assert await send(outlet, asked) is None
            assert asked.times == 5
            assert isinstance(await post(outlet), ReceiverAnswer)
            assert (len(requests), receiver.connections) == (2, 1)


async def test_where_nothing_can_leave_it_is_not_asked() -> None:
    asked = Asked()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with outlet_to(f"http://127.0.0.1:{port}/") as outlet:
        ending = await send(outlet, asked)
        assert isinstance(ending, TransportFault) and not ending.sent
    async with outlet_to("http://127.0.0.1:9999/", connections_max=0) as outlet:
        ending = await send(outlet, asked)
        assert isinstance(ending, TransportFault) and not ending.sent
    with Receiver(answering(EMPTY)) as receiver:
        names = SlowNames()
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            sending = asyncio.create_task(send(outlet, asked))
            await asyncio.sleep(0.02)
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
    assert asked.times == 0


async def test_closing_the_outlet_while_it_dials_sends_nothing(
    stalling: Stalling, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(CA.cert_pem.bytes())
    asked, go_on = Asked(), asyncio.Event()
    serving = asyncio.create_task(stalling.serve(go_on))
    async with outlet_to(f"https://hook.test:{stalling.port}/", ca_bundle=bundle) as outlet:
        sending = asyncio.create_task(send(outlet, asked))
        await asyncio.sleep(0.05)
        await outlet.close()
        go_on.set()
        ending = await sending
        assert isinstance(ending, TransportFault) and not ending.sent and asked.times == 0
    await serving
    assert stalling.requests == []


# -- the lease of the store ------------------------------------------------------------------------


def target_of(url: str) -> ReceiverAddress:
    return parse_target(url, allow_http=True)


async def test_without_it_nothing_leaves_and_the_connection_is_kept() -> None:
    lease, asked = EndingLease(0), Asked()
    with HttpReceiver() as receiver:
        async with outlet_to(receiver.url("/hook"), connections_max=1, lease=lease) as outlet:
            for _ in range(3):
                sent = await outlet.send("POST", asked, BODY, 60.0)
                assert sent is None and asked.times == 0 and receiver.seen == []
            lease.renew()
            assert isinstance(await post(outlet), ReceiverAnswer)
            assert len(receiver.seen) == 1


async def test_no_access_token_is_asked_for() -> None:
    lease = EndingLease(0)
    sender = HttpSender(DEV, lease=lease)
    with HttpReceiver() as tokens:
        ask = asking_over(sender, target_of)
        ending = await ask(tokens.url("/token"), HEADERS, b"grant_type=x", 5.0)
        assert isinstance(ending, TransportFault) and ending.kind is FaultKind.OURS
        assert not ending.sent and tokens.seen == []
        lease.renew()
        ending = await ask(tokens.url("/token"), HEADERS, b"grant_type=x", 5.0)
        assert isinstance(ending, ReceiverAnswer) and len(tokens.seen) == 1
    await sender.close()


async def test_a_server_that_is_only_asked_is_asked_all_the_same() -> None:
    sender = HttpSender(DEV, lease=EndingLease(0))
    with HttpReceiver() as platform:
        origin = sender.origin(target_of(platform.url("/")), 1)
        assert isinstance(await origin.get("/customers/1", [], 5.0), ReceiverAnswer)
        await origin.close()
    await sender.close()
