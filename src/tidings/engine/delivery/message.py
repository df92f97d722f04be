"""How a webhook's messages are made: method and headers, signed for each attempt."""

from tidings import __version__
from tidings.core.delivery.job import Job
from tidings.core.ids import message_id, replayed_id, show
from tidings.core.shaping.sign import Signer
from tidings.core.webhooks.webhook import Webhook

USER_AGENT = f"Tidings/{__version__}"
_OWN = {"content-type": "application/json", "accept": "*/*", "user-agent": USER_AGENT}


class Message:
    """Prepared once for each version of a webhook."""

    def __init__(self, webhook: Webhook) -> None:
        configured = {name.lower() for name, _ in webhook.headers}
        self._fixed = [
            *((name, value) for name, value in _OWN.items() if name not in configured),
            *webhook.headers,
        ]
        self._signer = Signer(webhook.secrets) if webhook.secrets else None

    def headers(self, job: Job, now_s: int) -> list[tuple[str, str]]:
        """All headers of one attempt, signed at `now_s` (seconds since the epoch)."""
        id = message_id(job.org, job.event_id)
        if job.again and job.replay is not None:
            id = replayed_id(id, job.replay)
        headers = [
            *self._fixed,
            ("webhook-id", id),
            ("webhook-timestamp", str(now_s)),
            ("tidings-delivery", show("dlv", job.delivery)),
            ("tidings-attempt", str(job.attempt)),
        ]
        if job.replay is not None:
            headers.append(("tidings-replay", show("rpl", job.replay)))
        if self._signer is not None:
            headers.append(("webhook-signature", self._signer.sign(id, now_s, job.body)))
        return headers
