"""The operational events: of each its name, its fact, what makes two of them the same one, and the
e-mail that tells it to a person: what happened, since when, what to do. Pure.

Add an event here; the rest follows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tidings.core.notices import letters_of_actions
from tidings.core.notices.letters_of_actions import at
from tidings.core.sources.other_content import ID_CONFLICT
from tidings.core.webhooks.webhook import Webhook

Fact = Mapping[str, Any]
WEBHOOKS_NAMED = 10  # in one fact; the others are counted


@dataclass(frozen=True)
class NoticeKind:
    """One operational event."""

    name: str
    same_by: tuple[str, ...]
    """What makes a fact the same one when it is told again, after a restart for example."""
    words: Callable[[Fact], tuple[str, str]]
    """Subject and text of its e-mail. Names of webhooks hold no line breaks."""


KINDS: dict[str, NoticeKind] = {}


def _kind(name: str, same_by: tuple[str, ...], words: Callable[[Fact], tuple[str, str]]) -> str:
    KINDS[name] = NoticeKind(name, same_by, words)
    return name


def about(webhook: Webhook, action: Fact | None = None) -> dict[str, Any]:
    """Build what every fact about a webhook begins with. `action`: where it is one, what it does
    (`core/actions/act_words.py:action_facts`)."""
    host = urlsplit(webhook.url).hostname or ""  # a path or a query may hold a credential
    return {
        "webHookId": webhook.id,
        "webHookName": webhook.name,
        "webHookVersion": webhook.version,
        "host": host,
        "action": action,
    }


def _name(fact: Fact, word: str = "Webhook") -> str:
    where = f" ({fact['host']})" if fact["host"] else ""  # an action, say, has none of its own
    return f"{word} {fact['webHookName']}{where}"


def _cause(fact: Fact) -> str:
    return str(fact["cause"] or "not recorded")


# -- a webhook fails -------------------------------------------------------------------------------


def failing(
    webhook: Webhook,
    percent: int,
    since_ms: int,
    disable_at_ms: int,
    failures: int,
    cause: str,
    action: Fact | None = None,
) -> dict[str, Any]:
    """Build the fact that a webhook fails. It has gone `percent` of the way to being disabled, 0
    when it is told first.

    `cause` is written as in the log: 503, timeout …
    """
    return about(webhook, action) | {
        "percent": percent,
        "failingSince": since_ms,
        "disabledAt": disable_at_ms,
        "failures": failures,
        "cause": cause,
    }


def _failing(fact: Fact) -> tuple[str, str]:
    if fact.get("action"):
        return letters_of_actions.failing(fact)
    way = f": {fact['percent']} % of the way to being disabled" if fact["percent"] else ""
    return (
        f"Webhook {fact['webHookName']} fails{way}",
        f"{_name(fact)} has had no success since {at(fact['failingSince'])}; the last result was "
        f"{_cause(fact)}. If nothing succeeds by {at(fact['disabledAt'])}, it is disabled and "
        "its deliveries are parked.\n\n"
        "What to do: check its log for what the receiver answers, and fix that. One success is "
        "enough.",
    )


FAILING = _kind("tidings.webhook.failing", ("webHookId", "failingSince", "percent"), _failing)

# -- it is disabled --------------------------------------------------------------------------------


def disabled(
    webhook: Webhook,
    reason: str,
    parked: int,
    since_ms: int | None = None,
    action: Fact | None = None,
) -> dict[str, Any]:
    """Build the fact that a webhook gets nothing any more; `parked` deliveries wait for a
    replay."""
    return about(webhook, action) | {"reason": reason, "parked": parked, "failingSince": since_ms}


def _disabled(fact: Fact) -> tuple[str, str]:
    if fact.get("action"):
        return letters_of_actions.disabled(fact)
    return (
        f"Webhook {fact['webHookName']} is disabled",
        f"{_name(fact)} no longer gets events. {fact['reason']}\n\n"
        f"Parked: {fact['parked']} deliveries, and every new one. They can be replayed for as long "
        "as their payload is kept.\n\n"
        "What to do: fix the receiver, enable the webhook, and replay what it missed.",
    )


DISABLED = _kind("tidings.webhook.disabled", ("webHookId", "webHookVersion"), _disabled)

# -- it works again --------------------------------------------------------------------------------


def recovered(
    webhook: Webhook, since_ms: int, now_ms: int, action: Fact | None = None
) -> dict[str, Any]:
    """Build the fact that a webhook succeeds again, after its owner had been told that it fails."""
    return about(webhook, action) | {
        "failingSince": since_ms,
        "recoveredAt": now_ms,
        "failedForInSeconds": max(0, now_ms - since_ms) // 1000,
    }


def _recovered(fact: Fact) -> tuple[str, str]:
    if fact.get("action"):
        return letters_of_actions.recovered(fact)
    return (
        f"Webhook {fact['webHookName']} works again",
        f"{_name(fact)} succeeded at {at(fact['recoveredAt'])}, for the first time since "
        f"{at(fact['failingSince'])}. Queued deliveries are being sent now. There is nothing to "
        "do.",
    )


RECOVERED = _kind("tidings.webhook.recovered", ("webHookId", "failingSince"), _recovered)

# -- deliveries have ended without success: their fact is that of a batch (facts.py) ---------------


def _exhausted(fact: Fact) -> tuple[str, str]:
    if fact.get("action"):
        return letters_of_actions.exhausted(fact)
    count = fact["count"]
    what = "1 delivery has" if count == 1 else f"{count} deliveries have"
    named = ", ".join(fact["deliveryIds"]) or "see the log"
    return (
        f"Webhook {fact['webHookName']}: {what} ended without success",
        f"At {_name(fact, 'webhook')} {fact['failed']} failed for good and {fact['parked']} were "
        f"parked between {at(fact['from'])} and {at(fact['to'])}; the last result was "
        f"{_cause(fact)}. The first: {named}.\n\n"
        "What to do: fix the receiver, and replay them from its log.",
    )


EXHAUSTED = _kind("tidings.delivery.exhausted", ("webHookId", "from", "deliveryIds"), _exhausted)

# -- a replay is over: its fact is what the API shows of it ----------------------------------------


def _replay(fact: Fact) -> tuple[str, str]:
    lines = [f"{key}: {value}" for key, value in fact.items() if value is not None]
    return f"Replay {fact.get('replayId', '')} is {fact.get('state', 'over')}", "\n".join(lines)


REPLAY_FINISHED = _kind("tidings.replay.finished", ("replayId",), _replay)

# -- a source fails --------------------------------------------------------------------------------


def source_failing(source: tuple[str, str, str], since_ms: int, cause: str) -> dict[str, Any]:
    """Build the fact that nothing has been fetched from a source for a while. `source`: its id, its
    name, its type."""
    return _of_source(source) | {"failingSince": since_ms, "cause": cause}


def _of_source(source: tuple[str, str, str]) -> dict[str, Any]:
    return dict(zip(("sourceId", "sourceName", "sourceType"), source, strict=True))


def _source_failing(fact: Fact) -> tuple[str, str]:
    return (
        f"Source {fact['sourceName']} fails",
        f"Source {fact['sourceName']} has delivered nothing since {at(fact['failingSince'])}.\n\n"
        f"{fact['cause']}\n\nMessages waiting at the source are not lost.",
    )


SOURCE_FAILING = _kind("tidings.source.failing", ("sourceId", "failingSince"), _source_failing)

# -- a source has set a message aside --------------------------------------------------------------


def dead_letter_fact(
    source: tuple[str, str, str], at_ms: int, code: str, reason: str
) -> dict[str, Any]:
    """Build the fact of a message that no event could be made of. Of those with the id of another
    event it is the newest one's, to which the caller adds `count` and `field`."""
    return _of_source(source) | {"asideAt": at_ms, "code": code, "reason": reason}


