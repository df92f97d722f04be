"""What the processes of the service get of its secrets: nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ..harness.service import ServiceProcess
from ..harness.store.database import key_file
from ..harness.until import until

SECRETS = {
    "TIDINGS_MAIL_PASSWORD": "Sentinel-mail",
    "TIDINGS_METRICS_TOKEN": "Sentinel-metrics-token",
    "TIDINGS_BOOTSTRAP_SECRET": "s3cret-of-the-tests",
    "KAFKA_PASSWORD": "Sentinel-kafka",  # of the file of connections
    "CALL_TOKEN": "Sentinel-of-a-call",  # of the file of actions
    "AWS_SECRET_ACCESS_KEY": "Sentinel-of-the-machine",
    "PYTHON_SECRET": "Sentinel-like-one-of-pythons",
    "LC_SECRET": "Sentinel-like-one-of-locales",
}
CONNECTIONS = """
[main]
type = "kafka"
servers = "kafka:9092"
security = "sasl_ssl"
username = "tidings"
password = "${KAFKA_PASSWORD}"
"""
ACTIONS = """
org = 2001
[credentials.api]
type = "bearer"
token = "${CALL_TOKEN}"
[actions.call]
types = ["customerAdded"]
[actions.call.call]
url = "https://api.example/v1"
credential = "api"
json = {}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One that the system has started, with secrets wherever an operator can have them."""
    place = tmp_path_factory.mktemp("secrets")
    (place / "connections.toml").write_text(CONNECTIONS)
    (place / "actions.toml").write_text(ACTIONS)
    made = ServiceProcess(
        place / "store",
        wrap=("env", *(f"{name}={value}" for name, value in SECRETS.items())),
        dev=False,
        connections=place / "connections.toml",
        actions=place / "actions.toml",
        mail_host="mail.brand.example",
        mail_from="tidings@brand.example",
        mail_user="tidings",
    )
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture(scope="module")
def children(service: ServiceProcess) -> list[psutil.Process]:
    """All of them: those of the store, and those that run templates."""
    with service.api(2001) as api:
        api.send("POST", "/v1/transformations", {"name": "slip", "template": "{}"}).must(201)

    def there() -> list[psutil.Process] | None:
        found = psutil.Process(service.pid).children(recursive=True)
        lines = " ".join(" ".join(child.cmdline()) for child in found)
        roles = (" write ", " read ", "tidings.transform.worker")
        return found if all(role in lines for role in roles) else None

    return until(there, "the processes of the store and of templates") or []


def test_no_child_has_a_secret_in_its_environment_or_on_its_command_line(
    children: list[psutil.Process],
) -> None:
    for child in children:
        environment = child.environ()
        held = {
            value
            for secret in SECRETS.values()
            for value in environment.values()
            if secret in value
        }
        assert not held and not SECRETS.keys() & environment.keys(), environment.keys()
        assert not [name for name in environment if name.startswith("TIDINGS_")]
        assert environment["PATH"] == os.environ["PATH"]
        line = " ".join(child.cmdline())
        assert not [secret for secret in SECRETS.values() if secret in line]


def test_no_child_holds_a_file_of_secrets_open(
    service: ServiceProcess, children: list[psutil.Process]
) -> None:
    key = key_file(service.data)
    assert key.exists()
    for process in (psutil.Process(service.pid), *children):
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            target = os.readlink(descriptor)
            assert target != str(key) and not target.endswith(".toml"), (process.cmdline(), target)


def test_no_line_of_the_log_has_a_secret(
    service: ServiceProcess, children: list[psutil.Process]
) -> None:
    said = service.log.read_text("utf-8", "replace")
    assert not [secret for secret in SECRETS.values() if secret in said]
