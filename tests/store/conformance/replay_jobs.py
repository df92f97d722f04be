"""Jobs of replays as a store keeps them, run step by step."""

from collections.abc import Sequence

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, new, settled
from tidings.core.delivery.states import State
from tidings.core.ids import EventNumber
from tidings.core.replay import JobState, ReplayKind
from tidings.store import port

FINAL = (State.FAILED, State.PARKED)


class Jobs:
    """A subject with an org's webhooks, and the calls that jobs are made of."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.hook = subject.put_webhook("one")
        self.second = subject.put_webhook("two")

    def events(self, count: int, *, key: int | None = None, prefix: str = "e") -> list[int]:
        """Events with a delivery to the first webhook each."""
        made = [event(f"{prefix}{i}", new(self.hook, key)) for i in range(count)]
        return list(self.subject.commit(*made).firsts)

    def end(self, state: State, *deliveries: int, key: int | None = None) -> None:
        """Settle them so."""
        outcomes = [settled(delivery, state, webhook=self.hook, key=key) for delivery in deliveries]
        self.subject.commit(settled=outcomes)

    def spec(self, **more: object) -> port.ReplaySpec:
        """Failed and parked ones of the first webhook, to itself."""
        fields: dict[str, object] = {
            "owner": ORG,
            "source": self.hook,
            "target": self.hook,
            "orgs": [ORG],
            "states": FINAL,
        }
        return port.ReplaySpec(**fields | more)  # type: ignore[arg-type]

    def put(
        self,
        spec: port.ReplaySpec,
        listed: Sequence[port.ReplayEntry] = (),
        state: JobState = JobState.RUNNING,
        kind: ReplayKind = ReplayKind.REPLAY,
    ) -> port.ReplayJob:
        """A stored job, as if it had been counted and started."""
        job = port.ReplayJob(0, ORG, kind, state, spec, 20.0, False, "me")
        return self.subject.ask(lambda store: store.put_replay(job, listed))

    def now(self, job: port.ReplayJob) -> port.ReplayJob:
        """Its row."""
        found = self.subject.ask(lambda store: store.replay(ORG, job.number))
        assert found is not None
        return found

    def find(
        self, job: port.ReplayJob, after: int | None = None, limit: int = 3
    ) -> port.ReplayCandidates:
        """What is behind its cursor."""
        at = self.now(job).cursor if after is None else after
        return self.subject.ask(
            lambda store: store.candidates(job.number, job.spec, EventNumber(at), limit, False)
        )

    def slice(
        self, job: port.ReplayJob, found: port.ReplayCandidates, key: int | None = None
    ) -> port.ReplaySlice:
        """The slice of what was found."""
        events = [match.event for match in found.found]
        after = self.now(job).cursor
        return port.ReplaySlice(job.number, after, found.cursor, 1, events, [key] * len(events))

    def commit(self, slice: port.ReplaySlice, **more: object) -> port.ReplayReceipt:
        """Write one slice."""
        version = self.subject.load().registry_version
        receipt = self.subject.commit(version=version, replays=[slice], **more)
        [done] = receipt.replayed
        return done

    def run(self, job: port.ReplayJob, limit: int = 3, key: int | None = None) -> list[str]:
        """All of it; the ids of the events of what is PENDING by it."""
        made: list[str] = []
        at = 0
        for _ in range(1000):
            found = self.find(job, at, limit)
            at = found.cursor
            if found.found:
                made += [job.event_id for job in self.commit(self.slice(job, found, key)).jobs]
            if found.ended:
                return made
        raise AssertionError("it does not come to its end")

    def count(
        self, spec: port.ReplaySpec, listed: Sequence[port.ReplayEntry] = ()
    ) -> tuple[int, int]:
        """Exactly how many it is about, and how many of these cannot be made."""
        cursor, count, skipped, ended = spec.after, 0, 0, False
        while not ended:
            at = cursor
            found = self.subject.ask(lambda store: store.count_replay(0, spec, at, listed))  # noqa: B023
            cursor, ended = found.cursor, found.ended
            count, skipped = count + found.count, skipped + found.skipped
        return count, skipped
