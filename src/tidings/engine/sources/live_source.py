"""A source as the engine holds it: what it is set to, and what it does."""

from collections.abc import Sequence

from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId, show
from tidings.core.sources.mapping_cost import CostedPlan
from tidings.core.sources.message_plan import MessagePlan
from tidings.core.sources.source import NAMED, Source
from tidings.core.sources.source_types import FETCHED
from tidings.engine.sources.activity import Activity
from tidings.errors import Busy, Conflict, FieldRefusal, NotFound
from tidings.store import port

DEAD_LETTERS_MAX = 10_000  # messages that a source may have set aside
DEAD_LETTER_BYTES_MAX = 64 << 20  # and the bytes of their bodies
CONFLICTS_MAX = 10_000  # of those beside them whose event's id is known with other content
CONFLICT_BYTES_MAX = 64 << 20


class UnknownSource(NotFound):
    """The org has no source of this id."""

    def __init__(self, source_id: str) -> None:
        shown = source_id if len(source_id) <= 40 else source_id[:40] + "…"
        super().__init__(
            FieldRefusal.build(
                "not_found",
                f'id must be the id of a source of the org, as src_…; got "{shown}", which does '
                "not exist. List them with GET /v1/sources.",
                field="id",
            )
        )


class DeadLettersFull(Busy):
    """A source has set aside as much as it may; it takes nothing more until some of it is gone."""

    def __init__(self, name: str) -> None:
        super().__init__(
            FieldRefusal.build(
                "aside_full",
                f"Source {name} may set aside {DEAD_LETTERS_MAX} messages and "
                f"{DEAD_LETTER_BYTES_MAX >> 20} MiB; it has reached that limit. Correct its "
                "mapping and redrive them, or delete them.",
            )
        )


class DeclaredInFile(Conflict):
    """A source is as the operator's file says, and changed there alone."""

    def __init__(self, name: str, file: str) -> None:
        super().__init__(
            FieldRefusal.build(
                "declared_in_file",
                f"Source {name} must be changed where it is declared, in the operator's file "
                f"{file}; got a change elsewhere. Ask the operator to change it there and restart "
                "the service.",
            )
        )


class LiveSource:
    """One source. `stored` and `source` are replaced where it is changed."""

    def __init__(self, stored: port.StoredSource, source: Source, declared_in: str = "") -> None:
        """`declared_in`: the name of the operator's file that says what it is; empty: none does."""
        self.stored = stored
        self.source = source
        self.declared_in = declared_in
        self.declares_pause = False  # whether that file says if it is paused
        self.activity = Activity()
        self.dead_letters = 0  # messages that are set aside
        self.dead_letter_bytes = 0
        self.conflicts = 0  # of them, with the id of an event that has other content
        self.conflict_bytes = 0
        self.conflict_field = ""  # in which the newest of them differs
        self.conflicts_notified: tuple[int, int] | None = (
            None  # when its people were told, of how many
        )
        self.conflicts_dropped = 0  # that made room for newer ones, since this process began
        self.trouble = ""  # why nothing is fetched, in words; empty where nothing is wrong
        self.trouble_since_ms: int | None = None
        self.trouble_notified = False  # to its people, since it began
        self.dead_letters_notified_ms: int | None = (
            None  # when they were told of a message set aside
        )
        self.lag: int | None = None  # messages that wait where they are; None: that is not known
        self.others: Sequence[str] = ()  # names of strangers who take a share of its messages
        self.lag_at_ms: int | None = None  # when it was looked at
        self.deleted = False
        self.unanswered = False  # whether it was found in the store: its maker had no answer
        self._planned: tuple[Source, CostedPlan | None] | None = None

    @property
    def id(self) -> str:
        """Return the id as people see it."""
        return show("src", self.stored.number)

    @property
    def org(self) -> OrgId:
        """Return the org that it belongs to."""
        return self.stored.org

    @property
    def words(self) -> tuple[str, str, str]:
        """Return the source's id, name and type, for reports about it."""
        return self.id, self.source.name, self.source.kind

    @property
    def lag_is_unknown(self) -> bool:
        """Return whether it fetches messages, and nobody can tell how many wait."""
        source = self.source
        return source.kind in FETCHED and not source.paused and self.lag is None

    @property
    def plan(self) -> CostedPlan | None:
        """Return the plan of what is taken out of its messages as it is set now; None: nothing
        is."""
        source = self.source
        if self._planned is None or self._planned[0] is not source:
            fetched = source.message_id is not None and source.kind in FETCHED
            plan = MessagePlan(source.mapping, source.message_id, fetched)
            self._planned = source, None if plan == MessagePlan() else CostedPlan(plan)
        return self._planned[1]

    def caller(self) -> AuthenticatedCaller:
        """Return the caller that brings its events."""
        named = self.source.orgs == NAMED
        return AuthenticatedCaller(self.org, platform=named, credential=self.id, adopts=not named)

    def troubled(self, why: str, now_ms: int) -> int:
        """Note that nothing is fetched now, or still, for this reason, and return since when, in
        milliseconds since the epoch."""
        self.trouble = why
        if self.trouble_since_ms is None:
            self.trouble_since_ms = now_ms
        return self.trouble_since_ms

    def well(self) -> None:
        """Note that nothing is wrong any more."""
        self.trouble, self.trouble_since_ms, self.trouble_notified = "", None, False

    def set_lag(self, lag: int | None, now_ms: int) -> None:
        """Set how many messages wait where they are fetched from; None: nobody can tell now."""
        self.lag, self.lag_at_ms = lag, now_ms

    def count(self, total: port.DeadLetterSum) -> None:
        """Set how much is set aside now."""
        self.dead_letters, self.dead_letter_bytes = total.messages, total.bytes
        self.conflicts, self.conflict_bytes = total.conflicts, total.conflict_bytes
        self.conflict_field = total.conflict_field

    def count_dead_letters(self, messages: int, size: int, is_conflict: bool) -> None:
        """Count so many messages more that are set aside, or fewer."""
        self.dead_letters += messages
        self.dead_letter_bytes += size
        if is_conflict:
            self.conflicts += messages
            self.conflict_bytes += size

    def refuse_declared(self) -> None:
        """Raise DeclaredInFile where nobody but the operator changes the source."""
        if self.declared_in:
            raise DeclaredInFile(self.source.name, self.declared_in)

    def refuse_full(self) -> None:
        """Raise DeadLettersFull where nothing more may be set aside. Conflicts do not count: a
        sender that gives one id to many events would stop what it sends besides."""
        waiting, size = (
            self.dead_letters - self.conflicts,
            self.dead_letter_bytes - self.conflict_bytes,
        )
        if waiting >= DEAD_LETTERS_MAX or size >= DEAD_LETTER_BYTES_MAX:
            raise DeadLettersFull(self.source.name)
