"""A delivery as a message: its id, its headers, dated and signed for each attempt, and its bytes.

Nothing here depends on what carries it: what HTTP needs besides is its driver's.
"""

from collections.abc import Callable

from tidings.core.delivery.job import Job
from tidings.core.events.names import CONTENT_TYPE, name_in
from tidings.core.events.passage import HEADER, next_hop, stored_trace, write_passage
from tidings.core.events.trace_context import HEADER as TRACE_HEADER
from tidings.core.events.trace_context import header_of_attempt
from tidings.core.ids import OrgId, message_id, replayed_id, show
from tidings.core.shaping.signatures.standard_webhooks import SIGNATURE_HEADER, MessageSigner
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers


def id_of(job: Job) -> str:
    """Return its `webhook-id`: one of its own for a replay of what was delivered before."""
    id = message_id(job.org, job.event_id)
    return id if job.replay is None or not job.again else replayed_id(id, job.replay)


class MessageHeaders:
    """The headers of every message, prepared once for each version of a webhook."""

    def __init__(
        self, webhook: Webhook, first_hop: Callable[[OrgId], str] = lambda org: write_passage(1, "")
    ) -> None:
        """`first_hop`: see `core.events.passage.Doors`."""
        self._org = webhook.org
        self._hops = first_hop(webhook.org)
        self._first_hop = first_hop
        self._signer = MessageSigner(webhook.signatures, webhook.secrets, webhook.key_pairs)
        self._is_signed = bool(self._signer)

    def of(self, job: Job, now_s: int, carried: Headers) -> Headers:
        """Build all headers of one attempt, signed at `now_s` (seconds since the epoch), behind
        those that its driver has `carried` to it."""
        id = id_of(job)
        headers = [
            *carried,
            ("webhook-id", id),
            ("webhook-timestamp", str(now_s)),
            ("tidings-delivery", show("dlv", job.delivery)),
            ("tidings-attempt", str(job.attempt)),
            (
                HEADER,
                self._hops if job.passage is None and job.org == self._org else self._hops_of(job),
            ),
        ]
        if job.passage is not None and (trace := stored_trace(job.passage)):
            headers.append((TRACE_HEADER, header_of_attempt(trace, job.delivery, job.attempt)))
        if job.replay is not None:
            headers.append(("tidings-replay", show("rpl", job.replay)))
        if self._is_signed:
            headers.append((SIGNATURE_HEADER, self._signer.sign(id, now_s, job.body)))
        return headers

    def _hops_of(self, job: Job) -> str:
        """Say how far a message has come, other than one that comes for the first time."""
        return self._first_hop(job.org) if job.passage is None else next_hop(job.passage)


HeadersOf = Callable[[Webhook], MessageHeaders]


class JobMessage:
    """A job as a `destinations.port.Message`; whether it leaves is said by what it is sent for."""

    __slots__ = ("job", "webhook")

    def __init__(self, job: Job, webhook: Webhook) -> None:
        self.job = job
        self.webhook = webhook  # the version of it that the message was made for

    @property
    def id(self) -> str:
        return id_of(self.job)

    @property
    def event_id(self) -> str:
        return self.job.event_id

    @property
    def event_name(self) -> str:
        return name_in(self.job.body)

    @property
    def org(self) -> OrgId:
        return self.job.org

    @property
    def attempt(self) -> int:
        return self.job.attempt

    @property
    def key(self) -> int | None:
        return self.job.key

    @property
    def content_type(self) -> str:
        return CONTENT_TYPE

    @property
    def body(self) -> bytes:
        return self.job.body

    @property
    def trial(self) -> bool:
        return False

    @property
    def deadline_s(self) -> float:
        return self.webhook.deadline_s
