"""Many events for one webhook, and whether it is left alone after them."""

from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id


def burst(api: Api, count: int) -> list[str]:
    """So many events in one call; their ids."""
    ids = [new_id() for _ in range(count)]
    api.accept(b"[" + b",".join(event(text, api.org) for text in ids) + b"]")
    return ids


def left_alone(api: Api, shown: str) -> dict[str, Any] | None:
    """How a webhook does, once nothing is sent to it but probes, and the first of these has not
    begun."""
    health: dict[str, Any] | None = api.get(shown).must(200)["data"]["health"]
    return health if health and health["leftAlone"] and health["nextTryAt"] else None
