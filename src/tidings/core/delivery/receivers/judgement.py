"""How a webhook does, in one word: judged here, for whoever shows it. Pure.

What somebody has decided comes first: a webhook that is paused, disabled, inactive or deleted is
that, whatever its receiver does. Then what no message has caused, a fault of the connection that it
goes over: it is held up, and is not at fault itself. Only then counts what its attempts came to
(`attempt_share.py`), and what an action lacks.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

import msgspec

from tidings.core.delivery.webhook_status import WebhookStatus


class Condition(StrEnum):
    """The one word for how a webhook does; those of `WebhookStatus` but for ACTIVE among them."""

    WELL = "well"
    FAILING = "failing"
    HELD_UP = "held up"  # by its connection
    NOT_CALLED = "not called"  # its type leads nowhere
    PAUSED = WebhookStatus.PAUSED.value
    DISABLED = WebhookStatus.DISABLED.value
    INACTIVE = WebhookStatus.INACTIVE.value
    DELETED = WebhookStatus.DELETED.value


GLYPHS: Mapping[str, str] = {
    Condition.WELL: "✓",
    Condition.FAILING: "✗",
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


def judge_webhook(
    status: WebhookStatus,
    *,
    is_called: bool,
    fails: bool,
    troubles: Collection[str] = (),
    hold: ConnectionHold | None = None,
) -> Condition:
    """Return how a webhook does. `fails`: its attempts do, by `AttemptShare` or its breaker;
    `troubles`: what an action lacks, a sentence each; `hold`: the fault of its connection."""
    if status is not WebhookStatus.ACTIVE:
        return Condition(status.value)
    if not is_called:
        return Condition.NOT_CALLED
    if hold is not None:
        return Condition.HELD_UP
    return Condition.FAILING if fails or troubles else Condition.WELL
