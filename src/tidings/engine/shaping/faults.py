"""Why a message cannot be made as its webhook asks: not now, or never."""

from collections.abc import Sequence

from tidings.core.actions.rendered_act import RunStep
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.waits import WaitReason, WaitsFor
from tidings.errors import ShapingError, Unavailable


class ShapeLater(Unavailable):
    """The needs of shaping are not there now. Nothing was sent: the delivery is tried again
    later."""

    kind = FaultKind.OURS
    steps: Sequence[RunStep] = ()  # of an action: the look-ups that were made before it

    def __init__(self, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.reason = reason  # one sentence for the delivery's log; holds no payload
        self.delay_s = delay_s  # how long to wait before the next try, in seconds


class ShapeRefused(ShapingError):
    """The message can never be made from this event as its webhook asks: the delivery fails."""

    kind = FaultKind.TRANSFORM
    steps: Sequence[RunStep] = ()  # as of ShapeLater

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason  # one sentence for the delivery's log; holds no payload


class ShapeNotYet(ShapeLater):
    """The message is not wanted yet: nothing is wrong, and no attempt was made. It waits."""

    kind = FaultKind.WAITS

    def __init__(self, why: WaitReason, reason: str, delay_s: float, on: str | None = None) -> None:
        """`on`: what it waits for, where that is no time."""
        super().__init__(reason, delay_s)
        self.waits = WaitsFor(why.value, reason, on)


class ShapeNeedless(ShapeRefused):
    """There is a reason not to send anything of this event: the delivery is cancelled."""

    kind = FaultKind.SKIPPED
