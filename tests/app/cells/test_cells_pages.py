"""The pages of cells: what an operator sees of them, and has done with them."""

import re

import pytest

from tests.console.webhook_client import pages, text
from tests.openapi.two_cells import WalkedCells, WalkedMoves, add_second_cell
from tidings.api.cells.moves import MoveProgress, MoveRefusal
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId


def words(page: str) -> str:
    """What is read of a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


async def test_one_cell_is_said_in_a_sentence_with_the_command_for_another() -> None:
    async with pages() as p:
        boss = await p.platform()
        page = text(await boss.get("/console/cells")).partition("<main")[2].partition("</main>")[0]
        assert (
            "There is one cell" in page and "tidings cells create" in page and "<table" not in page
        )
        refused = await boss.post("/console/cells", {"do": "drain", "of": "1"})
        assert refused.status == 400 and "tidings cells create" in text(refused)
        await p.s.add_org(7)
        assert "/console/cells/move" not in text(await boss.get("/console/o/7/settings"))


async def test_who_is_no_operator_sees_no_cells() -> None:
    async with pages() as p:
        add_second_cell(p.s)
        browser = await p.browser()
        for path in ("/console/cells", "/console/cells/move?org=7&to=2"):
            assert (await browser.get(path)).status == 403
        for path, form in (
            ("/console/cells", {"do": "drain", "of": "2"}),
            ("/console/cells/move", {"org": "7", "to": "2"}),
        ):
            assert (await browser.post(path, form)).status == 403
        assert "/console/cells" not in text(await browser.get("/console/o/7/settings"))


async def test_cells_and_moves_are_shown_and_kept_current() -> None:
    async with pages() as p:
        boss = await p.platform()
        add_second_cell(p.s)
        page = text(await boss.get("/console/cells"))
        shown = words(page)
        assert "127.0.0.1:35062" in shown and "/var/lib/tidings/2" in shown and "1,200" in shown
        assert "5 of about 20,000 rows" in shown and "1.5 s of about 6.5 s" in shown
        assert 'hx-get="/console/cells?part=now"' in page and 'hx-trigger="every 2s"' in page
        part = text(await boss.get("/console/cells?part=now"))
        assert part.count("<h1") == 0 and "5 of about 20,000 rows" in words(part)


async def test_what_is_wrong_with_a_cell_and_with_a_move_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pages() as p:
        boss = await p.platform()
        add_second_cell(p.s)
        stuck = MoveProgress(
            OrgId(7), CellId(1), CellId(2), 2, "leaving", 0, problem="Cell 2 has not answered."
        )

        async def progress(_: WalkedMoves) -> list[MoveProgress]:
            return [stuck]

        monkeypatch.setattr(WalkedMoves, "progress", progress)
        assert "Cell 2 has not answered." in words(text(await boss.get("/console/cells")))


async def test_an_org_is_moved_from_its_page_once_it_is_said_what_that_takes() -> None:
    async with pages() as p:
        boss = await p.platform()
        await p.s.add_org(7)
        await p.s.add_org(8, parent=7)
        add_second_cell(p.s)
        at = "/console/cells/move?org=7"
        assert at in text(await boss.get("/console/o/7/settings"))
        assert at.replace("7", "8") not in text(await boss.get("/console/o/8/settings"))
        choice = text(await boss.get(at))
        assert 'value="2"' in choice and 'value="1"' not in choice
        plan = words(text(await boss.get(f"{at}&to=2")))
        assert "about 20,000 rows" in plan and "503" in plan and "about 6.5 s" in plan
        moved = await boss.post("/console/cells/move", {"org": "7", "to": "2"})
        assert moved.status == 303 and moved.headers["location"] == "/console/cells"
        undone = await boss.post("/console/cells", {"do": "undo", "of": "7"})
        assert undone.status == 303


@pytest.mark.parametrize(
    "form", [{"do": "explode", "of": "2"}, {"do": "drain", "of": "x"}, {"do": "drain"}, {}]
)
async def test_a_form_of_another_page_does_nothing(form: dict[str, str]) -> None:
    async with pages() as p:
        boss = await p.platform()
        add_second_cell(p.s)
        refused = await boss.post("/console/cells", form)
        assert refused.status == 400 and "Reload the page" in text(refused)


async def test_why_something_is_not_done_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pages() as p:
        boss = await p.platform()
        add_second_cell(p.s)
        refusal = MoveRefusal(OrgId(0), "has_families", "Cell 2 must have no family; it has 3.")

        async def remove(_: WalkedCells, cell: CellId) -> MoveRefusal:
            return refusal

        monkeypatch.setattr(WalkedCells, "remove", remove)
        refused = await boss.post("/console/cells", {"do": "remove", "of": "2"})
        assert refused.status == 400 and "it has 3" in text(refused)
        for words_ in ("org=55&to=x", "org=x"):
            assert (await boss.get(f"/console/cells/move?{words_}")).status == 400
