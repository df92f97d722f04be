"""The client libraries of the operator's connections, imported before anybody is served.

Drivers import them when they are first used, so that a service without such a connection needs
none of them. That runs for up to 70 ms, in which the event loop would stand still for everybody;
so what the declared connections need is imported at the start, in a thread.
"""

import asyncio
import importlib
from collections.abc import Iterable

import structlog

from tidings.connections import kafka_type, outbox_type, smtp_type, sql_type

MODULES = {
    kafka_type.TYPE.name: (
        "tidings.connections.kafka_client",
        "tidings.destinations.kafka.producer",
        "tidings.sources.kafka.opening",
    ),
    outbox_type.TYPE.name: (
        "tidings.connections.postgresql_dialling",
        "tidings.sources.outbox.opening",
    ),
    smtp_type.TYPE.name: ("tidings.connections.smtp_session",),
    sql_type.TYPE.name: (
        "tidings.connections.postgresql_dialling",
        "tidings.connections.postgresql_lines",
        "tidings.destinations.sql.channel",
        "tidings.lookups.sql",
    ),
}
"""By the type of connections: the modules that import its client library."""

log = structlog.get_logger(__name__)


async def import_clients(kinds: Iterable[str]) -> None:
    """Import all that connections of these types need, in a thread.

    What is not installed is left out: whoever uses such a connection is told so.
    """
    names = sorted({name for kind in kinds for name in MODULES[kind]})
    if names:
        await asyncio.to_thread(_import_all, names)


def _import_all(names: Iterable[str]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # told by name where it is used
        except Exception as error:  # of the library; no reason not to start
            log.warning("a client library fails", module=name, reason=repr(error))
