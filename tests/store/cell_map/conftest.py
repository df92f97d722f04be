"""The suite's parameter: the map in each database passes the same cases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store.cell_map.other_process import PATIENT_S
from tests.store.cell_map.subject import MapSubject, PostgresMap, SqliteMap
from tidings.store.cell_map import postgres_map, sqlite_map
from tidings.store.cell_map.hosted_map import HostedCellMap


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than a service waits."""
    monkeypatch.setattr(sqlite_map, "WAIT_S", PATIENT_S)
    for name in postgres_map.BOUNDS_S:
        monkeypatch.setitem(postgres_map.BOUNDS_S, name, PATIENT_S)


@pytest.fixture(params=["sqlite", "postgres"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> MapSubject:
    """A new map without anything in it."""
    return SqliteMap(tmp_path / "map") if request.param == "sqlite" else PostgresMap()


@pytest.fixture
async def cell_map(subject: MapSubject) -> AsyncIterator[HostedCellMap]:
    """The map, as a service asks it."""
    hosted = subject.hosted()
    yield hosted
    await hosted.close()
