"""Whether a cluster can be used, against a real one: let in at every broker, or told why not."""

import sys

import pytest
from aiokafka.client import AIOKafkaClient

from tests.sources.kafka.logins import login
from tests.sources.kafka.server import ALICE, KafkaServer
from tidings.connections.kafka_type import TYPE
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection

pytestmark = pytest.mark.systems


async def check(fields: dict[str, str]) -> None:
    assert TYPE.faults(fields) == []
    await TYPE.check(Connection("main", TYPE.name, fields))


async def refusal(fields: dict[str, str]) -> str:
    with pytest.raises(ConnectionDown) as down:
        await check(fields)
    said = str(down.value)
    assert "connection main must" in said
    for secret in ("5ecret", "127.0.0.1", ALICE[0]):
        assert secret not in said
    return said


async def test_a_cluster_that_lets_us_in_works(server: KafkaServer) -> None:
    await check({"servers": f"127.0.0.1:1,{server.servers}"})
    await check(login(server, ALICE))
    tls = {"servers": f"127.0.0.1:{server.tls_port}", "security": "ssl"}
    await check(tls | {"ca": str(server.ca)})
    assert "certificates that fit" in await refusal(tls)


async def test_why_it_does_not_is_told(
    server: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "it refused them" in await refusal(login(server, (ALICE[0], "a-wrong-5ecret")))
    assert "nobody listens at the port" in await refusal({"servers": "127.0.0.1:1"})
    assert "has no address" in await refusal({"servers": "broker.invalid:1"})

    async def silent(client: object, node: object) -> bool:
        return False

    monkeypatch.setattr(AIOKafkaClient, "ready", silent)
    said = await refusal({"servers": server.servers})
    assert "1 of 1 do not answer there" in said and "advertised.listeners" in said


async def test_without_the_client_it_is_said_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tidings.connections.kafka_client", None)
    with pytest.raises(ConnectionDown, match=r"pip install .*\[kafka\]"):
        await check({"servers": "127.0.0.1:1"})
