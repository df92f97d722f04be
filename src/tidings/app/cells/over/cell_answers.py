"""Answers what the owners of other cells ask, for the own cell alone: at the door's listener.

Who has come through the door is of the installation, and has judged its caller. At a public port
these paths lead nowhere.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from tidings.api.cells.cell_list import OWNER_FACTS, PLAN
from tidings.api.cells.counts import COUNTS, TAKE
from tidings.api.cells.failing import BULK, FAILING
from tidings.api.cells.health import FIGURES, HEALTH
from tidings.api.cells.incidents import ACKNOWLEDGE, INCIDENT, INCIDENTS
from tidings.api.cells.moves import BEGIN_MOVES, MOVES, UNDO_MOVE
from tidings.api.cells.orgs import ORG_LINES, ORGS
from tidings.api.cells.question import CellQuestion
from tidings.api.cells.sessions import OF_SESSIONS
from tidings.api.cells.source_events import SOURCE_EVENTS
from tidings.api.context import Services
from tidings.app.cells.over.every_cell import STEM
from tidings.console.pages.finding.ids import FIND_ID, FIND_OWN_ID
from tidings.console.pages.finding.webhooks import FIND_WEBHOOKS
from tidings.door.admission import passed_on
from tidings.errors import Unavailable

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ServedApp = Callable[[Message, Receive, Send], Awaitable[None]]

_OF_CELLS = (OWNER_FACTS, PLAN, BEGIN_MOVES, UNDO_MOVE, MOVES)
_OF_ORGS = (ORGS, ORG_LINES, COUNTS, TAKE, FIND_ID, FIND_OWN_ID, FIND_WEBHOOKS)
_OF_WEBHOOKS = (FAILING, BULK, INCIDENTS, INCIDENT, ACKNOWLEDGE)
_ALL = (*_OF_ORGS, *_OF_WEBHOOKS, HEALTH, FIGURES, *_OF_CELLS, *OF_SESSIONS, SOURCE_EVENTS)
QUESTIONS: dict[str, CellQuestion[Any, Any]] = {question.name: question for question in _ALL}


class CellAnswers:
    """ASGI 3: before the application of a process that owns a cell."""

    def __init__(
        self,
        app: ServedApp,
        services: Services,
        questions: Mapping[str, CellQuestion[Any, Any]] = QUESTIONS,
    ) -> None:
        self._app = app
        self._services = services
        self._questions = questions

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take one call; all but the questions are the application's."""
        is_asked = (
            scope["type"] == "http"
            and scope["path"].startswith(STEM)
            and passed_on(scope.get("extensions")) is not None
        )
        if not is_asked:
            await self._app(scope, receive, send)
            return
        status, body = await self._answer(scope["path"].removeprefix(STEM), receive)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, name: str, receive: Receive) -> tuple[int, bytes]:
        question = self._questions.get(name)
        if question is None:  # a later release asks
            return 404, b""
        asked = await _body(receive, question.asked_bytes_max)
        if asked is None:
            return 413, b""
        try:
            wanted = msgspec.json.decode(asked, type=question.asks)
            found = await question.answer(self._services, wanted)
        except msgspec.DecodeError:
            return 400, b""
        except Unavailable:
            return 503, b""
        return 200, msgspec.json.encode(found)


async def _body(receive: Receive, bytes_max: int) -> bytes | None:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > bytes_max:
            return None
    return bytes(body)
