"""Connections that an operator has declared, for services in process: nothing is reached."""

from tidings.connections import kafka_type, outbox_type
from tidings.connections.port import ConnectionDown, ConnectionType
from tidings.core.connections.connection import Connection, Connections
from tidings.core.ids import OrgId

SECRET = "5ecret-of-the-broker"
SERVERS = "kafka-1.internal:9092"
_FIELDS = {"servers": SERVERS, "username": "tidings", "password": SECRET}


def _of(name: str, *orgs: int) -> Connection:
    return Connection(name, "kafka", _FIELDS, frozenset(map(OrgId, orgs)))


CONNECTIONS = Connections(
    [
        Connection("main", "kafka", _FIELDS, None),
        Connection("broken", "outbox", {"dsn": f"postgresql://x:{SECRET}@db.internal/x"}, None),
        _of("own"),
        # Of each org that tests have, by the mark of its names.
        _of("acme-kafka", 2001),
        _of("alfa-kafka", 2001),
        _of("bravo-kafka", 3001),
    ],
)


async def _works(connection: Connection) -> None:
    pass


async def _broken(connection: Connection) -> None:
    raise ConnectionDown("The database of connection broken must answer; it does not. Wait.")


TYPES = {
    "kafka": ConnectionType("kafka", "A cluster.", kafka_type.FIELDS, _works, _works),
    "outbox": ConnectionType("outbox", "A database.", outbox_type.TYPE.fields, _broken, _broken),
}
