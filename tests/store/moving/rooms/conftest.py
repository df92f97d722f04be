"""Two cells of each adapter that runs in this process: what is in their tables is looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.adapters import IN_PROCESS, TRIED
from tests.store.conformance.subject import Subject
from tests.store.moving.rooms.two_cells import TwoCells

NAMES = [name for name in TRIED if name in IN_PROCESS]


@pytest.fixture(params=NAMES)
def cells(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TwoCells]:
    """Two stores, of which the first has a family more."""
    adapter = IN_PROCESS[request.param]
    pair = TwoCells(Subject(adapter, tmp_path / "a"), Subject(adapter, tmp_path / "b"))
    yield pair
    pair.close()
