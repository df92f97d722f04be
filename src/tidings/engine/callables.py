"""The functions that parts of the engine are handed, by name: what they read, and whom they tell.

Each is named once, so what is handed in can be followed from its name. What has more than one call
is an object with a protocol, beside the part that asks it.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from tidings.core.ids import OrgId

Result = TypeVar("Result")

RandomBytes = Callable[[int], bytes]  # as many as are asked for, which nobody can foresee
ReadMs = Callable[[], int]  # milliseconds: since the epoch, where nothing else is said
ReadSeconds = Callable[[], float]  # seconds: a duration, or the time of a steady clock
ReadText = Callable[[], str]
Ask = Callable[[], bool]  # whether it may be, or is so, at this moment
Notify = Callable[[], None]  # something has been done, or has changed; whoever hears it looks
OrgsBelow = Callable[[OrgId], list[OrgId]]
AddressesOf = Callable[[OrgId], Sequence[str]]  # of e-mail, that an org has named
Change = Callable[[], Coroutine[Any, Any, Result]]
