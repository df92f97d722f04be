"""Who may come in at the port of a door: this installation, by TLS 1.3, or on loopback."""

import asyncio
import socket
import ssl
from datetime import datetime

import pytest

from tests.server.support import GET, Client, Echo, until
from tidings.door import certificates
from tidings.door.certificates import PEER_NAME, DoorAuthority
from tidings.door.listening import DoorTrust, door_server, trust_by_tls, trust_on_loopback
from tidings.door.owner_lines import OwnerLines
from tidings.errors import Unusable
from tidings.server import Bounds

from .support import KEY, FixedRouter, owner_at, owner_door, public_port

OTHER_KEY = bytes(range(1, 33))


def test_the_authority_is_made_of_the_key_alone() -> None:
    first, second = DoorAuthority(KEY), DoorAuthority(KEY)
    assert first.certificate == second.certificate
    assert first.certificate != DoorAuthority(OTHER_KEY).certificate


def test_each_process_has_a_leaf_of_its_own() -> None:
    authority = DoorAuthority(KEY)
    assert authority._leaf() != authority._leaf()


async def asks(trust: DoorTrust, server_trust: DoorTrust) -> tuple[int, list[str], Echo]:
    """The status of a call through a door that trusts so, and what has come to the owner."""
    echo = Echo()
    async with owner_door(echo, server_trust) as owner:
        router = FixedRouter(owner_at(owner))
        async with public_port(router, trust) as (public, _):
            client = await Client.to(public)
            status, headers, _ = await client.ask()
            assert status != 503 or int(headers["retry-after"]) > 0
            client.close()
    return status, echo.calls, echo


async def test_doors_of_one_installation_know_each_other() -> None:
    status, calls, _ = await asks(trust_by_tls(KEY), trust_by_tls(KEY))
    assert status == 200 and calls == ["GET /"]


@pytest.mark.parametrize(
    ("calls", "listens"),
    [(KEY, OTHER_KEY), (OTHER_KEY, KEY)],
)
async def test_doors_of_two_installations_do_not(calls: bytes, listens: bytes) -> None:
    status, reached, _ = await asks(trust_by_tls(calls), trust_by_tls(listens))
    assert status == 503 and reached == []


async def test_a_client_of_another_installation_is_not_heard() -> None:
    """It believes the server, so that only the server's look at it is left."""
    ours, other = DoorAuthority(KEY), DoorAuthority(OTHER_KEY)
    context = other.client_context()
    context.load_verify_locations(cadata=ours.certificate)
    trust = trust_by_tls(KEY)
    status, reached, _ = await asks(trust._replace(calls=context), trust)
    assert status == 503 and reached == []


@pytest.mark.parametrize("who", ["calls", "listens"])
async def test_a_certificate_whose_time_is_over_is_not_taken(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of ours ends; one that somebody has made with an end does."""
    trust = trust_by_tls(KEY)
    monkeypatch.setattr(certificates, "_END", datetime(2021, 1, 1))
    over = trust_by_tls(KEY)
    monkeypatch.undo()
    calls, listens = (over, trust) if who == "calls" else (trust, over)
    status, reached, _ = await asks(calls, listens)
    assert status == 503 and reached == []


async def test_with_tls_a_door_is_at_every_address_of_its_machine() -> None:
    """An address is no proof: whoever reaches it proves the installation."""
    echo = Echo()
    door = door_server(echo, None, trust_by_tls(KEY), host="0.0.0.0", port=0)
    door.start()
    try:
        for host in ("127.0.0.1", "127.0.0.9", socket.gethostname()):
            for key, is_ours in ((KEY, True), (OTHER_KEY, False)):
                lines = OwnerLines(trust_by_tls(key).calls)
                try:
                    if is_ours:
                        assert (await lines.make_line(f"{host}:{door.port}")).usable
                    else:
                        with pytest.raises(OSError):
                            await lines.make_line(f"{host}:{door.port}")
                finally:
                    lines.close()
    finally:
        await door.stop(0.2)
    assert echo.calls == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_nobody_is_heard_without_a_certificate_or_by_an_older_protocol(
    version: ssl.TLSVersion,
) -> None:
    echo, trust = Echo(), trust_by_tls(KEY)
    async with owner_door(echo, trust) as owner:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=DoorAuthority(KEY).certificate)
        context.maximum_version = version
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            client = await Client.to(owner, ssl=context, server_hostname=PEER_NAME)
            client.write(GET)
            await client.answer()
        plain = await Client.to(owner)
        plain.write(GET)
        assert b"HTTP" not in await plain.ended()
        await until(lambda: not len(owner.places), "the end of the connections")
    assert echo.calls == []


async def test_a_server_with_an_older_protocol_is_not_called() -> None:
    trust = trust_by_tls(KEY)
    assert trust.listens is not None
    trust.listens.minimum_version = ssl.TLSVersion.TLSv1_2
    trust.listens.maximum_version = ssl.TLSVersion.TLSv1_2
    status, reached, _ = await asks(trust_by_tls(KEY), trust)
    assert status == 503 and reached == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "door.example"])
async def test_without_tls_a_door_is_on_loopback_alone(host: str) -> None:
    trust = trust_on_loopback(KEY)
    with pytest.raises(Unusable, match="loopback"):
        door_server(Echo(), None, trust, host=host, port=0)
    with pytest.raises(Unusable, match="loopback"):
        await OwnerLines(trust.calls).make_line(f"{host}:7000")
    for local in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        door_server(Echo(), None, trust, host=local, port=0)


async def test_without_tls_a_head_is_sealed_by_the_installation() -> None:
    assert (await asks(trust_on_loopback(KEY), trust_on_loopback(KEY)))[0] == 200
    status, reached, _ = await asks(trust_on_loopback(OTHER_KEY), trust_on_loopback(KEY))
    assert status == 403 and reached == []


async def test_a_handshake_that_is_not_made_ends() -> None:
    async with owner_door(Echo(), trust_by_tls(KEY), bounds=Bounds(mute_s=0, head_s=0.3)) as owner:
        client = await Client.to(owner)
        assert await client.ended() == b""
        await until(lambda: not len(owner.places), "the end of the connection")
