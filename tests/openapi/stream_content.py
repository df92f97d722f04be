"""What the description says of streams, and whether a line fits it."""

from typing import Any

from tests.openapi.validate import Schemas
from tidings.api.openapi.document import operations

STREAM = "text/event-stream"

OF_ORG, OF_INBOX = "GET /v1/stream", "GET /v1/inboxes/{inbox_id}/stream"


def content_of(document: dict[str, Any], call: str) -> dict[str, Any]:
    operation = dict(operations(document))[call]
    content: dict[str, Any] = operation["responses"]["200"]["content"][STREAM]
    return content


def fits(document: dict[str, Any], call: str, kind: str, fact: Any) -> None:
    """The fact has the fields that are described, and no others."""
    said = content_of(document, call)["x-events"][kind]["schema"]
    assert Schemas(document).fault(said, fact) is None, (kind, fact)
    known = document["components"]["schemas"][said["$ref"].rpartition("/")[2]]["properties"]
    assert fact.keys() == known.keys(), kind
