"""What the other side of a channel has answered, and when it is asked again. Pure."""

from typing import NamedTuple

from tidings.core.alerts.channel import AlertChannel
from tidings.core.delivery.exchange import Ending, TransportFault
from tidings.core.delivery.statuses import retry_after_s
from tidings.core.webhooks.masks import MARK

AGAIN_S = (10.0, 30.0, 60.0, 300.0, 900.0)
RETRY_AFTER_MAX_S = 3600.0
SHOWN_MAX = 200  # characters of an answer


class AlertResult(NamedTuple):
    """The outcome of a message. `error`: in one sentence, empty where it was taken; `wait_s`: not
    again before, as the other side asks."""

    error: str
    wait_s: float = 0.0
    status: int | None = None
    answer: str = ""

    @property
    def is_taken(self) -> bool:
        """Return whether the other side has taken the message."""
        return not self.error


def judge_answer(channel: AlertChannel, ending: Ending, now_s: float) -> AlertResult:
    """Judge the end of a call: Slack takes with 200, the Events API with 202; compatible services
    with any 2xx. What is shown of an answer has none of the channel's secrets, whoever repeats
    them."""
    if isinstance(ending, TransportFault):
        detail = hide_secrets(channel, ending.detail)
        return AlertResult(f"Nothing was answered ({ending.kind}): {detail}"[:SHOWN_MAX])
    text = hide_secrets(channel, ending.body.decode("utf-8", "replace"))[:SHOWN_MAX]
    shown = "".join(sign if sign.isprintable() else " " for sign in text).strip()
    if 200 <= ending.status <= 299:
        return AlertResult("", status=ending.status, answer=shown)
    wait_s = min(retry_after_s(ending.headers, now_s) or 0.0, RETRY_AFTER_MAX_S)
    error = f"The {channel.type} channel answered {ending.status}{': ' if shown else ''}{shown}"
    return AlertResult(error, wait_s=wait_s, status=ending.status, answer=shown)


def hide_secrets(channel: AlertChannel, text: str) -> str:
    """Return a text of others with the channel's secrets masked, the longest first."""
    for secret in sorted(channel.secrets, key=len, reverse=True):
        text = text.replace(secret, MARK)
    return text


def next_try_s(tries: int, wait_s: float) -> float:
    """Return the seconds until the next try, after so many have failed."""
    return max(AGAIN_S[min(tries, len(AGAIN_S)) - 1], wait_s)
