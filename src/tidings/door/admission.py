"""What a listener makes of the doors' header: read at the door's own, removed at every other."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, NamedTuple

from tidings.door.head import DOOR_HEADER, REQUEST_ID, DoorHead, read_head
from tidings.server import HttpRequest, RejectedRequest

DOOR_FACTS = "tidings.door"  # in the `extensions` of a scope


class PassedOn(NamedTuple):
    """Hold what is known of a call that another door has passed on."""

    head: DoorHead
    until_s: float  # it may take so long, by the monotonic clock


def passed_on(facts: Mapping[str, Any] | None) -> PassedOn | None:
    """Return what is known of a call that another door has passed on; None for any other call.

    `facts`: those of the request, which nobody but the listener makes.
    """
    found = None if facts is None else facts.get(DOOR_FACTS)
    return found if isinstance(found, PassedOn) else None


def remove_head(request: HttpRequest) -> None:
    """Remove the doors' header of a call at a public port, whoever wrote it."""
    for name, _ in request.headers:
        if name == DOOR_HEADER:
            request.headers = [pair for pair in request.headers if pair[0] != DOOR_HEADER]
            return


class DoorAdmission:
    """Looks at what comes in at the door's listener: a call with a head of a door, or refused.

    From here on a call is as it was at the public port of the other process: its peer is that
    one's, and its id is the one that the other door answers with. `key`: of the seal, where there
    is no TLS. `is_as_sent`: for these paths callers see their calls as they were sent.
    """

    def __init__(
        self,
        key: bytes | None = None,
        is_as_sent: Callable[[str], bool] = lambda path: False,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._key = key
        self._is_as_sent = is_as_sent
        self._now_s = now_s

    def admit(self, request: HttpRequest) -> None:
        """Read the head of a request. Raise RejectedRequest where it has none that can be read."""
        values: list[bytes] = []
        others: list[tuple[bytes, bytes]] = []
        for pair in request.headers:
            if pair[0] == DOOR_HEADER:
                values.append(pair[1])
            else:
                others.append(pair)
        head = read_head(values[0], self._key) if len(values) == 1 else None
        if head is None:
            text = "This port is for Tidings alone; got a call from elsewhere. Use the public port."
            raise RejectedRequest(403, "not_a_door", text, "header Tidings-Door")
        request.peer = (head.client, 0)
        passed = PassedOn(head, self._now_s() + head.left_ms / 1e3)
        request.facts = {DOOR_FACTS: passed}
        if not self._is_as_sent(request.path):
            others = [pair for pair in others if pair[0] != REQUEST_ID]
            others.append((REQUEST_ID, head.request_id.encode()))
        request.headers = others
