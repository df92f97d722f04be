"""How a test signs in to the Kafka server."""

from tests.sources.kafka.server import SCRAM, KafkaServer


def login(server: KafkaServer, user: tuple[str, str], **fields: str) -> dict[str, str]:
    name, password = user
    return {
        "servers": f"127.0.0.1:{server.sasl_port}",
        "security": "sasl_plaintext",
        "mechanism": SCRAM,
        "username": name,
        "password": password,
    } | fields
