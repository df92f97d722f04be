"""An org's log as its API pages it, and waiting until a service has stopped."""

from typing import Any

from tests.e2e.harness.api import Api


def log_of(org: Api) -> list[dict[str, Any]]:
    """The log of the org's events but for those of Tidings itself, the newest first."""
    rows: list[dict[str, Any]] = []
    more = ""
    while True:
        page = org.get(f"/v1/events?limit=200{more}").must(200)
        rows += page["events"]
        if not (older := page["paging"]["next"]):
            return [row for row in rows if not row["eventName"].startswith("tidings.")]
        more = f"&cursor={older}"


def stopped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if (row["warning"] or "").startswith("Not delivered: ")]
