"""What the operator's files declare, with real processes: in force in the cell of the org that they
name, after a plain start."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.app.cells.map_place import open_map_rows
from tidings.core.cells.cell_map import CellOwner

from ...e2e.harness.fixtures import NewService
from .by_hand import (
    SECOND_CELL,
    make_two_cells,
    on_a_database,
    on_directories,
    owners,
    placed,
)
from .hosted import all_owned, workers

pytestmark = pytest.mark.systems
VALUE = "a value that is long"
SOURCE = """
[shop-{org}]
org = {org}
verification = {{type = "header", header = "X-Key", value = "{value}"}}
"""
ACTIONS = """
org = {org}

[actions.credits]
types = ["pointsIssued"]
[actions.credits.call]
url = "{url}"
"""


def platform(host: ServiceProcess, org: int | None = None) -> Api:
    return Api(host.port, f"{KEY}:{SECRET}", org, seconds=PATIENCE_S)


def org_in_the_second_cell(host: ServiceProcess) -> int:
    """Make orgs until one is there."""
    while True:
        with platform(host) as api:
            reply = api.send("POST", "/v1/orgs", {"name": "far"})
        if reply.status == 503:  # a cell has not said yet what opens its orgs
            continue
        made: int = reply.must(201)["id"]
        if placed(host.data).get(made) == SECOND_CELL:
            return made


def test_sources_and_actions_are_in_force_in_the_cell_of_their_org(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    sources, actions = tmp_path / "sources.toml", tmp_path / "actions.toml"
    host = own_service(sources=sources, actions=actions)
    make_two_cells(on_directories(host.data))
    sources.write_text("")
    path = receiver.path()
    url = receiver.url(path)
    actions.write_text(ACTIONS.format(org=ORG, url=url))
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    assert placed(host.data)[ORG] == FIRST_CELL
    far = org_in_the_second_cell(host)
    assert host.stop() == 0

    # A plain edit and a start: nothing is asked of the operator.
    orgs = (ORG, far)
    sources.write_text("".join(SOURCE.format(org=org, value=VALUE) for org in orgs))
    actions.write_text(ACTIONS.format(org=far, url=url))
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    for org in orgs:
        with platform(host, org) as api:
            sent = api.call("POST", f"/in/{org}/shop-{org}", bare(), {"X-Key": VALUE})
            assert sent.must(202)["accepted"] == 1
            [credits] = api.get("/v1/actions").must(200)["actions"]
            assert credits["standing"] == ("disabled" if org == ORG else "active")
    receiver.wait(path, 1)
    assert host.stop() == 0

    # An org that is in no cell is an error of the file, as ever; the other cell serves.
    sources.write_text(SOURCE.format(org=99_999, value=VALUE))
    host.launch()
    until(lambda: re.search(r"\[shop-99999\] org must be", host.words()), "the refusal")


def test_a_machine_with_other_files_takes_no_cell_until_these_are_put_in_force(
    own_service: NewService, tmp_path: Path
) -> None:
    settings = on_a_database(tmp_path / "data")
    assert settings.database is not None and settings.master_key_file is not None
    make_two_cells(settings)
    connections = tmp_path / "connections.toml"
    connections.write_text('[main]\ntype = "kafka"\nservers = "a.example:9092"\n')
    given = {
        "database": settings.database.reveal(),
        "master_key_file": settings.master_key_file,
        "connections": connections,
    }
    host = own_service(data=settings.data, **given)

    def are_owned_here() -> bool:
        found = owners(settings)
        return found.keys() == {FIRST_CELL, SECOND_CELL} and all(
            owner.address.startswith("127.0.0.1:") for owner in found.values()
        )

    host.start()
    until(are_owned_here, "an owner of each cell")
    assert host.stop() == 0
    far = owners(settings)[SECOND_CELL].epoch + 10
    with closing(open_map_rows(settings)) as rows:
        rows.entries.put_owner(SECOND_CELL, CellOwner(far, "10.9.9.9:4000"))

    connections.write_text('[main]\ntype = "kafka"\nservers = "b.example:9092"\n')
    host.launch()
    until(lambda: "no cell is taken here" in host.words(), "the refusal")
    assert f"TIDINGS_CONNECTIONS ({connections})" in host.words()
    assert not workers(host)
    environment = {f"TIDINGS_{name.upper()}": str(value) for name, value in given.items()}
    tidings = Command(tmp_path, TIDINGS_URL="http://127.0.0.1:1", TIDINGS_KEY="a:b", **environment)
    assert "In force now: connections." in tidings("cells", "use-files").must().err
    until(are_owned_here, "an owner of each cell, without another start")
