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

from tidings.app.operator_files.operator_file import FileRefused, OperatorFile
from tidings.connections.port import ConnectionType
from tidings.core.connections.connection import NAME, Connection, Connections
from tidings.core.ids import OrgId
from tidings.core.webhooks.targets.kafka_topic import QUEUE_TOPIC, is_queue_topic
from tidings.core.webhooks.webhook_types import KAFKA, KINDS
from tidings.values import describe_value

_SENT_TO = [kind.connection for kind in KINDS.values() if kind.connection and kind.queue]


def load_connections(
    path: Path | None,
    types: Mapping[str, ConnectionType],
    environment: Mapping[str, str] = os.environ,
) -> Connections:
    """Read the connections that the operator's file declares; none without a file. `types`: what
    may be declared, by name. Raise FileRefused where one is wrong, or two are the default."""
    if path is None:
        return Connections()
    file = OperatorFile(path, "connections", environment)
    document = file.tables()
    defaults = [
        name
        for name, fields in document.items()
        if isinstance(fields, dict) and fields.get("default")
    ]
    if len(defaults) > 1:
        raise FileRefused(
            f"{path}: at most one connection must be the default; got {', '.join(defaults)}. "
            "Leave default out of the others."
        )
    declared: list[Connection] = []
    for name, fields in document.items():
        made = judge_connection(name, fields, types)
        if isinstance(made, list):
            raise file.wrong(name, made)
        declared.append(made)
    return Connections(declared, defaults[0] if defaults else None)


def judge_connection(
    name: str, declared_fields: object, types: Mapping[str, ConnectionType]
) -> Connection | list[str]:
    """Read the connection that a table declares; return all that is wrong with it, in sentences,
    where anything is."""
    if not NAME.fullmatch(name) or not isinstance(declared_fields, dict):
        return [_refused("must be a table whose name is 1 to 63 of a-z, 0-9 and -", name)]
    fields = dict(declared_fields)
    kind, orgs = fields.pop("type", None), fields.pop("orgs", [])
    if not isinstance(kind, str) or kind not in types:
        return [_refused(f"must have a type of {', '.join(types)}", kind)]
    wrong: list[str] = []
    if type(default := fields.pop("default", False)) is not bool:
        wrong.append(_refused("must have a default of true or false", default))
    elif default and kind not in _SENT_TO:
        wrong.append(_refused(f"must have a type of {', '.join(_SENT_TO)} to be the default", kind))
    elif (
        default
        and kind == KINDS[KAFKA].connection
        and not is_queue_topic(topic := fields.get(QUEUE_TOPIC))
    ):
        must = (
            f"must have a {QUEUE_TOPIC} to be the default, of a-z A-Z 0-9 . _ -, perhaps {{org}} "
            "and {webhook}"
        )
        wrong.append(_refused(must, topic))
    if orgs != "all" and not (
        isinstance(orgs, list) and all(type(org) is int and org > 0 for org in orgs)
    ):
        wrong.append(_refused('must have orgs that are "all" or a list of ids', orgs))
    wrong += [f"{fault}. Fix it." for fault in types[kind].faults(fields)]
    if wrong:
        return wrong
    return Connection(
        name,
        kind,
        fields,
        orgs=None
        if orgs == "all"
        else frozenset(map(OrgId, orgs if isinstance(orgs, list) else ())),
    )


def _refused(must: str, got: object) -> str:
    return f"{must}; got {describe_value(got)}. Fix it."
