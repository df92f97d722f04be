"""Saved views on a schema of the release before, which has no table for them."""

import pytest

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.configuration.saved_views import (
    SavedViewReader,
    SavedViewRows,
    drop_views_of,
)
from tidings.store.sqlite.halves import WritingHalf


def test_on_a_schema_before_nobody_has_a_view_and_none_is_made() -> None:
    connection = WritingHalf(":memory:").connection
    connection.execute("DROP TABLE saved_view").fetchall()
    rows = SavedViewRows(connection, lambda: 1)
    assert SavedViewReader(connection).saved_views(OrgId(7), "usr_a") == []
    assert rows.drop(OrgId(7), "usr_a", "viw_a") is None
    drop_views_of(connection, "usr_a")
    with pytest.raises(port.NotKept):
        rows.put(port.StoredView(OrgId(7), "usr_a", "viw_a", "webhooks", name="a", query=""))
