"""A log with replays whose clock is moved: every step a call of the port, told by one draw."""

import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.store.in_process import operations
from tests.store.rows import HOUR_MS, event, failing, new, settled, webhook
from tests.store.sqlite.log_rows import COUNTED_AS
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import DAY_MS, RetentionDays, before_ms, groups
from tidings.core.replay import JobState, ReplayKind, ReplayTransition, after, before
from tidings.core.shaping.left_out import LeftOut
from tidings.store import port
from tidings.store.sql.events.changed_blocks import BLOCK_BITS
from tidings.store.sql.queries import Queries
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf

# The webhooks are those of the first, and listen to the others' events.
ORGS = (OrgId(1), OrgId(2), OrgId(3))
MEMORY = Path("/dev/shm")  # a sync costs nothing there
START_MS = 1_800_000_000_000
EVER = (0, 1 << 60)
KEPT = (
    RetentionDays(),
    RetentionDays(9, 7, 60),
    RetentionDays(30, 1, 90),
    RetentionDays(60, 30, 365),
)
_COUNTED = ("event", "event_id", "body", "delivery", "attempt", "sent", "left_out")
_LEFT_OUT = LeftOut(("till",), "The platform did not answer.")


class Walk:
    """The store, and what is known of it without asking it."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self._place = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self._path = Path(self._place.name) / FILE
        self.days: dict[OrgId, RetentionDays] = {}
        self.events: list[tuple[str, OrgId, int]] = []  # id, org, when
        self.dropped: set[str] = set()  # events that are gone
        self.without: set[str] = set()  # events whose payload is
        self.ends: dict[int, dict[int, int]] = {}  # by job: the state of each delivery it made
        self.told: set[int] = set()  # of jobs that had ended when somebody tried them again
        self.skipped: Counter[int] = Counter()  # by job
        self.visited: set[int] = set()  # jobs that have looked at everything
        self.half = WritingHalf(self._path, lambda: self.now_ms)
        for name in ("one", "two", "three"):
            self.half.webhooks.put_webhook(webhook(name, org=ORGS[0]))
        self._operations()

    def _operations(self) -> None:
        self.jobs = self.log = operations(self.half)

    def close(self) -> None:
        """End it."""
        self.half.close()
        self._place.cleanup()

    def ask(self, query: str, *binding: Any) -> list[tuple[Any, ...]]:
        """What the rows say."""
        return self.half.connection.execute(query, binding).fetchall()

    def _commit(self, **more: Any) -> port.Receipt:
        [(version,)] = self.ask("SELECT value FROM meta WHERE key = 'registry_version'")
        receipt = self.half.commit(port.Batch(version, **{"events": ()} | more))
        self._look()
        return receipt

    def _look(self) -> None:
        """Remember how the deliveries of replays stand."""
        for job, delivery, state in self.ask(
            "SELECT r.replay, r.delivery, d.state FROM delivery_replay r"
            " JOIN delivery d ON d.id = r.delivery"
        ):
            if delivery not in self.told:
                self.ends.setdefault(job, {})[delivery] = state

    # -- what happens ----------------------------------------------------------------------------

    def accept(self, rng: random.Random) -> None:
        """Some events, at none to three webhooks each, some of them by key."""
        batch = []
        for _ in range(rng.randrange(1, 8)):
            id, org = f"e{len(self.events)}", rng.choice(ORGS)
            wanted = [new(1 + i, rng.choice((None, 7))) for i in range(rng.randrange(4))]
            batch.append(event(id, *wanted, org=org))
            self.events.append((id, org, self.now_ms))
        self._commit(events=batch)

    def settle(self, rng: random.Random) -> None:
        """Outcomes of attempts: first ones, and retries that were taken."""
        takes = [port.RetryClaim(number, rng.randrange(1, 9)) for number in (1, 2, 3)]
        self._commit(claims=takes)
        rows = self.ask(
            "SELECT id, webhook, key, attempts + (state = 0) FROM delivery"
            " WHERE state = 0 OR state = 2 AND due_ms IS NULL ORDER BY id"
        )
        self._commit(settled=[one for row in rows if (one := self._outcome(rng, *row))])
        if rng.random() < 0.2:
            self.half.recovery.retire(rng.randrange(1, 4), State.PARKED, 10)
            self._look()

    def _outcome(
        self, rng: random.Random, id: int, webhook: int, key: int | None, number: int
    ) -> port.Settlement | None:
        how = rng.randrange(6)
        if how > 3:
            return None
        if how < 2:
            delay_ms = rng.choice((0, 1000, DAY_MS))
            one = failing(id, delay_ms, webhook=webhook, key=key, attempt=number)
        else:
            state = rng.choice((State.DELIVERED, State.FAILED))
            one = settled(id, state, webhook=webhook, key=key, attempt=number)
        fails = one.state != State.DELIVERED
        return msgspec.structs.replace(
            one,
            started_ms=self.now_ms,
            sent=b"shaped" if fails and rng.random() < 0.5 else None,
            left_out=_LEFT_OUT if rng.random() < 0.3 else None,
        )

    def settle_late(self, rng: random.Random) -> None:
        """What came of attempts whose delivery is cancelled, or gone, since."""
        over = [id for (id,) in self.ask("SELECT id FROM delivery WHERE state IN (5, 6)")]
        [(newest,)] = self.ask("SELECT coalesce(max(id), 1) FROM delivery")
        here = {id for (id,) in self.ask("SELECT id FROM delivery")}
        gone = [id for id in range(max(1, newest - 30), newest) if id not in here]
        late = [failing(id, 1000) for id in rng.sample(over + gone, min(3, len(over + gone)))]
        shaped = {"started_ms": self.now_ms, "sent": b"shaped", "left_out": _LEFT_OUT}
        self._commit(settled=[msgspec.structs.replace(settlement, **shaped) for settlement in late])

    def cancel(self, rng: random.Random) -> None:
        """Single deliveries, whatever they are."""
        ids = [id for (id,) in self.ask("SELECT id FROM delivery")]
        self._commit(cancels=[port.CancelSlice(rng.sample(ids, min(4, len(ids))), "me")])

    def try_again(self, rng: random.Random) -> None:
        """A delivery is asked for by hand."""
        ids = [id for (id,) in self.ask("SELECT id FROM delivery WHERE state IN (4, 5, 6)")]
        own = (
            "SELECT r.delivery FROM delivery_replay r JOIN replay j ON j.number = r.replay"
            " WHERE r.state IN (4, 5, 6) AND j.ended_ms IS NULL ORDER BY 1 DESC LIMIT 2"
        )
        of_jobs = [id for (id,) in self.ask(own)]
        for id in {*rng.sample(ids, min(2, len(ids))), *of_jobs}:
            if self.ask(
                "SELECT 1 FROM delivery_replay r JOIN replay j ON j.number = r.replay"
                " WHERE r.delivery = ? AND r.state NOT NULL AND j.ended_ms NOT NULL",
                id,
            ):
                self.told.add(id)
            self.half.manual_retries.retry_now(id)
            self._look()

    # -- replays ---------------------------------------------------------------------------------

    def replay(self, rng: random.Random) -> None:
        """A job is made, counted and started."""
        target, source = rng.choice((1, 2, 3)), rng.choice((1, 2, 3, None))
        spec = port.ReplaySpec(
            owner=ORGS[0],
            source=source,
            target=target,
            orgs=ORGS,
            states=(3, 4, 5, 6),
            unmatched=rng.random() < 0.5,
            again=rng.random() < 0.5,
        )
        job = port.ReplayJob(
            0, ORGS[0], ReplayKind.REPLAY, JobState.COUNTING, spec, 20.0, False, "me"
        )
        job = self.jobs["put_replay"](job, ())
        ended = False
        while not ended:  # a look is bounded in time
            counted = self.jobs["count_replay"](job.number, job.spec, job.counted_to, ())
            count, ended = counted.count, counted.ended
            job = self.jobs["note_counted"](job.number, counted.cursor, count, ended)
        self._move(job.number, ReplayTransition.COUNTED)
        self._move(job.number, ReplayTransition.START)
        self.ends.setdefault(job.number, {})

    def run(self, rng: random.Random) -> None:
        """A slice of each job that runs; its answer may be lost, and it comes again."""
        for job in self.jobs["open_replays"]():
            if job.state != JobState.RUNNING:
                continue
            found = self.jobs["candidates"](job.number, job.spec, job.cursor, 5, False)
            if found.ended:
                self.visited.add(job.number)
            if not found.found:
                continue
            events = [row.event for row in found.found]
            keys = [rng.choice((None, 7)) for _ in events]
            ends = (job.cursor, found.cursor)
            slice = port.ReplaySlice(job.number, *ends, 1, events, keys)
            for applied in (True, False)[: rng.randrange(1, 3)]:
                [done] = self._commit(replays=[slice]).replayed
                assert done.applied is applied or found.cursor == job.cursor
                if applied:
                    self.skipped[job.number] += len(events) - done.made

    def _move(self, job: int, what: ReplayTransition) -> port.ReplayJob | None:
        moved: port.ReplayJob | None = self.jobs["move_replay"](job, before(what), after(what), "")
        return moved

    def steer(self, rng: random.Random) -> None:
        """A job is paused, goes on, or is cancelled, and what it has made with it."""
        for job in self.jobs["open_replays"]():
            what = rng.choice(
                (
                    ReplayTransition.PAUSE,
                    ReplayTransition.RESUME,
                    ReplayTransition.RESUME,
                    ReplayTransition.CANCEL,
                    None,
                    None,
                )
            )
            moved = self._move(job.number, what) if what else None
            if (moved or job).state == JobState.CANCELLED:
                left = self.jobs["unfinished_of"](job.number, rng.choice((1, 200)))
                self._commit(cancels=[port.CancelSlice(left, "me", job.number)])

    def finish(self, rng: random.Random) -> None:
        """Jobs look at what became of their deliveries; those with nothing left end."""
        for job in self.jobs["open_replays"]():
            told = port.ReplayTally(0, 0, True)
            for _ in range(rng.choice((1, 20))):
                told = self.jobs["tally_replay"](job.number, told.after, rng.choice((1, 3, 500)))
            if told.open:
                continue
            if job.state == JobState.RUNNING and job.number in self.visited:
                moved = self._move(job.number, ReplayTransition.DONE)
                assert moved is not None and moved.state == JobState.FINISHED
            elif JobState(job.state).final:
                self.jobs["close_replay"](job.number)

    # -- time, and what goes with it --------------------------------------------------------------

    def set_days(self, rng: random.Random) -> None:
        """An org keeps its data for another time."""
        self.days[rng.choice(ORGS)] = rng.choice(KEPT)

    def restart(self, rng: random.Random) -> None:
        """A new owner, maybe in another block of numbers: what lies between was once dropped."""
        self._look()
        if rng.random() < 0.5:
            for key in ("seq_floor", "delivery_floor"):
                [(last,)] = self.ask("SELECT value FROM meta WHERE key = ?", key)
                [(newest,)] = self.ask(
                    "SELECT max(?, coalesce((SELECT max(id) FROM delivery), 0))", last
                )
                ahead = ((newest >> BLOCK_BITS) + 1) << BLOCK_BITS
                self.ask("UPDATE meta SET value = ? WHERE key = ?", ahead - 3, key)
        self.half.close(clean=rng.random() < 0.3)
        self.half = WritingHalf(self._path, lambda: self.now_ms)
        self.half.recovery.recover(100, rng.choice((None, [])))
        self._operations()
        self.check_totals()

    def keep(self, rng: random.Random) -> None:
        """Time passes, and a whole pass, in slices of any size; bounded in rows."""
        self.now_ms = max(self.now_ms + 1, self._later(rng))
        for group in groups(self.days):
            first = more = True
            while more:
                rows_max = rng.choice((4, 10, 1000))
                rows = self._rows()
                dropped = self.half.retention.drop(
                    port.DropSlice(
                        group.kind,
                        group.days,
                        before_ms(group, self.now_ms),
                        group.orgs,
                        group.others,
                        rows_max,
                        first,
                        self.now_ms,
                    )
                )
                assert dropped.rows <= rows_max
                lost = rows - self._rows()
                assert lost == (dropped.rows if group.kind.word in ("payload", "metadata") else 0)
                first, more = False, dropped.more
                self.check_unfinished()
        self.check_kept()
        self.check_leftovers()
        self.check_totals()

    def _later(self, rng: random.Random) -> int:
        """Some days from now, or about the moment in which something of an event is too old."""
        if rng.random() < 0.5 or not self.events:
            return self.now_ms + rng.choice((1, 5, 20, 100)) * DAY_MS
        _, org, at_ms = rng.choice(self.events)
        days = self.days.get(org, RetentionDays())
        limit = rng.choice((days.payload_days, days.metadata_days)) * DAY_MS
        return at_ms + limit + rng.choice((0, 1, HOUR_MS))

    def _rows(self) -> int:
        return sum(self.ask(f"SELECT count(*) FROM {table}")[0][0] for table in _COUNTED)

    # -- what holds -------------------------------------------------------------------------------

    def check_unfinished(self) -> None:
        """Whatever is unfinished is whole."""
        assert not self.ask(
            "SELECT d.id FROM delivery d LEFT JOIN event e ON e.seq = d.event"
            " LEFT JOIN body b ON b.seq = d.event WHERE d.state NOT IN (3, 4, 5, 6)"
            " AND (e.seq IS NULL OR b.seq IS NULL)"
        ), "retention never takes the payload of what is unfinished"
        assert not self.ask(
            "SELECT d.id FROM delivery d WHERE d.state = 1 AND NOT EXISTS (SELECT 1 FROM delivery p"
            " WHERE p.webhook = d.webhook AND p.key = d.key AND p.state IN (0, 2, 7))"
        )
        unfinished = {id for ends in self.ends.values() for id in ends if not State(ends[id]).final}
        here = {id for (id,) in self.ask("SELECT id FROM delivery WHERE state NOT IN (3, 4, 5, 6)")}
        assert unfinished <= here, "a replay's unfinished delivery is there"

    def check_kept(self) -> None:
        """After a pass: everything that is young, nothing that is old and finished."""
        unfinished = {
            seq
            for (seq,) in self.ask(
                "SELECT DISTINCT event FROM delivery WHERE state NOT IN (3, 4, 5, 6)"
            )
        }
        stored = {
            id: (seq, body)
            for id, seq, body in self.ask(
                "SELECT e.id, e.seq, b.bytes FROM event e LEFT JOIN body b ON b.seq = e.seq"
            )
        }
        for id, org, at_ms in self.events:
            days = self.days.get(org, RetentionDays())
            age_ms = self.now_ms - at_ms
            if id not in stored:
                assert age_ms > days.metadata_days * DAY_MS or id in self.dropped
                self.dropped.add(id)
                continue
            assert id not in self.dropped
            seq, body = stored[id]
            if seq in unfinished:
                assert body is not None
                continue
            assert age_ms <= days.metadata_days * DAY_MS, "old metadata are gone"
            if age_ms > days.payload_days * DAY_MS:
                assert body is None, "an old payload is gone"
                self.without.add(id)
            elif body is None:
                assert id in self.without, "a young payload is there"

    def check_leftovers(self) -> None:
        """What belongs to something goes with it."""
        for table in ("body", "event_id"):
            assert not self.ask(f"SELECT 1 FROM {table} WHERE seq NOT IN (SELECT seq FROM event)")
        for table in ("attempt", "sent", "left_out", "delivery_replay", "delivery_cancel"):
            assert not self.ask(
                f"SELECT 1 FROM {table} WHERE delivery NOT IN (SELECT id FROM delivery)"
            ), table
        assert not self.ask("SELECT 1 FROM delivery WHERE event NOT IN (SELECT seq FROM event)")
        assert not self.ask(
            "SELECT 1 FROM sent s JOIN delivery d ON d.id = s.delivery"
            " WHERE d.event NOT IN (SELECT seq FROM body)"
        ), "what was made of a payload goes with it"
        limit = self.now_ms - 31 * DAY_MS
        assert not self.ask(
            "SELECT 1 FROM attempt WHERE headers IS NOT NULL AND kind IS NULL AND started_ms < ?",
            limit,
        ), "old answers are gone"

    def check_figures(self) -> None:
        """Counts, sums and tallies are those of the rows; a job's those of all that it has made."""
        kept = self.half.retention.retention_state()
        [(oldest,)] = self.ask("SELECT min(at_ms) FROM event")
        [(payload,)] = self.ask("SELECT min(at_ms) FROM event WHERE seq IN (SELECT seq FROM body)")
        assert (kept.oldest_event_ms, kept.oldest_payload_ms) == (oldest, payload)
        counts = Queries(self.half.connection).counts(0)
        [(events,)] = self.ask("SELECT count(*) FROM event")
        by_state = dict(self.ask("SELECT state, count(*) FROM delivery GROUP BY state"))
        told = {int(state): many for state, many in counts.by_state.items() if many}
        assert (counts.events, told, counts.orphans) == (events, by_state, 0)
        self.check_jobs()

    def check_totals(self) -> None:
        """The tally of each webhook, its summaries among it, is what counting gives."""
        for number in (1, 2, 3):
            rows = dict(
                self.ask(
                    f"SELECT {COUNTED_AS}, count(*) FROM delivery d WHERE d.webhook = ? GROUP BY 1",
                    number,
                )
            )
            tally = self.log["tally"](number, *EVER, 30)
            assert {state: many for state, many in tally.by_state.items() if many} == rows
        self.check_log()

    def check_log(self) -> None:
        """What a filter finds is what the whole log holds of it, for every state and two of them,
        every webhook and all, and with the summaries made or not."""
        states = [int(state) for state in State]
        wanted = [(state,) for state in states] + list(itertools.combinations(states, 2))
        for webhooks in ([1, 2, 3], [2]):
            whole = self._listed(webhooks, ())
            for some in wanted:
                by_hand = [id for id, state in whole if state in some]
                assert [id for id, _ in self._listed(webhooks, some)] == by_hand, (webhooks, some)

    def _listed(self, webhooks: list[int], states: tuple[int, ...]) -> list[tuple[int, int]]:
        """The ids and states of all pages of the log, newest first."""
        listed: list[tuple[int, int]] = []
        query = port.DeliveryQuery(webhooks, states, limit=100)
        while True:
            page = self.log["log_deliveries"](query)
            listed += [(delivery.id, int(delivery.state)) for delivery in page.deliveries]
            if page.older is None:
                return listed
            query = msgspec.structs.replace(query, before=page.older)

    def check_jobs(self) -> None:
        """Every job's figures are its rows', those that were dropped among them."""
        for number, known in self.ends.items():
            job = self.jobs["replay"](ORGS[0], number)
            here = {
                id
                for (id,) in self.ask(
                    "SELECT delivery FROM delivery_replay WHERE replay = ? AND state IS NULL",
                    number,
                )
            }
            final = Counter(state for id, state in known.items() if id not in here)
            assert _ends(job) == [final[state] for state in (3, 4, 5, 6)], (number, known)
            assert sum(_ends(job)) + len(here) == job.made == len(known)
            assert job.under_way + job.had + job.no_body == self.skipped[number]


def _ends(job: port.ReplayJob) -> Sequence[int]:
    return [job.delivered, job.failed, job.parked, job.cancelled]
