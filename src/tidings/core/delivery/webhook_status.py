"""What a webhook is to do at the moment; beside it, for the store needs no more of a webhook."""

from enum import StrEnum


class WebhookStatus(StrEnum):
    """A webhook's status: it decides what happens to a new event that it subscribes to."""

    ACTIVE = "active"  # a delivery is made and sent
    PAUSED = "paused"  # a delivery is made and waits until the webhook is resumed
    INACTIVE = "inactive"  # nothing: the webhook does not match
    DISABLED = "disabled"  # a delivery is made and parked: by a 410, or by Tidings itself
    DELETED = "deleted"  # nothing, and what was unfinished is cancelled
