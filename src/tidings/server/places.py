"""Who has a place, and who gives way when places are short. No IO, no clock.

A connection is *unfinished* while its peer still sends a request or does not read an answer, *idle*
between two calls, *queued* while its next call waits for its turn, or its call is *worked on*. The
last never gives way: it has done all that can be asked of it. Of the unfinished, the oldest of the
address that has the most; of the idle, the one that was used longest ago, those first that have
made a single call. Before them go those that have sent calls behind others, which wait in line;
last of all, those whose only call does, known callers behind strangers, and they are told so.
"""

from collections.abc import Hashable, Iterator
from itertools import islice
from typing import Generic, TypeVar

from tidings.server.bounds import Bounds

C = TypeVar("C", bound=Hashable)
_ROOM = 20  # a part of the places that the unfinished may always have, one in so many
_ROOM_MIN = 8
_ASKED = 32  # of those that are unfinished, for one newcomer: some have just gone on
NOBODY = ""  # the address of those that are not known yet


class ConnectionPlaces(Generic[C]):
    """The places of one server."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._room = max(_ROOM_MIN, bounds.places // _ROOM)
        self._others_max = int(bounds.places * bounds.others_share)
        self._open: set[C] = set()
        self._by_address: dict[str, dict[C, None]] = {}
        self._waits: dict[C, tuple[str, float]] = {}  # the unfinished, in the order they began
        self._once: dict[C, None] = {}  # idle after one call
        self._idle: dict[C, None] = {}  # idle after several
        self._behind: dict[C, None] = {}  # queued, with calls that were sent behind others
        self._alone: dict[C, None] = {}  # queued, with the one call that it has sent
        self._known: dict[C, None] = {}  # the same, of a known caller
        self.others = 0  # calls worked on that no place is kept for

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[C]:
        return iter(list(self._open))

    @property
    def spent(self) -> bool:
        """Return whether even the spare places are taken."""
        return len(self._open) >= self._bounds.places + self._bounds.spare

    @property
    def unfinished(self) -> list[C]:
        """Whoever still sends, or does not read; the oldest first."""
        return list(self._waits)

    def idle(self) -> Iterator[C]:
        """List the connections that wait between two calls, in the order in which they give way."""
        yield from list(self._once)
        yield from list(self._idle)

    @property
    def queued(self) -> list[C]:
        """Whoever waits for a turn."""
        return [*self._behind, *self._alone, *self._known]

    def admits_another(self) -> bool:
        """Return whether a call that no place is kept for may be worked on."""
        return self.others < self._others_max

    @property
    def room(self) -> int:
        """Return how many more calls that no place is kept for may be worked on."""
        return self._others_max - self.others

    # -- how a connection stands ------------------------------------------------------------------

    def enter(self, one: C) -> None:
        """Enter a connection that has been accepted."""
        self._open.add(one)

    def leave(self, one: C) -> None:
        """Remove a connection that is closed, or about to be. Idempotent."""
        self._open.discard(one)
        self.work(one)

    def work(self, one: C) -> None:
        """Note that its call is worked on."""
        if one in self._idle:
            del self._idle[one]
        elif one in self._once:
            del self._once[one]
        elif one in self._behind:
            del self._behind[one]
        elif one in self._alone:
            del self._alone[one]
        elif one in self._known:
            del self._known[one]
        elif (waits := self._waits.pop(one, None)) is not None:
            group = self._by_address[waits[0]]
            del group[one]
            if not group:
                del self._by_address[waits[0]]

    def rest(self, one: C, *, proven: bool, worked: bool = False) -> None:
        """Note that it is between two calls; `proven`, after more than one; `worked`: its call has
        just been worked on."""
        if not worked:
            self.work(one)
        if one in self._open:
            (self._idle if proven else self._once)[one] = None

    def queue(self, one: C, *, fresh: bool, known: bool = False) -> None:
        """Note that its next call waits for its turn; `fresh`, not behind others that it has sent;
        `known`: it is a known caller's."""
        self.work(one)
        if one in self._open:
            alone = self._known if known else self._alone
            (alone if fresh else self._behind)[one] = None

    def wait(self, one: C, address: str, now_s: float) -> None:
        """Note that its peer, known by `address`, has still to send or to read."""
        self.work(one)
        if one in self._open:
            self._waits[one] = (address, now_s)
            self._by_address.setdefault(address, {})[one] = None

    # -- who gives way ----------------------------------------------------------------------------

    def beyond(self, now_s: float) -> list[C]:
        """List the unfinished connections that addresses have beyond their bound; the oldest of
        each."""
        bound, since_s = self._bounds.per_address, now_s - self._bounds.young_s
        return [
            connection
            for address, group in self._by_address.items()
            if address != NOBODY
            for connection in islice(group, max(0, len(group) - bound))
            if self._waits[connection][1] < since_s
        ]

    def give_way(self, now_s: float) -> Iterator[C]:
        """Return in which order connections give their places to a newcomer.

        Who has only just come gives way to nobody: its request may be on its way.
        """
        since_s = now_s - self._bounds.breath_s
        yield from list(islice(self._behind, _ASKED))
        if len(self._waits) > self._room:
            greedy = max(self._by_address, key=lambda address: len(self._by_address[address]))
            for connection in list(islice(self._by_address[greedy], _ASKED)):
                if self._waits[connection][1] >= since_s:
                    return
                yield connection
            return
        yield from self.idle()
        for waited, (_, began_s) in list(self._waits.items()):
            if began_s < since_s:
                yield waited
        yield from list(islice(self._alone, _ASKED))
        yield from list(islice(self._known, _ASKED))
