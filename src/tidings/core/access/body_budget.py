"""How many bytes of bodies may be held at one time, and by whom. No IO, no clock.

Every body counts against the share of who sends it and against that of his kind: those that are
known by a credential have one, strangers another, so that no number of strangers takes the place of
who is known. A body of at most `SMALL_BYTES` is not counted: so many are bounded by the places of
connections, and who sends what is usual is never held up by who sends much.
"""

from typing import Final, NamedTuple

from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId

SMALL_BYTES: Final = 9_999  # a length of four digits
_MB: Final = 1 << 20


class BodyShare(NamedTuple):
    """A part of what may be held: its name, its bytes, and whose it is, in words; "" for all."""

    key: str
    bytes_max: int
    whose: str


class BodyHolder(NamedTuple):
    """The sender of a body, by the shares that it counts against."""

    known: bool
    shares: tuple[BodyShare, ...]


class BodyBudget:
    """The bodies of one process."""

    def __init__(self, call_bytes_max: int = 4 * _MB) -> None:
        """`call_bytes_max` is the longest body of a call with events: at least two of those fit
        into a credential's share."""
        self._credential_max = max(16 * _MB, 2 * call_bytes_max)
        self._org_max = max(24 * _MB, 2 * call_bytes_max)
        self._known_max = 4 * self._org_max
        self._held: dict[str, int] = {}

    def known(self, caller: AuthenticatedCaller) -> BodyHolder:
        """Describe a caller whose credential was verified. The platform's own acts for all orgs."""
        all_known = BodyShare("known", self._known_max, "")
        if caller.platform:
            half = self._known_max // 2
            own = BodyShare(f"credential {caller.credential}", half, "a credential")
            return BodyHolder(True, (own, all_known))
        own = BodyShare(f"credential {caller.credential}", self._credential_max, "a credential")
        org = BodyShare(f"org {caller.org}", self._org_max, "an org")
        return BodyHolder(True, (own, org, all_known))

    def sender(self, org: OrgId, source: int) -> BodyHolder:
        """Describe a sender of a source that has proved by its head who it is."""
        own = BodyShare(f"source {source}", self._credential_max // 2, "a source")
        whole = BodyShare(f"org {org}", self._org_max, "an org")
        return BodyHolder(True, (own, whole, BodyShare("known", self._known_max, "")))

    @staticmethod
    def stranger(address: str, source: str | None = None) -> BodyHolder:
        """Describe who has proved nothing, at an address; to a source, by its org and name."""
        shares = [BodyShare(f"address {address}", 16 * _MB, "an address")]
        if source is not None:
            shares.insert(0, BodyShare(f"callers of {source}", 8 * _MB, "a source"))
        return BodyHolder(False, (*shares, BodyShare("strangers", 32 * _MB, "")))

    def held(self, key: str) -> int:
        """Return how many bytes are held of a share."""
        return self._held.get(key, 0)

    def take(self, holder: BodyHolder, size: int) -> BodyShare | None:
        """Take so many bytes from all shares of a holder, or none, and return the share that is
        used up."""
        held = self._held
        for share in holder.shares:
            if held.get(share.key, 0) + size > share.bytes_max:
                return share
        for share in holder.shares:
            held[share.key] = held.get(share.key, 0) + size
        return None

    def give(self, holder: BodyHolder, size: int) -> None:
        """Give so many bytes back."""
        for share in holder.shares:
            left = self._held[share.key] - size
            if left:
                self._held[share.key] = left
            else:
                del self._held[share.key]
