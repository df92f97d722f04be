"""Operational events as a person reads them, by e-mail: what happened, since when, what to do."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from tidings.core.ids import OrgId
from tidings.core.notices.facts import (
    DISABLED,
    EXHAUSTED,
    FAILING,
    RECOVERED,
    REPLAY_FINISHED,
    Fact,
)

CONSENT = "tidings.notify.consent"  # the kind of e-mails that ask whether others may come


class Email(msgspec.Struct, frozen=True):
    """One line of subject, and the text."""

    subject: str
    text: str


def email(kind: str, org: OrgId, fact: Fact) -> Email:
    """The e-mail for an operational event. Names of webhooks hold no line breaks."""
    subject, text = _WORDS[kind](fact)
    return Email(subject, f"{text}\n\n-- \nTidings, org {org} ({kind})\n")


def consent(org: OrgId, address: str, link: str) -> Email:
    """The e-mail that asks whether others may come. It repeats nothing that an org has written but
    the address."""
    return Email(
        "Letters about failing webhooks: do you want them?",
        f"Org {org} of a Tidings service has named {address} to be told by e-mail when its "
        "webhooks fail or are disabled.\n\n"
        f"If you want these letters, open this page within 7 days and say yes:\n\n{link}\n\n"
        "If not, do nothing: none will come.\n\n"
        f"-- \nTidings, org {org} ({CONSENT})\n",
    )


def _failing(fact: Fact) -> tuple[str, str]:
    way = f": {fact['percent']} % of the way to being disabled" if fact["percent"] else ""
    return (
        f"Webhook {fact['webHookName']} fails{way}",
        f"{_name(fact)} has had no success since {_at(fact['failingSince'])}; the last ending was "
        f"{_cause(fact)}. If nothing succeeds until {_at(fact['disabledAt'])}, it is disabled and "
        "its deliveries are parked.\n\n"
        "What to do: see in its log what its receiver answers, and mend that. One success is "
        "enough.",
    )


def _disabled(fact: Fact) -> tuple[str, str]:
    return (
        f"Webhook {fact['webHookName']} is disabled",
        f"{_name(fact)} gets no events any more. {fact['reason']}\n\n"
        f"Parked: {fact['parked']} deliveries, and every new one. They can be replayed for as long "
        "as their payload is kept.\n\n"
        "What to do: mend the receiver, enable the webhook, and replay what it missed.",
    )


def _recovered(fact: Fact) -> tuple[str, str]:
    return (
        f"Webhook {fact['webHookName']} works again",
        f"{_name(fact)} succeeded at {_at(fact['recoveredAt'])}, for the first time since "
        f"{_at(fact['failingSince'])}. What waited is sent now. Nothing has to be done.",
    )


def _exhausted(fact: Fact) -> tuple[str, str]:
    count = fact["count"]
    what = "1 delivery has" if count == 1 else f"{count} deliveries have"
    named = ", ".join(fact["deliveryIds"]) or "see the log"
    return (
        f"Webhook {fact['webHookName']}: {what} ended without success",
        f"At {_name(fact, 'webhook')} {fact['failed']} failed for good and {fact['parked']} were "
        f"parked between {_at(fact['from'])} and {_at(fact['to'])}; the last ending was "
        f"{_cause(fact)}. The first: {named}.\n\n"
        "What to do: mend the receiver, and replay them from its log.",
    )


def _replay(fact: Fact) -> tuple[str, str]:
    told = [f"{key}: {value}" for key, value in fact.items() if value is not None]
    return f"Replay {fact.get('replayId', '')} is {fact.get('state', 'over')}", "\n".join(told)


_WORDS: dict[str, Callable[[Fact], tuple[str, str]]] = {
    FAILING: _failing,
    DISABLED: _disabled,
    RECOVERED: _recovered,
    EXHAUSTED: _exhausted,
    REPLAY_FINISHED: _replay,
}


def _name(fact: Fact, word: str = "Webhook") -> str:
    return f"{word} {fact['webHookName']} ({fact['host']})"


def _cause(fact: Fact) -> str:
    return str(fact["cause"] or "not recorded")


def _at(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%d %H:%M} UTC"
