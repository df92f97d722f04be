"""Names to addresses: all of them or a fault, in time, asked once, and kept for a while."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from dnslib import RCODE  # type: ignore[import-untyped]  # it has no types

from tests.loops.own_time import own_time
from tidings.core.delivery.exchange import FaultKind
from tidings.egress import resolve as subject
from tidings.egress.resolve import CaresResolver, HostsFile, NameAddresses, ResolutionFault

from .nameserver import NameServer, Zone


@asynccontextmanager
async def resolver(server: str, hosts: Path = Path("/nonexistent")) -> AsyncIterator[CaresResolver]:
    one = CaresResolver((server,), HostsFile(hosts))
    try:
        yield one
    finally:
        await one.close()


async def test_all_addresses_of_both_families() -> None:
    """Every address of the answer is given, IPv4 first, also through an alias and over TCP."""
    many = [f"11.0.{i // 250}.{i % 250}" for i in range(500)]
    zone: Zone = {
        "a.test": ["2001:200::1", "11.0.0.2", "11.0.0.1"],
        "alias.test": ["cname:a.test", "11.0.0.3"],
        "many.test": many,
    }
    with NameServer(zone) as server:
        async with resolver(server.address) as names:
            both = await names.resolve("a.test", 2.0)
            assert isinstance(both, NameAddresses)
            assert both.addresses == ("11.0.0.2", "11.0.0.1", "2001:200::1")
            alias = await names.resolve("alias.test", 2.0)
            assert isinstance(alias, NameAddresses)
            assert alias.addresses == ("11.0.0.3",)
            all_of = await names.resolve("many.test", 2.0)
            assert isinstance(all_of, NameAddresses)
            assert sorted(all_of.addresses) == sorted(many)


async def test_no_such_name_and_no_address() -> None:
    """A name that does not exist, or has no address, is the receiver's matter; asked once."""
    with NameServer({"empty.test": []}) as server:
        async with resolver(server.address) as names:
            for name, words in (("no.test", "does not exist"), ("empty.test", "no address")):
                for _ in range(3):
                    ending = await names.resolve(name, 2.0)
                    assert isinstance(ending, ResolutionFault)
                    assert ending.kind is FaultKind.DNS
                    assert words in ending.detail
                assert [asked for asked, _ in server.asked].count(name) <= 2


@pytest.mark.parametrize("code", [RCODE.SERVFAIL, RCODE.REFUSED])
async def test_server_failure_is_ours_until_the_server_has_answered(code: int) -> None:
    """A failing name server is our fault; if it answers other names, it is the domain's."""
    with NameServer({"bad.test": code, "worse.test": code, "good.test": ["11.0.0.1"]}) as server:
        async with resolver(server.address) as names:
            first = await names.resolve("bad.test", 3.0)
            assert isinstance(first, ResolutionFault)
            assert first.kind is FaultKind.OURS
            assert isinstance(await names.resolve("good.test", 3.0), NameAddresses)
            second = await names.resolve("worse.test", 3.0)
            assert isinstance(second, ResolutionFault)
            assert second.kind is FaultKind.DNS


