"""How often an event has been through Tidings, and through which doors: what ends loops. Pure.

Every message says so in `tidings-hops`, and whoever brings it back as an event hands it in again:

    tidings-hops: 3; via=0c4e19d2a7b3.5f0a77c1e2d4.0c4e19d2a7b3; of=9b1de4420c6f

The number is one more than the event came with. `via` has the doors that it came in by, oldest
first, of this installation and of others: ids that nobody can tell an org or a source from. `of` is
the message that began it all. What cannot be read counts as the bound: nothing comes back for ever
because somebody on its way has spoilt a header.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

import msgspec

from tidings.core.events.trace_context import is_kept
from tidings.core.ids import OrgId
from tidings.errors import FieldRefusal

HEADER = "tidings-hops"
EXTENSION = "tidingshops"  # of a CloudEvent, whose attributes have no hyphens
HOPS_MAX = 8  # an event that comes with as many is kept, and sent to nobody
SAME_DOOR_MAX = 3  # … and so is one at this passage through the same door
FAMILY_MAX = 100  # messages of one event that an org may get back and send on
TEXT_MAX = 512
STOPPED = "Not delivered: "  # the warning begins so of an event that is sent to nobody
_ID_BYTES = 6
_DOORS_MAX = 32
_HOPS = re.compile(r"[0-9]{1,6}")
_DOOR = re.compile(r"[0-9A-Za-z_-]{1,32}")
_AT = "\n"  # in what is stored, before where the message was, and its trace; no header has it
_ORGS_KNOWN = 10_000


def stop_for(reason: str) -> str:
    """Return the warning, for its sender, of an event that is sent to nobody for this reason."""
    return FieldRefusal.build("loop", f"{STOPPED}{reason}", header=HEADER).message


class Passage(msgspec.Struct, frozen=True):
    """The way of an event: what its message said, and the door of ours behind that."""

    hops: int = 0
    via: tuple[str, ...] = ()
    of: str = ""
    unread: bool = False  # what it said could not be read

    def entered(self, door: str) -> "Passage":
        """Return the passage with one more door behind."""
        return msgspec.structs.replace(self, via=(*self.via, door))

    @property
    def stop(self) -> str:
        """Say why the event is sent to nobody, as a sentence for its sender; empty if it may be."""
        if self.unread:
            return stop_for(
                f"{HEADER} must be a number and what Tidings wrote behind it; it "
                f"could not be read, which counts as {HOPS_MAX} passages. Pass the header on as it "
                "came."
            )
        if self.hops >= HOPS_MAX:
            return stop_for(
                f"this event has passed through Tidings {self.hops} times; it may "
                f"{HOPS_MAX - 1} times. Look for a webhook or an action whose messages come back "
                "as events."
            )
        if self.via and self.via.count(self.via[-1]) >= SAME_DOOR_MAX:
            return stop_for(
                f"this event has come in by the same door {SAME_DOOR_MAX} times. "
                "Look for a webhook or an action whose messages come back as events."
            )
        return ""

    def text(self, place: str = "") -> str:
        """Write it as it is stored, with the place that a source has read the message from, which
        is told to nobody else."""
        text = write_passage(self.hops, ".".join(self.via), self.of)
        return f"{text}{_AT}{place}" if place else text


def was_stopped(warning: str | None) -> bool:
    """Tell from the warning that is kept with an event whether it was sent to nobody."""
    return warning is not None and warning.startswith(STOPPED)


NEW = Passage()
UNREAD = Passage(HOPS_MAX, unread=True)


def write_passage(hops: int, via: str, of: str = "") -> str:
    """Write a header's value. `via`: doors with dots between them."""
    return f"{hops}{f'; via={via}' if via else ''}{f'; of={of}' if of else ''}"


def next_hop(stored: str) -> str:
    """Write the hops for the messages of an event whose passage is stored so: one hop more."""
    hops, mark, rest = stored.partition(_AT)[0].partition(";")
    return f"{int(hops) + 1}{mark}{rest}"


