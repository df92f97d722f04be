"""The store's operations, synchronous: the half that writes and the half that reads.

An adapter brings their connections and hosts each half in a process of its own; the simulation and
the conformance suite call them in process.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tidings.core.ids import EventNumber
from tidings.core.steady_clock import SteadyClock
from tidings.store import port
from tidings.store.sql.alerts import AlertRows
from tidings.store.sql.answers import answers
from tidings.store.sql.audit.rows import AuditReader, AuditRows
from tidings.store.sql.audit.upkeep import AuditUpkeep
from tidings.store.sql.configuration.credentials import CredentialRows
from tidings.store.sql.configuration.event_types import EventTypeRows
from tidings.store.sql.configuration.families import FamilyRows
from tidings.store.sql.configuration.family_guard import FamilyGuard
from tidings.store.sql.configuration.kept_lists import KeptListRows
from tidings.store.sql.configuration.key_check import KeyCheckRow
from tidings.store.sql.configuration.orgs import OrgRows
from tidings.store.sql.configuration.registry_version import RegistryVersion
from tidings.store.sql.configuration.saved_views import SavedViewReader, SavedViewRows
from tidings.store.sql.configuration.snapshot import ConfigurationReader
from tidings.store.sql.configuration.webhooks import WebhookRows
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.copy_marks import refuse_to_serve
from tidings.store.sql.delivery.caps import CapRows
from tidings.store.sql.delivery.health import HealthRows
from tidings.store.sql.delivery.incidents import IncidentReader, IncidentRows
from tidings.store.sql.delivery.manual_retries import ManualRetryRows
from tidings.store.sql.delivery.recovery import Recovery
from tidings.store.sql.emails import EmailRows
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.changed_blocks import BLOCK_BITS
from tidings.store.sql.events.log import LogRows
from tidings.store.sql.events.lookup import EventLookup
from tidings.store.sql.events.rejections import RejectionRows, Rejections
from tidings.store.sql.events.segments import SLICE_EVENTS, SearchSegments
from tidings.store.sql.events.totals import TotalRows
from tidings.store.sql.facts.absences import LEFT_OUT, read_absent
from tidings.store.sql.facts.leaps import Leaps
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.inboxes import InboxReader, InboxRows
from tidings.store.sql.keyed_calls import KeyedCallRows
from tidings.store.sql.moving.family_pages import FamilyPages
from tidings.store.sql.moving.rooms import admit_rows, after_step, note_rows
from tidings.store.sql.people import PeopleTables
from tidings.store.sql.queries import Queries
from tidings.store.sql.reference import ReferenceReader, ReferenceWriter
from tidings.store.sql.replay.replays import ReplayQueries, ReplayRows
from tidings.store.sql.replay.source import ReplaySource
from tidings.store.sql.retention import RetentionRows
from tidings.store.sql.sources import DeadLetterReader, SourceRows
from tidings.store.sql.transformations import TransformationRows
from tidings.store.sql.writer import Writer

SPARE = 4.0  # at most a fifth of the time goes into the last block: after 25 ms, 100 ms none
INDEX_AT_LEAST_EVERY_S = 1.0
DROP_SEGMENTS_EVERY_S = 60.0


def passed_s() -> float:
    """Return the seconds that have passed since the machine began, its sleep too; nobody can set
    them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def wall_ms() -> int:
    """Return the milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class RowWriter:
    """Everything that writes, on one connection, plus the reads that must be in order with it.

    Of the port it answers what is marked (`answers`): in itself, and in the parts declared here.
    """

    audit: AuditRows
    audit_upkeep: AuditUpkeep
    numbers: StoreNumbers
    families: FamilyRows
    family_pages: FamilyPages
    writer: Writer
    configuration: ConfigurationReader
    key_check: KeyCheckRow
    orgs: OrgRows
    credentials: CredentialRows
    webhooks: WebhookRows
    event_types: EventTypeRows
    recovery: Recovery
    manual_retries: ManualRetryRows
    rejections: RejectionRows
    inboxes: InboxRows
    sources: SourceRows
    keyed_calls: KeyedCallRows
    kept_lists: KeptListRows
    caps: CapRows
    people: PeopleTables
    saved_views: SavedViewRows
    health: HealthRows
    incidents: IncidentRows
    emails: EmailRows
    alerts: AlertRows
    reference: ReferenceWriter
    replays: ReplayRows
    transformations: TransformationRows
    retention: RetentionRows

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int] = wall_ms,
        passed_s: Callable[[], float] | None = None,
        before: "RowWriter | None" = None,
    ) -> None:
        """With `passed_s`, a clock that is never set, leaps of the other are not taken for time.
        `before`: the half of the same owner that this one goes on from, whose connection is lost.
        """
        self._steady = None if passed_s is None else SteadyClock(clock_ms, passed_s)
        if before is not None:
            self._steady = before._steady
        self.clock_ms = clock_ms = self._steady.now_ms if self._steady else clock_ms
        self.connection = connection
        if before is None:
            refuse_to_serve(connection)
        self.audit = AuditRows(self.connection, clock_ms)
        self.families = FamilyRows(self.connection, partial(after_step, self.connection, clock_ms))
        self.audit_upkeep = AuditUpkeep(self.connection, self.audit, self.families.is_here)
        self.family_guard = FamilyGuard(self.connection, self.families)
        self.numbers = numbers = StoreNumbers(connection, before.numbers if before else None)
        self.writer = Writer(self.connection, clock_ms, self.audit, numbers, self.families)
        self._version = version = RegistryVersion(self.connection, self.writer.version_raised)
        self.configuration = ConfigurationReader(self.connection, version)
        self.key_check = KeyCheckRow(self.connection)
        self.orgs = OrgRows(self.connection, clock_ms, version, self.families)
        self.credentials = CredentialRows(self.connection, clock_ms)
        self.webhooks = WebhookRows(self.connection, clock_ms, version, numbers)
        self.event_types = EventTypeRows(self.connection, clock_ms, version)
        self.leaps = Leaps(self.connection, lambda: self.writer.newest_delivery)
        if before is not None:
            self.leaps.go_on_from(before.leaps)
        self.recovery = Recovery(self.connection, clock_ms, self.leaps.begin, self.writer.free_next)
        if before is not None:
            self.recovery.go_on_from(before.recovery)
        self.manual_retries = ManualRetryRows(self.connection, clock_ms, self.writer.waits)
        self.rejections = RejectionRows(self.connection, numbers)
        self.inboxes = InboxRows(self.connection, clock_ms, numbers)
        self.sources = SourceRows(self.connection, clock_ms, numbers)
        self.keyed_calls = KeyedCallRows(self.connection, clock_ms, self.families.is_copied)
        self.kept_lists = KeptListRows(self.connection)
        self.caps = CapRows(self.connection, clock_ms, self.families.is_copied)
        self.people = PeopleTables(self.connection, clock_ms)
        self.saved_views = SavedViewRows(self.connection, clock_ms)
        self.health = HealthRows(self.connection, clock_ms, self.writer.free_next)
        self.incidents = IncidentRows(self.connection)
        self.emails = EmailRows(self.connection)
        self.alerts = AlertRows(self.connection, clock_ms)
        self.reference = ReferenceWriter(self.connection)
        self.replays = ReplayRows(self.connection, clock_ms, numbers)
        self.transformations = TransformationRows(self.connection, clock_ms)
        self.family_pages = FamilyPages(
            self.connection,
            self.families,
            partial(admit_rows, numbers),
            partial(note_rows, self.connection),
        )
        self.retention = RetentionRows(self.connection, numbers)
        self._closed = False

    def record(self, write: port.AuditWrite, change: Callable[[], Any]) -> Any:
        """Make a change with its entries in one transaction, or neither; return its answer.
        FamilyAway: one that is to be written is of an org whose family is not here.

        See `AuditWrite.if_changed` for where entries are left out. StoreDown where the disk refuses
        either of them.
        """
        chains = {draft.chain for draft in write.entries}
        were_here = self.families.are_here(chains)
        try:
            with self.numbers.transaction():
                answer = change()
                if not were_here and write.is_due(answer):  # but it may have brought them
                    self.families.must_be_here(chains)
                self.audit.append_of(write, answer)
        except BaseException as error:
            self.families.forget()
            self._read_version_again()  # it was raised by what was taken back
            if (fault := self.connection.refusal_of(error)) is not None:
                raise port.StoreDown(str(fault)) from error
            raise
        return answer

    def guarded(self, asked: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what answers a method of the port, behind a look at whose it is."""
        return self.family_guard.guarded(asked, function)

    def _read_version_again(self) -> None:
        try:
            self._version.read_again()
        except Exception as error:
            if self.connection.refusal_of(error) is None:
                raise

    @answers(port.Store.commit)
    def commit(self, batch: port.Batch) -> port.Receipt:
        """See `port.Store.commit`. StoreDown when the database or its disk refuses."""
        try:
            if self._steady is not None and (
                by_ms := self.leaps.unanswered_ms() or self._steady.leap_ms
            ):
                self.leaps.follow(by_ms)
                self._steady.follow(by_ms)
            return self.writer.commit(batch)
        except Exception as error:
            if (fault := self.connection.refusal_of(error)) is None:
                raise
            raise port.StoreDown(str(fault)) from error

    @answers(port.Store.close)
    def close(self, clean: bool = True) -> None:
        """Mark a clean stop and close. Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            if clean:
                self.recovery.stopped_cleanly()
        finally:
            self._end()

    def _end(self) -> None:
        self.connection.close()


class RowReader:
    """The API's reads, and the search terms, which are written here behind the commits.

    Of the port it answers what is marked, in itself and in the parts declared here.
    """

    queries: Queries
    lookup: EventLookup
    reference: ReferenceReader
    replays: ReplayQueries
    replay_source: ReplaySource
    log: LogRows
    totals: TotalRows
    rejections: Rejections
    incidents: IncidentReader
    inboxes: InboxReader
    dead_letters: DeadLetterReader
    audit: AuditReader
    saved_views: SavedViewReader

    def __init__(
        self,
        connection: StoreConnection,
        segments: SearchSegments,
        clock_ms: Callable[[], int] = wall_ms,
        spare: float = SPARE,
    ) -> None:
        """`spare`: see `Blocks`."""
        self.connection = connection
        self.queries = Queries(self.connection)
        self.lookup = EventLookup(self.connection)
        self.reference = ReferenceReader(self.connection)
        self.replays = ReplayQueries(self.connection)
        self.replay_source = ReplaySource(self.connection)
        self._segments = segments
        self._blocks = Blocks(self.connection, self._segments.connection, spare=spare)
        self.log = LogRows(self.connection, self._segments, self._blocks)
        self.totals = TotalRows(self.connection, segments.connection, self._blocks, clock_ms)
        self.rejections = Rejections(self.connection)
        self.incidents = IncidentReader(self.connection)
        self.inboxes = InboxReader(self.connection)
        self.dead_letters = DeadLetterReader(self.connection)
        self.audit = AuditReader(self.connection)
        self.saved_views = SavedViewReader(self.connection)
        self._indexed_at = 0.0
        self._dropped_at = 0.0

    def guarded(self, asked: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what answers a method of the port: what is read changes nothing. Of what is read
        of all orgs the rows of those whose family is not here are left out."""
        if (leave_out := LEFT_OUT.get(asked)) is None:
            return function

        def answer(*given: Any) -> Any:
            absent, found = read_absent(self.connection), function(*given)
            return found if absent is None else leave_out(found, absent)

        return answer

    def background(self) -> bool:
        """Index a slice if a whole one is waiting, or a partial one for long enough; summarise."""
        now = time.monotonic()
        ripe = now - self._indexed_at >= INDEX_AT_LEAST_EVERY_S
        if not ripe and self._lag() < SLICE_EVENTS:
            return False
        self._indexed_at = now
        try:
            more = self._segments.write_slice(self.connection) == SLICE_EVENTS
            more = self._blocks.background() or more
            return self._index_late() or self._drop_segments(now) or more
        except Exception as error:
            if self._segments.connection.refusal_of(error) is None:
                raise
            return False  # later again; `index_lag` shows it

    def _index_late(self) -> bool:
        """Index events that came late, from another cell; whether there were any."""
        late = self._blocks.late
        blocks = late.unindexed
        for block in blocks[: self._segments.write_late(self.connection, blocks, BLOCK_BITS)]:
            late.indexed(block)
        return bool(blocks)

    def _drop_segments(self, now: float) -> bool:
        """Forget, now and then, the search terms of events that retention has dropped."""
        if now - self._dropped_at < DROP_SEGMENTS_EVERY_S:
            return False
        [(oldest,)] = self.connection.execute(f"SELECT coalesce(min(seq), {1 << 62}) FROM event")
        if self._segments.drop_before(int(oldest)):
            return True
        self._dropped_at = now
        return False

    def _lag(self) -> int:
        [(newest,)] = self.connection.execute("SELECT coalesce(max(seq), 0) FROM event")
        return int(newest) - self._segments.cursor

    @answers(port.Store.index_lag)
    def index_lag(self) -> int:
        return max(0, self._lag())

    @answers(port.Store.counts)
    def counts(self) -> port.Counts:
        return self.queries.counts(self._segments.cursor)

    @answers(port.Store.find)
    def find(self, term: bytes, limit: int) -> list[EventNumber]:
        return self._segments.find(term, limit)

    def close(self) -> None:
        """Close both connections."""
        self._segments.close()
        self.connection.close()
