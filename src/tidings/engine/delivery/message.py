"""A delivery as a message: its id, its headers, dated and signed for each attempt, and its bytes.

Nothing here depends on what carries it: what HTTP needs besides is its driver's.
"""

from tidings.core.delivery.job import Job
from tidings.core.ids import OrgId, message_id, replayed_id, show
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers

CONTENT_TYPE = "application/json"


def id_of(job: Job) -> str:
    """Its `webhook-id`: one of its own for a replay of what was delivered before."""
    id = message_id(job.org, job.event_id)
    return id if job.replay is None or not job.again else replayed_id(id, job.replay)


class MessageHeaders:
    """What every message has, prepared once for each version of a webhook."""

    def __init__(self, webhook: Webhook) -> None:
        self._header = webhook.scheme.header
        self._signer = webhook.scheme.signer(webhook.secrets) if webhook.secrets else None

    def of(self, job: Job, now_s: int, carried: Headers) -> Headers:
        """All headers of one attempt, signed at `now_s` (seconds since the epoch), behind those
        that its driver has `carried` to it."""
        id = id_of(job)
        headers = [
            *carried,
            ("webhook-id", id),
            ("webhook-timestamp", str(now_s)),
            ("tidings-delivery", show("dlv", job.delivery)),
            ("tidings-attempt", str(job.attempt)),
        ]
        if job.replay is not None:
            headers.append(("tidings-replay", show("rpl", job.replay)))
        if self._signer is not None:
            headers.append((self._header, self._signer.sign(id, now_s, job.body)))
        return headers


class JobMessage:
    """A job as a `destinations.port.Message`; whether it leaves is said by what it is sent for."""

    __slots__ = ("job", "webhook")

    def __init__(self, job: Job, webhook: Webhook) -> None:
        self.job = job
        self.webhook = webhook  # the version of it that the message was made for

    @property
    def id(self) -> str:
        """See `Message.id`."""
        return id_of(self.job)

    @property
    def event_id(self) -> str:
        """See `Message.event_id`."""
        return self.job.event_id

    @property
    def org(self) -> OrgId:
        """See `Message.org`."""
        return self.job.org

    @property
    def attempt(self) -> int:
        """See `Message.attempt`."""
        return self.job.attempt

    @property
    def key(self) -> int | None:
        """See `Message.key`."""
        return self.job.key

    @property
    def content_type(self) -> str:
        """See `Message.content_type`."""
        return CONTENT_TYPE

    @property
    def body(self) -> bytes:
        """See `Message.body`."""
        return self.job.body

    @property
    def deadline_s(self) -> float:
        """See `Message.deadline_s`."""
        return self.webhook.deadline_s
