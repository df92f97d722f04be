"""A webhook as the tests of registries and notices have it."""

from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook

NAMES = ("pointsIssued", "tierUpgraded", "customerAdded")


def hook(
    number: int,
    org: int,
    *names: str,
    status: WebhookStatus = WebhookStatus.ACTIVE,
    listens: bool = False,
    kind: str = "HTTP",
    version: int = 1,
) -> Webhook:
    """A webhook that wants `names`, or the first name where none is given."""
    return Webhook(
        number=number,
        id=WebhookId(f"{number:024x}"),
        consumer_group="",
        org=OrgId(org),
        version=version,
        name=f"hook {number}",
        status=status,
        event_names=frozenset(names or NAMES[:1]),
        kind=kind,
        url="https://example.com/",
        method="POST",
        headers=(),
        connections_max=1,
        listen_to_children=listens,
    )
