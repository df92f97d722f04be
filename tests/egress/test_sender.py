"""The sender itself: what it writes, what it dials, and what it must never dial."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.egress.support import FORBIDDEN
from tests.loops.own_time import own_time
from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault
from tidings.egress.address import parse_target
from tidings.egress.dial import Dialler
from tidings.egress.policy import Policy
from tidings.egress.port import OutletMaker, ReceiverAddress
from tidings.egress.resolve import CaresResolver, HostsFile, NameAddresses, ResolutionFault
from tidings.egress.sender import HttpSender
from tidings.egress.wire import Wire

from .nameserver import NameServer, Zone
from .receivers import EMPTY, OK, Handler, Receiver, answering, read_request
from .support import BODY, DEV, HEADERS, Names, at, outlet_to, post


def recorder(requests: list[bytes], answer: bytes = EMPTY) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await read_request(reader))
            writer.write(answer)

    return handle


async def test_request_on_the_wire() -> None:
    """Request line, headers and body are what was given; nothing of ours but what HTTP needs."""
    requests: list[bytes] = []
    with Receiver(recorder(requests)) as receiver:
        async with outlet_to(receiver.url("/a%2Fb//c?x=%20&y="), user_agent="Tidings/9") as out:
            first = await out.send("POST", lambda: HEADERS, BODY, 5.0)
            own = [("Accept-Encoding", "gzip"), ("User-Agent", "x"), ("A", "1"), ("A", "2")]
            second = await out.send("PUT", lambda: own, b"", 5.0)
            assert isinstance(first, ReceiverAnswer)
            assert isinstance(second, ReceiverAnswer)
        head, _, body = requests[0].partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /a%2Fb//c?x=%20&y= HTTP/1.1"
        assert body == BODY
        assert {line.lower() for line in lines[1:]} == {
            b"content-type: application/json",
            b"webhook-id: evt_1",
            b"accept: */*",
            b"accept-encoding: identity",
            b"user-agent: tidings/9",
            b"content-length: %d" % len(BODY),
            f"host: 127.0.0.1:{receiver.port}".encode(),
        }
        assert b"Accept-Encoding: gzip" in requests[1]
        assert b"identity" not in requests[1]
        assert b"User-Agent: x" in requests[1]
        assert requests[1].count(b"A: ") == 2


@pytest.mark.parametrize(
    "headers",
    [[("x y", "1")], [("x", "a\r\nHost: b")], [("x", "\0")], [("", "x")]],
    ids=ascii,
)
async def test_headers_that_cannot_be_sent(headers: list[tuple[str, str]]) -> None:
    """A header that would break the request ends as a fault of ours; nothing is sent."""
    requests: list[bytes] = []
    with Receiver(recorder(requests)) as receiver:
        async with outlet_to(receiver.url()) as outlet:
            ending = await outlet.send("POST", lambda: headers, BODY, 60.0)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.OURS, False)
            assert "headers" in ending.detail
            assert isinstance(await post(outlet), ReceiverAnswer)
    assert len(requests) == 1


@pytest.mark.parametrize("ip", FORBIDDEN)
async def test_literal_is_vetted_at_send(ip: str) -> None:
    """A forbidden address as host is not dialled, and the fault does not say why."""
    sender = HttpSender(Policy(), Names(at("8.8.8.8")))
    outlet = sender.open(ReceiverAddress("http", ip.partition("%")[0], 80, "/"), 1)
    ending = await post(outlet)
    assert isinstance(ending, TransportFault)
    assert (ending.kind, ending.sent) == (FaultKind.POLICY, False)
    assert ending.detail == "blocked by policy"
    await sender.close()


@pytest.mark.parametrize(
    "host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "1.2.3.4@127.0.0.1"]
)
async def test_target_made_by_hand_is_not_reparsed(host: str) -> None:
    """A host that the client would read as another one is blocked, should one ever get this far."""
    sender = HttpSender(DEV, Names(at("127.0.0.1")))
    with Receiver(answering(OK)) as receiver:
        ending = await post(sender.open(ReceiverAddress("http", host, receiver.port, "/"), 1))
        assert isinstance(ending, TransportFault)
        assert ending.kind is FaultKind.POLICY
        assert receiver.connections == 0
    await sender.close()


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("8.8.8.8", "127.0.0.1"),
        ("127.0.0.1", "8.8.8.8"),
        ("8.8.8.8", "fd00::1"),
        ("8.8.8.8", "::ffff:127.0.0.1"),
        ("169.254.169.254",),
    ],
    ids=str,
)
async def test_one_bad_address_blocks_the_name(addresses: tuple[str, ...]) -> None:
    """If any address of the answer is forbidden, none is dialled, and none is named."""
    with Receiver(answering(OK)) as receiver:
        async with outlet_to(
            receiver.url(host="hook.test"), policy=Policy(), resolver=Names(at(*addresses))
        ) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.POLICY, False)
            assert ending.detail == "blocked by policy"
        assert receiver.connections == 0


async def test_mixed_answer_of_a_real_name_server_blocks() -> None:
    """The same through the DNS: private among public, in either family, behind an alias."""
    zone: Zone = {
        "a.test": ["11.0.0.1", "10.0.0.1"],
        "b.test": ["11.0.0.1", "fd00::1"],
        "c.test": ["cname:inside.test", "192.168.0.1"],
        "d.test": [f"11.0.1.{i}" for i in range(250)] + ["169.254.169.254"],
    }
    with NameServer(zone) as server:
        names = CaresResolver((server.address,), HostsFile(Path("/nonexistent")))
        sender = HttpSender(Policy(), names)
        for name in zone:
            outlet = sender.open(ReceiverAddress("https", name, 443, "/"), 1)
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert ending.kind is FaultKind.POLICY, (name, ending)
        await sender.close()


async def test_rebinding() -> None:
    """The name server answers good, then bad: what is dialled is what was checked, every time."""
    calls = 0

    def flip(kind: str) -> list[str]:
        nonlocal calls
        calls += 1
        return ["127.0.0.1"] if calls <= 2 else ["169.254.169.254"]

    with NameServer({"hook.test": flip}, ttl=0) as server, Receiver(answering(OK)) as receiver:
        names = CaresResolver((server.address,), HostsFile(Path("/nonexistent")))
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            for _ in range(5):  # one look-up serves all of them: no second answer to dial
                assert isinstance(await post(outlet), ReceiverAnswer)
            outlet._fresh_until = 0.0
            names._known.clear()
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert ending.kind is FaultKind.POLICY
            assert isinstance(await post(outlet), TransportFault)


async def test_name_stays_in_host_header() -> None:
    """The checked address is dialled; the Host header keeps the name."""
    requests: list[bytes] = []
    with Receiver(recorder(requests)) as receiver:
        async with outlet_to(receiver.url(host="hook.test")) as outlet:
            assert isinstance(await post(outlet), ReceiverAnswer)
        assert f"Host: hook.test:{receiver.port}".encode() in requests[0]


async def test_connection_is_kept_while_its_address_is_answered() -> None:
    """A changed answer means a new connection only if the dialled address is gone from it."""
    names = Names(at("127.0.0.1"), at("127.0.0.2", "127.0.0.1"), at("127.0.0.2"))
    with Receiver(answering(EMPTY)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            assert isinstance(await post(outlet), ReceiverAnswer)
            assert isinstance(await post(outlet), ReceiverAnswer)
            assert receiver.connections == 1
            ending = await post(outlet)  # nobody listens on 127.0.0.2
            assert isinstance(ending, TransportFault)
            assert ending.kind is FaultKind.REFUSED
            assert names.asked == 3
            assert await asyncio.to_thread(receiver.ended.acquire, True, 20.0)


async def test_where_the_time_went() -> None:
    """An answer tells of the look-up and the connection that it took, and of none on a kept one."""
    names = Names(at("127.0.0.1", fresh_until=float("inf")))
    with Receiver(answering(EMPTY)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            first, second = await post(outlet), await post(outlet)
            assert isinstance(first, ReceiverAnswer) and first.timings is not None
            assert first.timings.tls_ms is None  # plain HTTP
            spent = (first.timings.dns_ms or 0) + (first.timings.connect_ms or 0)
            assert 0 < spent < first.duration_ms
            assert isinstance(second, ReceiverAnswer) and second.timings is None


async def test_next_address_is_tried() -> None:
    """If nobody listens at the first address, the same attempt goes on to the next."""
    names = Names(at("127.0.0.2", "127.0.0.3", "127.0.0.1", fresh_until=float("inf")))
    with Receiver(answering(EMPTY)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            endings = await asyncio.gather(*(post(outlet) for _ in range(4)))
            assert all(isinstance(ending, ReceiverAnswer) for ending in endings), endings
            assert names.asked == 1


async def test_the_address_that_took_a_connection_is_dialled_first() -> None:
    """One that nobody listens at costs a name with several addresses one look, not each send."""
    dialled: list[str] = []

    class Listed(Dialler):
        async def dial(
            self, target: ReceiverAddress, address: str, *rest: Any
        ) -> Wire | TransportFault:
            dialled.append(address)
            return await super().dial(target, address, *rest)

    names = Names(at("127.0.0.2", "127.0.0.1", fresh_until=float("inf")))
    with Receiver(answering(EMPTY, then_close=True)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            outlet._dialler = Listed()
            for _ in range(3):
                assert isinstance(await post(outlet), ReceiverAnswer)
                assert await asyncio.to_thread(receiver.ended.acquire, True, 20.0)
                await asyncio.sleep(0.05)  # for its end to get here
    assert dialled == ["127.0.0.2", "127.0.0.1", "127.0.0.1", "127.0.0.1"]


async def test_all_addresses_refuse() -> None:
    """If no address takes the connection, the attempt ends refused, not sent."""
    names = Names(at("127.0.0.2", "127.0.0.3"))
    with Receiver(answering(EMPTY)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.REFUSED, False)


@pytest.mark.parametrize("kind", [FaultKind.DNS, FaultKind.OURS])
async def test_lookup_faults_pass_through(kind: FaultKind) -> None:
    """A failed look-up ends the attempt with its kind and its words; nothing is dialled."""
    names = Names(ResolutionFault(kind, "words"), at("127.0.0.1"))
    with Receiver(answering(EMPTY)) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), resolver=names) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent, ending.detail) == (kind, False, "words")
            assert receiver.connections == 0
            assert isinstance(await post(outlet), ReceiverAnswer)


async def test_lookup_counts_against_the_deadline() -> None:
    """A resolver that hangs costs the deadline of the attempt and no more."""

    class Hanging(Names):
        async def resolve(self, name: str, deadline_s: float) -> NameAddresses | ResolutionFault:
            await asyncio.sleep(60)
            raise AssertionError

    async with outlet_to("http://hook.test:9999/", resolver=Hanging()) as outlet:
        with own_time() as took_s:
            ending = await post(outlet, 0.3)
        assert took_s() < 10, "far from the minute that the look-up takes"
        assert isinstance(ending, TransportFault)
        assert (ending.kind, ending.sent) == (FaultKind.OURS, False)


async def test_no_such_name() -> None:
    """A name that does not exist ends as a DNS fault."""
    with NameServer({}) as server:
        names = CaresResolver((server.address,), HostsFile(Path("/nonexistent")))
        async with outlet_to("https://no.test/", resolver=names) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.DNS, False)


async def test_environment_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxies and netrc of the environment change nothing."""
    requests: list[bytes] = []
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Receiver(answering(OK)) as proxy, Receiver(recorder(requests)) as receiver:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
            monkeypatch.setenv(name.lower(), proxy.url(""))
        for host in ("127.0.0.1", "hook.test"):
            async with outlet_to(receiver.url(host=host)) as outlet:
                assert isinstance(await post(outlet), ReceiverAnswer)
        assert proxy.connections == 0
        assert b"authorization" not in b"".join(requests).lower()


async def test_it_is_a_sender() -> None:
    """HttpSender fits the port, dials nothing when an outlet is opened, and closes twice."""
    names = Names(at("127.0.0.1"))
    sender: OutletMaker = HttpSender(DEV, names)
    outlet = sender.open(
        parse_target("http://hook.test:9999/", allow_http=True), 2, keep_answers=False
    )
    await outlet.close()
    await outlet.close()
    assert names.asked == 0
    assert isinstance(sender, HttpSender)
    await sender.close()
    await sender.close()
    assert isinstance(await outlet.send("POST", lambda: [], b"", 1.0), TransportFault)
