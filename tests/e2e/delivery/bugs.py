"""What tests of a service with a bug of its own share (`harness/broken/sitecustomize.py`)."""

import re
from pathlib import Path
from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import new_id

SITE = Path(__file__).parents[1] / "harness" / "broken"
AT_ONCE = 8  # attempts that the whole service makes at one time
BROKEN = 3 * AT_ONCE


def figure(api: Api, name: str) -> float:
    """A metric that has no labels."""
    found = re.search(rf"^{name} (\S+)$", api.get("/metrics").body.decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def group(text: str) -> dict[str, Any]:
    """An event whose body holds the text."""
    return {"eventName": "groupCreated", "eventId": new_id(), "data": {"groupId": 1, "name": text}}
