"""What an owner should know of a source whose senders sign no id. Pure.

A signature over the body alone proves nothing of the headers. Where a repeat is known by one, the
same body under another is another event: by a slip of the sender, or by whoever has seen it once.
"""

from tidings.core.sources.source import Source
from tidings.core.sources.source_types import WEBHOOK
from tidings.core.sources.verification import StandardWebhooks, StaticHeader

MESSAGE_ID = "webhook-id"


def source_warnings(source: Source) -> list[str]:
    """List what is odd about a source, each in sentences with what to do; empty in order."""
    header = _unsigned_header(source)
    if header is None:
        return []
    covers = (
        "signs nothing"
        if isinstance(source.verification, StaticHeader)
        else "signs the body and no headers"
    )
    return [
        f"The sender {covers}, and a repeat is known by the header {header}: the same body sent "
        "again under another one becomes another event. Set messageId to a field of the body that "
        'each message has for itself, such as {"path": "id"}, or to {"digest": "body"} where two '
        "messages never have the same body."
    ]


def _unsigned_header(source: Source) -> str | None:
    """Find the header by which a repeat is known and which nobody has signed; None if there is
    none. The `eventId` of a mapping stands before the message's own id."""
    if source.kind != WEBHOOK or isinstance(source.verification, StandardWebhooks):
        return None
    event_id = None if source.mapping is None else source.mapping.event_id
    if event_id is not None:
        return event_id.header
    if source.message_id is None:
        return MESSAGE_ID
    return source.message_id.header
