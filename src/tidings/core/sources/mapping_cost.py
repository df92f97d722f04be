"""What reading a message by a plan may take, known before it is read. Pure.

Measured on the reference machine (docs/measured/catalogue.md), for the worst that somebody may
write, and rounded up: values of one byte, lists of empty lists, paths that share nothing.
"""

import msgspec

from tidings.core.budget import MAPPING_CPU_S, MAPPING_LOOP_S
from tidings.core.exact_json import Steps
from tidings.core.picks import Pick, steps_of
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import (
    ITEMS_MAX,
    MappedMessage,
    MessagePlan,
    PlanRunner,
    picks_of,
)

ITEM_MAX_S = 0.8 * MAPPING_CPU_S / ITEMS_MAX  # for one item of a list of the greatest length
LOOP_BYTES_MAX = 256 << 10
LOOP_STEPS_MAX = 400  # of a plan: the trees of more would take memory that nobody counts
_BYTE_S = 3e-9  # for each time that a byte is passed over
_COPY_S = 0.3e-9  # for each time that a byte may be written into an event
_VALUE_S = 100e-9  # for a value that is made an object of
_EVENT_S = 6e-6
_PICK_S = 1.5e-6
_STEP_S = 2e-6  # an object or list on the way, that no other path leads through
_PLACE_S = 0.5e-6  # an object on the way to where a value goes
_CONVERSION_S = 2.5e-6
_NAMES_S = 1.2e-6
_HEADER_S = 0.4e-6


class PlanCost(msgspec.Struct, frozen=True):
    """The cost of a plan, whatever the message."""

    steps: int
    """Of all its paths together."""
    passes: int
    """How often a byte of the body may be passed over."""
    copies: int
    """How often a byte of it may go into events."""
    item_s: float
    """For making one event of what was read."""
    lists: bool
    """Whether one message may become several events."""

    @property
    def is_small(self) -> bool:
        """Return whether it may be made ready, and kept, on the event loop."""
        return self.steps <= LOOP_STEPS_MAX

    def of_message_s(self, message: ForeignMessage) -> float:
        """Bound the seconds of processor time that reading a message takes."""
        body = message.body
        if len(body) > LOOP_BYTES_MAX:  # counting is work too; nearly every byte may be a value
            values = events = len(body)
        else:
            values = body.count(b",") + body.count(b"[") + body.count(b"{") + 1
            events = body.count(b",") + 1
        return (
            len(body) * (self.passes * _BYTE_S + self.copies * _COPY_S)
            + values * 2 * _VALUE_S
            + min(events if self.lists else 1, ITEMS_MAX) * self.item_s
            + len(message.headers) * _HEADER_S
        )

    def fits_loop(self, message_s: float) -> bool:
        """Return whether a message that takes so many seconds may be read on the event loop."""
        return self.is_small and message_s <= MAPPING_LOOP_S


def cost_of(plan: MessagePlan) -> PlanCost:
    """Count what a plan costs."""
    mapping = plan.mapping
    picks = [] if mapping is None else picks_of(mapping)
    each: Steps = () if mapping is None or mapping.each is None else steps_of(mapping.each)
    ways = [pick.steps or () for _, pick in picks]
    own = () if plan.message_id is None else plan.message_id.steps or ()
    deepest = max(len(own), len(each) + max(map(len, ways), default=0))
    targets = max((name.count(".") for name, _ in picks), default=0)
    return PlanCost(
        steps=len(own) + len(each) + sum(map(len, ways)),
        passes=3 + deepest + targets,
        copies=1 + sum(pick.path is not None for _, pick in picks),
        item_s=_EVENT_S + sum(_pick_s(name, pick) for name, pick in picks),
        lists=bool(each),
    )


def _pick_s(name: str, pick: Pick) -> float:
    return (
        _PICK_S
        + max(0, len(pick.steps or ()) - 1) * _STEP_S
        + max(0, name.count(".") - 1) * _PLACE_S
        + bool(pick.conversion) * _CONVERSION_S
        + (pick.names is not None) * _NAMES_S
    )


class CostedPlan:
    """A plan with what it costs. It is made ready when the first message comes that may be read on
    the event loop; one that never may takes no memory."""

    def __init__(self, plan: MessagePlan) -> None:
        self.plan = plan
        self.cost = cost_of(plan)
        self._runner: PlanRunner | None = None

    def read(self, message: ForeignMessage) -> MappedMessage:
        """See `PlanRunner.read`."""
        if self._runner is None:
            self._runner = PlanRunner(self.plan)
        return self._runner.read(message)
