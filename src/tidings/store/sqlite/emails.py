"""E-mails that wait, as rows."""

from collections.abc import Sequence

import apsw

from tidings.store import port
from tidings.store.sqlite.answers import answers


class EmailRows:
    """Shares the writer's connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @answers(port.Store.put_email)
    def put(self, email: port.Email) -> bool:
        run = self._connection.execute
        with self._connection:
            known = run("SELECT 1 FROM letter WHERE id = ?", (email.id,)).fetchall()
            run(
                "INSERT OR REPLACE INTO letter (id, org, kind, fact, due_ms, tries)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (email.id, email.org, email.kind, email.fact, email.due_ms, email.tries),
            )
        return not known

    @answers(port.Store.drop_emails)
    def drop(self, ids: Sequence[str]) -> None:
        with self._connection:
            self._connection.executemany(
                "DELETE FROM letter WHERE id = ?", [(email,) for email in ids]
            )

    @answers(port.Store.emails)
    def all(self) -> list[port.Email]:
        return [
            port.Email(*row)
            for row in self._connection.execute(
                "SELECT id, org, kind, fact, due_ms, tries FROM letter ORDER BY due_ms, id"
            )
        ]
