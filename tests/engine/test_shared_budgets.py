"""Of what orgs hold for a while each has as much as it leaves to others; see decision record 18."""

import asyncio
from typing import Any

import pytest

from tests.destinations.messages import hook
from tests.engine.audit.kept_log import UnkeptLog
from tidings.api.answers import RefusalAnswer
from tidings.api.http.stream_places import StreamPlaces
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.notices.facts import Notice
from tidings.core.running.lease import EndlessLease
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine import inboxes as inbox_rules
from tidings.engine.access import passwords as password_rules
from tidings.engine.access.passwords import Passwords, TooBusy
from tidings.engine.changes import Changes
from tidings.engine.delivery import trial as trial_rules
from tidings.engine.delivery.trial import TooSoon, Trial
from tidings.engine.events import commit_queue as queue_rules
from tidings.engine.events.commit_queue import CommitQueue, QueuedEvent
from tidings.engine.events.intake import Draft, Overloaded
from tidings.engine.inboxes import Inboxes
from tidings.engine.listeners import Listeners
from tidings.engine.notices import emails as email_rules
from tidings.engine.notices import notices as notice_rules
from tidings.engine.notices.emails import Emails
from tidings.engine.notices.notices import Notices
from tidings.store import port

GREEDY, QUIET, LAST = OrgId(1), OrgId(2), OrgId(3)


class Clock:
    """Each look is a second later."""

    def __init__(self) -> None:
        self.ms = 0

    def now_ms(self) -> int:
        self.ms += 1000
        return self.ms


def test_streams_of_one_org_leave_room_for_others() -> None:
    places = StreamPlaces(30)
    held = []
    for number in range(40):
        try:
            held.append(places.take(AuthenticatedCaller(GREEDY, credential=f"c{number}")))
        except RefusalAnswer:
            break
    assert len(held) == 15
    for number in range(5):
        held.append(places.take(AuthenticatedCaller(QUIET, credential=f"d{number}")))
    places.take(AuthenticatedCaller(LAST, credential="e"))()
    for give in held:
        give()
    assert places.open == 0


def test_test_messages_of_one_org_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_rules, "UNDER_WAY_MAX", 10)
    nobody: Any = None
    trial = Trial(
        destination=nobody, audit=UnkeptLog(), shaper=nobody, clock=Clock(), lease=EndlessLease()
    )
    for _ in range(5):
        trial._admit(GREEDY)
    with pytest.raises(TooSoon):
        trial._admit(GREEDY)
    trial._admit(QUIET)
    trial._admit(LAST)
    trial._under_way.give(GREEDY)
    trial._under_way.give(GREEDY)
    trial._admit(GREEDY)


async def test_a_test_message_gives_its_place_back_however_it_ends() -> None:
    class Fails:
        async def shape(self, webhook: Any, job: Any) -> bytes:
            raise RuntimeError

    nobody: Any = None
    shaper: Any = Fails()
    trial = Trial(
        destination=nobody, audit=UnkeptLog(), shaper=shaper, clock=Clock(), lease=EndlessLease()
    )
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await trial.rehearse(GREEDY, hook("https://a.example/"), "e", b"{}")
        await trial.send(GREEDY, hook("https://a.example/"), "e", b"{}", lambda: True)
    assert trial._under_way.held == 0


async def test_notices_of_one_org_leave_room_for_those_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notice_rules, "QUEUE_MAX", 10)
    nobody: Any = None
    told = Notices(
        intake=nobody, clock=Clock(), registry=nobody, emails=nobody, parked=Listeners("parked")
    )  # fmt: skip
    for number in range(20):
        told._add(Notice("a", GREEDY, f"g{number}", b"", {}))
    told._add(Notice("a", QUIET, "q", b"", {}))
    told._add(Notice("a", LAST, "l", b"", {}))
    assert [notice.event_id for notice in told._queue] == [*(f"g{n}" for n in range(5)), "q", "l"]
    assert told._lost == 15


async def test_letters_of_one_org_leave_room_for_those_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(email_rules, "EMAILS_MAX", 10)
    nobody: Any = None
    letters = Emails(
        store=nobody,
        clock=Clock(),
        lease=EndlessLease(),
        addresses=lambda org: ["a"],
        mailer=nobody,
    )
    for number in range(20):
        for org in (GREEDY, QUIET, LAST) if number > 10 else (GREEDY,):
            notice = Notice("a", org, f"{org} {number}", b"", {"data": {}})
            if (made := letters._made(notice)) is not None:
                letters._waiting[made.id] = made
    orgs = [email.org for email in letters._waiting.values()]
    assert orgs.count(GREEDY) == 5 and orgs.count(QUIET) >= 2 and orgs.count(LAST) >= 1


