"""The table of waits: its phases are the whole time of a call, each of which a service notes."""

from pathlib import Path

import pytest

from bench.layout import Hook, crowd
from bench.report import VOID, Options
from bench.waits import figure
from bench.waits.figure import WAITS, Notes, ways, whole


def test_the_phases_of_a_call_add_up_to_its_whole_time() -> None:
    ms = 1_000_000
    calls = [[1 * ms, 2 * ms, 4 * ms, 2, 20 * ms, 21 * ms, 23 * ms]]
    main = Notes(calls, [[1, 1], [5 * ms, 17 * ms]])
    writer = Notes([], [[1, 1, 1], [6 * ms, 8 * ms, 15 * ms]])
    [way] = ways(main, writer)
    waited = [wait(way) // ms for _, wait in WAITS]
    assert waited == [1, 2, 1, 1, 2, 7, 2, 3, 1, 2]
    assert sum(waited) == whole(way) // ms


@pytest.mark.parametrize(
    "writer", [[[1, 1, 1]], [[1, 1, 1], [6, 8, 0]]], ids=["not begun", "not ended"]
)
def test_a_call_whose_commit_was_not_noted_to_its_end_is_left_out(writer: list[list[int]]) -> None:
    main = Notes([[1, 2, 4, 2, 20, 21, 23]], [[1, 1], [5, 17]])
    assert ways(main, Notes([], writer)) == []
    assert len(ways(main, Notes([], [[1, 1, 1], [6, 8, 15]]))) == 1


@pytest.mark.systems
def test_a_service_that_is_noted_shows_where_each_of_its_calls_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(receiving: int, webhooks: int = 1, orgs: int = 1) -> list[Hook]:
        return crowd(receiving, webhooks, orgs)

    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr(figure, "crowd", few)
    options = Options(seconds=0.3, runs=1, connections=8, patience_seconds=0.0, folder=tmp_path)
    rows = figure.run(options)
    assert [row for row in rows if row.verdict == VOID] == []
    [count] = [row.measured for row in rows if row.what.startswith("calls noted")]
    noted, _, made = count.partition(" of ")
    assert noted == made != "0"
