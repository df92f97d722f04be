"""An answer whose memory is reserved until it has left, however it ends."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidings.core.ids import OrgId
from tidings.engine.answer_memory import AnswerMemory, Release, mark_held


class HeldAnswer(Response):
    """Another answer, which gives its memory back when it was sent, or could not be."""

    def __init__(self, made: Response, release: Release) -> None:
        super().__init__(made.body, made.status_code)
        self.raw_headers = list(made.raw_headers)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `Response`."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


async def answer_within(
    memory: AnswerMemory, org: OrgId, amount: int, make: Callable[[], Awaitable[Response]]
) -> Response:
    """Make an answer that takes at most so many bytes of memory, when there is room for it.
    Throttled where there is none in time."""
    release = await memory.hold(org, amount)
    try:
        with mark_held():
            made = await make()
        return HeldAnswer(made, release)
    except BaseException:
        release()
        raise
