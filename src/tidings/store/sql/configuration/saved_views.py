"""Saved views as rows, and how those of an owner end.

A schema before, on which this release serves too, has no table for them: there, nobody has one.
"""

from collections.abc import Callable

from msgspec.structs import replace

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

_VIEW = StoredTable("saved_view", port.StoredView)
_REVISED = RevisedTable(_VIEW, "org", "owner", "id", keeps=["list", "query", "created_ms"])
_DROP = f"DELETE FROM saved_view WHERE org = ? AND owner = ? AND id = ? RETURNING {_VIEW.columns}"


class SavedViewRows:
    """Writes saved views; shares the writer's connection."""

    def __init__(self, connection: StoreConnection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._clock_ms = clock_ms
        self._is_there = connection.has_table(_VIEW.name)

    @answers(port.Store.put_saved_view)
    def put(self, view: port.StoredView) -> port.StoredView:
        if not self._is_there:
            raise port.NotKept("the schema is of the release before, and has no saved views")
        dated = replace(view, created_ms=view.created_ms or self._clock_ms())
        with self._connection:
            return _REVISED.put(self._connection, dated)

    @answers(port.Store.drop_saved_view)
    def drop(self, org: OrgId, owner: str, id: str) -> port.StoredView | None:
        if not self._is_there:
            return None
        with self._connection:
            row = self._connection.execute(_DROP, (org, owner, id)).fetchone()
        return None if row is None else _VIEW.read(row)


class SavedViewReader:
    """Reads saved views; shares the reader's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.saved_views)
    def saved_views(self, org: OrgId, owner: str) -> list[port.StoredView]:
        if not self._connection.has_table(_VIEW.name):
            return []
        rows = self._connection.execute(
            f"{_VIEW.select} WHERE org = ? AND owner = ? ORDER BY name, id", (org, owner)
        )
        return [_VIEW.read(row) for row in rows]


def drop_views_of(connection: StoreConnection, owner: str, org: OrgId | None = None) -> None:
    """Drop the views of an owner who is gone, or gone from an org, in the transaction of that."""
    if connection.has_table(_VIEW.name):
        where, keys = (
            ("owner = ?", [owner]) if org is None else ("org = ? AND owner = ?", [org, owner])
        )
        connection.execute(f"DELETE FROM saved_view WHERE {where}", keys)
