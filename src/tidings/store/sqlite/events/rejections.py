"""Refused events as rows."""

from typing import Any

import apsw

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sqlite.answers import answers

_REJECTION = (
    "SELECT id, org, at_ms, name, event_id, code, message, path, body FROM rejection WHERE org = ?"
)


class RejectionRows:
    """Shares the writer's connection, which keeps them (`writer.py`)."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @answers(port.Store.drop_rejection)
    def drop(self, org: OrgId, number: int) -> None:
        with self._connection:
            self._connection.execute(
                "DELETE FROM rejection WHERE id = ? AND org = ?", (number, org)
            )


class Rejections:
    """Refused events, on the read-only connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @answers(port.Store.log_rejections)
    def page(
        self, org: OrgId, before: int | None, after: int | None, limit: int
    ) -> port.RejectionPage:
        newest_first = after is None
        way = "< ? ORDER BY id DESC" if newest_first else "> ? ORDER BY id ASC"
        at = after if after is not None else (1 << 62 if before is None else before)
        rows: list[Any] = self._connection.execute(
            f"{_REJECTION} AND id {way} LIMIT ?", (org, at, limit + 1)
        ).fetchall()
        found = [port.Rejection(*row) for row in rows[:limit]]
        more = len(rows) > limit
        if newest_first:
            older = found[-1].id if more else None
            above = None if before is None else before - 1
            return port.RejectionPage(found, older, found[0].id if found else above)
        found.reverse()
        older = found[-1].id if found else at + 1
        return port.RejectionPage(found, older, found[0].id if found else after)

    @answers(port.Store.rejection)
    def one(self, org: OrgId, number: int) -> port.Rejection | None:
        row = self._connection.execute(f"{_REJECTION} AND id = ?", (org, number)).fetchone()
        return None if row is None else port.Rejection(*row)
