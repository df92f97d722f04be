"""The compose file: its settings, names, files and ports are those of the program."""

import re
from typing import Any

import pytest

from tests.deploy.deployed import BALANCER_PORTS, COMPOSE, PROCESSES, ROOT, STOP_S
from tidings import __version__
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.settings import ENVIRONMENT

SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name in SERVICES if name.startswith("tidings-"))
PAGE = (ROOT / "docs/postgresql.md").read_text("utf-8")
ROLES = (ROOT / "deploy/roles.sql").read_text("utf-8")


def seconds(text: str) -> int:
    """Read a time of the file."""
    return int(text.removesuffix("s"))


def test_two_serve_with_all_the_same_and_a_directory_of_their_own() -> None:
    assert OURS == [f"tidings-{number}" for number in range(PROCESSES)]
    first, second = (dict(SERVICES[name]) for name in OURS)
    volumes = [service.pop("volumes") for service in (first, second)]
    networks = [service.pop("networks") for service in (first, second)]
    for name, service in zip(OURS, (first, second), strict=True):
        service["environment"] = variables = dict(service["environment"])
        peers = SERVICES["balancer"]["environment"]["PEERS"]
        assert variables.pop("TIDINGS_DOOR_ADDRESS") == f"{name}.{peers}"
    assert first == second and volumes[0] != volumes[1]
    for name, network in zip(OURS, networks, strict=True):
        peers = SERVICES["balancer"]["environment"]["PEERS"]
        assert network == {"inside": {"aliases": [f"{name}.{peers}"]}}
    assert {volume.split(":")[0] for [volume] in volumes} <= COMPOSE["volumes"].keys()
    assert "command" not in first, "the image's own: serve on its port"


def test_who_is_told_to_stop_has_the_time_that_a_stop_can_take() -> None:
    for name in OURS:
        assert seconds(SERVICES[name]["stop_grace_period"]) > STOP_S
        assert SERVICES[name]["restart"] == "unless-stopped", "who lost the store starts again"


@pytest.mark.parametrize("name", [*OURS, "migrate"])
def test_its_variables_are_settings_and_its_secrets_are_files(name: str) -> None:
    service = SERVICES[name]
    variables = service["environment"]
    assert variables.keys() <= {*ENVIRONMENT}
    assert service["image"] == f"tidings:{__version__}"
    assert service["build"]["args"] == {"EXTRAS": "postgres"}
    database = DatabaseUri(variables["TIDINGS_DATABASE"])
    files = {
        f"/run/secrets/{secret['target'] if isinstance(secret, dict) else secret}"
        for secret in service["secrets"]
    }
    passfile = re.findall(r"[?&]passfile=([^&]+)", variables["TIDINGS_DATABASE"])
    assert not database.has_password
    assert {*passfile, variables.get("TIDINGS_MASTER_KEY_FILE", passfile[0])} == files


def test_its_roles_are_those_that_are_made_and_the_tables_come_first() -> None:
    made = set(re.findall(r"CREATE ROLE (\w+) ", ROLES))
    used = {
        re.findall(
            r"//(\w+)@database/tidings\?", SERVICES[name]["environment"]["TIDINGS_DATABASE"]
        )[0]
        for name in (*OURS, "migrate")
    }
    assert used == made == {"tidings_owner", "tidings"}
    assert "ENCODING ''UTF8'' TEMPLATE template0" in ROLES
    assert SERVICES["migrate"]["command"] == ["migrate", "--serve-role", "tidings"]
    chain = ["tidings-0", "migrate", "roles", "database"]
    for name, needed in zip(chain, chain[1:], strict=False):
        [(before, condition)] = SERVICES[name]["depends_on"].items()
        ended = "service_healthy" if needed == "database" else "service_completed_successfully"
        assert (before, condition) == (needed, {"condition": ended})


def test_each_secret_is_a_file_that_the_page_makes_and_git_leaves_out() -> None:
    used = {
        secret["source"] if isinstance(secret, dict) else secret
        for service in SERVICES.values()
        for secret in service.get("secrets", [])
    }
    assert used == COMPOSE["secrets"].keys()
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert f"> {name}" in PAGE
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert set(re.findall(r"/run/secrets/([\w.]+)", ROLES)) <= set(SERVICES["roles"]["secrets"])


def test_the_balancer_is_the_only_one_that_is_reached_and_it_is_trusted() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"balancer"}
    [port] = published["balancer"]
    assert port.startswith("127.0.0.1:") and int(port.split(":")[-1]) in BALANCER_PORTS
    assert SERVICES["balancer"]["volumes"] == [
        "./balancer.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"
    ]
    [network] = COMPOSE["networks"]["inside"]["ipam"]["config"]
    for name in OURS:
        assert SERVICES[name]["environment"]["TIDINGS_TRUSTED_PROXIES"] == network["subnet"]
