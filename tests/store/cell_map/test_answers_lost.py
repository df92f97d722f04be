"""What is asked again, because nobody knows what became of it, is the same as asked once."""

from typing import Any

import apsw
import psycopg
import pytest

from tests.store.cell_map.questions import QUESTIONS, READS, fill
from tests.store.cell_map.subject import TABLES, MapSubject
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.cell_map.map_rows import MapRows


class LostAnswers:
    """Opens a map whose next commit is made and not answered, or not made, when that is asked."""

    def __init__(self, subject: MapSubject) -> None:
        self._subject = subject
        self.lose = ""
        self.left: dict[str, list[Any]] = {}  # by the commit that was not answered

    def __call__(self) -> MapRows:
        rows = self._subject.open_rows()
        connection: Any = rows.processes._transactions.connection
        commit = connection.commit
        is_embedded = isinstance(connection, apsw.Connection)

        def commit_once() -> None:
            lost, self.lose = self.lose, ""
            if lost != "before":
                commit()
            if lost == "before":
                connection.roll_back()
            if lost:
                self.left = everything(self._subject)
                raise apsw.IOError(lost) if is_embedded else psycopg.OperationalError(lost)

        connection.commit = commit_once
        return rows


def everything(subject: MapSubject) -> dict[str, list[Any]]:
    return {table: subject.ask(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


@pytest.mark.parametrize("question", sorted({*QUESTIONS} - {*READS}))
@pytest.mark.parametrize("lost", ["before", "behind"])
async def test_what_is_asked_again_changes_nothing(
    subject: MapSubject, question: str, lost: str
) -> None:
    answers = LostAnswers(subject)
    cell_map = HostedCellMap(answers)
    place = await fill(cell_map, question)
    before = everything(subject)
    answers.lose = lost
    answer = await QUESTIONS[question](cell_map, place)  # the second time over a new connection
    once = everything(subject)
    assert answers.left == (before if lost == "before" else once)
    assert once != before
    assert await QUESTIONS[question](cell_map, place) == answer
    assert everything(subject) == once
    await cell_map.close()
