"""Why a webhook cannot be made or changed as asked."""

from tidings.core.budget import LOOP_S
from tidings.errors import Refusal


class WebhookRefused(Exception):
    """A webhook cannot be as asked, for these reasons."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__(refusals[0].message)
        self.refusals = refusals


class UnknownWebhook(Exception):
    """The org has no webhook of this id, or it was deleted."""


class WrongStanding(WebhookRefused):
    """The webhook does not stand where this may be done to it."""


class KeyReused(Exception):
    """Another body was sent under this `Idempotency-Key` within 24 hours."""


class WebhookMoved(Exception):
    """The webhook is not at a version that its changer expects."""

    def __init__(self, version: int) -> None:
        super().__init__(f"at version {version}")
        self.version = version


def filters_too_slow(total_s: float) -> Refusal:
    """All filters of an org are asked for each of its events."""
    return Refusal(
        "filter_too_large",
        f"The filters of an org's webhooks must together take at most {LOOP_S * 1000:.0f} ms for "
        f"the worst event; got one with which they may take {total_s * 1000:.0f} ms. Use fewer "
        "tests with [*] and contains. (filter_too_large, field filter)",
        "filter",
    )
