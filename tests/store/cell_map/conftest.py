"""The suite's parameter: the map in each database passes the same cases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store.cell_map.lined import lined
from tests.store.cell_map.other_process import PATIENT_S
from tests.store.cell_map.subject import MapSubject, PostgresMap, SqliteMap
from tidings.store.cell_map import postgres_map, sqlite_map
from tidings.store.port.cell_map import CellMapStore


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


@pytest.fixture(params=["own connection", "line"])
async def cell_map(
    request: pytest.FixtureRequest, subject: MapSubject
) -> AsyncIterator[CellMapStore]:
    """The map, as a service asks it: over a connection of its own, or over a line to its host."""
    hosted = subject.hosted()
    if request.param == "line":
        async with lined(hosted) as asking:
            yield asking
    else:
        yield hosted
    await hosted.close()
