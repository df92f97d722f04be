"""The fixtures of this folder are shared with tests/systems, which runs the same program."""

import pytest

from .harness.fixtures import api, new_org, own_service, receiver, service
from .harness.store.embedded_only import leave_out

__all__ = ["api", "new_org", "own_service", "receiver", "service"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be where the services' store is."""
    if left_out := list(leave_out(items)):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [test for test in items if test not in left_out]
