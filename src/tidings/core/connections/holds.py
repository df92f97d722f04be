"""Which of the operator's connections carry no messages now, when each is probed, and who is told.

    works ──(an attempt could not use it, whatever its message)──► suspected
    suspected ──(a probe is let in)──► works        ──(a probe is not)──► held
    held ──(a probe is let in)──► works             ──(a probe is not)──► held, probed again later

What an attempt says is a suspicion and no more. A probe decides: it holds nothing that a tenant has
written, neither topic nor table nor recipient nor message, so that nobody can have a connection
held that works for the others. Until the probe has ended, only the webhooks wait that suspect it;
while it is held, all that go over it do. What a held connection keeps from leaving is charged to
nobody.

Probes of one connection are never two at a time, and lie `APART_S` apart at least, however many
attempts suspect it. Pure; seconds of one clock are passed in.
"""

from enum import Enum, auto

import msgspec

PROBE_LEAST_S, PROBE_MOST_S = 5.0, 30.0  # between the probes of one that is held
APART_S = 1.0  # between the probes of one that is suspected again and again
ORGS_NOTIFIED_AFTER_S = 60.0
ORGS_AT_ONCE = 100  # told at one time: what tells them holds no more than so many
REMEMBERED_MAX = 1000  # ends of probes, by connection


class ProbeOutcome(Enum):
    """The change that the end of a probe has made."""

    CLEARED = auto()  # it works: what was suspected is the attempts' own
    HELD = auto()  # it does not
    STILL_HELD = auto()
    RELEASED = auto()  # it works again


class Hold(msgspec.Struct, frozen=True):
    """A connection that carries nothing now."""

    connection: str
    reason: str  # why, in sentences for everybody who may name it
    since_ms: int
    probes: int  # that it has failed


class _Gate(msgspec.Struct):
    """Facts about a connection that an attempt could not use."""

    since_s: float
    since_ms: int
    next_s: float  # the next probe; not before
    reason: str = ""
    probes: int = 0  # that it has failed; 0: it is only suspected
    probed_s: float = 0.0  # when the last of them has ended
    is_probed: bool = False
    webhooks: set[int] = msgspec.field(default_factory=set)  # that suspect it
    orgs: set[int] = msgspec.field(default_factory=set)  # that were told


class ConnectionHolds:
    """Of one process, by the names of connections."""

    def __init__(self) -> None:
        self._gates: dict[str, _Gate] = {}
        self._probed_s: dict[str, float] = {}  # when the last probe of those that work has ended

    def __bool__(self) -> bool:
        """Tell whether any is suspected or held."""
        return bool(self._gates)

    def suspect(self, connection: str, webhook: int, now_s: float, now_ms: int) -> bool:
        """Note that an attempt of a webhook could not use a connection. Return whether that is
        known already: it is held."""
        gate = self._gates.get(connection)
        if gate is None:
            apart_s = self._probed_s.pop(connection, now_s - APART_S) + APART_S
            gate = self._gates[connection] = _Gate(now_s, now_ms, max(now_s, apart_s))
        if gate.probes:
            return True
        gate.webhooks.add(webhook)
        return False

    def bars(self, connection: str, webhook: int) -> bool:
        """Return whether nothing of a webhook may start that goes over the connection."""
        gate = self._gates.get(connection)
        return gate is not None and (gate.probes > 0 or webhook in gate.webhooks)

    def hold_of(self, connection: str) -> Hold | None:
        """Return why nothing goes over a connection; None where something does."""
        gate = self._gates.get(connection)
        if gate is None or not gate.probes:
            return None
        return Hold(connection, gate.reason, gate.since_ms, probes=gate.probes)

    def held(self) -> list[Hold]:
        """List the connections that carry nothing, by name."""
        found = (self.hold_of(connection) for connection in sorted(self._gates))
        return [hold for hold in found if hold is not None]

    # -- probes -----------------------------------------------------------------------------------

    def take_due(self, now_s: float) -> list[str]:
        """List the connections to probe now; each is under way until `probe_ended`."""
        due = [
            connection
            for connection, gate in self._gates.items()
            if not gate.is_probed and gate.next_s <= now_s
        ]
        for connection in due:
            self._gates[connection].is_probed = True
        return due

    def wait_s(self, now_s: float) -> float | None:
        """Compute the seconds until a probe is due; None where none will be."""
        waits = [gate.next_s - now_s for gate in self._gates.values() if not gate.is_probed]
        return max(0.0, min(waits)) if waits else None

    def hasten(self, connection: str, now_s: float) -> None:
        """Probe a held connection at once: somebody has mended it, and wants to see that."""
        gate = self._gates.get(connection)
        if gate is not None and gate.probes:
            gate.next_s = min(gate.next_s, max(now_s, gate.probed_s + APART_S))

    def probe_ended(self, connection: str, now_s: float, trouble: str) -> ProbeOutcome:
        """Judge by the end of a probe. `trouble`: why it was not let in; blank: it was."""
        gate = self._gates[connection]
        gate.is_probed = False
        if not trouble:
            del self._gates[connection]
            self._remember(connection, now_s)
            return ProbeOutcome.RELEASED if gate.probes else ProbeOutcome.CLEARED
        gate.probes += 1
        gate.reason, gate.probed_s = trouble, now_s
        gate.next_s = now_s + min(PROBE_MOST_S, PROBE_LEAST_S * 2 ** min(gate.probes - 1, 10))
        gate.webhooks.clear()  # all wait now
        return ProbeOutcome.HELD if gate.probes == 1 else ProbeOutcome.STILL_HELD

    def probe_lost(self, connection: str, now_s: float) -> None:
        """Note that a probe was cut off, which tells nothing: it is made again."""
        if (gate := self._gates.get(connection)) is not None:
            gate.is_probed = False
            gate.next_s = now_s + APART_S

    def _remember(self, connection: str, now_s: float) -> None:
        if len(self._probed_s) >= REMEMBERED_MAX:
            before_s = now_s - APART_S
            self._probed_s = {name: at for name, at in self._probed_s.items() if at > before_s}
        self._probed_s[connection] = now_s

    # -- who is told ------------------------------------------------------------------------------

    def orgs_to_tell(self, connection: str, orgs: set[int], now_s: float) -> list[int]:
        """List those of the orgs that go over a held connection and are to be told now, each
        once; a few at a time."""
        gate = self._gates.get(connection)
        if gate is None or not gate.probes or now_s - gate.since_s < ORGS_NOTIFIED_AFTER_S:
            return []
        due = sorted(orgs - gate.orgs)[:ORGS_AT_ONCE]
        gate.orgs.update(due)
        return due