def stored_place(stored: str | None) -> str:
    """Read from where a source has brought an event whose passage is stored so; empty where none
    has, or it was stored before places were."""
    if stored is None:
        return ""
    place = stored.partition(_AT)[2]
    trace = stored_trace(stored)
    return place[: -len(trace) - 1] if trace else place


def stored_trace(stored: str) -> str:
    """Read the trace of an event whose passage is stored so, as it is kept (`trace_context.py`);
    empty where it has none."""
    trace = stored.rpartition(_AT)[2]
    return trace if is_kept(trace) else ""


def with_trace(stored: str, trace: str) -> str:
    """Add its trace to what is stored of how an event came."""
    return f"{stored}{_AT}{trace}" if _AT in stored else f"{stored}{_AT}{_AT}{trace}"


def stored_door(stored: str) -> str:
    """Read by which door an event came in whose passage is stored so."""
    via = read_passage(stored.partition(_AT)[0]).via
    return via[-1] if via else ""


def read_passage(value: object, message: str = "") -> Passage:
    """Read what a message says, whoever has sent it; its id, `message`, is what all that is made of
    it is known by, where it is the first of its kind. Of several values that a proxy has joined by
    commas the one counts that has come furthest."""
    text = value if isinstance(value, str) else str(value) if value.__class__ is int else ""
    if len(text) > TEXT_MAX:
        return UNREAD
    passage = furthest(_read(part) for part in text.split(","))
    if passage.hops and message and not passage.of:
        return msgspec.structs.replace(passage, of=_family(message))
    return passage


def with_family(passage_text: str, message: str) -> str:
    """Name the message that began it all in what a message says, for whoever is told no other id
    of it."""
    return (
        passage_text
        if "of=" in passage_text or not message
        else f"{passage_text}; of={_family(message)}"
    )


def furthest(passages: Iterable[Passage]) -> Passage:
    """Pick the one that has come furthest."""
    return max(passages, key=lambda passage: (passage.unread, passage.hops, len(passage.via)))


def find_passage(headers: Iterable[tuple[str, str]]) -> str | None:
    """Find what the headers of a message say; None where they say nothing of it."""
    values = [value for name, value in headers if name.lower() == HEADER]
    return ",".join(values) if values else None


def first_of(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Put what is said of its passage first, for whoever keeps no more than so many headers."""
    return sorted(headers, key=lambda header: header[0].lower() != HEADER)


def _family(message: str) -> str:
    return hashlib.blake2b(message.encode(), digest_size=_ID_BYTES).hexdigest()


def _read(part: str) -> Passage:
    hops, *more = (text.strip(" \t") for text in part.split(";"))
    if not _HOPS.fullmatch(hops):
        return UNREAD
    fields = dict(text.split("=", 1) for text in more if "=" in text)
    via = tuple(fields["via"].split(".")) if fields.get("via") else ()
    of = fields.get("of", "")
    doors = (*via, *([of] if of else []))
    if len(via) > _DOORS_MAX or not all(_DOOR.fullmatch(door) for door in doors):
        return UNREAD
    return Passage(int(hops), via, of)


class Doors:
    """The ids of the doors by which events come in: for this installation alone to know."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._first_hops: dict[OrgId, str] = {}

    def of_org(self, org: OrgId) -> str:
        """Return the id of an org's calls that accept events."""
        return self._id(f"org {org}")

    def of_source(self, number: int) -> str:
        """Return the id of a source."""
        return self._id(f"source {number}")

    def of_action(self, webhook: int) -> str:
        """Return the id of an action that makes events."""
        return self._id(f"action {webhook}")

    def first_hop(self, org: OrgId) -> str:
        """Write the hops for the messages of an event that came by a call of its org, and with no
        passage: nearly all of them."""
        if (known := self._first_hops.get(org)) is None:
            if len(self._first_hops) >= _ORGS_KNOWN:
                self._first_hops.clear()
            known = self._first_hops[org] = write_passage(1, self.of_org(org))
        return known

    def first_passage(self, org: OrgId) -> str:
        """Write the passage of such an event as it is stored, where there is more to store."""
        return write_passage(0, self.of_org(org))

    def _id(self, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=_ID_BYTES).hexdigest()
