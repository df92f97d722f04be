"""What a connection of type kafka may say, and what is told without its extra. No broker."""

import re
import subprocess
import sys

import pytest
from aiokafka.client import AIOKafkaClient

from tests.sources.kafka.subject import MemoryPlaces
from tidings.connections.kafka_login import login_of
from tidings.connections.kafka_type import MECHANISMS, SECURITIES
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.sources.source import KafkaTopics, Source
from tidings.core.sources.source_types import KAFKA
from tidings.sources.kafka.driver import KafkaDriver

SASL = {"servers": "k", "security": "sasl_ssl", "username": "tidings", "password": "s3cret"}


def connection(**fields: object) -> Connection:
    return Connection("main", KAFKA, fields)


def test_files_that_do_not_fit_are_told_without_what_is_in_them() -> None:
    with pytest.raises(ConnectionDown, match="as PEM files that fit") as down:
        login_of(connection(**SASL | {"ca": "/no/s3cret.pem"}))
    assert "s3cret" not in str(down.value)


def test_the_fields_of_a_connection_are_those_of_the_client() -> None:
    made = dict(login_of(connection(**SASL | {"servers": "a:1, b:2", "mechanism": "PLAIN"})))
    assert made.pop("ssl_context").check_hostname
    assert made == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "tidings",
        "sasl_plain_password": "s3cret",
    }
    assert login_of(connection(servers="a"))["security_protocol"] == "PLAINTEXT"


@pytest.mark.parametrize("security", SECURITIES)
@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_the_client_takes_each_security_with_each_mechanism(
    security: str, mechanism: str
) -> None:
    fields = SASL | {"security": security, "mechanism": mechanism}
    made = login_of(connection(**fields))
    assert made["security_protocol"] == security.upper()
    assert ("ssl_context" in made) is security.endswith("ssl")
    logs_in = {name: value for name, value in made.items() if name.startswith("sasl_")}
    assert list(logs_in.values()) == (
        [mechanism, "tidings", "s3cret"] if security.startswith("sasl") else []
    )
    AIOKafkaClient(**made)


async def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    for name in [module for module in sys.modules if module.startswith("tidings.sources.kafka.")]:
        monkeypatch.delitem(sys.modules, name)
    source = Source("events", KAFKA, connection="main", kafka=KafkaTopics(("events",)))
    how = 'pip install "$(ls dist/tidings-*.whl)[kafka]"'
    with pytest.raises(ConnectionDown, match=re.escape(how)):
        await KafkaDriver(MemoryPlaces(), "").open(source, connection(servers="a"), 1)


def test_the_client_is_imported_by_a_source_alone() -> None:
    code = (
        "import sys; from tidings.app import drivers, service; "
        "assert 'kafka' in drivers.source_drivers(None, ''); assert 'aiokafka' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
