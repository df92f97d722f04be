"""A call that needs no ASGI, as the server hands it over (`tidings.server`): all of its body has
come, and it is answered by one call of a method. Faces import no server, so its form stands here.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol

from tidings.core.access.body_budget import SMALL_BYTES

Pairs = list[tuple[bytes, bytes]]
SMALL_DIGITS = len(str(SMALL_BYTES))  # of a body's length that is not counted


class WholeRequest(Protocol):
    """A request whose body has come as a whole."""

    headers: Pairs  # names in lower case
    method: str
    path: str
    facts: Mapping[str, Any] | None  # known of it by who has admitted it

    def take(self) -> bytes:
        """Take the body."""


class WholeCall(Protocol):
    """A call, and the way to answer it."""

    @property
    def request(self) -> WholeRequest:
        """Return what is asked."""

    def scope(self) -> MutableMapping[str, Any]:
        """Return the scope in which an ASGI application would be called."""

    def answer(self, status: int, headers: Pairs, body: bytes) -> None:
        """Send the answer; to nobody, where the peer has gone."""


class WholeCallApp(Protocol):
    """Answers calls without a task of their own."""

    def begin(self, call: WholeCall) -> bool:
        """Answer a call, now or later. Return False, with nothing done, where it is to be made as
        an ASGI call."""
