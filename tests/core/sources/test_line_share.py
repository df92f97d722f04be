"""Sources share the lines of a connection: never too many, and everybody has a turn."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.sources.line_share import LineShare


def share(most: int, *orgs: int) -> LineShare:
    """Of a connection for these orgs; of none: for all."""
    named = frozenset(map(OrgId, orgs)) if orgs else None
    return LineShare(Connection("shop", "outbox", {"connections_max": most}, named))


def test_an_org_has_all_lines_of_its_own_connection_and_half_of_a_shared_one() -> None:
    assert share(10, 1).of_org == 10 and share(10).of_org == 5 and share(1).of_org == 1
    assert LineShare(Connection("shop", "outbox", {})).most == 10
    shared = share(4)
    assert [shared.ask(source, OrgId(1)) for source in range(4)] == [True, True, False, False]
    assert [shared.ask(source, OrgId(2)) for source in (10, 11, 12)] == [True, True, False]


def test_who_came_first_is_next_and_an_org_that_has_its_part_holds_nobody_up() -> None:
    shared = share(4)
    for source in range(3):
        shared.ask(source, OrgId(1))
    assert shared.ask(10, OrgId(2)), "though one of the first org waits before it"
    assert shared.is_wanted(0) and not shared.is_wanted(10)
    shared.leave(10)
    assert shared.admit() == []
    shared.leave(1)
    assert shared.admit() == [2] and not shared.is_wanted(0)
    shared.leave(5)  # was never there
    assert shared.admit() == []


@given(
    most=st.integers(1, 6),
    orgs=st.lists(st.integers(1, 3), min_size=1, max_size=20),
    rounds=st.integers(1, 4),
)
def test_there_are_never_too_many_and_all_have_their_turn(
    most: int, orgs: list[int], rounds: int
) -> None:
    shared, held, served = share(most), list[int](), [0] * len(orgs)

    def seen(admitted: list[int]) -> None:
        held.extend(admitted)
        for source in admitted:
            served[source] += 1
        assert len(held) <= most
        for org in set(orgs):
            assert sum(orgs[source] == org for source in held) <= shared.of_org

    for source, org in enumerate(orgs):
        seen([source] if shared.ask(source, OrgId(org)) else [])
    for _ in range(rounds * len(orgs) * 2):
        # Each gives its line up after its turn: those that have had it longest first.
        wanted = next((source for source in held if shared.is_wanted(source)), None)
        if wanted is None:
            break
        held.remove(wanted)
        shared.leave(wanted)
        seen(shared.admit())
        seen([wanted] if shared.ask(wanted, OrgId(orgs[wanted])) else [])
    assert all(served)
