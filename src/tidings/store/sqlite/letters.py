"""Letters that wait, as rows."""

from collections.abc import Sequence

import apsw

from tidings.store import port
from tidings.store.sqlite.answers import answers


class LetterRows:
    """Shares the writer's connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @answers(port.Store.put_letter)
    def put(self, letter: port.Letter) -> bool:
        """See `port.Store.put_letter`."""
        run = self._connection.execute
        with self._connection:
            known = run("SELECT 1 FROM letter WHERE id = ?", (letter.id,)).fetchall()
            run(
                "INSERT OR REPLACE INTO letter (id, org, kind, fact, due_ms, tries)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (letter.id, letter.org, letter.kind, letter.fact, letter.due_ms, letter.tries),
            )
        return not known

    @answers(port.Store.drop_letters)
    def drop(self, ids: Sequence[str]) -> None:
        """See `port.Store.drop_letters`."""
        with self._connection:
            self._connection.executemany(
                "DELETE FROM letter WHERE id = ?", [(letter,) for letter in ids]
            )

    @answers(port.Store.letters)
    def all(self) -> list[port.Letter]:
        """See `port.Store.letters`."""
        return [
            port.Letter(*row)
            for row in self._connection.execute(
                "SELECT id, org, kind, fact, due_ms, tries FROM letter ORDER BY due_ms, id"
            )
        ]
