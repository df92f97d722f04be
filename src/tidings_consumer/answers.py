"""What a receiver answers, by what its answer means to the sender."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

TEXT_MAX = 500  # characters of a reason: the sender keeps the beginning of what is not 2xx
WAIT_MAX_S = 86_400


@dataclass(frozen=True)
class Answer:
    """An answer to send: the status decides, the body is for whoever reads the sender's log."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Return whether the sender takes the event as delivered."""
        return 200 <= self.status < 300


def accepted() -> Answer:
    """Answer that the event is delivered: the sender does not send it again."""
    return Answer(204)


def later(seconds: float, reason: str) -> Answer:
    """Answer that it cannot be handled now: the sender waits at least `seconds` and tries again."""
    wait = 1 if math.isnan(seconds) else math.ceil(max(1, min(WAIT_MAX_S, seconds)))
    return _text(503, reason, {"retry-after": str(wait)})


def busy(reason: str) -> Answer:
    """Answer that the event is being handled, here or elsewhere: the sender tries again by its own
    schedule. Not a 503, from which a sender learns how much a receiver can take."""
    return _text(409, reason)


def failed() -> Answer:
    """Answer that the handler failed: the sender tries again by its own schedule. The cause is not
    sent."""
    return _text(500, "the handler has failed; its log says why")


def rejected(reason: str) -> Answer:
    """Answer that the event will never be taken: its delivery fails at the sender, where a person
    can replay it."""
    return _text(422, reason)


def gone(reason: str) -> Answer:
    """Answer that nobody listens here any more: the sender disables the webhook."""
    return _text(410, reason)


def unauthorised(reason: str) -> Answer:
    """Answer that the request cannot be trusted. A sender whose secret is corrected meanwhile tries
    it again."""
    return _text(401, reason)


def too_large(most: int) -> Answer:
    """Answer that the body is too large: the delivery fails at the sender."""
    return _text(413, f"the body must have at most {most} bytes")


def not_allowed() -> Answer:
    """Answer a request by a method that carries no event."""
    return _text(405, "events come by POST or PUT", {"allow": "POST, PUT"})


def _text(status: int, reason: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(
        status,
        reason[:TEXT_MAX].encode("utf-8", "replace"),
        {"content-type": "text/plain; charset=utf-8", **(headers or {})},
    )
