"""Which addresses get an org's e-mails, and when the owner of one is asked.

An org may name any address; only its owner can say that e-mails may come there. They are asked by
one e-mail with a link, and again when its link has ended, three times at most. What one address is
asked by all orgs together is bounded, and so is what one org asks: nobody is bombed by being named.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tidings.core.access.user_rules import email_of
from tidings.core.org_settings import OrgSettings

DAY_MS = 86_400_000
LINK_MS = 7 * DAY_MS
KEPT_MS = 30 * DAY_MS  # that somebody was asked is remembered
ASKED_MAX = 3  # times by one org
ADDRESS_DAY_MAX, ADDRESS_MAX = 3, 10  # an address, by all orgs: in a day, and in `KEPT_MS`
ORG_DAY_MAX, ORG_MAX = 20, 50  # an org: addresses in a day, and in `KEPT_MS`
HOUR_MS, HOUR_MAX = 3_600_000, 200  # all orgs together

Book = Mapping[str, Sequence[int]]  # by address: when it was asked, by whichever org


def told(settings: OrgSettings) -> list[str]:
    """The addresses that e-mails go to."""
    return [one for one in settings.notify if one in settings.notify_confirmed]


def state_of(settings: OrgSettings, address: str) -> str:
    """confirmed; asked: their answer is awaited; waiting: they could not be asked yet."""
    if address in settings.notify_confirmed:
        return "confirmed"
    return "asked" if settings.notify_asked.get(email_of(address)) else "waiting"


def book_of(all_settings: Iterable[OrgSettings], now_ms: int) -> dict[str, list[int]]:
    """Who was asked lately, by any org."""
    book: dict[str, list[int]] = {}
    for settings in all_settings:
        for address, times in settings.notify_asked.items():
            book.setdefault(address, []).extend(_since(times, now_ms - KEPT_MS))
    return book


def next_to_ask(settings: OrgSettings, book: Book, now_ms: int) -> str | None:
    """An address whose owner is to be asked now; None where nobody is."""
    own = settings.notify_asked
    today = sum(len(_since(times, now_ms - DAY_MS)) for times in own.values())
    lately = sum(bool(_since(times, now_ms - KEPT_MS)) for times in own.values())
    hour = sum(len(_since(times, now_ms - HOUR_MS)) for times in book.values())
    if today >= ORG_DAY_MAX or hour >= HOUR_MAX:
        return None
    for address in settings.notify:
        if address in settings.notify_confirmed:
            continue
        times, by_all = own.get(email_of(address), ()), book.get(email_of(address), ())
        known = bool(_since(times, now_ms - KEPT_MS))
        if (
            (known or lately < ORG_MAX)
            and len(_since(times, now_ms - KEPT_MS)) < ASKED_MAX
            and not _since(times, now_ms - LINK_MS)
            and len(_since(by_all, now_ms - DAY_MS)) < ADDRESS_DAY_MAX
            and len(_since(by_all, now_ms - KEPT_MS)) < ADDRESS_MAX
        ):
            return address
    return None


def with_asked(settings: OrgSettings, address: str, now_ms: int) -> OrgSettings:
    """That an address's owner was asked; what is long ago is forgotten."""
    kept = {
        one: times
        for one, all_times in settings.notify_asked.items()
        if (times := _since(all_times, now_ms - KEPT_MS))
    }
    asked = email_of(address)
    kept[asked] = (*kept.get(asked, ()), now_ms)
    return msgspec.structs.replace(settings, notify_asked=kept)


def with_confirmed(settings: OrgSettings, address: str) -> OrgSettings:
    """That an address's owner wants the e-mails."""
    if address not in settings.notify or address in settings.notify_confirmed:
        return settings
    confirmed = (*settings.notify_confirmed, address)
    return msgspec.structs.replace(settings, notify_confirmed=confirmed)


def _since(times: Sequence[int], from_ms: int) -> tuple[int, ...]:
    return tuple(one for one in times if one > from_ms)
