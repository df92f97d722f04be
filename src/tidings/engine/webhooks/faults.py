"""Why a webhook cannot be made or changed as asked."""

from tidings.core.budget import LOOP_S
from tidings.errors import FieldRefusal, NotFound, Stale, Unprocessable, not_found


class UnknownWebhook(NotFound):
    """The org has no webhook of this id, or it was deleted."""

    def __init__(self, given: str, field: str = "webHookId") -> None:
        unknown = not_found(field, "the id of a webhook of this org", given)
        super().__init__(*unknown.refusals)


class KeyReused(Unprocessable):
    """Another body was sent under this `Idempotency-Key` within 24 hours."""

    def __init__(self) -> None:
        message = (
            "Idempotency-Key must be new for a different body; this key was used with a different "
            "body in the last 24 hours. Use a new key."
        )
        super().__init__(
            FieldRefusal.build("idempotency_key_reused", message, header="Idempotency-Key")
        )


class WebhookMoved(Stale):
    """The webhook is not at a version that its changer expects. How versions are told is for who
    has asked to say."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = version


def filters_too_slow(total_s: float) -> FieldRefusal:
    """Build the refusal of filters that are too slow together: all filters of an org are asked for
    each of its events."""
    return FieldRefusal.build(
        "filter_too_large",
        f"The filters of an org's webhooks must together take at most {LOOP_S * 1000:.0f} ms for "
        f"the worst event; got one with which they may take {total_s * 1000:.0f} ms. Use fewer "
        "tests with [*] and contains.",
        field="filter",
    )


def action_in_file(name: str) -> FieldRefusal:
    """Build the refusal to delete an action that its file still has: the next start would make it
    again."""
    return FieldRefusal.build(
        "action_in_file",
        f"The action {name} must not be in the file of actions to be deleted; it is. Remove it "
        "from the file, restart Tidings, then delete it; or pause it.",
        field="webHookId",
    )


def action_left_file(name: str) -> FieldRefusal:
    """Build the refusal to enable an action that its file does not have: nothing could be done by
    it."""
    return FieldRefusal.build(
        "action_left_file",
        f"The action {name} must be in the file of actions to be enabled; it was removed. Add it "
        "to the file again and restart Tidings, or delete its webhook.",
        field="webHookId",
    )
