"""A cell's settings are those of its installation, with a store of its own."""

from pathlib import Path

import pytest

from tidings.app.cells.cell_settings import directory_entry, schema_entry, settings_of_cell
from tidings.app.cells.worker_post import PostRefused, WorkerPost
from tidings.core.cells.families import CellId
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.secret_text import SecretText
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellEntry, MapRefused

ONE, TWO = CellId(1), CellId(2)
DATA = Path("/data")
FIRST = ("bootstrap_org", "bootstrap_key", "bootstrap_secret")
EMBEDDED = Settings(
    data=DATA,
    port=9,
    sources=Path("/s"),
    actions=Path("/a"),
    bootstrap_org=5,
    bootstrap_key="boss",
    bootstrap_secret=SecretText("s" * 24),
)
DATABASE = Settings(data=DATA, database=DatabaseUri("postgresql://db"), database_schema="first")


def test_the_first_cell_is_where_the_only_one_was() -> None:
    assert settings_of_cell(EMBEDDED, directory_entry(ONE)) == EMBEDDED
    assert settings_of_cell(DATABASE, schema_entry(ONE, "first")) == DATABASE


def test_a_further_cell_has_a_store_of_its_own_and_all_else_of_the_installation() -> None:
    directory = settings_of_cell(EMBEDDED, directory_entry(TWO))
    assert directory.data == DATA / "cells/2" and directory.port == EMBEDDED.port
    for name in FIRST:  # whose org may move there
        assert getattr(directory, name) == getattr(EMBEDDED, name)
    assert (directory.sources, directory.actions) == (EMBEDDED.sources, EMBEDDED.actions)
    schema = settings_of_cell(DATABASE, schema_entry(TWO, "second"))
    assert schema.database == DATABASE.database and schema.database_schema == "second"
    assert schema.data == DATA / "cells/2"  # what lies beside a store in files is its own


@pytest.mark.parametrize(
    ("settings", "entry"),
    [(EMBEDDED, schema_entry(TWO, "second")), (DATABASE, directory_entry(TWO))],
)
def test_a_cell_of_another_kind_of_store_is_refused(settings: Settings, entry: CellEntry) -> None:
    with pytest.raises(MapRefused, match=f"names a {entry.kind.value}"):
        settings_of_cell(settings, entry)


@pytest.mark.parametrize("entry", [directory_entry(ONE), schema_entry(TWO, "second")])
def test_a_worker_reads_what_its_host_has_written(entry: CellEntry) -> None:
    post = WorkerPost.of(entry, listening=7, tells=9)
    assert WorkerPost.read(post.write()) == post and post.entry == entry
    again = WorkerPost.of(entry, listening=7, tells=9, is_again=True)
    assert WorkerPost.read(again.write()).is_again and not post.is_again
    for text in ("2", "", "{}", '{"cell": 2}'):
        with pytest.raises(PostRefused, match="without it"):
            WorkerPost.read(text)
