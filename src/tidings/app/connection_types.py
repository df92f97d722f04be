"""The types of connections that there are: a module of `connections/` each, named here.

Add a type here; the rest follows.
"""

from tidings.connections import kafka_type, outbox_type, smtp_type, sql_type
from tidings.connections.port import ConnectionType

# What the operator may declare, by the name of its type.
CONNECTION_TYPES: dict[str, ConnectionType] = {
    connection_type.name: connection_type
    for connection_type in (kafka_type.TYPE, outbox_type.TYPE, smtp_type.TYPE, sql_type.TYPE)
}
