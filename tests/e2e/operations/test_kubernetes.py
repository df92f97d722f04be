"""In a pod: with the variables that Kubernetes sets for a service called like ours."""

from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.operations.kubernetes_names import injected

from ..harness.fixtures import NewService
from ..harness.service import KEY, SECRET

LAST = (1 << 53) - 1  # the highest id that an org may have


def test_the_service_and_its_commands_run_beside_a_service_of_their_name(
    own_service: NewService, tmp_path: Path
) -> None:
    links = injected() | injected("TIDINGS_MAIL", "fd00::7", 25)
    given = ("env", *(f"{name}={value}" for name, value in links.items()))
    service = own_service(wrap=given, bootstrap_org=LAST).start()
    (line,) = [line for line in service.words().splitlines() if "TIDINGS_SERVICE_HOST" in line]
    assert all(name in line for name in links) and "enableServiceLinks: false" in line
    tidings = Command(
        tmp_path,
        TIDINGS_URL=f"http://127.0.0.1:{service.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
        **links,
    )
    # The first org has the last id of all, and others are made all the same.
    made = [tidings("orgs", "create", f"Org {n}", "--json").must(0).row["id"] for n in range(3)]
    with service.api() as api:
        made.append(api.send("POST", "/v1/orgs", {"name": "By the API"}).must(201)["id"])
    listed = [row["id"] for row in tidings("orgs", "list", "--json").must(0).rows]
    assert listed == sorted({*made, LAST}) and len(listed) == 5
    for words in (["webhooks", "list"], ["simulate", "--print", "--events", "1"], ["profiles"]):
        done = tidings(*words, TIDINGS_ORG=str(made[0])).must(0)
        assert "TIDINGS_SERVICE" not in done.err


@pytest.mark.parametrize("command", [["serve"], ["demo"], ["webhooks", "list"], ["simulate"]])
def test_a_wrong_variable_is_refused_beside_them(command: list[str], tmp_path: Path) -> None:
    done = Command(tmp_path, TIDINGS_PROT="9000", **injected())(*command).must(2)
    assert done.err == "TIDINGS_PROT is not a setting. Did you mean TIDINGS_PORT?\n"
