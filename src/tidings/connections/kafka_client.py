"""A client of a Kafka cluster, and whether one can be had."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn

from tidings.connections.kafka_faults import down
from tidings.connections.kafka_login import login_of
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection

TIMEOUT_MS = 10_000
FAILURES = (errors.KafkaError, OSError, TimeoutError)
# In an outage it has dozens of lines a second to say; ours says what there is, once.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


async def connected(login: Mapping[str, Any], connection: str) -> AIOKafkaClient:
    """Return a client that has reached one broker and knows the others. Raise ConnectionDown, with
    the reason, if none lets us in."""
    client = AIOKafkaClient(**login, request_timeout_ms=TIMEOUT_MS)
    try:
        await client.bootstrap()
    except BaseException as error:
        await disconnect(client)
        if isinstance(error, FAILURES):
            raise down(await _why(login, error), connection) from error
        raise
    return client


async def disconnect(client: AIOKafkaClient) -> None:
    """Let go of all brokers. Raises nothing."""
    for line in [*client._conns.values()]:
        close_line(line)  # the client's own close ends at the first one that raises
    with contextlib.suppress(Exception):
        await client.close()


def close_line(line: AIOKafkaConnection) -> asyncio.Future[None] | None:
    """Close the connection to one broker; return what ends with it, if it is open. Raises nothing:
    a transport that the other side has closed a moment before raises RuntimeError."""
    with contextlib.suppress(Exception):
        return line.close()  # type: ignore[no-any-return]
    return None


async def probe(connection: Connection) -> None:
    """Check that one broker lets us in, and raise ConnectionDown if none does: brokers that lead
    other topics may be away."""
    await disconnect(await connected(login_of(connection), connection.name))


async def check(connection: Connection) -> None:
    """Check that every broker lets us in, at the address that the cluster gives for it. Raise
    ConnectionDown if one does not."""
    client = await connected(login_of(connection), connection.name)
    try:
        brokers = [broker.nodeId for broker in client.cluster.brokers()]
        silent = [broker for broker in brokers if not await client.ready(broker)]
    finally:
        await disconnect(client)
    if silent:
        raise ConnectionDown(
            f"The Kafka cluster of the connection {connection.name} must be reached at the "
            f"addresses that it tells of its brokers; {len(silent)} of {len(brokers)} do not "
            "answer there. Ask the operator to see to their advertised.listeners."
        )


async def _why(login: Mapping[str, Any], error: BaseException) -> BaseException:
    """Return a better reason than the client's, which says of several servers only that none
    answers: ask the first one."""
    login = dict(login)
    host, port, _ = collect_hosts(login.pop("bootstrap_servers"))[0]
    try:
        line = await create_conn(host, port, **login, request_timeout_ms=TIMEOUT_MS)
        line.close()
    except errors.KafkaConnectionError as why:
        # Who asks for a certificate of ours says so by closing the line after the handshake.
        if login.get("ssl_context") is not None and "closed" in str(why):
            return ssl.SSLError(str(why))
        error = why
    except FAILURES as why:
        return why
    return error
