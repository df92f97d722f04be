"""How a webhook does: judged here, for whoever shows it. Pure.

Three answers, each by its own rule.

- Its **state** is what is wrong with it, whatever it is set to (`judge_state`):
  *failing*, nothing gets through: its receiver is dead, slow or refuses, or its action lacks
  something; *degraded*, a share of its attempts fails (`attempt_share.py`) and some arrive;
  *unread*, messages wait in a webhook that is fetched from, and nobody has fetched for
  `UNREAD_AFTER_MS`. None where nothing is. One that is paused or disabled while it fails goes on
  failing until a success ends that.
- Its **activity** is why nothing is sent though nothing is wrong with its receiver
  (`judge_activity`): *waiting*, what there is may not be sent now: its connection has a fault, it
  is paused, sending is stopped, or its type leads nowhere;
  *idle*, there is nothing to send: for `IDLE_AFTER_MS`, or its filter has taken none of the last
  `IDLE_MISSES` events of its types. Nobody needs to be woken for it.
- Its **condition** is the one word that stands first (`judge_webhook`): what somebody has
  decided comes first, so that a webhook that is paused, disabled, inactive or deleted is that. Then
  what no message has caused, a fault of the connection that it goes over: it is held up, and is not
  at fault itself. Only then its state counts.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

import msgspec

from tidings.core.delivery.webhook_status import WebhookStatus

UNREAD_AFTER_MS = 900_000
IDLE_AFTER_MS = 86_400_000
IDLE_MISSES = 1_000
OF_ALL_ORGS = "Of all orgs, "
"""How the sentence about the webhooks of all orgs begins, which is the operator's alone."""


class HealthState(StrEnum):
    """The ways in which a webhook can be unwell."""

    FAILING = "failing"  # nothing gets through
    DEGRADED = "degraded"  # a share of its attempts fails
    UNREAD = "unread"  # messages wait, and nobody fetches them


class WebhookActivity(StrEnum):
    """The reason why nothing is sent, though nothing is wrong."""

    IDLE = "idle"
    WAITING = "waiting"


class Condition(StrEnum):
    """The one word for how a webhook does; those of `WebhookStatus` but for ACTIVE among them."""

    WELL = "well"
    FAILING = HealthState.FAILING.value
    DEGRADED = HealthState.DEGRADED.value
    UNREAD = HealthState.UNREAD.value
    HELD_UP = "held up"  # by its connection
    NOT_CALLED = "not called"  # its type leads nowhere
    PAUSED = WebhookStatus.PAUSED.value
    DISABLED = WebhookStatus.DISABLED.value
    INACTIVE = WebhookStatus.INACTIVE.value
    DELETED = WebhookStatus.DELETED.value

    @property
    def on_wire(self) -> str:
        """Return the value of `condition` in answers of the API, which is from before there was a
        state: what fails in part is failing there."""
        return (Condition.FAILING if self is Condition.DEGRADED else self).value


GLYPHS: Mapping[str, str] = {
    Condition.WELL: "✓",
    Condition.FAILING: "✗",
    Condition.DEGRADED: "◐",
    Condition.UNREAD: "◷",
    Condition.HELD_UP: "‖",
    Condition.NOT_CALLED: "–",
    Condition.PAUSED: "‖",
    Condition.DISABLED: "✗",
    Condition.INACTIVE: "–",
    Condition.DELETED: "–",
}
"""The sign that stands before the word, in every face."""


class ConnectionHold(msgspec.Struct, frozen=True):
    """A fault of a connection that no message has caused: what goes over it waits."""

    connection: str
    why: str  # a sentence, what to do included
    since_ms: int


def judge_state(
    status: WebhookStatus,
    *,
    is_called: bool,
    fails: bool,
    fails_in_part: bool = False,
    troubles: Collection[str] = (),
    hold: ConnectionHold | None = None,
    unread: bool = False,
) -> HealthState | None:
    """Return what is wrong with a webhook, whatever it is set to; None where nothing is.

    `fails`: its attempts do, by `AttemptShare` or its breaker; `fails_in_part`: some of them
    succeed; `troubles`: what an action lacks, a sentence each; `hold`: the fault of its connection,
    which is no fault of the webhook; `unread`: what it has waits for a reader who does not come.
    """
    if status is WebhookStatus.DELETED or not is_called or hold is not None:
        return None
    if troubles or (fails and not fails_in_part):
        return HealthState.FAILING
    if fails:
        return HealthState.DEGRADED
    return HealthState.UNREAD if unread else None


def judge_activity(
    status: WebhookStatus,
    *,
    state: HealthState | None,
    is_held: bool,
    is_idle: bool,
) -> WebhookActivity | None:
    """Return why nothing is sent to a webhook; None where something is, or where something is
    wrong with it. `is_held`: what it gets may not be sent now, whoever has caused that, but for
    itself; `is_idle`: there has been nothing to send."""
    if status is WebhookStatus.PAUSED:
        return WebhookActivity.WAITING
    if status is not WebhookStatus.ACTIVE or state is not None:
        return None
    if is_held:
        return WebhookActivity.WAITING
    return WebhookActivity.IDLE if is_idle else None


def judge_webhook(
    status: WebhookStatus,
    *,
    is_called: bool,
    state: HealthState | None,
    hold: ConnectionHold | None = None,
) -> Condition:
    """Return the one word for how a webhook does. `state`: what is wrong with it, by
    `judge_state`; `hold`: the fault of its connection."""
    if status is not WebhookStatus.ACTIVE:
        return Condition(status.value)
    if not is_called:
        return Condition.NOT_CALLED
    if hold is not None:
        return Condition.HELD_UP
    return Condition.WELL if state is None else Condition(state.value)


def describe_counts(counts: Mapping[str, int]) -> str:
    """Say how many webhooks have which condition, the worst first: `3 webhooks are failing, 1 is
    degraded`; nothing where none has one that somebody must see to."""
    words: list[str] = []
    for condition in (*HealthState, Condition.HELD_UP):
        if count := counts.get(condition.value, 0):
            noun = "" if words else f" webhook{'' if count == 1 else 's'}"
            by = " by a connection" if condition == Condition.HELD_UP else ""
            words.append(f"{count:,}{noun} {'is' if count == 1 else 'are'} {condition.value}{by}")
    return ", ".join(words)
