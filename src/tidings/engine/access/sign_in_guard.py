"""Slows down whoever guesses at sign-ins, and nobody else.

A try is counted before it is looked at, because looking costs more than asking: by the address that
it comes from, by that address at this account, and by the account over all addresses from which
nobody has signed in to it yet. So ten tries from somewhere hold up that place alone. Many places
together hold up strangers, and not the account's owner: a browser that has signed in before brings
a mark of that and is counted by itself (OWASP's device cookie), and so is an address that has.

A success gives back the one try that it was. It does not forget the wrong ones before: one account
that an attacker owns must not buy guesses at others.
"""

import hashlib
import hmac
import math
from collections import OrderedDict

import structlog

from tidings.core.access.forwarded import block_of
from tidings.core.access.quota import Quota
from tidings.errors import Refusal, Throttled

# So many within so many seconds:
PER_ADDRESS = (30, 300.0)
PER_ACCOUNT = (10, 900.0)  # from one address, or with one mark
STRANGERS = (50, 900.0)  # at one account, from all addresses that are not known there
KEPT_MAX = 30_000
KNOWN_MAX = 8  # addresses of one account, the latest ones
DEVICE_BYTES = 16

log = structlog.get_logger(__name__)

Quotas = OrderedDict[str, Quota]


class TooManyTries(Throttled):
    """Nothing was looked at: wait first."""

    wait_s: float

    def __init__(self, wait_s: float) -> None:
        wait = max(1, math.ceil(wait_s))
        told = f"Tries to sign in must be few; got too many. Wait {wait} s. (too_many_tries, -)"
        super().__init__(Refusal("too_many_tries", told, ""), wait_s=wait_s)


class SignInGuard:
    """The tries of the last minutes. `key` makes marks: with another one, those made before end."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key
        self._quotas: Quotas = OrderedDict()
        self._known: OrderedDict[str, list[str]] = OrderedDict()  # by account: the addresses

    def enter(self, address: str, account: str, now_s: float) -> None:
        """Count a try. TooManyTries where it must wait."""
        quotas = self._asked(block_of(address), account, now_s)
        wait_s = max(quota.wait_s(now_s) for quota in quotas)
        if wait_s:
            log.warning("sign-in is slowed down", address=address, wait_s=round(wait_s))
            raise TooManyTries(wait_s)
        for quota in quotas:
            quota.take(now_s)

    def enter_known(self, account: str, device: str, now_s: float) -> bool:
        """Count a try from a browser that has signed in to this very account before; False where
        it is none, or has tried too often: then it is counted like any other."""
        nonce, _, signed = device.partition(".")
        given = signed.encode("utf-8", "replace")
        if not hmac.compare_digest(self._sign(nonce, account).encode(), given):
            return False
        return self._quota(f"device {nonce[:64]} {account}", *PER_ACCOUNT, now_s).take(now_s)

    def charge(self, address: str, account: str, now_s: float) -> None:
        """Count what was as good as a try at an account."""
        for quota in self._asked(block_of(address), account, now_s)[1:]:
            quota.take(now_s)

    def succeeded(self, address: str, account: str, now_s: float) -> None:
        """The try before was the account's owner. To the address it is not given back."""
        for quota in self._asked(block_of(address), account, now_s)[1:]:
            quota.give_back()
        self.know(address, account)

    def know(self, address: str, account: str) -> None:
        """Somebody has signed in to the account from there."""
        block = block_of(address)
        places = self._known.pop(account, [])
        self._known[account] = [*(one for one in places if one != block), block][-KNOWN_MAX:]
        if len(self._known) > KEPT_MAX:
            self._known.popitem(last=False)

    def device(self, account: str, drawn: bytes) -> str:
        """The mark for a browser that has signed in to an account."""
        nonce = drawn[:DEVICE_BYTES].hex()
        return f"{nonce}.{self._sign(nonce, account)}"

    def _asked(self, block: str, account: str, now_s: float) -> list[Quota]:
        """What counts a try; the address's own first."""
        asked = [
            self._quota(f"address {block}", *PER_ADDRESS, now_s),
            self._quota(f"pair {block} {account}", *PER_ACCOUNT, now_s),
        ]
        if block not in self._known.get(account, ()):
            asked.append(self._quota(f"account {account}", *STRANGERS, now_s))
        return asked

    def _quota(self, key: str, count: int, window_s: float, now_s: float) -> Quota:
        quota = self._quotas.get(key)
        if quota is None:
            if len(self._quotas) >= KEPT_MAX:
                self._quotas.popitem(last=False)
            quota = self._quotas[key] = Quota("sign-in", count, window_s, now_s)
        self._quotas.move_to_end(key)
        return quota

    def _sign(self, nonce: str, account: str) -> str:
        said = f"{nonce} {account}".encode("utf-8", "replace")
        return hmac.digest(self._key, said, hashlib.sha256).hex()[:32]
