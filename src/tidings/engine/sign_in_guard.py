"""Slows down whoever guesses: tries to sign in, counted by address and by account.

A try is counted before it is looked at, because looking costs more than asking. A success gives an
account its tries back, but not an address: one account that an attacker owns must not buy guesses
at others.
"""

import ipaddress
from collections import OrderedDict

import structlog

from tidings.core.quota import Quota

PER_ACCOUNT, PER_ACCOUNT_S = 10, 900.0
PER_ADDRESS, PER_ADDRESS_S = 30, 300.0
KEPT_MAX = 10_000
IPV6_PREFIX = 64  # what one customer is given

log = structlog.get_logger("tidings.access")


class TooManyTries(Exception):
    """Nothing was looked at: wait first."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(
            f"Sign-ins from here, or to this account, were too many. Wait {wait_s:.0f} s, then try "
            "once with the right pair. (too_many_tries, -)"
        )
        self.wait_s = wait_s


class SignInGuard:
    """The tries of the last minutes."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, Quota] = OrderedDict()
        self._addresses: OrderedDict[str, Quota] = OrderedDict()

    def enter(self, address: str, account: str, now_s: float) -> None:
        """Count a try. TooManyTries where it must wait."""
        of_address = _quota(self._addresses, _block(address), PER_ADDRESS, PER_ADDRESS_S, now_s)
        of_account = _quota(self._accounts, account, PER_ACCOUNT, PER_ACCOUNT_S, now_s)
        wait_s = max(of_address.wait_s(now_s), of_account.wait_s(now_s))
        if wait_s:
            log.warning("sign-in is slowed down", address=address, wait_s=round(wait_s))
            raise TooManyTries(wait_s)
        of_address.take(now_s)
        of_account.take(now_s)

    def succeeded(self, account: str) -> None:
        """It was the account's owner: forget the tries before."""
        self._accounts.pop(account, None)


def _quota(
    quotas: OrderedDict[str, Quota], key: str, count: int, window_s: float, now_s: float
) -> Quota:
    quota = quotas.get(key)
    if quota is None:
        if len(quotas) >= KEPT_MAX:
            quotas.popitem(last=False)
        quota = quotas[key] = Quota("sign-in", count, window_s, now_s)
    quotas.move_to_end(key)
    return quota


def _block(address: str) -> str:
    """The address itself; of IPv6 the network that one customer is given."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv6Address):
        known = known.ipv4_mapped or known
    if known.version == 4:
        return str(known)
    return str(ipaddress.ip_network((int(known), IPV6_PREFIX), strict=False))
