"""Connections of type `kafka`: a cluster. The client library is imported when one is used."""

from collections.abc import Iterator, Mapping

from tidings.connections.port import ConnectionType, comes_with
from tidings.core.connections.admitted import TOPICS
from tidings.core.connections.connection import Connection
from tidings.core.connections.fields import ConnectionField
from tidings.core.webhooks.targets.kafka_topic import PUBLISHES, QUEUE_TOPIC

EXTRA = "kafka"
SECURITIES = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
FIELDS = (
    ConnectionField(
        "servers",
        "Brokers that are asked first, `host:port`, separated by commas",
        required=True,
        shown=True,
    ),
    ConnectionField(
        "security",
        "Whether by TLS, and whether with a user",
        words=SECURITIES,
        usual=SECURITIES[0],
        shown=True,
    ),
    ConnectionField(
        "mechanism",
        "Of SASL: how the password is proved",
        words=MECHANISMS,
        usual=MECHANISMS[0],
        shown=True,
    ),
    ConnectionField("username", "Of SASL", shown=True),
    ConnectionField("password", "Of SASL"),
    ConnectionField(
        "ca",
        "A PEM file: who signs the certificates of the brokers",
        usual="the system's",
        shown=True,
    ),
    ConnectionField("certificate", "A PEM file: ours, where the cluster asks for one", shown=True),
    ConnectionField("key", "A PEM file: its key", usual="in the same file", shown=True),
    ConnectionField(
        TOPICS,
        "The topics that sources may read: `*` stands for any signs, `{org}` for the number of the "
        "source's org",
        what="texts",
        usual="all",
        shown=True,
    ),
    ConnectionField(
        PUBLISHES,
        "The topics that webhooks may write to: `*` stands for any signs, `{org}` for the number "
        "of the webhook's org",
        what="texts",
        usual="all",
        shown=True,
    ),
    ConnectionField(
        QUEUE_TOPIC,
        "Where webhooks of the type QUEUE_INT write, if it is the default: `{org}` and `{webhook}` "
        "stand for the org's number and the webhook's id",
        shown=True,
    ),
)


def _together(fields: Mapping[str, object]) -> Iterator[str]:
    security = str(fields.get("security", ""))
    for name in ("username", "password"):
        if security.startswith("sasl") and name not in fields:
            yield f"{name} must be set for the security {security}; got nothing"


async def _check(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.kafka_client import check  # noqa: PLC0415
    await check(connection)


async def _probe(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.kafka_client import probe  # noqa: PLC0415
    await probe(connection)


TYPE = ConnectionType(
    "kafka", "A Kafka cluster.", FIELDS, check=_check, probe=_probe, extra=EXTRA, together=_together
)
