"""Events in: their types, who takes them, and who is told of them."""

from dataclasses import dataclass

from tidings.catalogue import envelope
from tidings.core.events.call_reader import CallReader
from tidings.core.events.passage import Doors
from tidings.core.events.terms import Terms
from tidings.engine.events.acceptor import Acceptor
from tidings.engine.events.commit_queue import CommitQueue
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.feed import Feed
from tidings.engine.events.intake import Draft
from tidings.engine.events.late_checks import LateChecks
from tidings.engine.events.loops import LoopGuard
from tidings.engine.events.readmission import Readmission
from tidings.engine.options import EngineOptions
from tidings.engine.orgs import Orgs
from tidings.engine.services.foundation import Foundation
from tidings.ports import Ports


@dataclass(frozen=True, kw_only=True)
class EventServices:
    """Composed after the orgs, whose rules calls are read by."""

    types: EventTypes
    terms: Terms  # what events are found by
    doors: Doors  # where an event has come through
    reader: CallReader[Draft]
    late: LateChecks
    commits: CommitQueue
    acceptor: Acceptor
    readmission: Readmission
    feed: Feed

    @classmethod
    def compose(
        cls,
        base: Foundation,
        ports: Ports,
        options: EngineOptions,
        orgs: Orgs,
    ) -> "EventServices":
        """Build what takes events in. `options`: how large calls may be, and how much may wait for
        its commit."""
        registry, catalogue, key = base.registry, ports.catalogue, ports.secrets.keys.terms
        doors, terms, limits = Doors(key), Terms(key), options.limits
        late = LateChecks(ports.sandboxes)
        types = EventTypes(
            late=late,
            offload=base.offload,
            catalogue=catalogue,
            envelope=envelope(),
            store=base.store,
            changes=base.changes,
            audit=base.audit,
            below=registry.below,
            users=registry.subscribers,
        )
        commits = CommitQueue(limits.waiting_bytes_max, limits.waiting_s_max)
        acceptor = Acceptor(catalogue, terms, commits, types, LoopGuard(doors))
        reader = CallReader(
            Draft,
            catalogue,
            orgs.rules,
            ports.randomness.new_event_id,
            options.calls,
            types.own,
        )
        return cls(
            types=types,
            terms=terms,
            doors=doors,
            reader=reader,
            late=late,
            commits=commits,
            acceptor=acceptor,
            readmission=Readmission(
                store=base.store,
                audit=base.audit,
                intake=acceptor,
                reader=reader,
                clock_ms=base.clock.now_ms,
                late=late,
            ),
            feed=Feed(),
        )
