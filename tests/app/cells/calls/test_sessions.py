"""A session that was begun at one process is one at each, and ends at each."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.cells.calls.signed_in import (
    BOTH,
    ONE_ORG,
    OTHER_PASSWORD,
    PASSWORD,
    Visitor,
    invite,
    people_of,
    sent,
    shown,
    sign_in,
)
from tests.app.cells.calls.two_workers import HERE, PLATFORM, TwoWorkers, Worker, two_workers
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId
from tidings.engine.access.keys import (
    cell_of_link,
    cell_of_session,
    digest_of,
    is_typed,
    session_token,
    sign_in_token,
)

OF_ORG = {7: "/console/o/7/webhooks", 8: "/console/o/8/webhooks", 9: "/console/o/9/webhooks"}
OF_A_NEW_ORG = {"timeZone": "UTC", "validation": "strict", "unknownTypes": "refused"}
SIGN_OUT, END_ALL = "/console/sign-out", "/console/sessions/end"
TWO = CellId(2)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


async def at_each(both: TwoWorkers, visitor: Visitor, path: str) -> list[int]:
    """The status of a page at each process."""
    return [(await shown(worker, visitor, path))[0] for worker in both.workers]


async def signed_in(worker: Worker, name: str, secret: str) -> Visitor:
    found = await sign_in(worker, name, secret)
    assert found is not None
    return found


def lose(both: TwoWorkers, cell: int) -> None:
    """Have the owner of a cell end, as the other process hears of it."""
    other = both.workers[2 - cell].installation
    other.reader.view.places.learn_owner(CellId(cell), CellOwner(9, f"{HERE}:1"))


def back(both: TwoWorkers, cell: int) -> None:
    """Have it be there again."""
    own, other = both.workers[cell - 1].installation, both.workers[2 - cell].installation
    other.reader.view.places.learn_owner(CellId(cell), CellOwner(10, own.owner.address))


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("org", [7, 8, 9])
async def test_who_signs_in_at_one_process_is_signed_in_at_each(
    both: TwoWorkers, org: int, at: int
) -> None:
    visitor = await signed_in(both.workers[at], f"org{org}", "secret")
    assert cell_of_session(visitor.token) == (1 if org == 7 else 2)
    trackers = [worker.service.parts.delivery.incidents for worker in both.workers]
    assert [tracker.cell for tracker in trackers] == [1, 2], "no two give one number"
    assert await at_each(both, visitor, OF_ORG[org]) == [200, 200]
    assert await at_each(both, visitor, "/console/sessions") == [200, 200]
    assert (await sent(both.workers[1 - at], visitor, SIGN_OUT))[0] == 303
    assert await at_each(both, visitor, OF_ORG[org]) == [303, 303]


@pytest.mark.parametrize("at", [0, 1])
async def test_a_session_of_the_platform_opens_orgs_of_all_cells_until_it_ends(
    both: TwoWorkers, at: int
) -> None:
    visitor = await signed_in(both.workers[at], "boss", "s3cret")
    assert cell_of_session(visitor.token) == at + 1
    for path in OF_ORG.values():
        assert await at_each(both, visitor, path) == [200, 200]
    assert (await sent(both.workers[1 - at], visitor, SIGN_OUT))[0] == 303
    for path in OF_ORG.values():
        assert await at_each(both, visitor, path) == [303, 303]


@pytest.mark.parametrize("org", [7, 8])
async def test_a_form_changes_an_org_of_any_cell_and_says_so_there(
    both: TwoWorkers, org: int
) -> None:
    for at, worker in enumerate(both.workers):
        visitor = await signed_in(worker, "boss", "s3cret")
        fields = OF_A_NEW_ORG | {"name": f"Name {at}", "parent": ""}
        path = f"/console/o/{org}/settings"
        stranger = Visitor(visitor.token[:-1] + "0")
        assert (await sent(worker, stranger, path, fields))[0] == 303, "to the sign-in"
        status, headers, _ = await sent(worker, visitor, path, fields)
        assert (status, headers["location"]) == (303, path)
        assert f"Name%20{at}" in headers["set-cookie"]
        owner = both.workers[0 if org == 7 else 1].service
        found = owner.orgs.get(OrgId(org))
        assert found is not None and found.name == f"Name {at}"


async def test_an_org_is_made_in_its_parent_s_cell_whoever_takes_the_form(
    both: TwoWorkers,
) -> None:
    visitor = await signed_in(both.workers[0], "boss", "s3cret")
    fields = OF_A_NEW_ORG | {"name": "Below", "id": "81", "parent": "8"}
    status, headers, _ = await sent(both.workers[0], visitor, "/console/orgs/new", fields)
    assert (status, headers["location"]) == (303, "/console/o/81/settings")
    assert both.workers[1].service.orgs.get(OrgId(81)) is not None
    assert await at_each(both, visitor, "/console/o/81/settings") == [200, 200]


async def test_a_revoked_credential_has_no_session_anywhere(both: TwoWorkers) -> None:
    first, second = (worker.service for worker in both.workers)
    visitor = await signed_in(both.workers[0], "org7", "secret")
    assert await at_each(both, visitor, OF_ORG[7]) == [200, 200]
    assert await at_each(both, visitor, OF_ORG[8]) == [403, 403]
    caller = first.access.caller(PLATFORM.encode(), None)
    await first.access_services.credentials.revoke(caller, OrgId(7), "org7")
    assert await at_each(both, visitor, OF_ORG[7]) == [303, 303]
    assert await at_each(both, visitor, OF_ORG[8]) == [303, 303]
    assert not second.sessions.guests.get(digest_of(visitor.token))


async def test_while_the_cell_of_a_session_is_away_it_is_said_and_nobody_is_signed_out(
    both: TwoWorkers,
) -> None:
    second = both.workers[1]
    visitor = await signed_in(both.workers[0], "boss", "s3cret")
    stranger = Visitor(session_token(1, bytes(32)))
    lose(both, 1)
    for path in (OF_ORG[8], OF_ORG[9]):
        for who in (visitor, stranger):  # who it is, is not known
            status, headers, body = await shown(second, who, path)
            assert status == 503 and headers["retry-after"] == "2"
            assert "Cell 1 must answer" in body.decode() and "<main" in body.decode()
    status, headers, body = await sent(second, visitor, "/console/o/8/stop", {"on": "1"})
    assert status == 503
    own = await signed_in(second, "org8", "secret")
    assert (await shown(second, own, OF_ORG[8]))[0] == 200
    back(both, 1)
    assert (await shown(second, visitor, OF_ORG[8]))[0] == 200


async def test_a_session_that_moved_with_its_family_is_found_and_ends(both: TwoWorkers) -> None:
    first, second = (worker.service for worker in both.workers)
    visitor = await signed_in(both.workers[0], "boss", "s3cret")
    table = first.sessions._table
    moved = table.get(digest_of(visitor.token))
    assert moved is not None
    table.forget(moved.digest)
    await second.sessions._table.add(moved, ())
    assert await at_each(both, visitor, OF_ORG[7]) == [303, 303], "nothing has moved"
    for worker in both.workers:
        places = worker.installation.reader.view.places
        places.learn(FamilyId(4242), FamilyPlace(TWO, 2))
    for path in (*OF_ORG.values(), "/console/orgs", "/console/sessions", "/console/audit"):
        assert await at_each(both, visitor, path) == [200, 200], path
    assert (await sent(both.workers[0], visitor, SIGN_OUT))[0] == 303
    for path in OF_ORG.values():
        assert await at_each(both, visitor, path) == [303, 303]


async def test_a_cookie_of_nobody_is_asked_to_sign_in(both: TwoWorkers) -> None:
    for cell in (1, 2, 3, 65_535):
        visitor = Visitor(session_token(cell, bytes(32)))
        for path in OF_ORG.values():
            assert await at_each(both, visitor, path) == [303, 303]


# -- lists of sessions ----------------------------------------------------------------------------


async def test_the_platform_s_sessions_of_all_cells_are_listed_and_end_together(
    both: TwoWorkers,
) -> None:
    visitors = [await signed_in(worker, "boss", "s3cret") for worker in both.workers]
    for worker in both.workers:
        for visitor in visitors:
            page = (await shown(worker, visitor, "/console/sessions"))[2].decode()
            assert page.count('data-label="Browser"') == 2 and page.count("this one") == 1
    other = await signed_in(both.workers[1], "org8", "secret")
    assert (await sent(both.workers[1], visitors[0], END_ALL))[0] == 303
    for visitor in visitors:
        assert await at_each(both, visitor, "/console/sessions") == [303, 303]
    assert await at_each(both, other, OF_ORG[8]) == [200, 200], "somebody else's"


async def test_signing_out_everywhere_names_the_cell_that_has_not_answered(
    both: TwoWorkers,
) -> None:
    first, second = both.workers
    own, away = await signed_in(first, "boss", "s3cret"), await signed_in(second, "boss", "s3cret")
    more = await signed_in(first, "boss", "s3cret")
    lose(both, 2)
    page = (await shown(first, own, "/console/sessions"))[2].decode()
    assert "Sessions of cell 2 are not listed" in page
    status, _, body = await sent(first, own, END_ALL)
    assert status == 503
    assert "cell 2" in body.decode()
    assert (await shown(first, more, "/console/sessions"))[0] == 303, "what is here has ended"
    assert (await shown(first, own, "/console/sessions"))[0] == 200, "so that it is asked again"
    back(both, 2)
    assert (await sent(first, own, END_ALL))[0] == 303
    for visitor in (own, away, more):
        assert await at_each(both, visitor, OF_ORG[7]) == [303, 303]


# -- people ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
async def test_a_person_of_two_cells_signs_in_to_both_by_one_password(
    both: TwoWorkers, at: int
) -> None:
    await people_of(both)
    visitor = await signed_in(both.workers[at], BOTH, PASSWORD)
    for path in (OF_ORG[7], OF_ORG[8]):
        assert await at_each(both, visitor, path) == [200, 200]
    assert await at_each(both, visitor, OF_ORG[9]) == [403, 403], "it is below, and nobody's seat"
    for worker in both.workers:
        page = (await shown(worker, visitor, "/console/orgs"))[2].decode()
        assert re.findall(r'href="/console/o/(\d)"', page.partition("<main")[2]) == ["7", "8"]
        assert (await shown(worker, visitor, "/console"))[1]["location"] == "/console/orgs"
        listed = (await shown(worker, visitor, "/console/sessions"))[2].decode()
        assert listed.count('data-label="Browser"') == 1
    again = await signed_in(both.workers[1 - at], BOTH, PASSWORD)
    assert await at_each(both, visitor, OF_ORG[8]) == [200, 200], "the first session goes on"
    assert (await sent(both.workers[at], again, END_ALL))[0] == 303
    for gone in (visitor, again):
        assert await at_each(both, gone, OF_ORG[8]) == [303, 303]


async def test_a_seat_that_is_taken_away_closes_its_org_alone_with_the_next_page(
    both: TwoWorkers,
) -> None:
    await people_of(both)
    second = both.workers[1].service
    visitor = await signed_in(both.workers[0], BOTH, PASSWORD)
    caller = second.access.caller(PLATFORM.encode(), None)
    [person] = [user.person.id for user in second.users.list(OrgId(8))]
    await second.users.change(caller, OrgId(8), person, {"disabled": True})
    assert await at_each(both, visitor, OF_ORG[8]) == [403, 403]
    assert await at_each(both, visitor, OF_ORG[7]) == [200, 200]
    await second.users.change(caller, OrgId(8), person, {"disabled": False})
    assert await at_each(both, visitor, OF_ORG[8]) == [200, 200]


async def test_who_invites_an_address_and_sets_its_password_gets_nothing_of_another_org(
    both: TwoWorkers,
) -> None:
    """The org of an invitation holds its link; what it sets opens its own org and no other."""
    await people_of(both)
    await invite(both.workers[1].service, 8, ONE_ORG, OTHER_PASSWORD)
    for worker in both.workers:
        thief = await signed_in(worker, ONE_ORG, OTHER_PASSWORD)
        assert await at_each(both, thief, OF_ORG[8]) == [200, 200]
        assert await at_each(both, thief, OF_ORG[7]) == [403, 403]
        assert (await shown(worker, thief, "/console"))[1]["location"] == "/console/o/8"
        owner = await signed_in(worker, ONE_ORG, PASSWORD)
        assert await at_each(both, owner, OF_ORG[7]) == [200, 200]
        assert await at_each(both, owner, OF_ORG[8]) == [403, 403]
        assert await sign_in(worker, ONE_ORG, "neither of them") is None


async def test_a_password_of_the_same_person_in_each_cell_is_one_from_the_next_sign_in_on(
    both: TwoWorkers,
) -> None:
    await people_of(both)
    first, second = (worker.service for worker in both.workers)
    await signed_in(both.workers[1], BOTH, PASSWORD)
    [one] = [user.person for user in first.users.list(OrgId(7)) if user.person.email == BOTH]
    [other] = [user.person for user in second.users.list(OrgId(8))]
    assert one.password == other.password and one.id != other.id


@pytest.mark.parametrize("at", [0, 1])
async def test_an_address_that_is_known_is_invited_to_another_cell_and_signs_in_to_both(
    both: TwoWorkers, at: int
) -> None:
    """Each process has asked the directory before, and has to ask it again."""
    await people_of(both)
    for worker in both.workers:
        await signed_in(worker, ONE_ORG, PASSWORD)
    await invite(both.workers[1].service, 8, ONE_ORG, PASSWORD)
    visitor = await signed_in(both.workers[at], ONE_ORG, PASSWORD)
    for path in (OF_ORG[7], OF_ORG[8]):
        assert await at_each(both, visitor, path) == [200, 200]
    body = {"email": ONE_ORG, "currentPassword": PASSWORD, "password": OTHER_PASSWORD}
    assert (await both.workers[at].call("POST", "/v1/passwords", body, auth=None))[0] == 204
    for worker in both.workers:
        assert await sign_in(worker, ONE_ORG, PASSWORD) is None


@pytest.mark.parametrize("at", [0, 1])
async def test_a_new_password_is_that_of_both_cells_and_ends_the_sessions_of_the_former(
    both: TwoWorkers, at: int
) -> None:
    await people_of(both)
    visitor = await signed_in(both.workers[0], BOTH, PASSWORD)
    body = {"email": BOTH, "currentPassword": PASSWORD, "password": OTHER_PASSWORD}
    lose(both, 2)
    refused = await both.workers[0].call("POST", "/v1/passwords", body, auth=None)
    assert refused[0] == 503 and b"not_confirmed" in refused[2]
    back(both, 2)
    wrong = await both.workers[at].call(
        "POST", "/v1/passwords", body | {"currentPassword": "not that one"}, auth=None
    )
    assert wrong[0] == 401
    assert await at_each(both, visitor, OF_ORG[8]) == [200, 200], "nothing was changed"
    assert (await both.workers[at].call("POST", "/v1/passwords", body, auth=None))[0] == 204
    for path in (OF_ORG[7], OF_ORG[8]):
        assert await at_each(both, visitor, path) == [303, 303]
    assert await sign_in(both.workers[at], BOTH, PASSWORD) is None
    visitor = await signed_in(both.workers[1 - at], BOTH, OTHER_PASSWORD)
    for path in (OF_ORG[7], OF_ORG[8]):
        assert await at_each(both, visitor, path) == [200, 200]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("of_cell", [0, 1])
async def test_a_reset_by_a_link_is_of_both_cells_and_ends_the_sessions_of_the_former(
    both: TwoWorkers, at: int, of_cell: int
) -> None:
    await people_of(both)
    visitors = [await signed_in(worker, BOTH, PASSWORD) for worker in both.workers]
    alone = await signed_in(both.workers[0], ONE_ORG, PASSWORD)
    body = {"token": await reset_link(both, of_cell), "password": OTHER_PASSWORD}
    lose(both, 2 - of_cell)
    refused = await both.workers[of_cell].call("POST", "/v1/passwords", body, auth=None)
    assert refused[0] == 503 and b"not_confirmed" in refused[2]
    back(both, 2 - of_cell)
    for visitor in visitors:
        for path in (OF_ORG[7], OF_ORG[8]):
            assert await at_each(both, visitor, path) == [200, 200], "nothing was changed"
    assert (await both.workers[at].call("POST", "/v1/passwords", body, auth=None))[0] == 204
    for visitor in visitors:
        for path in (OF_ORG[7], OF_ORG[8]):
            assert await at_each(both, visitor, path) == [303, 303]
    for worker in both.workers:
        assert await sign_in(worker, BOTH, PASSWORD) is None
    visitor = await signed_in(both.workers[1 - at], BOTH, OTHER_PASSWORD)
    for path in (OF_ORG[7], OF_ORG[8]):
        assert await at_each(both, visitor, path) == [200, 200]
    assert await at_each(both, alone, OF_ORG[7]) == [200, 200], "somebody else's"
    again = await both.workers[at].call("POST", "/v1/passwords", body, auth=None)
    assert again[0] == 400 and b"link_ended" in again[2]


@pytest.mark.parametrize("of_cell", [0, 1])
async def test_a_reset_is_of_both_cells_also_where_nobody_has_signed_in_yet(
    both: TwoWorkers, of_cell: int
) -> None:
    await people_of(both)
    body = {"token": await reset_link(both, of_cell), "password": OTHER_PASSWORD}
    assert (await both.workers[0].call("POST", "/v1/passwords", body, auth=None))[0] == 204
    for worker in both.workers:
        assert await sign_in(worker, BOTH, PASSWORD) is None
        visitor = await signed_in(worker, BOTH, OTHER_PASSWORD)
        for path in (OF_ORG[7], OF_ORG[8]):
            assert await at_each(both, visitor, path) == [200, 200]


async def test_a_reset_of_a_password_that_another_org_has_set_is_of_that_org_alone(
    both: TwoWorkers,
) -> None:
    await people_of(both)
    await invite(both.workers[1].service, 8, ONE_ORG, OTHER_PASSWORD)
    body = {"token": await reset_link(both, 1, ONE_ORG), "password": "yet another one of them"}
    assert (await both.workers[0].call("POST", "/v1/passwords", body, auth=None))[0] == 204
    assert await sign_in(both.workers[0], ONE_ORG, OTHER_PASSWORD) is None
    visitor = await signed_in(both.workers[1], ONE_ORG, PASSWORD)
    assert await at_each(both, visitor, OF_ORG[7]) == [200, 200]


async def reset_link(both: TwoWorkers, of_cell: int, email: str = BOTH) -> str:
    """Make a link of the platform that resets a person's password, in org 7 or 8."""
    owner, org = both.workers[of_cell].service, OrgId(7 + of_cell)
    caller = owner.access.caller(PLATFORM.encode(), None)
    [person] = [user.person.id for user in owner.users.list(org) if user.person.email == email]
    return (await owner.users.link(caller, org, person)).token


