"""Which webhooks of an org need somebody, for `tidings doctor` of the service: its words of how
webhooks do are those of their lists, and stand beside them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tidings.cli.output import clean
from tidings.cli.webhooks.health import also_wrong, health_word

Facts = Mapping[str, Any]
Check = TypeVar("Check")
BAD = ("failing", "degraded", "unread", "held up")
NAMED = 5  # webhooks that are named, or told of one by one


def check_webhooks(webhooks: Sequence[Facts], make: Callable[..., Check]) -> list[Check]:
    """Check the webhooks of an org: which need somebody, the worst first, and which lead to a path
    of the service itself that takes no messages."""
    found = []
    unwell = [webhook for webhook in webhooks if health_word(webhook) in BAD or also_wrong(webhook)]
    if unwell:
        unwell.sort(key=_rank)
        message = _describe_unwell(unwell, len(webhooks))
        step = f"tidings doctor {clean(unwell[0]['name'])}"
        found.append(make(False, message, fix="Look at each of them.", step=step))
    own_paths = [
        webhook for webhook in webhooks if (webhook["warning"] or {}).get("code") == "own_path"
    ]
    for webhook in own_paths[:NAMED]:
        message = f"Webhook {clean(webhook['name'])}: {clean(webhook['warning']['message'])}"
        step = f"tidings webhooks show {webhook['webHookId']}"
        found.append(make(False, message, fix="Give it the URL of a receiver.", step=step))
    return found


def _describe_unwell(unwell: Sequence[Facts], total: int) -> str:
    """Say which need somebody; what was paused or disabled while it failed is counted too."""
    counted = Counter(health_word(webhook) for webhook in unwell)
    states = ", ".join(f"{count:,} {word}" for word, count in counted.items())
    names = ", ".join(clean(webhook["name"]) for webhook in unwell[:NAMED])
    more = f" and {len(unwell) - NAMED:,} more" if len(unwell) > NAMED else ""
    who = "1 webhook of this org needs" if len(unwell) == 1 else f"{len(unwell):,} webhooks need"
    return f"{who} attention, of {total:,} ({states}): {names}{more}."


def _rank(webhook: Facts) -> int:
    word = health_word(webhook)
    return BAD.index(word) if word in BAD else len(BAD)
