"""The operator's connections, read from their file at the start.

[main]
type = "kafka"
orgs = "all"              # or a list of ids; left out: the platform alone
default = true            # what webhooks of the type QUEUE_INT are told by; one at most
topic = "crm.{org}"       # and where, of a default one
servers = "kafka-1:9092"
password = "${KAFKA_PASSWORD}"
"""

import os
from collections.abc import Mapping
from pathlib import Path

from tidings.app.operator_file import FileRefused, OperatorFile
from tidings.connections.port import ConnectionType
from tidings.core.connections.connection import NAME, Connection, Connections
from tidings.core.ids import OrgId
from tidings.core.webhooks.kafka_topic import QUEUE_TOPIC, is_queue_topic
from tidings.core.webhooks.kinds import KAFKA, KINDS

_SENT_TO = [kind.connection for kind in KINDS.values() if kind.connection and kind.queue]


def load_connections(
    path: Path | None,
    types: Mapping[str, ConnectionType],
    environment: Mapping[str, str] = os.environ,
) -> Connections:
    """`types`: what may be declared, by name. FileRefused."""
    if path is None:
        return Connections()
    file = OperatorFile(path, "connections", environment)
    document = file.tables()
    defaults = [
        name for name, said in document.items() if isinstance(said, dict) and said.get("default")
    ]
    if len(defaults) > 1:
        raise FileRefused(
            f"{path}: at most one connection must be the default; got {', '.join(defaults)}. "
            "Leave default out of the others."
        )
    declared = [_connection(file, name, said, types) for name, said in document.items()]
    return Connections(declared, defaults[0] if defaults else None)


def _connection(
    file: OperatorFile, name: str, said: object, types: Mapping[str, ConnectionType]
) -> Connection:
    def refused(must: str, got: object) -> FileRefused:
        return file.refused(name, must, got)

    if not NAME.fullmatch(name) or not isinstance(said, dict):
        raise refused("must be a table whose name is 1 to 63 of a-z, 0-9 and -", name)
    fields = dict(said)
    kind, orgs = fields.pop("type", None), fields.pop("orgs", [])
    if not isinstance(kind, str) or kind not in types:
        raise refused(f"must have a type of {', '.join(types)}", kind)
    if type(default := fields.pop("default", False)) is not bool:
        raise refused("must have a default of true or false", default)
    if default and kind not in _SENT_TO:
        raise refused(f"must have a type of {', '.join(_SENT_TO)} to be the default", kind)
    if default and kind == KINDS[KAFKA].connection and not is_queue_topic(fields.get(QUEUE_TOPIC)):
        raise refused(
            f"must have a {QUEUE_TOPIC} to be the default, of a-z A-Z 0-9 . _ -, perhaps {{org}} "
            "and {webhook}",
            fields.get(QUEUE_TOPIC),
        )
    if orgs != "all" and not (
        isinstance(orgs, list) and all(type(one) is int and one > 0 for one in orgs)
    ):
        raise refused('must have orgs that are "all" or a list of ids', orgs)
    if faults := types[kind].faults(fields):
        raise file.wrong(name, [f"{'; '.join(faults)}. Mend it."])
    return Connection(
        name,
        kind,
        fields,
        None if orgs == "all" else frozenset(map(OrgId, orgs if isinstance(orgs, list) else ())),
    )