async def test_the_org_of_another_cell_is_told_of_a_sign_in(both: TwoWorkers) -> None:
    await people_of(both)
    await signed_in(both.workers[0], BOTH, PASSWORD)
    admin = await signed_in(both.workers[1], "org8", "secret")
    page = (await shown(both.workers[0], admin, "/console/o/8/audit"))[2].decode()
    rows = page.partition("<tbody")[2].split("<tr>")
    assert any(BOTH in row and "signed in" in row for row in rows)


# -- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", [0, 1])
async def test_a_link_leads_to_the_cell_that_made_it_whoever_takes_it(
    both: TwoWorkers, maker: int
) -> None:
    by_hand = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}
    for worker in both.workers:
        token = await both.workers[maker].service.sessions.make_link("boss")
        path = f"/console/sign-in?link={token}"
        status, headers, _ = await worker.call("GET", path, auth=None, headers=by_hand)
        assert status == 303, "it signs in"
        found = re.search(r"(?:__Host-)?tidings=(tsn_\w+)", headers["set-cookie"])
        assert found is not None and cell_of_session(found[1]) == maker + 1
        assert await at_each(both, Visitor(found[1]), OF_ORG[8]) == [200, 200]
        status, _, _ = await worker.call("GET", path, auth=None, headers=by_hand)
        assert status == 401, "once"
    assert (await worker.call("GET", f"/console/sign-in?link={sign_in_token(77, bytes(30))}",
                              auth=None, headers=by_hand))[0] == 401  # fmt: skip


@pytest.mark.parametrize("cell", [1, 2, 3, 255, 256, 65_535])
def test_a_token_names_its_cell(cell: int) -> None:
    for value in (bytes(32), b"\xff" * 32):
        token = session_token(cell, value)
        assert is_typed("tsn", token) and cell_of_session(token) == cell
        link = sign_in_token(cell, value[:30])
        assert is_typed("lnk", link) and cell_of_link(link) == (None if cell == 1 else cell)
    assert len(session_token(1, bytes(32))) == 4 + 52 + 7  # as it was with one cell
    assert len(sign_in_token(1, bytes(30))) == 4 + 48 + 7


@pytest.mark.parametrize("token", ["", "tsn_", "tsn_" + "l" * 62, "tds_" + "0" * 62, "x" * 10_000])
def test_what_is_no_token_is_the_first_cell_s(token: str) -> None:
    assert cell_of_session(token) == 1
    assert cell_of_link(token) is None
