"""The headers that every answer carries, whoever makes it: a browser takes it for no more than it
says it is, runs nothing of it, shows it in no frame, and keeps no copy.

Answers hold what strangers wrote: events, receivers' answers, addresses. What a page of the console
needs beyond this it says itself, and that stands.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Pairs = tuple[tuple[bytes, bytes], ...]

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
# All that the answer to an event pays for (`refusals.json_answer`): it is JSON by us alone.
BARE: Pairs = (_NOSNIFF, _NO_STORE)
ALL: Pairs = (
    *BARE,
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)


def with_all(send: Send) -> Send:
    """Return a `send` that adds every header of the policy that the answer does not set itself."""

    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            names = {name for name, _ in headers}
            headers += [pair for pair in ALL if pair[0] not in names]
        return send(message)

    return sending
