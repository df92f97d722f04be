"""E-mails that wait, as rows."""

from collections.abc import Sequence

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

_EMAIL = StoredTable("letter", port.QueuedEmail)


class EmailRows:
    """Shares the writer's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.put_email)
    def put(self, email: port.QueuedEmail) -> bool:
        run = self._connection.execute
        with self._connection:
            known = run("SELECT 1 FROM letter WHERE id = ?", (email.id,)).fetchall()
            run(_EMAIL.insert("INSERT OR REPLACE"), _EMAIL.write(email))
        return not known

    @answers(port.Store.drop_emails)
    def drop(self, ids: Sequence[str]) -> None:
        with self._connection:
            self._connection.executemany(
                "DELETE FROM letter WHERE id = ?", [(email,) for email in ids]
            )

    @answers(port.Store.emails)
    def all(self) -> list[port.QueuedEmail]:
        rows = self._connection.execute(f"{_EMAIL.select} ORDER BY due_ms, id")
        return [_EMAIL.read(row) for row in rows]
