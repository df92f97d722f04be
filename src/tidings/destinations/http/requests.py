"""What a request to a receiver holds beside the message itself."""

from tidings import __version__
from tidings.core.webhooks.authentication import header_of
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers

OWN = {
    "content-type": "application/json",
    "accept": "*/*",
    "user-agent": f"Tidings/{__version__}",
}


def fixed_headers(webhook: Webhook) -> Headers:
    """Build the headers of every request of a webhook: its own, and ours where it has none of the
    name; without those that its authentication sets."""
    own = list(webhook.headers)
    if webhook.authentication is not None:
        sets = header_of(webhook.authentication).lower()
        own = [(name, value) for name, value in own if name.lower() != sets]
    configured = {name.lower() for name, _ in own}
    return [*((name, value) for name, value in OWN.items() if name not in configured), *own]
