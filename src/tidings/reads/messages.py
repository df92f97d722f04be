"""What goes over a wire as it is shown: headers and bytes."""

import base64
from collections.abc import Sequence
from typing import Any


def show_headers(headers: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Show headers in their order, as an answer holds them; what is to be masked is masked
    before."""
    return [{"name": name, "value": value} for name, value in headers]


def show_bytes(body: bytes) -> dict[str, Any]:
    """Show bytes as they are, and as text where they are UTF-8."""
    try:
        text: str | None = body.decode()
    except UnicodeDecodeError:
        text = None
    return {"base64": base64.b64encode(body).decode(), "text": text, "bytes": len(body)}
