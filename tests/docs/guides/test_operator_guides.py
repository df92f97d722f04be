"""The guides that an operator follows are followed as they are written, beside services of their
own."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.chosen_store import on_postgres
from tests.docs.guides.follower import Follower
from tests.docs.guides.guide_page import DOCS, commands_of, text_of
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess, free_port

OperatorOf = Callable[[ServiceProcess], Follower]
# Not typed: what installs, and what a machine with systemd has.
PASSED_OVER = ("make ", "pip install ", "sudo ")
of_a_directory = pytest.mark.skipif(on_postgres(), reason="it is about a data directory")


def test_a_brand_gets_its_portal(own_service: NewService, operator: OperatorOf) -> None:
    operator(own_service().start()).follow(text_of("operate/give-a-brand-its-portal"))


@of_a_directory
def test_a_copy_is_made_and_restored_and_nothing_is_sent_twice(
    own_service: NewService, operator: OperatorOf, tmp_path: Path
) -> None:
    service = own_service(data=tmp_path / "data").start()
    follower = operator(service)
    follower.environ |= {
        "TIDINGS_PORT": str(service.port),
        "TIDINGS_DEV": "true",
        "TIDINGS_BOOTSTRAP_ORG": str(ORG),
        "TIDINGS_BOOTSTRAP_KEY": KEY,
        "TIDINGS_BOOTSTRAP_SECRET": SECRET,
    }
    follower.places = {
        "/var/lib/tidings": str(service.data),
        "/var/lib/tidings-new": str(tmp_path / "new"),
        "/mnt/backup": str(tmp_path),
    }
    follower.follow(
        text_of("operate/back-up-and-restore"), before={"tidings restore": service.stop}
    )


@of_a_directory
def test_a_release_is_replaced_behind_a_backup(
    own_service: NewService, operator: OperatorOf, tmp_path: Path
) -> None:
    service = own_service(data=tmp_path / "data").start()
    follower = operator(service)
    follower.places = {"/var/lib/tidings": str(service.data), "/mnt/backup": str(tmp_path)}
    follower.type("tidings actions init hello")
    restart = {"tidings doctor": lambda: (service.stop(), service.start())}
    follower.follow(text_of("operate/upgrade"), PASSED_OVER, restart)


@of_a_directory
def test_a_second_cell_takes_an_org(
    own_service: NewService, operator: OperatorOf, tmp_path: Path
) -> None:
    service = own_service(data=tmp_path / "data").start()
    with service.api() as api:
        org = api.send("POST", "/v1/orgs", {"name": "Acme"}).must(201)["id"]
    follower = operator(service)
    follower.output = f"org  {org}\n"
    follower.places = {"/var/lib/tidings": str(service.data)}
    changes = {"sudo systemctl stop": service.stop, "sudo systemctl start": service.start}
    follower.follow(text_of("operate/scale-out-with-cells"), PASSED_OVER, changes)


def test_prometheus_reads_the_metrics(own_service: NewService, operator: OperatorOf) -> None:
    service = own_service(dev=False).start()
    follower = operator(service)

    def set_token() -> None:
        token = (follower.directory / "events-token").read_text("utf-8").strip()
        service.settings["metrics_token"] = token
        service.stop()
        service.start()

    text = text_of("operate/monitor-with-prometheus")
    follower.follow(text, before={"curl": set_token})
    assert follower.typed[-1].startswith("curl")
    shown = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    assert shown["scrape_configs"][0]["authorization"]["type"] == "Bearer"


def test_events_are_read_from_kafka(
    own_service: NewService,
    operator: OperatorOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a cluster: what is declared, the source and its preview. tests/sources has more."""
    text = text_of("send/read-events-from-kafka")
    before, _, after = text.partition("```toml\n")
    assert "Save this as `connections.toml`" in before
    declared = tmp_path / "declared.toml"
    declared.write_text(after.partition("```")[0], "utf-8")
    monkeypatch.setenv("KAFKA_PASSWORD", "of-nobody")
    service = own_service(connections=declared).start()
    operator(service).follow(text, ("tidings connections check",))


def test_a_mail_is_sent_by_an_action(
    own_service: NewService, operator: OperatorOf, tmp_path: Path
) -> None:
    service = own_service(bootstrap_org=100001)
    follower = operator(service)
    file = tmp_path / "hello/actions.toml"
    follower.places = {"2525": str(free_port())}

    def own_mail_server() -> None:
        text = file.read_text("utf-8")
        assert "port = 2525" in text
        file.write_text(text.replace("2525", follower.places["2525"]), "utf-8")

    def serve() -> None:
        service.settings["actions"] = file
        service.start()

    text = text_of("act/send-mails-and-messages")
    assert _toml_of(text) in (DOCS.parent / "examples/hello/actions.toml").read_text("utf-8")
    changes = {"python -m aiosmtpd": own_mail_server, "tidings actions run": serve}
    follower.follow(text, ("tidings actions run",), changes)
    assert "Subject: Welcome" in follower.beside()


def _toml_of(text: str) -> str:
    return text.partition("```toml\n")[2].partition("```")[0]


def test_the_commands_for_systemd_are_those_of_the_page_on_running() -> None:
    """tests/e2e/operations holds the unit and that page against the program."""
    page = (DOCS / "running.md").read_text("utf-8").replace("\\\n", " ")
    commands = commands_of(text_of("operate/run-with-systemd"))
    assert len(commands) == 10
    assert [command for command in commands if f"$ {command}\n" not in page] == []


COMMANDS_OF_POSTGRESQL = (DOCS / "postgresql.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["operate/run-with-compose", "operate/run-on-kubernetes"])
def test_the_commands_for_containers_are_those_of_the_page_on_postgresql(name: str) -> None:
    """No engine is at hand: tests/deploy compares that page and its files with the program."""
    own = ("curl ", "kubectl logs", "kubectl run", "kubectl rollout", "docker push")
    for command in commands_of(text_of(name)):
        known = command.replace("registry.example/", "")
        assert command.startswith(own) or f"$ {known}\n" in COMMANDS_OF_POSTGRESQL, command
