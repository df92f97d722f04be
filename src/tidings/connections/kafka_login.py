"""How a Kafka cluster is reached: the fields of a connection, as the client library takes them."""

import ssl
from collections.abc import Mapping
from typing import Any

from tidings.connections.kafka_type import MECHANISMS, SECURITIES
from tidings.connections.port import ConnectionDown
from tidings.core.connections.admitted import TOPICS
from tidings.core.connections.connection import Connection


def login_of(connection: Connection) -> Mapping[str, Any]:
    """Build the settings that every client of the connection is made with. ConnectionDown; no text
    has a value in it, for tenants read it."""
    fields = {name: str(field) for name, field in connection.fields.items() if name != TOPICS}
    security = fields.get("security", SECURITIES[0])
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in fields["servers"].split(",")],
        "security_protocol": security.upper(),
    }
    if security.startswith("sasl"):
        options |= {
            "sasl_mechanism": fields.get("mechanism", MECHANISMS[0]),
            "sasl_plain_username": fields["username"],
            "sasl_plain_password": fields["password"],
        }
    if security.endswith("ssl"):
        try:
            options["ssl_context"] = _tls(fields)
        except (OSError, ValueError):  # what is wrong of a file may have some of it in its words
            raise ConnectionDown(
                f"The connection {connection.name} must name ca, certificate and key as PEM files "
                "that fit; it does not. Ask the operator to mend it."
            ) from None
    return options


def _tls(fields: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=fields.get("ca"))
    if "certificate" in fields:
        context.load_cert_chain(fields["certificate"], fields.get("key"))
    return context