async def test_silent_server_is_ours_and_bounded() -> None:
    """A name server that does not answer costs the deadline, not more, and delays no other name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        async with resolver(f"127.0.0.1:{silent.getsockname()[1]}") as names:
            with own_time() as took_s:
                endings = await asyncio.gather(
                    *(names.resolve(f"n{i}.test", 0.5 if i else 10.0) for i in range(50))
                )
            assert took_s() < 3 * subject.LOOKUP_S, "less than it was given"
            for ending in endings:
                assert isinstance(ending, ResolutionFault)
                assert ending.kind is FaultKind.OURS


async def test_half_an_answer_is_used() -> None:
    """If one family fails and the other answers, what is known is used."""

    def half(kind: str) -> list[str] | int:
        return ["11.0.0.1"] if kind == "A" else RCODE.SERVFAIL

    with NameServer({"half.test": half}) as server:
        async with resolver(server.address) as names:
            ending = await names.resolve("half.test", 3.0)
            assert isinstance(ending, NameAddresses)
            assert ending.addresses == ("11.0.0.1",)


async def test_one_question_for_many_waiters() -> None:
    """A name is asked once while its answer is awaited, and from the cache afterwards."""
    with NameServer({"a.test": ["11.0.0.1"]}) as server:
        async with resolver(server.address) as names:
            endings = await asyncio.gather(*(names.resolve("a.test", 2.0) for _ in range(200)))
            assert all(isinstance(ending, NameAddresses) for ending in endings)
            await names.resolve("a.test", 2.0)
            assert sorted(server.asked) == [("a.test", "A"), ("a.test", "AAAA")]


@pytest.mark.parametrize(("ttl", "kept_s"), [(0, 1.0), (7, 7.0), (86400, 30.0)])
async def test_freshness_follows_ttl_in_bounds(ttl: int, kept_s: float) -> None:
    """An answer is fresh for its TTL, at least a second and at most thirty."""
    with NameServer({"a.test": ["11.0.0.1"]}, ttl=ttl) as server:
        async with resolver(server.address) as names:
            now = time.monotonic()
            ending = await names.resolve("a.test", 2.0)
            assert isinstance(ending, NameAddresses)
            assert kept_s - 0.1 <= ending.fresh_until - now <= kept_s + 1.5


@pytest.mark.parametrize(
    ("answer", "kind", "kept_s"),
    [
        ([], FaultKind.DNS, subject.KEEP_FAILED_S),
        (RCODE.SERVFAIL, FaultKind.OURS, subject.KEEP_OURS_S),
    ],
)
async def test_a_name_without_an_answer_is_asked_for_again_soon(
    answer: Any, kind: FaultKind, kept_s: float
) -> None:
    """What was mended in the DNS is seen in seconds."""
    with NameServer({"a.test": answer}) as server:
        async with resolver(server.address) as names:
            ending = await names.resolve("a.test", 3.0)
            assert isinstance(ending, ResolutionFault) and ending.kind is kind
            asked = len(server.asked)
            assert names._known["a.test"][1] - time.monotonic() <= kept_s <= 5.0
            assert await names.resolve("a.test", 3.0) == ending
            assert len(server.asked) == asked, "within them it is not asked again"


async def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache forgets its oldest names."""
    monkeypatch.setattr(subject, "NAMES_MAX", 5)
    with NameServer({f"n{i}.test": ["11.0.0.1"] for i in range(20)}) as server:
        async with resolver(server.address) as names:
            for i in range(20):
                await names.resolve(f"n{i}.test", 2.0)
            assert list(names._known) == [f"n{i}.test" for i in range(15, 20)]


async def test_hosts_file(tmp_path: Path) -> None:
    """Names of the hosts file and localhost need no name server; a changed file is read again."""
    path = tmp_path / "hosts"
    path.write_text("# own\n11.0.0.7 Crm.internal crm  # two names\n2001:200::7 crm\nrubbish x\n\n")
    with NameServer({}) as server:
        async with resolver(server.address, path) as names:
            for name, addresses in (
                ("crm", ("11.0.0.7", "2001:200::7")),
                ("crm.internal", ("11.0.0.7",)),
                ("localhost", ("127.0.0.1", "::1")),
                ("a.localhost", ("127.0.0.1", "::1")),
            ):
                ending = await names.resolve(name, 2.0)
                assert isinstance(ending, NameAddresses)
                assert ending.addresses == addresses
                assert ending.fresh_until - time.monotonic() <= subject.KEEP_MIN_S
            assert server.asked == []
    table = HostsFile(path)
    assert table.find("crm.internal") == ("11.0.0.7",)
    path.write_text("11.0.0.8 crm.internal\n")
    table._checked = float("-inf")
    assert table.find("crm.internal") == ("11.0.0.8",)
    path.unlink()
    table._checked = float("-inf")
    assert table.find("crm.internal") == ()


async def test_cancelled_waiter_does_not_cancel_the_question() -> None:
    """A cancelled send leaves the look-up to the others that wait for it."""
    with NameServer({"a.test": ["11.0.0.1"]}) as server:
        async with resolver(server.address) as names:
            first = asyncio.create_task(names.resolve("a.test", 2.0))
            second = asyncio.create_task(names.resolve("a.test", 2.0))
            await asyncio.sleep(0)
            first.cancel()
            assert isinstance(await second, NameAddresses)


async def test_closed_resolver_answers() -> None:
    """After close nothing is looked up, nothing hangs, and it is our fault."""
    with NameServer({"a.test": 1.0}) as server:
        one = CaresResolver((server.address,), HostsFile(Path("/nonexistent")))
        waiting = asyncio.create_task(one.resolve("a.test", 2.0))
        await asyncio.sleep(0.05)
        await one.close()
        await one.close()
        for ending in (await waiting, await one.resolve("b.test", 2.0)):
            assert isinstance(ending, ResolutionFault)
            assert ending.kind is FaultKind.OURS
