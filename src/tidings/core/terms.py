"""Search terms: the 8 bytes under which an event is found by a value."""

import hashlib

TERM_BYTES = 8


class Terms:
    """Keyed hashes of an org and a value: the index holds nobody's name or number."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(digest_size=TERM_BYTES, key=key)

    def of(self, org: int, value: str) -> bytes:
        """The term under which an org's events with `value` are found."""
        keyed = self._keyed.copy()
        keyed.update(f"{org}.{value}".encode("utf-8", "surrogatepass"))
        return keyed.digest()
