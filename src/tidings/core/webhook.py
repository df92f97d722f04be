"""A webhook: one immutable version of a brand's subscription."""

from enum import StrEnum

import msgspec

from tidings.core.outcome import DEFAULT_POLICY, RetryPolicy


class Ordering(StrEnum):
    """What goes one after the other: nothing, the events of one key, or the whole lane."""

    NONE = "none"
    KEY = "key"
    STRICT = "strict"


class Standing(StrEnum):
    """What happens to a new event that a webhook subscribes to."""

    ACTIVE = "active"  # a delivery is made and sent
    PAUSED = "paused"  # a delivery is made and waits until the webhook is resumed
    INACTIVE = "inactive"  # nothing: the webhook does not match
    DISABLED = "disabled"  # a delivery is made and parked: by a 410, or by Tidings itself
    DELETED = "deleted"  # nothing, and what was unfinished is cancelled


class Webhook(msgspec.Struct, frozen=True):
    """Who is told what, where and how. `number` is the store's; `id` is what people see."""

    number: int
    id: str  # 24 hex digits
    consumer_group: str  # UUID
    org: int
    version: int  # counts the changes; a delivery remembers under which one it was sent
    name: str
    standing: Standing
    event_names: frozenset[str]
    kind: str  # "HTTP" or "QUEUE_INT"
    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    connections_max: int
    sla_s: int | None = None
    secrets: tuple[bytes, ...] = ()  # signing secrets in force, newest first
    retry: RetryPolicy = DEFAULT_POLICY
    ordering: Ordering = Ordering.NONE
    rate_per_s: float | None = None
    deadline_s: float = 30.0
    keep_answers: bool = False  # keep the body of 2xx answers too
    listen_to_children: bool = False
    extra: dict[str, msgspec.Raw] = {}  # further fields of the contract, kept as they came

    @property
    def matches(self) -> bool:
        """Whether a new event makes a delivery at all. Only HTTP webhooks have a sender so far."""
        return self.kind == "HTTP" and self.standing in (
            Standing.ACTIVE,
            Standing.PAUSED,
            Standing.DISABLED,
        )

    @property
    def sends(self) -> bool:
        """Whether attempts may start."""
        return self.standing is Standing.ACTIVE
