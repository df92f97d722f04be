"""How a webhook does, as a word with its glyph and as a sentence, by what GET says of it. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

Facts = Mapping[str, Any]
# The words of `core/delivery/receivers/judgement.py`, with its glyphs; a test compares them.
_WORDS = {
    "well": ("✓", "green"),
    "failing": ("✗", "red"),
    "degraded": ("◐", "yellow"),
    "unread": ("◷", "yellow"),
    "held up": ("‖", "yellow"),
    "paused": ("‖", "blue"),
    "disabled": ("✗", "red"),
    "inactive": ("–", "bright_black"),
    "deleted": ("–", "bright_black"),
    "not called": ("–", "bright_black"),
}


def health_word(webhook: Facts) -> str:
    """Return one word for a webhook, as the service judges it: what somebody did with it, else how
    it does."""
    word = str(webhook.get("condition") or webhook["standing"])
    return str((webhook.get("health") or {}).get("state") or word) if word == "failing" else word


def is_left_alone(webhook: Facts) -> bool:
    """Return whether it fails so much that its receiver is asked from time to time only."""
    return health_word(webhook) == "failing" and bool((webhook["health"] or {}).get("leftAlone"))


def lets_nothing_through(webhook: Facts) -> bool:
    """Return whether it fails, or did when somebody paused or disabled it."""
    return (webhook.get("health") or {}).get("state") == "failing"


def is_idle(webhook: Facts) -> bool:
    """Return whether there has been nothing to send to it, as the service judges it."""
    return webhook.get("activity") == "idle"


def leads_nowhere(webhook: Facts) -> bool:
    """Return whether it is of the platform's own queue, and the operator has declared none."""
    return (webhook.get("warning") or {}).get("code") == "queue_not_served"


def health_cell(webhook: Facts) -> Text:
    """Show a webhook's health in one word with its glyph; of one that is not active also what was
    wrong with it when it was: `paused, failing since 14:02:11Z`."""
    cell, also = word_cell(health_word(webhook)), also_wrong(webhook)
    return cell.append(f", {also}") if also else cell


def also_wrong(webhook: Facts, now: datetime | None = None) -> str:
    """Say what is wrong with a webhook whose first word does not: `failing since 14:02:11Z`."""
    health = webhook.get("health") or {}
    state = health.get("state") or ""
    if not state or state == health_word(webhook):
        return ""
    since = when(health.get("since"), now or datetime.now(UTC))
    return f"{state} since {since}" if since else state


def word_cell(word: str) -> Text:
    """Return a word with its glyph, in its colour."""
    sign, colour = _WORDS.get(word, ("·", ""))
    return Text(f"{sign} {word}", style=colour)


def receiver_does(webhook: Facts) -> str:
    """Describe what the receiver does: `answers 503`, `answers 503 to 15 % of its attempts (3 of
    20)`."""
    from tidings.core.delivery.receivers.health import does_in_part  # noqa: PLC0415  # as above

    health = webhook.get("health") or {}
    counted = health.get("failedAttempts"), health.get("attempts")
    return does_in_part(health.get("cause") or "", *counted)


def describe_health(webhook: Facts, now: datetime | None = None) -> str:
    """Describe a webhook's health: `answers 503 since 14:02:11Z, 12 failures in a row; left alone,
    retried at 14:31:02Z`."""
    health = webhook.get("health") or {}
    now = now or datetime.now(UTC)
    if health.get("state") == "unread":
        since = when(health.get("since"), now)
        return "nobody has fetched its messages" + (f" since {since}" if since else "")
    text = receiver_does(webhook)
    if since := when(health.get("failingSince"), now):
        text += f" since {since}"
    if count := health.get("failures"):
        text += f", {count:,} failure{'s' if count != 1 else ''} in a row"
    if not health.get("leftAlone"):
        return text
    due = when(health.get("nextTryAt"), now)
    return f"{text}; left alone, {asked_again(health, now)}" if due else f"{text}; left alone"


def asked_again(health: Facts, now: datetime) -> str:
    """Say when one delivery is sent to a receiver that is left alone, to see whether it answers."""
    try:
        due = datetime.fromisoformat(health.get("nextTryAt") or "")
    except ValueError:
        return "retried soon"
    left_s = round((due - now).total_seconds())
    if left_s <= 0:
        return "being retried now"
    return f"retried at {when(health['nextTryAt'], now)} (in {left_s:,} s)"


def when(iso: str | None, now: datetime) -> str:
    """Return a time in the reader's zone; without the date where that is today."""
    if not iso:
        return ""
    from tidings.core.times import zoned  # noqa: PLC0415  # help needs it not

    try:
        at = datetime.fromisoformat(iso).astimezone()
    except (ValueError, OverflowError):
        return ""
    return zoned(at, now.astimezone().date())
