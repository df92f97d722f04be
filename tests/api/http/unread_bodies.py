"""Calls whose bodies are counted as they are asked for, and of which none may be read."""

from collections.abc import Sequence
from typing import Any


async def unread(
    s: Any,
    path: str,
    auth: str | None,
    *,
    length: int,
    key: str | None,
    more: Sequence[tuple[bytes, bytes]] = (),
) -> tuple[int, int]:
    """The status of a call with a body of such a length, and how often its body was asked for."""
    headers = [
        *more,
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
        (b"host", b"testserver"),
    ]
    if auth is not None:
        headers.append((b"authorization", auth.encode()))
    if key is not None:
        headers.append((b"idempotency-key", key.encode()))
    asked, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * length, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await s.app(scope, receive, send)
    return sent[0]["status"], asked
