"""The accept path over an intake, a catalogue and credentials that are played."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from tests.api.http.direct_calls import answer_directly, directly
from tests.api.named import well_named
from tidings.api.v1.events.accept import AcceptApp
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader, IntakeRules
from tidings.core.events.call_split import DEFAULT_LIMITS, CallLimits
from tidings.core.events.known_types import Types as KnownTypes
from tidings.core.ids import OrgId
from tidings.engine.events.intake import Acceptance, Draft
from tidings.errors import Forbidden, Unauthenticated
from tidings.store.port import NewRejection

OWN, OTHER = OrgId(2001), OrgId(2002)
BRAND, PLATFORM = b"Basic brand", b"Basic platform"
JSON = (b"content-type", b"application/json")
EVENT = b'{"eventName":"pointsIssued","eventId":"e-1","orgId":0,"createdAt":5,"data":{}}'
DIFFERS = "other bytes"

Part = dict[str, Any]


class FakeIntake:
    """Accepts every id once, unless it is told to fail."""

    def __init__(self) -> None:
        self.bodies: dict[tuple[int, str], bytes] = {}
        self.rejections: list[NewRejection] = []
        self.fault: Exception | None = None
        self.calls = 0

    def accept(self, drafts: list[Draft]) -> Awaitable[list[Acceptance]]:
        """A future for one draft, as the acceptor has it; for several it is waited otherwise."""
        self.calls += 1
        loop = asyncio.get_running_loop()
        verdicts: asyncio.Future[list[Acceptance]] = loop.create_future()
        loop.call_soon(self._answer, drafts, verdicts)
        return verdicts if len(drafts) == 1 else self._awaited(verdicts)

    def _answer(self, drafts: list[Draft], verdicts: asyncio.Future[list[Acceptance]]) -> None:
        if self.fault is not None:
            verdicts.set_exception(self.fault)
        else:
            verdicts.set_result([self._one(draft) for draft in drafts])

    async def _awaited(self, verdicts: asyncio.Future[list[Acceptance]]) -> list[Acceptance]:
        return await verdicts

    def _one(self, draft: Draft) -> Acceptance:
        key = (draft.org, draft.event_id)
        if key not in self.bodies:
            self.bodies[key] = draft.body
            return Acceptance("accepted")
        return Acceptance("duplicate", None if self.bodies[key] == draft.body else DIFFERS)

    def note_rejections(self, rejections: list[NewRejection]) -> None:
        self.rejections += rejections


class Problem(msgspec.Struct):
    path: str
    message: str


class PointsIssued:
    def check(self, event: dict[str, Any]) -> list[Problem]:
        if event.get("data") == {"bad": 1}:
            return [Problem("data.bad", "data.bad must be absent; got a value.")]
        return []

    def warnings(self, event: dict[str, Any]) -> list[str]:
        return []


class Types:
    def versions(self, name: str) -> dict[int, PointsIssued] | None:
        return {1: PointsIssued()} if name == "pointsIssued" else None

    def alias_of(self, name: str) -> str | None:
        return None


class FakeAccess:
    def caller(
        self,
        authorization: bytes | None,
        scope: str,
        token: bytes | None,
        address: Callable[[], str],
    ) -> AuthenticatedCaller:
        assert scope == "events:write"
        if authorization == BRAND:
            return AuthenticatedCaller(OWN, False, "brand")
        if authorization == PLATFORM:
            return AuthenticatedCaller(OrgId(1), True, "platform")
        if authorization == b"Basic reader":
            raise Forbidden.because("forbidden", "The credential must have the scope.")
        raise Unauthenticated.because("unauthorized", "The call must carry a credential.")

    def acting(self, caller: AuthenticatedCaller, wanted: str | None) -> AuthenticatedCaller:
        if not caller.platform or wanted != str(OTHER):
            raise Forbidden.because("forbidden_org", "X-Tidings-Org must name another org.")
        return AuthenticatedCaller(OTHER, True, caller.credential)


RULES = {1: IntakeRules(), OWN: IntakeRules(), OTHER: IntakeRules(validation="lenient")}


def reader_of(
    types: KnownTypes,
    rules_of: Callable[[OrgId], IntakeRules | None],
    new_id: Callable[[], str],
    limits: CallLimits = DEFAULT_LIMITS,
    own: Any = lambda org, name: None,
) -> CallReader[Draft]:
    """What reads calls by played types and rules."""
    return CallReader(Draft, types, rules_of, new_id, limits, own)


class Service:
    def __init__(
        self,
        types: KnownTypes | None = None,
        rules_of: Callable[[OrgId], IntakeRules | None] = RULES.get,
        limits: CallLimits = DEFAULT_LIMITS,
        own: Any = lambda org, name: None,
        **more: Any,
    ) -> None:
        self.intake = FakeIntake()
        numbers = iter(range(10_000))
        self.app = AcceptApp(
            self.intake,
            reader_of(types or Types(), rules_of, lambda: f"made-{next(numbers)}", limits, own),
            FakeAccess(),
            clock_ms=lambda: 1_770_801_300_412,
            new_request_id=lambda: f"{next(numbers):032x}",
            **more,
        )

    async def call(
        self,
        body: bytes | Iterable[bytes] = EVENT,
        *headers: tuple[bytes, bytes],
        authorization: bytes | None = BRAND,
        receive: Callable[[], Awaitable[Part]] | None = None,
    ) -> "Answer":
        given = list(headers)
        if not any(name == b"content-type" for name, _ in given):
            given.append(JSON)
        if authorization is not None:
            given.append((b"authorization", authorization))
        if directly[-1] and receive is None and isinstance(body, bytes):
            if not any(name == b"content-length" for name, _ in given):
                given.append((b"content-length", b"%d" % len(body)))
            if (answered := await answer_directly(self.app, body, given)) is not None:
                return Answer(answered)
        parts = [body] if isinstance(body, bytes) else list(body)
        messages = iter(
            [
                {"type": "http.request", "body": part, "more_body": at < len(parts)}
                for at, part in enumerate(parts, 1)
            ]
        )

        async def in_parts() -> Part:
            return next(messages)

        sent: list[Part] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app({"headers": given}, receive or in_parts, send)
        return Answer(sent)


class Answer:
    def __init__(self, sent: list[Part]) -> None:
        self.sent = sent
        if not sent:
            return
        start, end = sent
        self.status: int = start["status"]
        self.headers = dict(start["headers"])
        assert len(self.headers) == len(start["headers"])
        self.raw: bytes = end["body"]
        self.body: Any = json.loads(self.raw)
        well_named(self.status, self.raw)
        assert self.headers[b"content-type"] == b"application/json"
        assert self.headers[b"content-length"] == b"%d" % len(self.raw)
        assert self.headers[b"x-cap-requestid"]

    @property
    def error(self) -> tuple[int, str]:
        assert self.body.keys() == {"error"}
        assert self.body["error"]["message"]
        return self.status, self.body["error"]["code"]


async def call(*arguments: Any, **more: Any) -> Answer:
    answer = await Service().call(*arguments, **more)
    assert isinstance(answer, Answer)
    return answer