def _write_dead_letter(fact: Fact) -> tuple[str, str]:
    if fact["code"] == ID_CONFLICT:
        count = int(fact.get("count") or 1)
        what = "a message" if count == 1 else f"{count} messages"
        differs = f" {fact['field']} differs." if fact.get("field") else ""
        return (
            f"Source {fact['sourceName']}: {what} with the id of another event",
            f"Source {fact['sourceName']} has set aside {what} whose eventId is already used with "
            "other "
            f"content. The newest, of {at(fact['asideAt'])}:{differs} {fact['reason']}\n\n"
            "What to do: map eventId to something that differs between senders, and redrive what "
            "is set aside. Everything else is accepted as before.",
        )
    return (
        f"Source {fact['sourceName']} has set a message aside",
        f"At {at(fact['asideAt'])} source {fact['sourceName']} got a message of which no event "
        f"could be created: {fact['reason']}\n\n"
        "What to do: fix its mapping, and redrive what is set aside. Further messages are set "
        "aside too, without another notice.",
    )


SOURCE_DEAD_LETTER = _kind("tidings.source.aside", ("sourceId", "asideAt"), _write_dead_letter)

# -- a connection cannot be used -------------------------------------------------------------------


def connection_failing(
    connection: str, webhooks: Sequence[str], since_ms: int, cause: str
) -> dict[str, Any]:
    """Build the fact that nothing goes over a connection, for a reason that no message is the cause
    of. `webhooks`: the names of those of the org that wait for it."""
    return {
        "connection": connection,
        "webHooks": list(webhooks[:WEBHOOKS_NAMED]),
        "webHooksWaiting": len(webhooks),
        "failingSince": since_ms,
        "cause": cause,
    }


def _connection_failing(fact: Fact) -> tuple[str, str]:
    more = fact["webHooksWaiting"] - len(fact["webHooks"])
    names = ", ".join(fact["webHooks"]) + (f" and {more} more" if more else "")
    return (
        f"Connection {fact['connection']} cannot be used",
        f"Nothing has been sent over the connection {fact['connection']} since "
        f"{at(fact['failingSince'])}.\n\n{fact['cause']}\n\nWaiting for it: {names}. Nothing is "
        "charged to them and nothing is lost. Sending resumes once the connection works.",
    )


CONNECTION_FAILING = _kind(
    "tidings.connection.failing", ("connection", "failingSince"), _connection_failing
)

# -- a look-up of actions fails --------------------------------------------------------------------


def lookup_failing(
    name: str, actions: Sequence[str], waits: bool, since_ms: int, failures: int, cause: str
) -> dict[str, Any]:
    """Build the fact that nobody has answered a look-up for a while. `actions`: those that need it;
    `waits`: whether they wait for it."""
    return {
        "lookUp": name,
        "actions": [*actions],
        "waits": waits,
        "failingSince": since_ms,
        "failures": failures,
        "cause": cause,
    }


LOOKUP_FAILING = _kind(
    "tidings.lookup.failing", ("lookUp", "failingSince"), letters_of_actions.lookup_failing
)
