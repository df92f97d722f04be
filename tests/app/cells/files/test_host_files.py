"""A host takes no cell with other files than those in force, and says so once."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.app.cells.calls.two_workers import TwoWorkers, two_workers
from tests.app.cells.files.files_of_cells import edit, own_elsewhere, started
from tidings.app.cells.files.host_files import HostFiles
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.secret_text import SecretText
from tidings.settings.settings import Settings


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(
        data=tmp_path,
        database=DatabaseUri("postgresql://nobody"),
        master_key=SecretText(base64.b64encode(bytes(32)).decode()),
        connections=tmp_path / "connections.toml",
    )
    edit(settings, "a:1")
    return settings


async def test_a_host_takes_no_cell_until_its_files_are_those_in_force(
    both: TwoWorkers, settings: Settings
) -> None:
    first = both.workers[0]
    await started(first, settings)
    view, host = first.installation.reader.view, HostFiles(settings)
    assert await host.may_start(view)
    edit(settings, "changed:1")
    assert await host.may_start(view)  # it is alone
    await own_elsewhere(both)
    await both.look()
    with capture_logs() as said:
        assert not await host.may_start(view)
        assert not await host.may_start(view)
    assert "TIDINGS_CONNECTIONS" in host.refusal
    assert [line["reason"] for line in said] == [host.refusal]
    edit(settings, "a:1")
    assert await host.may_start(view) and not host.refusal


async def test_a_host_of_directories_has_all_processes_of_the_installation(
    both: TwoWorkers, settings: Settings
) -> None:
    first = both.workers[0]
    await started(first, settings)
    await own_elsewhere(both)
    await both.look()
    edit(settings, "changed:1")
    on_directories = msgspec.structs.replace(settings, database=None)
    assert await HostFiles(on_directories).may_start(first.installation.reader.view)
