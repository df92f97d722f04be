"""Which addresses get an org's e-mails, and when the owner of one is asked.

An org may name any address, for notices of its webhooks or for what those send; only its owner can
say that e-mails may come there, and says it for the one or for the other. They are asked by
one e-mail with a link, and again when its link has ended, three times at most. What one address is
asked by all orgs together is bounded, and so is what one org asks: nobody is bombed by being named.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from tidings.core.access.user_rules import email_of
from tidings.core.connections.connection import Connection
from tidings.core.orgs.org_settings import OrgSettings
from tidings.core.webhooks.targets.mailing import recipients_of
from tidings.core.webhooks.webhook import Webhook

DAY_MS = 86_400_000
LINK_MS = 7 * DAY_MS
KEPT_MS = 30 * DAY_MS  # that somebody was asked is remembered
ASKED_MAX = 3  # times by one org
ADDRESS_DAY_MAX, ADDRESS_MAX = 3, 10  # an address, by all orgs: in a day, and in `KEPT_MS`
ORG_DAY_MAX, ORG_MAX = 20, 50  # an org: addresses in a day, and in `KEPT_MS`
HOUR_MS, HOUR_MAX = 3_600_000, 200  # all orgs together

Book = Mapping[str, Sequence[int]]  # by address: when it was asked, by whichever org


class Purpose(StrEnum):
    """The purposes that an address is named for."""

    NOTICES = "notices"  # that webhooks fail
    MESSAGES = "messages"  # of webhooks that send e-mails


def recipients(settings: OrgSettings) -> list[str]:
    """List the addresses that e-mails go to: those named whose owners have agreed."""
    return [address for address in settings.notify if address in settings.notify_confirmed]


def state_of(settings: OrgSettings, address: str) -> str:
    """Return `confirmed`, `asked` (the owner's answer is awaited) or `waiting` (the owner could not
    be asked yet)."""
    if address in settings.notify_confirmed:
        return "confirmed"
    return "asked" if settings.notify_asked.get(email_of(address)) else "waiting"


def book_of(all_settings: Iterable[OrgSettings], now_ms: int) -> dict[str, list[int]]:
    """Map each address to the times at which it was asked lately, by any org."""
    book: dict[str, list[int]] = {}
    for settings in all_settings:
        for asked, times in settings.notify_asked.items():
            address = asked.removeprefix(_MESSAGES)
            book.setdefault(address, []).extend(_since(times, now_ms - KEPT_MS))
    return book


def mailed_by(webhooks: Iterable[Webhook], connections: Mapping[str, Connection]) -> list[str]:
    """List the addresses that webhooks write to, of those who must agree first."""
    addresses: dict[str, None] = {}
    for webhook in webhooks:
        if webhook.email is not None and (over := connections.get(webhook.connection)) is not None:
            if not recipients_of(over.fields).any:
                addresses.update(dict.fromkeys(webhook.email.addresses))
    return list(addresses)


def confirmed(settings: OrgSettings, purpose: Purpose) -> Sequence[str]:
    """Return the addresses whose owners have agreed to e-mails of this purpose."""
    return settings.notify_confirmed if purpose is Purpose.NOTICES else settings.mail_confirmed


def next_to_ask(
    settings: OrgSettings, mailed: Sequence[str], book: Book, now_ms: int
) -> tuple[Purpose, str] | None:
    """Choose an address whose owner is to be asked now, and for what; None if there is none.
    `mailed`: the addresses that the org's webhooks write to."""
    own = settings.notify_asked
    today = sum(len(_since(times, now_ms - DAY_MS)) for times in own.values())
    lately = sum(bool(_since(times, now_ms - KEPT_MS)) for times in own.values())
    hour = sum(len(_since(times, now_ms - HOUR_MS)) for times in book.values())
    if today >= ORG_DAY_MAX or hour >= HOUR_MAX:
        return None
    named = [(Purpose.NOTICES, address) for address in settings.notify]
    for purpose, address in (
        *named,
        *((Purpose.MESSAGES, mailed_address) for mailed_address in mailed),
    ):
        if address in confirmed(settings, purpose):
            continue
        times, by_all = own.get(_asked(purpose, address), ()), book.get(email_of(address), ())
        known = bool(_since(times, now_ms - KEPT_MS))
        if (
            (known or lately < ORG_MAX)
            and len(_since(times, now_ms - KEPT_MS)) < ASKED_MAX
            and not _since(times, now_ms - LINK_MS)
            and len(_since(by_all, now_ms - DAY_MS)) < ADDRESS_DAY_MAX
            and len(_since(by_all, now_ms - KEPT_MS)) < ADDRESS_MAX
        ):
            return purpose, address
    return None


def with_asked(
    settings: OrgSettings, address: str, now_ms: int, purpose: Purpose = Purpose.NOTICES
) -> OrgSettings:
    """Note that an address's owner was asked; what is long ago is forgotten."""
    kept = {
        asked_address: times
        for asked_address, all_times in settings.notify_asked.items()
        if (times := _since(all_times, now_ms - KEPT_MS))
    }
    asked = _asked(purpose, address)
    kept[asked] = (*kept.get(asked, ()), now_ms)
    return msgspec.structs.replace(settings, notify_asked=kept)


def with_confirmed(settings: OrgSettings, address: str) -> OrgSettings:
    """Note that an address's owner wants the e-mails."""
    if address not in settings.notify or address in settings.notify_confirmed:
        return settings
    confirmed = (*settings.notify_confirmed, address)
    return msgspec.structs.replace(settings, notify_confirmed=confirmed)


def with_mail_confirmed(settings: OrgSettings, address: str, mailed: Sequence[str]) -> OrgSettings:
    """Note that an address's owner wants what webhooks send; what is not named any more is
    forgotten."""
    if address not in mailed:
        return settings
    kept = [
        confirmed_address
        for confirmed_address in settings.mail_confirmed
        if confirmed_address in mailed and confirmed_address != address
    ]
    return msgspec.structs.replace(settings, mail_confirmed=(*kept, address))


_MESSAGES = "messages "  # no address begins so


def _asked(purpose: Purpose, address: str) -> str:
    known = email_of(address)
    return known if purpose is Purpose.NOTICES else _MESSAGES + known


def _since(times: Sequence[int], from_ms: int) -> tuple[int, ...]:
    return tuple(time for time in times if time > from_ms)
