"""The map of an installation stands beside its store, wherever that is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgres_server import shared_server
from tidings.app.cells.map_place import make_cell_map, open_cell_map
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import MapDown, MapPlace, MapRefused


def embedded(data: Path) -> Settings:
    return Settings(data=data)


def in_database(data: Path) -> Settings:
    return Settings(data=data, database=DatabaseUri(shared_server().lend_database()))


@pytest.mark.parametrize("settings_of", [embedded, in_database])
async def test_the_map_stands_beside_the_store_once_it_was_made(
    settings_of: Callable[[Path], Settings], tmp_path: Path
) -> None:
    settings = settings_of(tmp_path)
    cell_map, other = open_cell_map(settings), open_cell_map(settings)
    with pytest.raises((MapDown, MapRefused)):
        await cell_map.read(MapPlace())
    for _ in range(2):
        make_cell_map(settings)
    place = (await cell_map.read(MapPlace())).place
    await other.place_families({FamilyId(1): FamilyPlace(CellId(1), 1)})
    assert {*(await cell_map.read(place)).changes.families} == {1}
    for opened in (cell_map, other):
        await opened.close()


def test_a_name_that_has_no_room_for_the_map_is_told_before_anything_is_made(
    tmp_path: Path,
) -> None:
    settings = Settings(
        data=tmp_path, database=DatabaseUri("postgresql://nowhere"), database_schema="a" * 63
    )
    for use in (open_cell_map, make_cell_map):
        with pytest.raises(MapRefused, match="59 letters at most"):
            use(settings)
