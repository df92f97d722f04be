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

import structlog

from tidings.core.access.forwarded import block_of, network_of
from tidings.core.access.quota import Quota
from tidings.core.shares.table import SharedTable
from tidings.errors import FieldRefusal, Throttled

# So many within so many seconds:
PER_ADDRESS = (30, 300.0)
PER_ACCOUNT = (10, 900.0)  # from one address, or with one mark
STRANGERS = (50, 900.0)  # at one account, from all addresses that are not known there
KEPT_MAX = 30_000  # in each table; of the network with most of them the oldest go
KNOWN_MAX = 8  # addresses of one account, the latest ones
DEVICE_BYTES = 16

log = structlog.get_logger(__name__)


class TooManyTries(Throttled):
    """Nothing was looked at: wait first."""

    wait_s: float

    def __init__(self, wait_s: float) -> None:
        wait = max(1, math.ceil(wait_s))
        message = f"Attempts to sign in must be few; got too many. Wait {wait} s."
        super().__init__(FieldRefusal.build("too_many_tries", message), wait_s=wait_s)


class SignInGuard:
    """The tries of the last minutes. `key` makes marks: with another one, those made before end."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key
        # Apart, so that many tries at many accounts push out no count of an address.
        self._by_address = SharedTable[str, str, Quota](KEPT_MAX)
        self._by_account = SharedTable[str, str, Quota](KEPT_MAX)
        self._known = SharedTable[str, str, list[str]](KEPT_MAX)  # by account: the addresses

    def enter(self, address: str, account: str, now_s: float) -> None:
        """Count a try. TooManyTries where it must wait."""
        own = self._of_address(address, now_s)
        quotas = [own]
        if not own.wait_s(now_s):  # who must wait adds nothing to what is remembered of accounts
            quotas += self._at_account(address, account, now_s)
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
        device_key, table = f"device {nonce[:64]} {account}", self._by_account
        return _quota(table, account, device_key, PER_ACCOUNT, now_s).take(now_s)

    def charge(self, address: str, account: str, now_s: float) -> None:
        """Count what was as good as a try at an account."""
        for quota in self._at_account(address, account, now_s):
            quota.take(now_s)

    def succeeded(self, address: str, account: str, now_s: float) -> None:
        """Give the try before back to the account: it was the owner's. To the address it is not
        given back."""
        for quota in self._at_account(address, account, now_s):
            quota.give_back()
        self.know(address, account)

    def know(self, address: str, account: str) -> None:
        """Remember that somebody has signed in to the account from an address."""
        block = block_of(address)
        places = self._known.get(account) or ()
        known = [*(place for place in places if place != block), block][-KNOWN_MAX:]
        self._known.put(network_of(address), account, known)

    def device(self, account: str, drawn: bytes) -> str:
        """Make the mark for a browser that has signed in to an account, with random bytes that were
        drawn for it."""
        nonce = drawn[:DEVICE_BYTES].hex()
        return f"{nonce}.{self._sign(nonce, account)}"

    def _of_address(self, address: str, now_s: float) -> Quota:
        """Return what counts the tries from an address, at whatever account."""
        table, block = self._by_address, block_of(address)
        return _quota(table, network_of(address), block, PER_ADDRESS, now_s)

    def _at_account(self, address: str, account: str, now_s: float) -> list[Quota]:
        """Return what counts the tries at an account: from there, and from all strange places."""
        block, network, table = block_of(address), network_of(address), self._by_account
        counted = [_quota(table, network, f"pair {block} {account}", PER_ACCOUNT, now_s)]
        if block not in (self._known.get(account) or ()):
            counted.append(_quota(table, network, f"account {account}", STRANGERS, now_s))
        return counted

    def _sign(self, nonce: str, account: str) -> str:
        signed_text = f"{nonce} {account}".encode("utf-8", "replace")
        return hmac.digest(self._key, signed_text, hashlib.sha256).hex()[:32]


def _quota(
    table: SharedTable[str, str, Quota],
    owner: str,
    key: str,
    asked: tuple[int, float],
    now_s: float,
) -> Quota:
    """Return what is counted under a key. Whoever counts there first is its owner, also later: so
    nobody makes a count their own, to push it out."""
    quota = table.get(key)
    if quota is None:
        quota = Quota("sign-in", *asked, now_s)
        table.put(owner, key, quota)
    else:
        table.touch(key)
    return quota
