"""What every route of the control API works with, and how it learns who calls."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from tidings.api.answers import RefusalAnswer, refused
from tidings.api.cells.other_cells import OtherCells
from tidings.api.http.body_guard import CALLER, BodyGuard
from tidings.api.http.front import address_of
from tidings.api.http.health import ReadinessProbe
from tidings.api.http.metrics_access import MetricsReaders
from tidings.api.http.stream_places import StreamPlaces
from tidings.api.paging import check_parameters
from tidings.api.route import RouteEntry
from tidings.core.access.from_browser import own_origins
from tidings.core.audit.actor import face_of
from tidings.core.events.attribution import of_headers
from tidings.core.events.envelope import deeper
from tidings.core.form import Form
from tidings.core.ids import OrgId
from tidings.engine.access.access import AuthenticatedCaller
from tidings.engine.access.access_services import AccessServices
from tidings.engine.access.denials import demand
from tidings.engine.actions.actions import ActionServices
from tidings.engine.answer_memory import AnswerMemory
from tidings.engine.audit.current_actor import act_as, actor_of
from tidings.engine.audit.views import ViewLog
from tidings.engine.clock import Clock
from tidings.engine.keyed_calls import KeyedCalls
from tidings.engine.orgs import Orgs
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.services.events import EventServices
from tidings.engine.services.notices import NoticeServices
from tidings.engine.services.shaping import ShapingServices
from tidings.engine.services.sources import SourceServices
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.errors import Denied, FieldRefusal
from tidings.store import port

if TYPE_CHECKING:
    from tidings.api.cells.cell_list import InstallationCells
    from tidings.api.cells.moves import CellMoves

BODY_BYTES_MAX = 256 * 1024
BODY_WAIT_S = 15.0
BODY_DEPTH_MAX = 64
ORG_HEADER = "x-tidings-org"
TOKEN_HEADER = "x-cap-api-oauth-token"
ENTITY_TYPE_HEADER = "x-cap-api-attribution-entity-type"
ENTITY_CODE_HEADER = "x-cap-api-attribution-entity-code"
RATE_LIMIT = "tidings.rate_limit"
ENTRY = "tidings.entry"  # in the scope: that of the route which the call was admitted to
WHOLE_BODY = "tidings.whole_body"  # in the scope: what hears of the body before its route does


class LogStore(
    port.EventStore,
    port.RejectionStore,
    port.DeliveryStore,
    port.TotalsStore,
    port.ReplayStore,
    port.AuditStore,
    port.IncidentStore,
    Protocol,
):
    """The logs that pages read: row by row, by pages, and counted. What is written goes through the
    engine."""


@dataclass(frozen=True, kw_only=True)
class WebServices:
    """Services of the web side: health, figures, and what is kept of calls."""

    health: ReadinessProbe
    views: ViewLog
    metrics: CollectorRegistry
    keyed_calls: KeyedCalls
    metrics_readers: MetricsReaders = MetricsReaders()  # beside the platform's own credential
    streams: StreamPlaces = field(default_factory=StreamPlaces)
    answer_memory: AnswerMemory = field(default_factory=AnswerMemory)
    bodies: BodyGuard = field(default_factory=BodyGuard)
    public_url: str = ""  # where browsers reach the service; empty: as the call did
    others: OtherCells | None = None  # the other cells, where there are several
    moves: "CellMoves | None" = None  # of families between them
    cells: "InstallationCells | None" = None  # all of them, where there are several


@dataclass(frozen=True, kw_only=True)
class Services:
    """The subjects of the running service, as routes and pages speak to them."""

    store: LogStore
    clock: Clock
    orgs: Orgs
    access: AccessServices
    webhooks: Webhooks
    events: EventServices
    shaping: ShapingServices
    actions: ActionServices
    delivery: DeliveryServices
    sources: SourceServices
    notices: NoticeServices
    web: WebServices

    def neo_choices(self, org: OrgId) -> Sequence[dict[str, str]]:
        """List what `neoEnrichment` of the org's webhooks may name, as label and value."""
        return self.shaping.transformations.choices(org)

    def admit(self, request: Request, entry: RouteEntry) -> AuthenticatedCaller:
        """Return the caller of a request, its org, and the person it acts for. Denied or
        RefusalAnswer unless the entry of the call admits it.

        The call is counted: it is refused with 429 where its credential's quota is used up.
        """
        caller = self._counted(request, entry.needed[0] if entry.needed else None)
        for scope in entry.needed[1:]:
            demand(caller, scope)
        if entry.of_platform and not caller.platform:
            raise refused(
                403,
                "forbidden",
                "The call must carry the platform's own credential; got an org's credential. Ask "
                "the operator.",
                header="Authorization",
            )
        request.scope[ENTRY] = entry
        return caller

    def demand_further(self, request: Request, caller: AuthenticatedCaller) -> None:
        """Raise Denied unless the caller of an admitted call has the further scope that its entry
        asks for, where what is found needs it."""
        entry: RouteEntry = request.scope[ENTRY]
        assert entry.asks_further, entry.call
        demand(caller, entry.asks_further)

    def _counted(self, request: Request, scope: str | None) -> AuthenticatedCaller:
        headers = request.headers
        authorization, token = _proof(request)
        caller = self.access.access.caller(
            authorization, scope, token, lambda: address_of(request.scope)
        )
        self._count(request, caller)
        check_parameters(request)
        named = of_headers(headers.get(ENTITY_TYPE_HEADER), headers.get(ENTITY_CODE_HEADER))
        if isinstance(named, FieldRefusal):
            raise RefusalAnswer(400, [named])
        if named is not None:
            caller = msgspec.structs.replace(caller, attribution=named)
        acting = self.access.access.acting(caller, headers.get(ORG_HEADER))
        request.scope[CALLER] = acting  # whose body it is: see `http/body_guard.py`
        port.ASKING_ORG.set(acting.org)  # and whose questions of the store
        act_as(actor_of(acting, face_of(headers.get("user-agent", "")), address_of(request.scope)))
        return acting

    def known(self, request: Request) -> AuthenticatedCaller:
        """Return the caller of a request, whatever its scopes; does not count it as another call.
        Denied where nobody is known by its credential."""
        authorization, token = _proof(request)
        caller = self.access.access.caller(authorization, None, token)
        return self.access.access.acting(caller, request.headers.get(ORG_HEADER))

    def still_may(self, request: Request) -> bool:
        """Return whether a call that was admitted and goes on would be admitted now."""
        entry: RouteEntry = request.scope[ENTRY]
        try:
            return entry.admits(self.known(request))
        except Denied:
            return False

    def _count(self, request: Request, caller: AuthenticatedCaller) -> None:
        allowance = self.access.limits.call(caller)
        if allowance is None:
            return
        request.scope[RATE_LIMIT] = (
            allowance.headers
        )  # `control.CallControl` adds them to the answer
        if allowance.wait_s:
            raise refused(
                429,
                "too_many_calls",
                "Calls must stay within callsPerMinute of the credential; got more. Wait for the "
                "time in Retry-After.",
                place="credential",
                retry_after=str(math.ceil(allowance.wait_s)),
            )

    def reached_at(self, request: Request) -> str:
        """Return the address that browsers reach the service by; links begin with it."""
        return self.web.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"

    def own_origins(self, request: Request) -> set[str]:
        """Return the origins of our own pages."""
        return own_origins(request.url.scheme, request.url.netloc, self.web.public_url)

    def zone(self, org: OrgId) -> tzinfo:
        """Return the time zone of an org; UTC where it is unknown."""
        known = self.orgs.get(org)
        try:
            return UTC if known is None or known.time_zone == "UTC" else ZoneInfo(known.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return UTC


async def read_object(
    request: Request,
    empty: dict[str, Any] | None = None,
    bytes_max: int = BODY_BYTES_MAX,
) -> dict[str, Any]:
    """Read the JSON object of a call's body. Raise RefusalAnswer where it is too long, slow or
    deep, and where there is none, unless `empty` stands for that."""
    body = await read_bytes(request, bytes_max)
    if empty is not None and not body:
        return empty
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        got = "something else" if body.strip() else "nothing"
        raise refused(
            400,
            "bad_json",
            f"The body must be one JSON object; got {got}. Check quotes and commas.",
            place="body",
        )
    if deeper(body, BODY_DEPTH_MAX):
        raise refused(
            400,
            "too_deep",
            f"The body must be at most {BODY_DEPTH_MAX} levels deep; got more. Flatten it.",
            place="body",
        )
    return value


def refuse_unknown_fields(body: dict[str, Any], known: Iterable[str], stem: str = "") -> None:
    """Raise RefusalAnswer where a body, or the object at `stem` of one, has a field that is none of
    these: for a body that no form of `core` reads."""
    form = Form(body)
    form.refuse_unknown(known, stem)
    if form.refusals:
        raise RefusalAnswer(400, form.refusals)


def refuse_announced(request: Request, bytes_max: int) -> None:
    """Raise RefusalAnswer where a body is too long by its announced length."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:19]) > bytes_max:
        raise _too_large(bytes_max)


async def read_bytes(request: Request, bytes_max: int) -> bytes:
    """Read a call's body. Raise RefusalAnswer where it is too long, by its announced length before
    it is read, or comes too slowly."""
    refuse_announced(request, bytes_max)
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            body = await _read(request, bytes_max)
    except TimeoutError:
        raise refused(
            408,
            "too_slow",
            f"The body must arrive within {BODY_WAIT_S:.0f} s; it did not. Send it again.",
            place="body",
        ) from None
    whole: Callable[[bytes], Awaitable[None]] | None = request.scope.get(WHOLE_BODY)
    if whole is not None:
        await whole(body)
    return body


async def _read(request: Request, bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
    return bytes(body)


def _too_large(bytes_max: int) -> RefusalAnswer:
    return refused(
        413,
        "too_large",
        f"The body must be at most {bytes_max} bytes; got more. Send less.",
        place="body",
        connection="close",
    )


def _proof(request: Request) -> tuple[bytes | None, bytes | None]:
    """Read a call's credentials: `Authorization`, and the token's own header."""
    headers = request.headers
    authorization, token = (
        None if value is None else value.encode("latin-1")
        for value in (headers.get("authorization"), headers.get(TOKEN_HEADER))
    )
    return authorization, token
