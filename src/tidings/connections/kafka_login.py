"""How a Kafka cluster is reached: the fields of a connection, as the client library takes them.

[main]
type = "kafka"
servers = "kafka-1:9092,kafka-2:9092"
security = "sasl_ssl"           # plaintext, ssl, sasl_plaintext, sasl_ssl
mechanism = "SCRAM-SHA-512"     # PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
username = "tidings"
password = "${KAFKA_PASSWORD}"
ca = "/etc/kafka/ca.pem"        # of the servers; left out: the system's
certificate = "/etc/kafka/tidings.pem"
key = "/etc/kafka/tidings.key"
topics = ["loyalty.*"]          # that sources may read; left out: all
"""

import ssl
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tidings.connections.port import ConnectionDown
from tidings.core.connections import Connection

SECURITIES = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
TOPICS = "topics"
TEXTS = ("servers", "security", "mechanism", "username", "password", "ca", "certificate", "key")


def login_of(connection: Connection) -> Mapping[str, Any]:
    """What every client of the connection is made with. ConnectionDown; no text has a value in it,
    for tenants read it."""
    fields = {name: one for name, one in connection.fields.items() if name != TOPICS}

    def wrong(must: str) -> ConnectionDown:
        return ConnectionDown(
            f"The connection {connection.name} {must}; it does not. Ask the operator to mend it."
        )

    if strange := sorted(fields.keys() - set(TEXTS)):
        raise wrong(
            f"must have fields of {', '.join((*TEXTS, TOPICS))} alone, and not {', '.join(strange)}"
        )
    if bad := [name for name, value in fields.items() if not (isinstance(value, str) and value)]:
        raise wrong(f"must have a text as its {', '.join(bad)}")
    said = {name: str(value) for name, value in fields.items()}
    if "servers" not in said:
        raise wrong("must name its servers")
    security = said.get("security", "plaintext")
    if security not in SECURITIES:
        raise wrong(f"must have a security of {', '.join(SECURITIES)}")
    options: dict[str, Any] = {
        "bootstrap_servers": [one.strip() for one in said["servers"].split(",")],
        "security_protocol": security.upper(),
    }
    if security.startswith("sasl"):
        mechanism = said.get("mechanism", "PLAIN")
        if mechanism not in MECHANISMS:
            raise wrong(f"must have a mechanism of {', '.join(MECHANISMS)}")
        if not {"username", "password"} <= said.keys():
            raise wrong(f"must have a username and a password for {security}")
        options |= {
            "sasl_mechanism": mechanism,
            "sasl_plain_username": said["username"],
            "sasl_plain_password": said["password"],
        }
    if security.endswith("ssl"):
        try:
            options["ssl_context"] = _tls(said)
        except (OSError, ValueError):  # what is wrong of a file may have some of it in its words
            raise wrong("must name ca, certificate and key as PEM files that fit") from None
    return options


def check_topics(connection: Connection, topics: Sequence[str]) -> None:
    """ConnectionDown where the connection is for other topics."""
    allowed = connection.fields.get(TOPICS)
    if allowed is None:
        return
    patterns = allowed if isinstance(allowed, list) else []
    for topic in topics:
        if not any(isinstance(one, str) and fnmatchcase(topic, one) for one in patterns):
            raise ConnectionDown(
                f"The topic {topic} must be one that the connection {connection.name} is for; it "
                f"is not. Ask the operator to add it to its {TOPICS}."
            )


def _tls(said: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=said.get("ca"))
    if "certificate" in said:
        context.load_cert_chain(said["certificate"], said.get("key"))
    return context
