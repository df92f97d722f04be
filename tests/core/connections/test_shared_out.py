"""What a connection admits at one time is shared out among the processes of several cells."""

import pytest

from tidings.connections.smtp_server import server_of
from tidings.core.connections.connection import Connection, Connections
from tidings.core.connections.tables import LINES_MAX
from tidings.core.ids import OrgId
from tidings.core.sources.line_share import LineShare

MAIL = {"host": "mail.example", "sender": "a@b.example", "connections": 12, "limit_per_hour": 90}


@pytest.mark.parametrize(("processes", "most"), [(0, 12), (1, 12), (2, 6), (5, 2), (13, 1)])
def test_each_process_has_an_equal_part_and_at_least_one(processes: int, most: int) -> None:
    shared = Connections([Connection("mail", "smtp", MAIL)], "mail").shared_by(processes)
    server = server_of(shared["mail"])
    assert server.connections_max == most
    assert server.hour_max == 90  # of one org, which is in one cell
    assert shared.default is not None and shared.default.name == "mail"


def test_sources_of_a_cell_have_its_part_of_the_lines_and_an_org_half_of_that() -> None:
    outbox = Connection("shop", "outbox", {LINES_MAX: 8}, orgs=None)
    [shared] = Connections([outbox]).shared_by(2).values()
    share = LineShare(shared)
    assert (share.most, share.of_org) == (4, 2)
    assert [share.ask(number, OrgId(number % 2)) for number in range(5)] == [True] * 4 + [False]


def test_alone_a_process_has_all() -> None:
    assert Connection("shop", "outbox", {}).admits(LINES_MAX, 10) == 10
