"""What is sent once more: jobs over old events, their requests, and what a restored copy owes."""

from dataclasses import dataclass

from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import Fact
from tidings.engine.delivery.restored_backlog import RestoredBacklog
from tidings.engine.delivery.stops import Stops
from tidings.engine.events.feed import Feed
from tidings.engine.notices.notices import Notices
from tidings.engine.replay.requests import ReplayRequests
from tidings.engine.replay.runs import LaneLoad, Replays
from tidings.engine.services.events import EventServices
from tidings.engine.services.foundation import Foundation
from tidings.engine.webhooks.webhooks import Webhooks


@dataclass(frozen=True, kw_only=True)
class ReplayServices:
    """Composed after the lanes."""

    runs: Replays
    requests: ReplayRequests
    backlog: RestoredBacklog

    @classmethod
    def compose(
        cls,
        base: Foundation,
        *,
        events: EventServices,
        notices: Notices,
        webhooks: Webhooks,
        stops: Stops,
        lanes: LaneLoad,
    ) -> "ReplayServices":
        """Build what sends once more. `lanes`: who knows how busy a webhook is."""
        store, registry = base.store, base.registry
        return cls(
            runs=Replays(
                store=store,
                audit=base.audit,
                registry=registry,
                commits=events.commits,
                lanes=lanes,
                stops=stops,
                ordering_keys=events.acceptor,
                types=events.types,
                notices=_ReplayEnds(events.feed, notices),
                changed=base.heard.changed,
                switched=base.heard.switched,
                supervisor=base.supervisor,
            ),
            requests=ReplayRequests(
                store=store, webhooks=webhooks, terms=events.terms, below=registry.below
            ),
            backlog=RestoredBacklog(
                store=store, audit=base.audit, commits=events.commits, stops=stops
            ),
        )


class _ReplayEnds:
    """See `OrgNotices`: of the ends of jobs it tells who watches, and who subscribes."""

    def __init__(self, feed: Feed, notices: Notices) -> None:
        self._feed = feed
        self._notices = notices

    def tell(self, kind: str, org: OrgId, fact: Fact) -> None:
        """See `OrgNotices`."""
        self._feed.tell(org, "replay", dict(fact))
        self._notices.tell(kind, org, fact)
