"""A row of each kind that a store numbers, made by the port; and its number."""

from collections.abc import Callable, Mapping

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, new
from tidings.core.ids import OrgId
from tidings.core.replay import JobState, ReplayKind
from tidings.store import port


def refused(id: str) -> port.NewRejection:
    """An event that was refused."""
    return port.NewRejection(ORG, "a", id, "code", "message", "data", b"{}")


def put_source(subject: Subject, name: str) -> int:
    """A source; its number."""
    fresh = port.StoredSource(0, OrgId(ORG), name, b"sealed")
    return subject.ask(lambda store: store.put_source(fresh)).number


def put_inbox(subject: Subject, name: str) -> int:
    """A test inbox; its number."""
    fresh = port.Inbox(0, OrgId(ORG), name, name, b"{}")
    return subject.ask(lambda store: store.put_inbox(fresh)).number


def _event(subject: Subject, name: str) -> int:
    return subject.commit(event(f"e {name}")).seqs[0]


def _delivery(subject: Subject, name: str) -> int:
    return subject.commit(event(f"d {name}", new(1))).firsts[0]


def _aside(subject: Subject, name: str) -> int:
    known = subject.ask(lambda store: store.load_sources())
    source = known[0].number if known else put_source(subject, "of what is set aside")
    message = port.DeadLetter(0, source, 1, name, "code", "reason", "data.x", [], b"b")
    subject.ask(lambda store: store.put_dead_letters([message]))
    page = subject.ask(lambda store: store.dead_letters(source, None, None, 1))
    return page.messages[0].number


def _arrival(subject: Subject, name: str) -> int:
    known = subject.ask(lambda store: store.load_inboxes())
    inbox = known[0].number if known else put_inbox(subject, "of arrivals")
    arrived = port.Arrival(0, inbox, 1, "POST", [], b"{}", 2, "valid", name, 200)
    return subject.ask(lambda store: store.add_arrivals([arrived]))[0]


def _rejection(subject: Subject, name: str) -> int:
    subject.commit(rejections=[refused(name)])
    return subject.rejections(1)[0].id


def _replay(subject: Subject, name: str) -> int:
    spec = port.ReplaySpec(OrgId(ORG), 1, 1, [OrgId(ORG)])
    job = port.ReplayJob(
        0, OrgId(ORG), ReplayKind.REPLAY, JobState.RUNNING, spec, rate=1.0, hold=False, by=name
    )
    return subject.ask(lambda store: store.put_replay(job, [])).number


MAKE: Mapping[str, Callable[[Subject, str], int]] = {
    "event": _event,
    "delivery": _delivery,
    "webhook": lambda subject, name: subject.put_webhook(name),
    "source": put_source,
    "aside": _aside,
    "inbox": put_inbox,
    "arrival": _arrival,
    "rejection": _rejection,
    "replay": _replay,
}
"""By table. tests/store/test_numbered_tables.py holds that none is missing."""


def make_each(subject: Subject, name: str) -> dict[str, int]:
    """One of each kind; their numbers."""
    return {kind: make(subject, f"{name} {kind}") for kind, make in MAKE.items()}
