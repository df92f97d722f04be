"""The calls of the generator: an event in each, or several, signed where the receiver wants it.

They are made of prepared bytes around fresh ids. Customers take turns, as organisations do.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence

from bench.payload import ID_SLOT, event_bytes

SIGNED = (
    "webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{signature}\r\n".format
)


class Calls:
    """Makes the bytes of one call after the other."""

    def __init__(
        self,
        orgs: Sequence[int],
        size: int,
        path: str,
        headers: dict[str, str],
        *,
        customers: int = 1,
        secret: str = "",
    ) -> None:
        """`secret`: of Standard Webhooks, as `whsec_…`; not signed without one."""
        self._parts = [
            split_at_id(event_bytes(org, size, customer))
            for customer in range(customers)
            for org in orgs
        ]
        lines = {"host": "127.0.0.1", "content-type": "application/json", **headers}
        written = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._head = f"POST {path} HTTP/1.1\r\n{written}".encode()
        self._secret = base64.b64decode(secret.removeprefix("whsec_")) if secret else b""
        alone = not secret and len({sum(map(len, part)) for part in self._parts}) == 1
        length = sum(map(len, self._parts[0])) + len(ID_SLOT)
        self._begun = b"%bcontent-length: %d\r\n\r\n" % (self._head, length) if alone else b""

    def one(self, index: int, event: bytes) -> bytes:
        """The call with one event."""
        before, after = self._parts[index % len(self._parts)]
        if self._begun:
            return self._begun + before + event + after
        return self._whole(event, before + event + after)

    def many(self, first: int, events: Sequence[bytes]) -> bytes:
        """The call with several, which are numbered from `first`."""
        made = []
        for index, event in enumerate(events, first):
            before, after = self._parts[index % len(self._parts)]
            made.append(before + event + after)
        return self._whole(events[0], b"[" + b",".join(made) + b"]")

    def _whole(self, id: bytes, body: bytes) -> bytes:
        signed = b""
        if self._secret:
            at = b"%d" % time.time()
            proof = hmac.digest(self._secret, b"%b.%b.%b" % (id, at, body), hashlib.sha256)
            signed = SIGNED(
                id=id.decode(), at=at.decode(), signature=base64.b64encode(proof).decode()
            ).encode()
        return b"%bcontent-length: %d\r\n%b\r\n%b" % (self._head, len(body), signed, body)


def split_at_id(body: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the id of an event."""
    before, after = body.split(ID_SLOT.encode(), 1)
    return before, after
