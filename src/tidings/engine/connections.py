"""Whether the operator's connections work: looked at when somebody asks, and what came of it."""

import asyncio
from collections.abc import Mapping
from time import monotonic

import msgspec
import structlog

from tidings.connections.port import ConnectionDown, ConnectionType
from tidings.core.audit.audit_actions import CONNECTION_CHECKED
from tidings.core.connections.connection import Connection, Connections
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.shares.budget import SharedBudget
from tidings.core.shares.token_bucket import TokenBucket
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock
from tidings.errors import FieldRefusal, NotFound, Throttled

DEADLINE_S = 15.0
PROBE_S = 30.0  # as long as attempts usually have
RATE_PER_S = 1.0  # of an org
UNDER_WAY_MAX = 16  # of the process; an org has as many as it leaves to others
ORGS_MAX = 10_000

log = structlog.get_logger(__name__)


class CheckedTooOften(Throttled):
    """The org, or everybody, asks for more checks than may be made."""

    def __init__(self, wait_s: float) -> None:
        message = (
            "An org must ask for at most one check of a connection a second; got more. Wait for "
            "the time in Retry-After."
        )
        super().__init__(FieldRefusal.build("too_many_checks", message), wait_s=wait_s)


class CheckResult(msgspec.Struct, frozen=True):
    """The result of a check."""

    at_ms: int
    took_ms: float
    trouble: str = ""  # why it does not work, in words for everybody who may name it


class NamedConnections:
    """The operator's connections as those see them who may name them."""

    def __init__(
        self,
        connections: Connections,
        types: Mapping[str, ConnectionType],
        clock: Clock,
        audit: AuditLog,
        *,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._connections = connections
        self.types = types
        self._clock = clock
        self._audit = audit
        self._deadline_s = deadline_s
        self._results: dict[str, CheckResult] = {}
        self._buckets: dict[int, TokenBucket] = {}
        self._under_way = SharedBudget[OrgId](UNDER_WAY_MAX)

    @property
    def default(self) -> str:
        """Return the name of the connection for messages of the platform's own queue; blank if
        there is none."""
        return "" if self._connections.default is None else self._connections.default.name

    def of(self, caller: AuthenticatedCaller) -> list[Connection]:
        """List the connections that the caller may name, by name."""
        found = self._connections.open_to(caller.org, platform=caller.platform)
        return sorted(found.values(), key=lambda one: one.name)

    def get(self, caller: AuthenticatedCaller, name: str) -> Connection:
        """Find a connection that the caller may name. Raise NotFound, also for those of others."""
        found = self._connections.open_to(caller.org, platform=caller.platform).get(name)
        if found is None:
            raise _unknown(name)
        return found

    def last(self, connection: Connection) -> CheckResult | None:
        """Return the result of its newest check in this process, whoever asked for it."""
        return self._results.get(connection.name)

    async def check(self, caller: AuthenticatedCaller, name: str) -> CheckResult:
        """Look whether it works, now. NotFound, CheckedTooOften, and StoreDown where it cannot be
        recorded."""
        connection = self.get(caller, name)
        self._admit(caller)
        began_s = monotonic()
        try:
            await self._audit.append(CONNECTION_CHECKED, caller.org, connection.name)
            trouble = await self._trouble(connection)
        finally:
            self._under_way.give(caller.org)
        result = CheckResult(self._clock.now_ms(), (monotonic() - began_s) * 1e3, trouble)
        self._results[connection.name] = result
        return result

    async def probe(self, name: str) -> str:
        """Look whether anybody's messages can be handed over by a connection. Return why not, in
        sentences for everybody who may name it; blank where they can, or nobody can say."""
        connection = self._connections.get(name)
        if connection is None:
            return (
                f"The connection {name} must be declared by the operator; it is not any more. Ask "
                "the operator to declare it, or name another one."
            )
        try:
            async with asyncio.timeout(PROBE_S):
                await self.types[connection.kind].probe(connection)
        except ConnectionDown as down:
            return str(down)
        except TimeoutError:
            return (
                f"The connection {name} must let Tidings in within {PROBE_S:.0f} s; it does not. "
                "Ask the operator whether it is reached from here."
            )
        except Exception as error:
            # A failure of ours holds up nobody: attempts show what the connection can.
            log.exception("a probe failed", connection=name, reason=repr(error))
        return ""

    async def _trouble(self, connection: Connection) -> str:
        try:
            async with asyncio.timeout(self._deadline_s):
                await self.types[connection.kind].check(connection)
        except ConnectionDown as down:
            return str(down)
        except TimeoutError:
            return (
                f"The connection {connection.name} must answer within {self._deadline_s:.0f} s; it "
                "does not. Ask the operator whether it is reached from here."
            )
        except Exception as error:
            # The driver's fault, or ours; what it says may name what nobody may read.
            log.exception("a check failed", connection=connection.name, reason=repr(error))
            return "Tidings failed at it; its log says why."
        return ""

    def _admit(self, caller: AuthenticatedCaller) -> None:
        bucket = self._buckets.get(caller.org)
        if bucket is None:
            if len(self._buckets) >= ORGS_MAX:
                self._buckets.clear()
            bucket = self._buckets[caller.org] = TokenBucket(RATE_PER_S)
        now_s = self._clock.now_ms() / 1000
        if not self._under_way.admits(caller.org):
            raise CheckedTooOften(1.0)
        if not bucket.take(now_s):
            raise CheckedTooOften(bucket.wait_s(now_s))
        self._under_way.charge(caller.org, 1)


def _unknown(name: str) -> NotFound:
    shown = name if len(name) <= 40 else name[:40] + "…"
    return NotFound(
        FieldRefusal.build(
            "not_found",
            f'name must be a connection that the org may use; got "{shown}". The '
            "operator declares them. List them with GET /v1/connections.",
            field="name",
        )
    )
