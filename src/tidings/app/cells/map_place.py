"""Where the map of an installation is: beside its store, in a schema or a directory of its own."""

from collections.abc import Callable

from tidings.settings.settings import Settings
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.cell_map.map_rows import MapRows
from tidings.store.cell_map.sqlite_map import MAP_FILE, make_sqlite_map, open_sqlite_map
from tidings.store.port.cell_map import MapRefused
from tidings.store.sqlite.saved_files import MANIFEST

MAP_DIRECTORY = "map"


def open_cell_map(settings: Settings, of: str = "") -> HostedCellMap:
    """Return the map of an installation. It is opened when it is first asked, and must have been
    made by then. `of`: who asks, as the names of connections show it. Raise `MapRefused` where the
    map can have no name."""
    return HostedCellMap(_opener(settings, of))


def open_map_rows(settings: Settings) -> MapRows:
    """Open the map of an installation for who has no event loop. Raise `MapDown`, `MapRefused`."""
    return _opener(settings)()


def has_cell_map(settings: Settings) -> bool:
    """Return whether the map of an installation was made. Raise `MapDown`, `MapRefused`."""
    if settings.database is None:
        return (settings.data / MAP_DIRECTORY / MAP_FILE).is_file()
    from tidings.store.cell_map.postgres_map import (  # noqa: PLC0415  # of an extra
        has_postgres_map,
        map_schema_beside,
    )

    uri, schema = settings.database.reveal(), map_schema_beside(settings.database_schema)
    return has_postgres_map(uri, schema)


def make_cell_map(settings: Settings, serve_role: str | None = None) -> None:
    """Make the map of an installation, or bring it forward; done again, it is made once.
    `serve_role`: who serves, where that is another role of the database than this one.

    Raise `MapDown`, `MapRefused`.
    """
    if settings.database is None:
        return make_sqlite_map(settings.data / MAP_DIRECTORY)
    # What speaks to a database is an extra.
    from tidings.store.cell_map.postgres_map import (  # noqa: PLC0415
        connect_to_map,
        map_schema_beside,
    )
    from tidings.store.cell_map.postgres_schema import make_postgres_map  # noqa: PLC0415

    schema = map_schema_beside(settings.database_schema)
    with connect_to_map(settings.database.reveal(), schema) as connection:
        make_postgres_map(connection, schema, serve_role)


def _opener(settings: Settings, of: str = "") -> Callable[[], MapRows]:
    if settings.database is None:
        if (settings.data / MANIFEST).is_file():  # its sums would not fit any more
            raise MapRefused(
                f"{settings.data} must be a data directory; it is a backup. Restore it with "
                "`tidings restore`."
            )
        directory = settings.data / MAP_DIRECTORY
        return lambda: open_sqlite_map(directory)
    from tidings.store.cell_map.postgres_map import (  # noqa: PLC0415  # of an extra
        map_schema_beside,
        open_postgres_map,
    )

    uri, schema = settings.database.reveal(), map_schema_beside(settings.database_schema)
    return lambda: open_postgres_map(uri, schema, of)
