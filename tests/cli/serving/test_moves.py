"""`tidings cells move` and what else is done with cells: what is said, asked, and how it ends."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tidings.cli.exits import CommandExit, Exit
from tidings.cli.serving import moves
from tidings.cli.where import Where

CELL = {"cell": 2, "state": "draining", "families": 2, "leaving": 1, "place": "/data/cells/2"}


def move_of(org: int, **more: Any) -> dict[str, Any]:
    return {
        "org": org,
        "source": 1,
        "target": 2,
        "state": "copying",
        "beganAt": "2026-12-01T20:00:00.000Z",
        "rowsMoved": 5,
        "rowsExpected": 20_000,
        "pausedSeconds": 1.5,
        "pauseExpectedSeconds": 6.5,
        "undone": False,
        "problem": None,
    } | more


class FakeApi:
    """Stands for the service: plays what moves are like each time that somebody asks."""

    def __init__(self, *plays: Any, cells: Sequence[Any] = (), cell: int = 2) -> None:
        self.plays, self.cells, self.cell = [*plays], [*cells], cell
        self.sent: list[tuple[str, str, Any]] = []
        self.steps: list[str] = []

    def send(self, method: str, path: str, body: Any = None) -> Any:
        self.sent.append((method, path, body))
        if path.startswith("/v1/cells"):
            return CELL | {"state": path.rpartition("/")[2]}
        org = int(path.split("/")[3])
        return move_of(org, state="planned" if (body or {}).get("dryRun") else "leaving")

    def get(self, path: str) -> Any:
        return self.ask("GET", path)[1]

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        if path == "/v1/moves":
            play = self.plays.pop(0) if self.plays else []
            return (503, None) if play is None else (200, {"moves": play})
        if path.endswith("/cell"):
            return 200, {"org": 7, "cell": self.cell}
        found = self.cells.pop(0) if self.cells else CELL
        return (503, None) if found is None else (200, found)

    def next_step(self, command: str) -> None:
        self.steps.append(command)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "POLL_S", 0.0)


def play(monkeypatch: pytest.MonkeyPatch, *plays: Any, **more: Any) -> FakeApi:
    api = FakeApi(*plays, **more)
    monkeypatch.setattr(moves, "calls", lambda *_, **__: api)
    return api


def test_a_move_says_what_it_takes_and_ends_with_where_the_org_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Its processes start again at the end of a move: nobody answers for a while.
    api = play(monkeypatch, [move_of(7)], None, [move_of(7, problem="Cell 2 is away.")], [])
    assert moves.move([7], to=2, yes=True) == Exit.OK
    err = capsys.readouterr().err
    assert "Org 7 goes from cell 1 to cell 2: about 20,000 rows." in err
    assert "answered 503 for about 6.5 s" in err and "Org 7: Cell 2 is away." in err
    assert err.endswith("Org 7 is in cell 2.\n")
    assert [body for _, _, body in api.sent] == [{"to": 2, "dryRun": True}, {"to": 2}]
    assert api.steps == ["tidings cells show 2"] and not api.plays


def test_a_move_that_was_taken_back_meanwhile_has_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = play(monkeypatch, [], cell=1)
    assert moves.move([7], to=2, yes=True, where=Where(json=True)) == Exit.FAILED
    assert capsys.readouterr().out == '{"org":7,"cell":1}\n'
    assert api.steps == ["tidings cells moves"]


def test_what_is_dry_or_detached_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = play(monkeypatch, [move_of(7)])
    assert moves.move([7, 8], to=2, dry_run=True, where=Where(json=True)) == Exit.OK
    assert capsys.readouterr().out.count('"planned"') == 2 and len(api.sent) == 2
    assert api.steps == ["tidings cells move 7 8 --to 2"] and len(api.plays) == 1
    assert moves.move([7], to=2, yes=True, wait=False, where=Where(json=True)) == Exit.OK
    assert capsys.readouterr().out.count('"leaving"') == 1 and len(api.plays) == 1


def test_nothing_is_moved_where_nobody_says_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    api = play(monkeypatch)
    acts: list[Callable[[], int]] = [
        lambda: moves.move([7], to=2),
        lambda: moves.drain(2),
        lambda: moves.delete(2),
    ]
    for act in acts:
        with pytest.raises(CommandExit, match="--yes") as refused:
            act()
        assert refused.value.code is Exit.USAGE
    assert all(body == {"to": 2, "dryRun": True} for _, _, body in api.sent) and len(api.sent) == 1
    with pytest.raises(CommandExit, match="name an org"):
        moves.move([], to=2, yes=True)


def test_moves_are_listed_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = play(monkeypatch, [move_of(7), move_of(8, problem="Cell 2 is away.")], [])
    assert moves.moves() == Exit.OK
    shown = capsys.readouterr()
    assert "5 of 20,000" in shown.out and "Org 8: Cell 2 is away." in shown.err
    assert moves.moves() == Exit.OK
    assert "No org is moving." in capsys.readouterr().err
    assert moves.undo(7) == Exit.OK
    assert api.sent == [("POST", "/v1/orgs/7/move/undo", None)]
    assert "Org 7 stays in cell 1" in capsys.readouterr().err


def test_a_drain_is_watched_until_the_cell_is_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draining = CELL | {"families": 1}
    empty = CELL | {"families": 0, "leaving": 0}
    monkeypatch.setattr(FakeApi, "send", lambda *_: CELL)
    api = play(monkeypatch, cells=[CELL, draining, None, empty])
    assert moves.drain(2, yes=True) == Exit.OK
    assert "Cell 2 is empty." in capsys.readouterr().err
    assert api.steps == ["tidings cells delete 2"] and not api.cells
    api = play(monkeypatch, cells=[CELL, CELL | {"state": "open"}])
    assert moves.drain(2, yes=True) == Exit.FAILED, "somebody has ended it"
    assert api.steps == ["tidings cells moves"]


def test_a_cell_is_opened_and_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = play(monkeypatch)
    assert moves.open_cell(2) == moves.delete(2, yes=True) == Exit.OK
    assert [path for _, path, _ in api.sent] == ["/v1/cells/2/open", "/v1/cells/2/remove"]
    shown = capsys.readouterr()
    assert "cell 2: open" in shown.out and "its store stays: /data/cells/2" in shown.err
