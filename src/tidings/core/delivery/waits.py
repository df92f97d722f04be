"""What a delivery waits for that is not to be done yet: no attempt was made, nothing has failed.

Its row is WAITING, with `WaitsFor` beside it. It is looked at when it is due, and may wait on, to
the end of its retry window. Who waits for another action waits a little longer: the last attempt of
that one starts at the end of its own window, which is often the same.
"""

from enum import StrEnum

import msgspec

GRACE_S = 3600.0  # beyond the window, for the last attempt of what is waited for


class WaitReason(StrEnum):
    """The reason why a delivery is not to be done yet."""

    AFTER = "after"  # the time that its action lets pass
    QUIET = "quiet"  # the quiet hours of its action
    NEEDS = "needs"  # another action of the same event, which is not done yet
    LIMIT = "limit"  # how much its org may send in a time
    READER = "reader"  # somebody who fetches it: of what is PENDING, known to no row


class WaitsFor(msgspec.Struct, frozen=True, array_like=True):
    """A delivery's reason to wait, as it is kept. It ends when the delivery is due, or where it
    waits for something to happen, `on` that."""

    reason: str  # a WaitReason
    detail: str  # in sentences, for people; holds no payload
    on: str | None = None  # NEEDS: the name of the action


class NotYet(msgspec.Struct, frozen=True, gc=False):
    """The result of what is not to be done yet, where an attempt would have one. It is looked at
    again in `wait_s` seconds."""

    waits: WaitsFor
    wait_s: float
    lane_pause_s: float = 0.0  # so long a limit of ours admits no delivery of its webhook

    def delay_s(self, window_s: float, age_s: float) -> float | None:
        """Return the seconds until a delivery `age_s` old is looked at again; None if it has waited
        in vain."""
        left_s = window_s - age_s + (GRACE_S if self.waits.on is not None else 0.0)
        return min(left_s, self.wait_s) if left_s > 0 else None
