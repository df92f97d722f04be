"""How near a webhook is to being disabled: eight days of failing attempts without one success.

    ok ──(15 min)──► failing ──(half of the way)──► failing 50 ──► 70 ──► 90 ──► disable
     ▲                  │                                │         │      │
     └──────────────────┴──── a success, however late ───┴─────────┴──────┘

The owner hears of it while little is late, once, and again when its webhook comes near its end.

Asked when an attempt has failed, with the time of that failure: what is merely quiet never gets
here, so a webhook without events is not disabled for them, however long ago its last failure was. A
few failures far apart are no proof either: below `failures_min` nothing is disabled, whatever the
days. The first word needs fewer (`first_failures_min`): a single delivery to a dead receiver makes
only four attempts in its first quarter of an hour.

Eight days, because every delivery has its seven days of tries first. A fault of our own (our DNS
server, our store) is no failure of the receiver, and must not be counted by the caller. Pure.
"""

import msgspec

from tidings.values import percent

DAY_MS = 86_400_000
MINUTE_MS = 60_000
GONE = (
    "The receiver answered 410: the address is gone for good. Give the webhook a new URL and set "
    "it active."
)
GONE_OF_ACTION = (
    "What it calls answered 410: the address is gone for good. Correct url of the action in its "
    "file, start Tidings again, and enable the action."
)
HOPELESS = (
    "No attempt has succeeded for eight days; the last one ended with {cause}. Mend the receiver, "
    "set the webhook active, and replay what was parked."
)
HOPELESS_ACTION = (
    "Nothing of it was done for eight days; the last try ended with {cause}. Mend what it needs, "
    "enable the action, and run again what was parked."
)
STEPS = (50, 70, 90)
FIRST = 1  # stands for the first word among the steps: its owner was told that it fails


class HealthPolicy(msgspec.Struct, frozen=True):
    """Bounds of when a failing webhook is spoken of, and when it is disabled."""

    disable_after_ms: int = 8 * DAY_MS  # from the first failure after the last success
    steps: tuple[int, ...] = STEPS  # per cent of that way at which its owner is told, rising
    failures_min: int = 10  # fewer failed attempts since the last success reach no such step
    first_after_ms: int = 900_000  # of failing, and its owner is told for the first time
    first_failures_min: int = 3  # fewer failed attempts are not told at all


DEFAULT_POLICY = HealthPolicy()


class Ok(msgspec.Struct, frozen=True):
    """Nothing to say: it is well, or has not failed for long."""


class Failing(msgspec.Struct, frozen=True):
    """It has gone `percent` of the way: one of the policy's steps, or FIRST before those."""

    percent: int
    disable_at_ms: int  # if nothing succeeds until then


class Disable(msgspec.Struct, frozen=True):
    """It has gone all of the way."""

    failing_since_ms: int


HealthVerdict = Ok | Failing | Disable
OK = Ok()


def judge(
    failing_since_ms: int | None, failures: int, now_ms: int, policy: HealthPolicy = DEFAULT_POLICY
) -> HealthVerdict:
    """Judge what a failed attempt at `now_ms` means for its webhook.

    `failing_since_ms` is the first failure after the last success (None: there is none), `failures`
    how many there were since then, this one included. Times are milliseconds since the epoch; a
    clock that was set back says nothing.
    """
    if failing_since_ms is None or failures < min(policy.failures_min, policy.first_failures_min):
        return OK
    gone_ms = now_ms - failing_since_ms
    proven = failures >= policy.failures_min
    if proven and gone_ms >= policy.disable_after_ms:
        return Disable(failing_since_ms)
    way_ms = policy.disable_after_ms
    reached = [step for step in policy.steps if proven and gone_ms * 100 >= step * way_ms]
    if failures >= policy.first_failures_min and gone_ms >= policy.first_after_ms:
        reached.append(FIRST)
    if not reached:
        return OK
    return Failing(max(reached), failing_since_ms + way_ms)


def to_tell(verdict: HealthVerdict, notified: int) -> int | None:
    """Return the step to tell the owner of now, or None where it was told already.

    `notified` is the last step that was told since the last success, 0 for none.
    """
    if isinstance(verdict, Failing) and verdict.percent > notified:
        return verdict.percent
    return None


def disables_at_ms(
    since_ms: int, failing_ms: int, now_ms: int, policy: HealthPolicy = DEFAULT_POLICY
) -> int:
    """Return when one that has failed since then will be disabled if nothing succeeds: later by the
    time that does not count, of a service that stood still or of a pause, in whole minutes, for two
    clocks have measured it."""
    stood_ms = max(0, now_ms - since_ms - failing_ms)
    return since_ms + policy.disable_after_ms + round(stood_ms / MINUTE_MS) * MINUTE_MS


# What a receiver does that only fails, by the fault of its last attempt.
_DOES = {
    "refused": "refuses connections",
    "unreachable": "cannot be reached",
    "connect_timeout": "takes no connection in time",
    "reset": "breaks the connection",
    "timeout": "does not answer in time",
    "dns": "has a name without an address",
    "tls": "fails the TLS handshake",
    "protocol": "does not answer in HTTP",
    "policy": "has an address that the policy blocks",
    "recipients": "has nobody who may be written to",
    "token": "gets nothing, since no access token can be had",
    "transform": "gets no message, since its payload cannot be made",
}


def does(cause: str) -> str:
    """Describe what a receiver does whose last failure had this cause: `answers 503`, `does not
    answer in time`."""
    return f"answers {cause}" if cause.isdigit() else _DOES.get(cause, "fails")


# The same of some time up to now, behind "have" or "has".
_HAS = {
    "refused": "been refusing connections",
    "unreachable": "been unreachable",
    "connect_timeout": "taken no connection in time",
    "reset": "been breaking the connection",
    "timeout": "not answered in time",
    "dns": "had a name without an address",
    "tls": "been failing the TLS handshake",
    "protocol": "not answered in HTTP",
    "policy": "had an address that the policy blocks",
    "recipients": "had nobody who may be written to",
    "token": "got nothing, since no access token can be had",
    "transform": "got no message, since none could be made of the events",
}


def has_done(cause: str) -> str:
    """Describe what a receiver has done for some time whose last failure had this cause, behind
    "have" or "has": `been answering 503`, `not answered in time`."""
    return f"been answering {cause}" if cause.isdigit() else _HAS.get(cause, "been failing")


def of_attempts(failed: int | None, attempts: int | None, word: str = "attempts") -> str:
    """Return the share that fails in words, `15 % of its attempts (3 of 20)`; nothing where all
    of them do, or where they are not counted."""
    if not attempts or failed is None or failed >= attempts:
        return ""
    return f"{percent(failed, attempts)} of its {word} ({failed:,} of {attempts:,})"


def does_in_part(cause: str, failed: int | None, attempts: int | None) -> str:
    """Describe what a receiver does, with the share of its attempts that fails where some
    succeed: `answers 503 to 15 % of its attempts (3 of 20)`."""
    share = of_attempts(failed, attempts)
    how = "to" if cause.isdigit() else "in"
    return f"{does(cause)} {how} {share}" if share else does(cause)
