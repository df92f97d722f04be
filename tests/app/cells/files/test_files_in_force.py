"""What is in force stands in the map; a process with other files takes no cell."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.app.cells.calls.two_workers import TwoWorkers, Worker, two_workers
from tests.app.cells.files.files_of_cells import edit, own_elsewhere, process, started
from tidings.app.cells.files.file_rows import IN_FORCE, read_digests, row_name
from tidings.app.operator_files.operator_file import FileRefused
from tidings.core.cells.file_digests import Digests
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import MapDown, PlatformKind


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "connections.toml"
    path.write_text('[main]\ntype = "kafka"\nservers = "a:1"\n')
    return Settings(data=tmp_path, connections=path)


def stands(worker: Worker, name: str) -> Digests | None:
    return read_digests(worker.installation.reader.view.platform_row(PlatformKind.FILE, name))


async def test_the_first_process_puts_its_own_in_force_and_each_says_what_it_runs_with(
    both: TwoWorkers, settings: Settings
) -> None:
    first, second = both.workers
    own = (await started(first, settings)).own
    assert stands(first, IN_FORCE) == stands(first, row_name(first.cell)) == own
    await started(second, settings)
    assert stands(second, IN_FORCE) == stands(second, row_name(second.cell)) == own


async def test_on_one_machine_an_edit_and_a_start_is_enough(
    both: TwoWorkers, settings: Settings
) -> None:
    first, second = both.workers
    former = (await started(first, settings)).own
    edit(settings, "b:1")
    own = (await started(second, settings)).own
    await first.installation.reader.look()
    assert stands(first, IN_FORCE) == own != former
    assert stands(first, row_name(first.cell)) == former  # it goes on with what it has read


async def test_beside_another_machine_other_files_take_no_cell_and_are_named(
    both: TwoWorkers, settings: Settings
) -> None:
    first, second = both.workers
    former = (await started(first, settings)).own
    await own_elsewhere(both)
    edit(settings, "b:1")
    refused = process(second, settings)
    with pytest.raises(FileRefused) as why:
        await refused.admit()
    text = str(why.value)
    assert f"TIDINGS_CONNECTIONS ({settings.connections}): " in text
    assert f"{former['connections'][:8]} is in force, and {refused.own['connections'][:8]}" in text
    assert "tidings cells use-files" in text and "TIDINGS_SOURCES" not in text
    assert stands(second, IN_FORCE) == former and stands(second, row_name(second.cell)) is None
    edit(settings, "a:1")
    await started(second, settings)
    assert stands(second, row_name(second.cell)) == former


async def test_a_setting_that_differs_is_named_too(both: TwoWorkers, settings: Settings) -> None:
    first, second = both.workers
    await started(first, settings)
    await own_elsewhere(both)
    other = msgspec.structs.replace(settings, audit_days=90)
    with pytest.raises(FileRefused, match="TIDINGS_AUDIT_DAYS: "):
        await process(second, other).admit()


async def test_while_the_map_is_away_a_cell_is_served_and_the_map_hears_of_it_later(
    both: TwoWorkers, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = both.workers[0]

    async def away(*_: object) -> None:
        raise MapDown("the map is away")

    files = process(first, settings)
    with monkeypatch.context() as patched:
        patched.setattr(first.map, "read", away)
        await files.admit()
    await first.installation.reader.look()
    await files.follow()
    await first.installation.reader.look()
    assert stands(first, row_name(first.cell)) == files.own


async def test_of_two_that_start_at_once_with_different_files_one_is_in_force(
    both: TwoWorkers, settings: Settings
) -> None:
    one = process(both.workers[0], settings)
    edit(settings, "b:1")
    other = process(both.workers[1], settings)
    await one.admit()
    await other.admit()
    await one.follow()
    await other.follow()  # somebody was faster
    await other.follow()
    await both.look()
    assert stands(both.workers[0], IN_FORCE) == other.own
    assert stands(both.workers[0], row_name(both.workers[0].cell)) == one.own
