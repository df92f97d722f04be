"""The suite's parameters where a case needs more than the port: each adapter that has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.adapters import HOSTED, IN_PROCESS, TRIED
from tests.store.conformance.commits.subjects import HostedSubject, InProcessSubject


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out adapters that this run does not try."""
    left_out = [case for case in items if _adapter_of(case) not in (None, *TRIED)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [case for case in items if case not in left_out]


@pytest.fixture(params=IN_PROCESS)
def in_process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InProcessSubject]:
    """A new, empty store of an adapter, in process."""
    made = InProcessSubject(IN_PROCESS[request.param], tmp_path / "data")
    yield made
    made.close()


@pytest.fixture(params=HOSTED)
def hosted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostedSubject]:
    """A new, empty store of an adapter, as it runs."""
    made = HostedSubject(HOSTED[request.param], tmp_path / "data")
    yield made
    made.close()


def _adapter_of(item: pytest.Item) -> str | None:
    """Return the name of the adapter that a case of this folder is run for."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return next((params[name] for name in ("in_process", "hosted") if name in params), None)
