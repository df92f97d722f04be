"""The memory of bodies: of deliveries that wait in lanes, and of attempts under way. Pure.

Theory. What a process holds of bodies has two bounds, which no number of lanes can pass.

What *waits* is charged to one `WindowBudget`. A body for which it has no room stays in the store:
its delivery waits without it (`Job.unread`), and it is read as its attempt begins. So every lane
always has something to start, and holds no bodies for it.

Large bodies of attempts *under way* are charged to `BodiesUnderWay`: one for which there is no room
waits before its attempt begins. A webhook may hold as much as it leaves to others, so may an org,
and each may have one where it has none. Webhooks that hang and new ones hold three quarters at
most, so do all that are well, and the last eighth is for those that are sure to be: each kind
always has an eighth that the others cannot hold. Who finds no room waits in a line by trust and org
(`BodyLines`): nobody who comes later takes what the first one waits for.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from itertools import islice
from typing import TypeVar

from tidings.core.delivery.job import Job
from tidings.core.delivery.turns import Trust
from tidings.core.ids import OrgId

PAGE_JOBS = 128
PAGE_LEAST = 2  # where the windows are full
JOB_BYTES, JOB_KEPT = 65_536, 0.99  # taken for a body before any came; of it, with each smaller
CLAIM_BYTES = 64 * 1024  # that a retry which was asked for is taken to have
CLAIM_LEAST = 1  # where the windows are full, of a lane in which none waits
LARGE_BYTES = 16 * 1024  # of a body that counts while its attempt is under way
KIND_SHARE = 0.75  # of all, for those that are well, and for those that are not known to be
PARTS = 8  # the last is for those that are sure to be well; no body is charged more than one
HANGING_TURN = 4  # of so many turns of those that are not well, one begins with who hangs
LOOKED_AT = 16  # orgs, and webhooks of each, for who is next
Owner = TypeVar("Owner", bound=int)


class WindowBudget:
    """The bytes of all windows of a process; a lane over it is behind, whatever its count."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_used = 0
        self.job_bytes = JOB_BYTES  # of a large one, lately

    def add(self, job: Job) -> int:
        """Charge a delivery that waits from now on, and leave its body in the store where there is
        no room for it. Return the bytes of its body."""
        size = held = job.unread or len(job.body)
        self.job_bytes = max(size, int(self.job_bytes * JOB_KEPT))
        if job.unread or self.bytes_used + size > self.bytes_max:
            job.leave_body()
            held = job.held_bytes
        self.bytes_used += held
        return size

    def remove(self, job: Job) -> None:
        """Give back what a delivery was charged that waits no longer."""
        self.bytes_used -= job.held_bytes

    @property
    def page_jobs(self) -> int:
        """Return how many deliveries a page may have now, so that all windows together stay within
        it."""
        left = max(0, self.bytes_max - self.bytes_used)
        return max(PAGE_LEAST, min(PAGE_JOBS, left // max(1, self.job_bytes)))

    def claim_room(self, wanted: int, coming: int) -> int:
        """Return how many due retries may be asked for of those that a lane wants, where `coming`
        were asked for and are not here: their bodies are not known, and may be large."""
        left = (self.bytes_max - self.bytes_used) // CLAIM_BYTES - coming
        return min(wanted, max(CLAIM_LEAST, left))

    @property
    def spent(self) -> bool:
        """Return whether nothing more may be queued by hand-over."""
        return self.bytes_used >= self.bytes_max


class BodyRefusal(Enum):
    """Why an attempt must not begin for the size of its body."""

    SHARE = auto()  # its webhook or its org holds as much as it leaves to others
    ROOM = auto()  # all together hold what they may


Judge = Callable[[int], BodyRefusal | None]  # of a webhook's next attempt


class BodiesUnderWay:
    """Counts the bytes of large bodies of attempts under way, by webhook and org."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.held = 0
        self._proven = 0  # of it, of webhooks that are well
        self._of_kind_max = int(bytes_max * KIND_SHARE)
        self._part = bytes_max // PARTS
        self._by_org: dict[OrgId, int] = {}
        self._by_webhook: dict[int, int] = {}

    def charged(self, size: int) -> int:
        """Return what an attempt with a body of so many bytes is charged: a body that is larger
        than one part of all is charged as that part, or it would never find room."""
        return min(size, self._part)

    def refusal(
        self, org: OrgId, webhook: int, size: int, trust: Trust, *, is_sure: bool
    ) -> BodyRefusal | None:
        """Return why an attempt with a body of so many bytes must not begin; None: it may."""
        size = self.charged(size)
        of_kind = self._proven if trust is Trust.WELL else self.held - self._proven
        most = self.bytes_max if is_sure else self.bytes_max - self._part
        left = min(most - self.held, self._of_kind_max - of_kind)
        for owned in (self._by_webhook.get(webhook, 0), self._by_org.get(org, 0)):
            if owned and owned + size > left - size:
                return BodyRefusal.SHARE
        return None if size <= left else BodyRefusal.ROOM

    def take(self, org: OrgId, webhook: int, size: int, trust: Trust) -> "BodyHold":
        """Charge an attempt that begins."""
        hold = BodyHold(self, org, webhook, is_proven=trust is Trust.WELL)
        hold.resize(size)
        return hold

    def add(self, org: OrgId, webhook: int, more: int, *, is_proven: bool) -> None:
        """Charge so many bytes more, or fewer."""
        self.held += more
        if is_proven:
            self._proven += more
        _add(self._by_org, org, more)
        _add(self._by_webhook, webhook, more)


class BodyHold:
    """The bytes that one attempt is charged; 0 once they are given back."""

    __slots__ = ("_bodies", "_is_proven", "_org", "_webhook", "size")

    def __init__(
        self, bodies: BodiesUnderWay, org: OrgId, webhook: int, *, is_proven: bool
    ) -> None:
        self._bodies = bodies
        self._org = org
        self._webhook = webhook
        self._is_proven = is_proven
        self.size = 0

    def resize(self, size: int) -> None:
        """Charge so much for the attempt from now on; 0: it is over, or holds its body no more."""
        size = self._bodies.charged(size)
        more, self.size = size - self.size, size
        self._bodies.add(self._org, self._webhook, more, is_proven=self._is_proven)


def _add(held: dict[Owner, int], owner: Owner, more: int) -> None:
    now = held.get(owner, 0) + more
    if now:
        held[owner] = now
    else:
        held.pop(owner, None)


class BodyLines:
    """Webhooks that wait for room for a large body: who is next, by trust, org and arrival.

    Those that hang and new ones wait for the same room. Of the new ones of an org the last and the
    first have it by turns (as in admission.py).
    """

    def __init__(self) -> None:
        self._lines: dict[Trust, OrderedDict[OrgId, OrderedDict[int, None]]] = {
            trust: OrderedDict() for trust in Trust
        }
        self._places: dict[int, tuple[Trust, OrgId]] = {}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._places)

    def join(self, org: OrgId, webhook: int, trust: Trust) -> None:
        """Wait; who waits already keeps its place, unless it is trusted otherwise by now."""
        if (place := self._places.get(webhook)) is not None:
            if place[0] is trust:
                return
            self.leave(webhook)
        self._places[webhook] = trust, org
        self._lines[trust].setdefault(org, OrderedDict())[webhook] = None

    def leave(self, webhook: int) -> None:
        """Wait no longer; nothing if it does not."""
        if (place := self._places.pop(webhook, None)) is None:
            return
        trust, org = place
        line = self._lines[trust][org]
        del line[webhook]
        if not line:
            del self._lines[trust][org]

    def began(self, webhook: int) -> None:
        """Take a webhook whose attempt has begun out of its line, and put its org last."""
        if (place := self._places.get(webhook)) is None:
            return
        trust, org = place
        self.leave(webhook)
        if trust is not Trust.WELL:
            self._turn += 1
        if org in self._lines[trust]:
            self._lines[trust].move_to_end(org)

    def next(self, trust: Trust, refusal_of: Judge) -> int | None:
        """Return which of those that wait for the same room as one that is trusted so may begin
        now; None: nobody, or nobody waits."""
        for line in self._order(trust):
            found, is_blocked = self._first(line, refusal_of)
            if found is not None or is_blocked:  # what the first one waits for is left to it
                return found
        return None

    def trust_of(self, webhook: int) -> Trust:
        """Return in which line a webhook waits, which does."""
        return self._places[webhook][0]

    def is_empty(self, trust: Trust) -> bool:
        """Return whether nobody waits for the same room as one that is trusted so."""
        return not any(self._lines[line] for line in self._order(trust))

    def _order(self, trust: Trust) -> tuple[Trust, ...]:
        if trust is Trust.WELL:
            return (Trust.WELL,)
        if self._turn % HANGING_TURN == HANGING_TURN - 1:
            return (Trust.HANGING, Trust.NEW)
        return (Trust.NEW, Trust.HANGING)

    def _first(self, trust: Trust, refusal_of: Judge) -> tuple[int | None, bool]:
        """Return the first one that may begin, and whether the first whose share admits it waits
        for room. Those that hold their share come later: they go on as that is given back."""
        orgs = self._lines[trust]
        from_last = trust is Trust.NEW and self._turn % 2 == 0
        for org in list(islice(orgs, LOOKED_AT)):
            line = orgs[org]
            for webhook in list(islice(reversed(line) if from_last else line, LOOKED_AT)):
                refusal = refusal_of(webhook)
                if refusal is not BodyRefusal.SHARE:
                    return (webhook, False) if refusal is None else (None, True)
                line.move_to_end(webhook, last=not from_last)
            orgs.move_to_end(org)
        return None, False
