"""The sources of all orgs: kept, found, changed, and what they have set aside tried again."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
from prometheus_client import Metric

from tidings.core.audit.audit_actions import (
    DEAD_LETTERS_DROPPED,
    DEAD_LETTERS_REDRIVEN,
    SOURCE_CHANGED,
    SOURCE_CREATED,
    SOURCE_DELETED,
    SOURCE_TAKEN_OVER,
)
from tidings.core.connections.connection import Connection
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.form import Form
from tidings.core.ids import OrgId, read, show
from tidings.core.running.first_labels import LABELS, OTHER
from tidings.core.sealed_columns import SOURCE_SETTINGS
from tidings.core.sources.reach import outside_connection, reads_elsewhere, takes_from_others
from tidings.core.sources.source import (
    NAMED,
    Source,
    read_source,
    recorded_change,
    recorded_source,
)
from tidings.core.sources.source_types import FETCHED, OUTBOX
from tidings.core.sources.table_owner import TableOwner
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.changes import Changes
from tidings.engine.listeners import Listeners
from tidings.engine.running.metric_families import (
    labelled_values,
    single_value,
    values_by_label,
)
from tidings.engine.sources.activity import OUTCOMES
from tidings.engine.sources.intake import SourceIntake
from tidings.engine.sources.intake_results import IntakeResult
from tidings.engine.sources.live_source import LiveSource, UnknownSource
from tidings.engine.sources.outbox_tables import OutboxTables
from tidings.engine.vault import Vault
from tidings.errors import Conflict, FieldRefusal, Forbidden, Invalid, not_found
from tidings.store import port

SOURCES_MAX = 50  # of an org
REDRIVEN_MAX = 1000  # by one call
REDRIVE_BATCH = 100
RECORDED_MAX = 20  # ids in an entry of the audit log
_settings = msgspec.json.Decoder(Source).decode


class _Beside(msgspec.Struct):
    """The secrets that are sealed together with the settings of a source."""

    declaredIn: str = ""  # noqa: N815  # beside the fields of a source, which are written so


_beside = msgspec.json.Decoder(_Beside).decode


class Sources:
    """All sources, over the store."""

    def __init__(
        self,
        *,
        store: port.SourceStore,
        changes: Changes,
        audit: AuditLog,
        vault: Vault,
        intake: SourceIntake,
        connections: Mapping[str, Connection],
        outboxes: OutboxTables,
    ) -> None:
        self._outboxes = outboxes
        self._store = store
        self.changes = changes
        self._audit = audit
        self._vault = vault
        self.intake = intake
        self.connections = connections
        self.changed = Listeners[LiveSource]("a source was made, changed or deleted")
        self._gone: Counter[str] = Counter()  # of sources that are deleted
        self._by_number: dict[int, LiveSource] = {}
        self._by_name: dict[tuple[OrgId, str], LiveSource] = {}
        changes.reread_beside.add(lambda beside: self._reload(beside.sources))

    async def load(self) -> None:
        """Fill at start. StoreDown, VaultRefused."""
        for stored in await self._store.load_sources():
            self._keep(stored, *self._opened(stored))
        for total in await self._store.dead_letter_sums():
            if (live := self._by_number.get(total.source)) is not None:
                live.count(total)
        for brought in await self._store.load_activity():
            if (live := self._by_number.get(brought.source)) is not None:
                live.activity.restore(brought.minutes, brought.last_ms)

    def collect(self) -> Iterator[Metric]:
        """Yield what all sources have brought since this process began, for Prometheus."""
        live = self._by_number.values()
        totals = {
            outcome: self._gone[outcome] + sum(source.activity.totals[outcome] for source in live)
            for outcome in OUTCOMES
        }
        yield values_by_label("source_messages", totals)
        yield single_value("source_aside", sum(source.dead_letters for source in live))
        fetched = {
            kind: [source for source in live if source.source.kind == kind] for kind in FETCHED
        }
        for name, count in (
            ("source_lag_unknown", lambda source: source.lag_is_unknown),
            ("source_trouble", lambda source: bool(source.trouble)),
        ):
            sums = {kind: sum(map(count, ours)) for kind, ours in fetched.items()}
            yield values_by_label(name, sums)
        yield labelled_values("source_lag", sorted(self._lags(fetched).items()))

    def _lags(self, fetched: Mapping[str, Sequence[LiveSource]]) -> Counter[tuple[str, str]]:
        """Sum up how many messages wait, by type and source: the oldest sources have a label of
        their own."""
        numbers = sorted(source.stored.number for live in fetched.values() for source in live)
        named = {*numbers[:LABELS]}
        lags = Counter({(kind, OTHER): 0 for kind in fetched})
        for kind, sources in fetched.items():
            for source in sources:
                is_named = source.stored.number in named
                label = f"{source.org}/{source.source.name}" if is_named else OTHER
                lags[kind, label] += source.lag or 0
        return lags

    def all(self) -> list[LiveSource]:
        """List the sources of all orgs."""
        return list(self._by_number.values())

    def of(self, org: OrgId) -> list[LiveSource]:
        """List the org's sources by name."""
        own = [source for source in self._by_number.values() if source.org == org]
        return sorted(own, key=lambda one: one.source.name)

    def get(self, org: OrgId, source_id: str) -> LiveSource:
        """Find a source of the org by its id, or by its name. Raise UnknownSource."""
        number = read("src", source_id)
        live = self._by_name.get((org, source_id))
        if number is not None and (found := self._by_number.get(number)) is not None:
            live = found if found.org == org else live
        if live is None:
            raise UnknownSource(source_id)
        return live

    def named(self, org: OrgId, name: str) -> LiveSource | None:
        """Find a source by its name; None where there is none."""
        return self._by_name.get((org, name))

    async def create(self, caller: AuthenticatedCaller, body: dict[str, object]) -> LiveSource:
        """Make a source. Invalid, Conflict, Forbidden, StoreDown."""
        source, org = self.checked(caller, body), caller.org

        async def create() -> LiveSource:
            self._outboxes.refuse_written(source)
            if (known := self._by_name.get((org, source.name))) is not None:
                if known.unanswered and known.source == source:
                    known.unanswered = False
                    return known
                raise Conflict(_taken(source.name))
            if len(self.of(org)) >= SOURCES_MAX:
                raise Conflict(_too_many())
            live = await self.put(org, source, None)
            self.changed.tell(live)
            return live

        return await self.changes.run(create)

    async def put(
        self, org: OrgId, source: Source, old: LiveSource | None, declared_in: str = ""
    ) -> LiveSource:
        """Keep a source that was checked, or what `old` is now; nobody is told. StoreDown. Runs
        inside `Changes.run`."""
        sealed = self._sealed(org, source, declared_in)
        if old is None:
            fresh = port.StoredSource(0, org, source.name, sealed=sealed)
            with self._audit.recording(
                SOURCE_CREATED, org, None, None, recorded_source(source, declared_in)
            ):
                stored = await self._store.put_source(fresh)
            return self._keep(stored, source, declared_in)
        before, after = recorded_change((old.source, old.declared_in), (source, declared_in))
        with self._audit.recording(SOURCE_CHANGED, org, old.id, before, after):
            old.stored = await self._store.put_source(port.revise(old.stored, sealed=sealed))
        return self._set_to(old, source, declared_in)

    async def change(
        self, caller: AuthenticatedCaller, source_id: str, body: dict[str, object]
    ) -> LiveSource:
        """Set the fields that the body names, each as a whole. UnknownSource, DeclaredInFile, and
        as `create`."""

        async def change() -> LiveSource:
            live = self.get(caller.org, source_id)
            live.refuse_declared()
            source = self.checked(caller, body, live.source)
            self._outboxes.refuse_written(source)
            return await self._set(live, source)

        return await self.changes.run(change)

    async def pause(self, org: OrgId, source_id: str, *, paused: bool) -> LiveSource:
        """Take nothing for now, or again. UnknownSource, DeclaredInFile, StoreDown."""

        async def change() -> LiveSource:
            live = self.get(org, source_id)
            if live.source.paused == paused:
                return live
            if live.declares_pause:
                live.refuse_declared()
            return await self._set(live, msgspec.structs.replace(live.source, paused=paused))

        return await self.changes.run(change)

    async def take_over(self, org: OrgId, source_id: str) -> LiveSource:
        """Let a source read its table from now on, whichever installation reads it now.
        NotFound, StoreDown."""
        live = self.get(org, source_id)
        if live.source.kind != OUTBOX:
            raise not_found("id", "the id of a source of type outbox", source_id)
        with self._audit.recording(SOURCE_TAKEN_OVER, org, live.id):
            await self._store.put_table_owner(TableOwner(live.stored.number, takes_over=True))
        self.changed.tell(live)
        return live

    async def delete(self, org: OrgId, source_id: str) -> None:
        """Forget a source with what it has set aside. UnknownSource, DeclaredInFile, StoreDown."""

        async def change() -> None:
            live = self.get(org, source_id)
            live.refuse_declared()
            before = recorded_source(live.source, live.declared_in)
            with self._audit.recording(SOURCE_DELETED, org, live.id, before):
                await self._store.drop_source(live.stored.number)
            self._forget(live)

        await self.changes.run(change)

    def checked(
        self,
        caller: AuthenticatedCaller,
        body: dict[str, object],
        old: Source | None = None,
        *,
        bounded: bool = True,
    ) -> Source:
        """Make the source that a body asks for, or makes of `old`. Raise Invalid or Forbidden.
        `bounded`: see `read_source`."""
        made = read_source(body, old, bounded=bounded)
        if isinstance(made, Form):
            raise Invalid(*made.refusals)
        if old is None and made.connection:
            self._check_connection(caller, made)
        if old is None or reads_elsewhere(made, old):
            self._check_reach(caller.org, made)
        was = old is not None and old.orgs == NAMED
        if made.orgs == NAMED and not was and not caller.platform:
            raise Forbidden.because(
                "platform_only",
                "orgs must be own; got named, with which a source could send events for every org. "
                "Use the platform's own credential.",
                field="orgs",
            )
        refusal = None if caller.platform else takes_from_others(made, old)
        if refusal is not None:
            raise Forbidden(refusal)
        return made

    def _check_connection(self, caller: AuthenticatedCaller, made: Source) -> None:
        found = self.connections.get(made.connection)
        may = found is not None and found.may_be_named_by(caller.org, platform=caller.platform)
        if found is None or not may or found.kind != made.kind:
            raise Invalid(
                FieldRefusal.build(
                    "unknown_connection",
                    f"connection must be one of type {made.kind} that the operator has declared "
                    f"for the org; got {made.connection}. Ask the operator.",
                    field="connection",
                )
            )

    def _check_reach(self, org: OrgId, made: Source) -> None:
        connection = self.connections.get(made.connection)
        why = None if connection is None else outside_connection(made, connection, org)
        if why is not None:
            field = made.kind  # what it reads over the connection is called like its type
            raise Invalid(FieldRefusal.build("outside_connection", why, field=field))

    # -- set aside --------------------------------------------------------------------------------

    async def list_dead_letters(
        self, live: LiveSource, before: int | None, after: int | None, limit: int
    ) -> port.DeadLetterPage:
        """Read a page of what a source has set aside, the newest first. Raise StoreDown."""
        return await self._store.dead_letters(live.stored.number, before, after, limit)

    async def dead_letter(self, live: LiveSource, message_id: str) -> port.DeadLetter:
        """Read one message that was set aside. Raise NotFound or StoreDown."""
        number = read("asd", message_id)
        found = None
        if number is not None:
            found = await self._store.dead_letter(live.stored.number, number)
        if found is None:
            raise not_found("id", "the id of a message set aside, as asd_…", message_id)
        return found

    async def drop_dead_letters(self, live: LiveSource, numbers: Sequence[int]) -> None:
        """Forget messages that were set aside, for good. StoreDown."""
        before = _recorded_letters(numbers)
        with self._audit.recording(DEAD_LETTERS_DROPPED, live.org, live.id, before):
            live.count(await self._store.drop_dead_letters(live.stored.number, numbers))

    async def redrive(
        self, live: LiveSource, only: port.DeadLetter | None = None
    ) -> list[IntakeResult]:
        """Try messages again that were set aside, the oldest first, at most `REDRIVEN_MAX` of them,
        by today's mapping and rules; return what became of them. StoreDown, Overloaded, after which
        the rest stays."""
        if only is not None:
            with self._recording_redrive(live, [only.number]):
                return [fate for _, fate in await self.intake.again(live, [only])]
        fates: list[IntakeResult] = []
        at = 0
        while len(fates) < REDRIVEN_MAX:
            page = await self._store.dead_letters(live.stored.number, None, at, REDRIVE_BATCH)
            oldest_first = list(reversed(page.messages))
            if not oldest_first:
                break
            at = oldest_first[-1].number
            # One entry for all of them, with the first that is written of it.
            numbers = [message.number for message in oldest_first]
            with nullcontext() if fates else self._recording_redrive(live, numbers):
                fates += [fate for _, fate in await self.intake.again(live, oldest_first)]
        return fates

    def _recording_redrive(
        self, live: LiveSource, numbers: Sequence[int]
    ) -> AbstractContextManager[None]:
        """Record what the block tries again, from these messages on."""
        after = _recorded_letters(numbers)
        if len(numbers) > 1:
            after["count"] = min(live.dead_letters, REDRIVEN_MAX)
        return self._audit.recording(DEAD_LETTERS_REDRIVEN, live.org, live.id, None, after)

    def sample(
        self, live: LiveSource | None, caller: AuthenticatedCaller, source: Source
    ) -> LiveSource:
        """Make a source that is set so and is kept nowhere, to try messages on."""
        number = 0 if live is None else live.stored.number
        return LiveSource(port.StoredSource(number, caller.org, source.name, sealed=b""), source)

    # -- inside -----------------------------------------------------------------------------------

    async def _set(self, live: LiveSource, source: Source) -> LiveSource:
        await self.put(live.org, source, live, live.declared_in)
        self.changed.tell(live)
        return live

    def _keep(self, stored: port.StoredSource, source: Source, declared_in: str) -> LiveSource:
        live = LiveSource(stored, source, declared_in)
        self._by_number[stored.number] = self._by_name[stored.org, source.name] = live
        self._outboxes.keep(stored.number, source)
        return live

    def _set_to(self, live: LiveSource, source: Source, declared_in: str) -> LiveSource:
        """Have in force what is stored of a source that was there."""
        live.source, live.declared_in = source, declared_in
        self._outboxes.keep(live.stored.number, source)
        return live

    def _forget(self, live: LiveSource) -> None:
        self._gone.update(live.activity.totals)
        del self._by_number[live.stored.number], self._by_name[live.org, live.source.name]
        self._outboxes.keep(live.stored.number, None)
        live.deleted = True
        self.changed.tell(live)

    def _reload(self, found: Sequence[port.StoredSource]) -> None:
        """Take over what is stored, and was not told here. VaultRefused."""
        numbers = {stored.number for stored in found}
        for live in [live for number, live in self._by_number.items() if number not in numbers]:
            self._forget(live)
        for stored in found:
            known = self._by_number.get(stored.number)
            if known is not None and known.stored.revision == stored.revision:
                continue
            source, declared_in = self._opened(stored)
            if known is None:
                live = self._keep(stored, source, declared_in)
                live.unanswered = True
            else:
                known.stored = stored
                live = self._set_to(known, source, declared_in)
            self.changed.tell(live)

    def _opened(self, stored: port.StoredSource) -> tuple[Source, str]:
        """Return what a source is set to, and the file that declares it."""
        what = f"The source {stored.name} of org {stored.org}"
        plain = self._vault.open_at(
            stored.sealed, SOURCE_SETTINGS.at(stored.org, stored.name), what
        )
        return _settings(plain), _beside(plain).declaredIn

    def _sealed(self, org: OrgId, source: Source, declared_in: str) -> bytes:
        plain = msgspec.json.encode(source)
        if declared_in:
            plain = msgspec.json.encode(
                msgspec.structs.asdict(source) | {"declaredIn": declared_in}
            )
        return self._vault.seal_at(plain, SOURCE_SETTINGS.at(org, source.name))


def _taken(name: str) -> FieldRefusal:
    return FieldRefusal.build(
        "name_taken",
        f"name must be unique in the org; got {name}. Choose another, or change that one.",
        field="name",
    )


def _too_many() -> FieldRefusal:
    return FieldRefusal.build(
        "too_many_sources",
        f"An org must have at most {SOURCES_MAX} sources; got one more. Delete one that you do not "
        "need.",
    )


def _recorded_letters(numbers: Sequence[int]) -> dict[str, Any]:
    """Return what the audit log keeps of messages that were set aside."""
    ids = [show("asd", number) for number in numbers[:RECORDED_MAX]]
    return {"count": len(numbers), "messages": ids}
