"""Alert channels on a schema of the release before, which has no table for them."""

import pytest

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.alerts import AlertRows
from tidings.store.sqlite.halves import WritingHalf


def test_on_a_schema_before_there_are_no_channels_and_none_is_made() -> None:
    half = WritingHalf(":memory:")
    for table in ("alert_channel", "alert_mark"):
        half.connection.execute(f"DROP TABLE {table}").fetchall()
    rows = AlertRows(half.connection, lambda: 1)
    assert [*rows.load(), *rows.marks()] == []
    with pytest.raises(port.NotKept):
        rows.put(port.StoredChannel("alc_a", OrgId(7), b"sealed"))
