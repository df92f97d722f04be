"""The platform's first credential and the link to the console, with two cells: the operator's start
gives them, wherever their org is, and a process that is begun again gives nothing."""

import signal

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL, make_two_cells, owners, places, settings_of
from .hosted import all_owned, begin_move, moving, workers

pytestmark = pytest.mark.systems
LINK = "Open the console: "


def opens(host: ServiceProcess, secret: str) -> bool:
    """Return whether the platform is let in by a secret, whoever takes the call."""
    try:
        with Api(host.port, f"{KEY}:{secret}", seconds=PATIENCE_S) as api:
            return api.get("/v1/caller").status == 200
    except OSError:
        return False


def links(host: ServiceProcess) -> int:
    return host.log.read_text("utf-8", "replace").count(LINK)


def is_owned_by_another(host: ServiceProcess, cell: CellId, epoch: int) -> bool:
    owner = owners(settings_of(host))[cell]
    return owner.epoch > epoch and bool(owner.address)


def test_what_the_operator_s_start_gives_is_given_where_its_org_is_and_at_no_other_start(
    own_service: NewService,
) -> None:
    host = own_service()
    make_two_cells(settings_of(host))
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    until(lambda: links(host) == 1, "a link to the console")
    epoch = owners(settings_of(host))[FIRST_CELL].epoch
    workers(host)[FIRST_CELL].send_signal(signal.SIGKILL)
    until(lambda: is_owned_by_another(host, FIRST_CELL, epoch), "the next owner")
    until(lambda: opens(host, SECRET), "that it takes calls")
    until(lambda: FamilyId(ORG) in places(settings_of(host)), "the org in the map")
    assert begin_move(host, OrgId(ORG), FIRST_CELL, SECOND_CELL)
    until(lambda: places(settings_of(host))[FamilyId(ORG)].cell == SECOND_CELL, "the org in cell 2")
    until(lambda: not moving(host) and opens(host, SECRET), "the end of the move")
    assert links(host) == 1, "nobody has started it but the operator, once"
    assert host.stop() == 0
    host.settings["bootstrap_secret"] = new = "another-one-of-the-tests"
    host.start()
    until(lambda: all_owned(host), "an owner of each cell")
    until(lambda: opens(host, new), "the new secret in force")
    until(lambda: not opens(host, SECRET), "the former one out of force")
    assert links(host) == 2
    assert host.stop() == 0
