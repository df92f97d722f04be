"""Replays as the tests ask for them, dry or not, and wait for their ends."""

from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.until import PATIENCE_S, until


def replay(api: Api, hook: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Ask for a replay; the job."""
    body = {"webHookId": hook["webHookId"]} | fields
    made: dict[str, Any] = api.send("POST", "/v1/replays", body).must(201)
    return made


def dry(api: Api, hook: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What a replay would do."""
    body = {"webHookId": hook["webHookId"], "dryRun": True} | fields
    told: dict[str, Any] = api.send("POST", "/v1/replays", body).must(200)
    return told


def comes_to(
    api: Api, job: dict[str, Any], *states: str, seconds: float = PATIENCE_S
) -> dict[str, Any]:
    """The job, once it is in one of these states."""

    def ask() -> dict[str, Any] | None:
        found: dict[str, Any] = api.get(f"/v1/replays/{job['id']}").must(200)
        return found if found["state"] in states else None

    found = until(ask, f"{job['id']} comes to {'/'.join(states)}", seconds)
    assert found is not None
    return found