def inbox(org: OrgId) -> port.Inbox:
    return port.Inbox(org, org, f"token{org}", "shop", b"{}")


class Store:
    """Takes nothing, until it does."""

    down = True

    async def add_arrivals(self, arrivals: Any) -> list[int]:
        if self.down:
            raise port.StoreDown("down")
        return [1 for _ in arrivals]


@pytest.mark.parametrize("bound", ["UNWRITTEN_MAX", "UNWRITTEN_BYTES_MAX"])
async def test_arrivals_at_one_orgs_inbox_leave_room_for_those_of_others(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_rules, bound, 10 if bound == "UNWRITTEN_MAX" else 10_000)
    store: Any = Store()
    nobody: Any = None
    made = Inboxes(
        store=store, changes=Changes(store, Registry()), audit=UnkeptLog(), clock=Clock(),
        random_bytes=bytes, url_of=str,
        tokens=set(), keys_at=lambda org, url: [], supervisor=nobody,
    )  # fmt: skip
    for org in (GREEDY, QUIET, LAST):
        made._keep(inbox(org))

    def arrive(org: OrgId) -> int:
        return made.receive(f"token{org}", "POST", [], b"x" * 1000).status

    assert [arrive(GREEDY) for _ in range(20)] == [200] * 5 + [429] * 15
    assert (arrive(QUIET), arrive(LAST)) == (200, 200)
    store.down = False
    await made._write()
    assert made._places.held == made._bytes.held == 0 and not made._owners
    assert arrive(GREEDY) == 200
    await made.close()


def queued(org: OrgId, size: int = 100) -> list[QueuedEvent]:
    return [QueuedEvent(Draft(org, "a", "e", b"x" * size, {}), b"", b"", None, "a")]


async def test_events_of_one_org_that_wait_for_their_commit_leave_room_for_others() -> None:
    queue = CommitQueue(1000, 10.0)
    taken = 0
    with pytest.raises(Overloaded):
        for _ in range(20):
            queue.add(queued(GREEDY))
            taken += 1
    assert taken in {5, 6}
    queue.add(queued(QUIET))
    queue.add(queued(LAST))
    batch = queue.close()
    assert len(batch.calls) == taken + 2 and not queue._waiting_of
    queue.put_back(batch)
    with pytest.raises(Overloaded):
        queue.add(queued(GREEDY))
    queue.close()
    queue.add(queued(GREEDY, 5000))  # one call is always taken


async def test_refused_events_of_one_org_leave_room_for_those_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_rules, "REJECTIONS_MAX", 10)
    queue = CommitQueue(1000, 10.0)

    def refused(org: OrgId) -> Any:
        return type("Refused", (), {"org": org})()

    queue.note_rejections([refused(GREEDY) for _ in range(30)])
    queue.note_rejections([refused(QUIET), refused(LAST)])
    orgs = [rejection.org for rejection in queue.close().rejections]
    assert orgs == [GREEDY] * 5 + [QUIET, LAST]


async def test_passwords_of_strangers_leave_room_for_others_and_for_who_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(password_rules, "WAITING_MAX", 10)
    passwords = Passwords()
    go = asyncio.Event()

    async def hold(network: str) -> None:
        async with passwords._turn(network):
            await go.wait()

    async def holds(network: str) -> bool:
        task = asyncio.ensure_future(hold(network))
        await asyncio.sleep(0)
        running.append(task)
        return not (task.done() and isinstance(task.exception(), TooBusy))

    running: list[asyncio.Task[None]] = []
    assert [await holds("192.0.2.0/24") for _ in range(8)] == [True] * 5 + [False] * 3
    assert await holds("198.51.100.0/24") and await holds("203.0.113.0/24")
    assert all([await holds(password_rules.KNOWN) for _ in range(password_rules.KNOWN_MAX)])
    assert not await holds(password_rules.KNOWN)
    go.set()
    await asyncio.gather(*running, return_exceptions=True)
    assert passwords._strangers.held == passwords._known.held == 0
