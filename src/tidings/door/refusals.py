"""What a door itself answers, where a call is not served here and no owner has answered it.

All of them are 503 with `Retry-After`, as wherever an answer is not known: the call is made again,
with the ids or the key that it had.
"""

import json

from tidings.door.head import REQUEST_ID
from tidings.errors import TidingsError, end_with_place

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
BUSY_RETRY_S = 1
GONE_RETRY_S = 2


class DoorRefusal(TidingsError):
    """A call that nobody takes now: why, and when to try again."""

    def __init__(self, code: str, message: str, retry_s: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = end_with_place(message, code, "-")
        self.retry_s = retry_s

    def answer(self, request_id: bytes, more: list[tuple[bytes, bytes]]) -> Answer:
        """Build status, headers and body; `more` are headers among them."""
        error_body = {"error": {"code": self.code, "message": self.message}}
        body = json.dumps(error_body, ensure_ascii=False).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"%d" % self.retry_s),
            (REQUEST_ID, request_id),
            *more,
        ]
        return 503, headers, body


def no_owner(why: str, retry_s: int) -> DoorRefusal:
    """Build the 503 for a call whose owner is not known now."""
    text = (
        f"The call must reach the process that owns its org; now {why}. Send it again in "
        f"{retry_s} seconds."
    )
    return DoorRefusal("no_owner", text, retry_s)


def owner_busy() -> DoorRefusal:
    """Build the 503 for a call whose owner has as many under way as it may have."""
    text = (
        "The process that owns the org must answer earlier calls first; too many of them wait. "
        "Send it again in a second."
    )
    return DoorRefusal("owner_busy", text, BUSY_RETRY_S)


def owner_gone() -> DoorRefusal:
    """Build the 503 for a call whose owner has ended before it answered."""
    text = (
        "The process that owns the org must answer the call; it ended before. The call may have "
        "been carried out: send it again in 2 seconds with the same ids or Idempotency-Key."
    )
    return DoorRefusal("owner_gone", text, GONE_RETRY_S)


def owner_late() -> DoorRefusal:
    """Build the 503 for a call that its owner has not answered in time."""
    text = (
        "The process that owns the org must answer in time; it did not. The call may have been "
        "carried out: send it again in 2 seconds with the same ids or Idempotency-Key."
    )
    return DoorRefusal("owner_late", text, GONE_RETRY_S)
