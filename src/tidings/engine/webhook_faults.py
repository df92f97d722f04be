"""Why a webhook cannot be made or changed as asked."""

from tidings.core.form import Refusal


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
