"""Letters that wait, as rows."""

from collections.abc import Sequence

import apsw

from tidings.store import port


class LetterRows:
    """Shares the writer's connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

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

    def drop(self, ids: Sequence[str]) -> None:
        """See `port.Store.drop_letters`."""
        with self._connection:
            self._connection.executemany(
                "DELETE FROM letter WHERE id = ?", [(letter,) for letter in ids]
            )

    def all(self) -> list[port.Letter]:
        """See `port.Store.letters`."""
        return [
            port.Letter(*row)
            for row in self._connection.execute(
                "SELECT id, org, kind, fact, due_ms, tries FROM letter ORDER BY due_ms, id"
            )
        ]
