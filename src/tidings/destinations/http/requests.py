"""What a request to a receiver holds beside the message itself."""

from tidings import __version__
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers

_OWN = {
    "content-type": "application/json",
    "accept": "*/*",
    "user-agent": f"Tidings/{__version__}",
}


def fixed_headers(webhook: Webhook) -> Headers:
    """Those of every request of a webhook: our own where it has none of the name, and its own."""
    configured = {name.lower() for name, _ in webhook.headers}
    ours = [(name, value) for name, value in _OWN.items() if name not in configured]
    return [*ours, *webhook.headers]
