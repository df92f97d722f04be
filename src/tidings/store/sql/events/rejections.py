"""Refused events as rows."""

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.numbered_pages import numbered_page
from tidings.store.sql.row_mapping import StoredTable

REJECTION = StoredTable("rejection", port.Rejection)
_OF_ORG = f"{REJECTION.select} WHERE org = ?"


class RejectionRows:
    """Shares the writer's connection, which keeps them (`writer.py`)."""

    def __init__(self, connection: StoreConnection, numbers: StoreNumbers) -> None:
        self._connection = connection
        self._numbers = numbers

    @answers(port.Store.drop_rejection)
    def drop(self, org: OrgId, number: int) -> None:
        with self._numbers.transaction():
            self._numbers.keep("rejection")
            self._connection.execute(
                "DELETE FROM rejection WHERE id = ? AND org = ?", (number, org)
            )


class Rejections:
    """Refused events, on the read-only connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.log_rejections)
    def page(
        self, org: OrgId, before: int | None, after: int | None, limit: int
    ) -> port.RejectionPage:
        run = self._connection.execute
        rows, older, newer = numbered_page(
            run, _OF_ORG, org, before, after, limit, body=8, number="id"
        )
        return port.RejectionPage([REJECTION.read(row) for row in rows], older, newer)

    @answers(port.Store.rejection)
    def one(self, org: OrgId, number: int) -> port.Rejection | None:
        row = self._connection.execute(f"{_OF_ORG} AND id = ?", (org, number)).fetchone()
        return None if row is None else REJECTION.read(row)
