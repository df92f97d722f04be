"""Which schemas of the map a release serves on, and which it brings forward."""

from tidings.store.port.cell_map import MapRefused


def must_bring_forward(have: int, newest: int) -> None:
    """Raise MapRefused for a schema that is newer than the newest which this release knows."""
    if have > newest:
        raise MapRefused(
            f"The map has schema {have}; this release knows {newest}. Start the newer release."
        )


def must_serve(have: int, newest: int) -> None:
    """Raise MapRefused unless the schema is the newest, or the one before."""
    must_bring_forward(have, newest)
    if not have:
        raise MapRefused("The map must have been made; it has no tables. Run: tidings cells create")
    if have < newest - 1:
        raise MapRefused(
            f"The map has schema {have}; this release needs {newest - 1} or {newest}. "
            "Run: tidings migrate"
        )
