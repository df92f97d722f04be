"""What stands between an unfinished delivery and its next attempt, and when that may start.

Its row knows its own due time and nothing else; what its lane holds back, a stop switch and the
webhook's standing come on top. Whoever can see all of them puts a `NextAttempt` together. A time is
always the earliest possible: an open breaker admits one delivery then, and not every one that
waits. Pure; times are milliseconds since the epoch.
"""

from enum import StrEnum

import msgspec

from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId


class Wait(StrEnum):
    """A delivery's reason to wait, beside its own time."""

    STOPPED_ALL = "stopped for all"
    STOPPED_ORG = "stopped for the org"
    WEBHOOK_STATUS = "the webhook does not send"
    TYPE = "the webhook's type makes no call"
    STORE = "the store takes no writes"
    CONNECTION = "its connection cannot be used"
    BREAKER = "the breaker is open"
    PROBE = "a probe must end first"
    RETRY_AFTER = "the receiver asked for a pause"
    REFUSES = "the receiver refuses everything for now"
    OLDER = "older ones are still in the store"
    READER = "nobody fetches"
    CONNECTIONS = "all connections are in use"
    SLOWED = "fewer at a time for now"
    LIMIT = "a limit of its connection"
    RATE = "the rate limit"
    LEARNED = "the receiver's own limit"
    SLOTS = "the process has no free slot"


BARRED = frozenset(
    (Wait.STOPPED_ALL, Wait.STOPPED_ORG, Wait.WEBHOOK_STATUS, Wait.TYPE, Wait.CONNECTION)
)  # until somebody ends it


class NextAttempt(msgspec.Struct, frozen=True):
    """Knowledge of this process about a delivery's next attempt, without asking the store."""

    begun: int = 0  # the number of the attempt that was started and is not written down; 0: none
    claimed: bool = False  # a due retry of it is in memory, or on its way there
    why: Wait | None = None
    until_ms: int | None = None  # None: time alone does not end it, or nobody knows when
    most: float = 0  # CONNECTIONS: at a time; RATE, LEARNED: a second
    over: str = ""  # CONNECTION: its name; LIMIT: which one, in a sentence
    first: DeliveryId | None = None  # HELD: the delivery that it waits for


CLEAR = NextAttempt()  # nothing is known to be in its way

_WORDS = {
    Wait.STOPPED_ALL: "Sending is stopped for all orgs: nothing is sent until it is started again.",
    Wait.STOPPED_ORG: "Sending is stopped for this org: nothing is sent until it is started again.",
    Wait.WEBHOOK_STATUS: "The webhook does not send: nothing is sent until it is active.",
    Wait.TYPE: "The webhook's type makes no call: nothing is sent until webHookType is HTTP.",
    Wait.STORE: "The store takes no writes at the moment, and nothing is sent before it does.",
    Wait.CONNECTION: "The connection {over} cannot be used now, whatever the message. Nothing is "
    "sent or charged meanwhile; it goes on by itself.",
    Wait.BREAKER: "The webhook's breaker is open, for its receiver only failed: one delivery is "
    "tried then, and the others follow once it succeeds.",
    Wait.PROBE: "The webhook's breaker lets one delivery out at a time until its receiver is back, "
    "and another one is under way.",
    Wait.RETRY_AFTER: "The receiver has asked for a pause until then (Retry-After).",
    Wait.REFUSES: "The receiver refuses everything for now: one delivery is tried then, and the "
    "others follow once it is taken.",
    Wait.READER: "It waits to be fetched: no reader asks for messages of the webhook now.",
    Wait.OLDER: "Older deliveries of the webhook wait, and go first.",
    Wait.CONNECTIONS: "As many attempts of the webhook are under way as its maxAllowedConnections "
    "admits: {most}.",
    Wait.SLOWED: "The receiver has asked for less or has just come back: {most} at a time for now, "
    "and one more with each success.",
    Wait.LIMIT: "{over}",
    Wait.RATE: "Its turn comes by the webhook's rateLimit, {most} a second.",
    Wait.LEARNED: "Its turn comes at the rate that the receiver has shown to take, about {most} a "
    "second.",
    Wait.SLOTS: "The service makes as many attempts at a time as its setting in_flight_max admits, "
    "and webhooks take turns.",
}
# The same of an action, where that is another sentence.
_WORDS_OF_ACTION = {
    Wait.WEBHOOK_STATUS: "The action does not run: nothing is done until it is active.",
    Wait.BREAKER: "The action is left alone for now, since it only failed: one run is tried then, "
    "and the others follow once it is done.",
    Wait.PROBE: "One run goes at a time until one is done, and another one is under way.",
    Wait.RETRY_AFTER: "Whom it needs has asked for a pause until then (Retry-After).",
    Wait.REFUSES: "Whom it needs refuses everything for now: one run is tried then, and the others "
    "follow once it is done.",
    Wait.OLDER: "Older runs of the action wait, and go first.",
    Wait.CONNECTIONS: "As many runs of the action are under way as its at_once admits: {most}.",
    Wait.SLOWED: "Whom it needs has asked for less or has just come back: {most} at a time for "
    "now, and one more with each success.",
    Wait.RATE: "Its turn comes by rate of the action, {most} a second.",
    Wait.LEARNED: "Its turn comes at the rate that whom it needs has shown to take, about {most} a "
    "second.",
}


def waits_for(next_attempt: NextAttempt, *, acts: bool = False) -> str:
    """Say in one sentence what it waits for; empty where nothing is known to be in its way. `acts`:
    it is a run of an action."""
    if next_attempt.why is None:
        return ""
    words = _WORDS | _WORDS_OF_ACTION if acts else _WORDS
    return words[next_attempt.why].format(most=f"{next_attempt.most:g}", over=next_attempt.over)


def next_attempt_ms(
    state: State, due_ms: int | None, next_attempt: NextAttempt, now_ms: int
) -> int | None:
    """Compute the earliest time of the next attempt: the later of its own and what holds it back.

    None where there is none, where it has begun, and where no time is known: something must happen
    first (`waits_for` says what).
    """
    if state.final or state is State.HELD or next_attempt.begun or next_attempt.why in BARRED:
        return None
    if next_attempt.until_ms is not None:
        return max(due_ms or 0, next_attempt.until_ms)
    if next_attempt.why is None or (due_ms is not None and due_ms > now_ms):
        return due_ms
    return None
