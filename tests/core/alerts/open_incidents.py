"""Open incidents of numbered webhooks, each of one of three orgs."""

from tidings.core.alerts.incident import OpenIncident
from tidings.core.ids import OrgId, WebhookId

MINUTE = 60_000
NOON = 1_767_614_400_000  # Monday, 2026-01-05, 12:00


def incident(number: int, opened_ms: int = NOON, cause: str = "503", grew: int = 0) -> OpenIncident:
    return OpenIncident(
        id=f"inc_{number}",
        org=OrgId(number % 3 + 1),
        webhook=WebhookId(f"{number:024x}"),
        name=f"Shop {number}",
        cause=cause,
        opened_ms=opened_ms,
        grew=grew,
    )
