"""The webhooks of a drill: one that gets everything, and some of which nothing leaves meanwhile;
and what the books say of them in the end."""

import itertools
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from tests.drills.pair import Pair
from tests.drills.sender import Sender
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until

IN_FLIGHT = 16  # of a webhook
ANSWER_AFTER_S = 0.1  # so that something is in flight whenever a fault comes
STOPPED_EVENTS = 40  # of the org whose sending is stopped
ARRIVE_S = 180.0
LIVE, IN_ORDER = AT_WORK = ("live", "in order")
IN_FLIGHT_MOST = IN_FLIGHT * len(AT_WORK)

_OF = (
    " FROM delivery d JOIN webhook w ON w.number = d.webhook JOIN event e ON e.seq = d.event"
    " LEFT JOIN attempt a ON a.delivery = d.id"
)
_ATTEMPTS = (
    f"SELECT d.id, d.state, count(a.delivery), max(a.kind){_OF} WHERE w.id = '%s'"
    " GROUP BY d.id, d.state ORDER BY d.id"
)
_UNFINISHED = f"SELECT count(DISTINCT d.id){_OF} WHERE w.id = '%s' AND d.state IN (0, 1, 2, 7)"
_MARKED = f"SELECT e.id, count(*){_OF} WHERE w.id = '%s' AND a.kind = 'lost' GROUP BY e.id"
_DELIVERED = f"SELECT DISTINCT e.id{_OF} WHERE w.id = '%s' AND d.state = 3"
TWICE = "SELECT id FROM event WHERE org > 0 GROUP BY org, id HAVING count(*) > 1"
_BREAKER = (
    "SELECT 1 FROM webhook_health h JOIN webhook w ON w.number = h.webhook"
    " WHERE w.id = '%s' AND h.opens > 0 AND h.until_ms > 0"
)


class DrillBooks(NamedTuple):
    """What a drill has come to. `marked_at_rest`: attempts called possibly sent of webhooks of
    which nothing leaves; `unmarked`: events that came twice with no attempt called so."""

    acknowledged: int
    lost: int
    twice: int
    repeats: int
    repeated_at_rest: int
    marked_at_rest: dict[str, int]
    unmarked: int
    out_of_order: int  # first arrivals that came behind a later one of their customer

    def faults(self, in_flight: int) -> list[str]:
        """Say what does not close; `in_flight`: how many may have been under way at all faults."""
        found = {
            "acknowledged and lost": self.lost,
            "accepted twice": self.twice,
            f"repeats beyond the {in_flight} in flight": max(0, self.repeats - in_flight),
            "repeats of what had not left": self.repeated_at_rest,
            "repeats that no attempt was marked for": self.unmarked,
            "out of the order of their customer": self.out_of_order,
            **{
                f"marks of the webhook {name}": count for name, count in self.marked_at_rest.items()
            },
        }
        return [f"{count} {what}" for what, count in found.items() if count]


class Hooks:
    """The webhooks, made by an owner."""

    def __init__(self, pair: Pair, receiver: Receiver) -> None:
        self._pair = pair
        self._receiver = receiver
        self.paths = {name: receiver.path(delay=ANSWER_AFTER_S) for name in AT_WORK}
        self._waiting = {name: receiver.path() for name in ("paused", "stopped")}
        self._ids: dict[str, str] = {}
        with pair.owner.api() as api:
            self._make(api, LIVE, receiver.url(self.paths[LIVE]))
            self._make(api, IN_ORDER, receiver.url(self.paths[IN_ORDER]), ordering="key")
            self._make(api, "paused", receiver.url(self._waiting["paused"]))
            self._make(api, "disabled", receiver.url(receiver.path()))
            self._make(api, "behind its breaker", receiver.dead_url())
            self._do(api, "paused", "pause")
            self._do(api, "disabled", "disable")
            self._org = api.send("POST", "/v1/orgs", {"name": "stopped"}).must(201)["id"]
        with pair.owner.api(self._org) as api:
            self._make(api, "stopped", receiver.url(self._waiting["stopped"]))
            api.send("POST", f"/v1/orgs/{self._org}/stop", {}).must(200)
            self._stopped = [new_id() for _ in range(STOPPED_EVENTS)]
            for event_id in self._stopped:
                api.post(event(event_id, self._org)).must(202)

    def _make(self, api: Api, name: str, url: str, **fields: Any) -> None:
        made = api.webhook(url, name, maxAllowedConnections=IN_FLIGHT, **fields)
        self._ids[name] = made["webHookId"]

    def _do(self, api: Api, name: str, verb: str) -> None:
        api.send("POST", f"/v3/webHooks/{self._ids[name]}/{verb}", {}).must(200)

    def wait_for_breaker(self) -> None:
        """Wait until the dead one is left alone: events are being sent meanwhile."""
        until(lambda: self._ask(_BREAKER, "behind its breaker"), "an open breaker")

    def settled(self) -> list[tuple[Any, ...]]:
        """What is written of the deliveries of those at work, and of their attempts."""
        return [row for name in AT_WORK for row in self._ask(_ATTEMPTS, name)]

    def arrivals(self) -> int:
        """Count what has come to those at work."""
        return sum(len(self._receiver.arrivals(path)) for path in self.paths.values())

    def arrivals_in(self, from_s: float, until_s: float) -> int:
        """Count what has come to those at work in a time, by `time.monotonic`."""
        return sum(
            from_s < arrival.at_s < until_s
            for path in self.paths.values()
            for arrival in self._receiver.arrivals(path)
        )

    def without_outcome(self) -> int:
        """Count what has come to those at work and is not written as delivered."""
        found = 0
        for name, path in self.paths.items():
            written = {str(event_id) for (event_id,) in self._ask(_DELIVERED, name)}
            found += len(self._counts(path).keys() - written)
        return found

    def drain(self, senders: Sequence[Sender]) -> None:
        """Wait until all acknowledged events have come to those at work, and are written so."""
        acknowledged = {event_id for sender in senders for event_id in sender.acknowledged}
        for name, path in self.paths.items():
            all_arrive(self._receiver, path, acknowledged, ARRIVE_S)
            left = partial(self._ask, _UNFINISHED, name)
            until(lambda: left() == [(0,)], "nothing unfinished", ARRIVE_S)  # noqa: B023  # called at once

    def close(self, senders: list[Sender]) -> DrillBooks:
        """Let go what has waited, and close the books."""
        acknowledged = {event_id for sender in senders for event_id in sender.acknowledged}
        resting = sorted(self._ids.keys() - {*AT_WORK})
        marked = {name: sum(self._marked(name).values()) for name in resting}
        with self._pair.owner.api() as api:
            self._do(api, "paused", "resume")
            api.send("POST", f"/v1/orgs/{self._org}/start", {}).must(200)
        known = {"paused": acknowledged, "stopped": set(self._stopped)}
        for name, events in known.items():
            all_arrive(self._receiver, self._waiting[name], events, ARRIVE_S)
        arrived = {name: self._counts(path) for name, path in self.paths.items()}
        return DrillBooks(
            acknowledged=len(acknowledged),
            lost=sum(len(acknowledged - counts.keys()) for counts in arrived.values()),
            twice=len(self._pair.ask(TWICE)),
            repeats=sum(map(_repeats, arrived.values())),
            repeated_at_rest=sum(map(_repeats, map(self._counts, self._waiting.values()))),
            marked_at_rest=marked,
            unmarked=sum(
                len({id for id, count in counts.items() if count > 1} - self._marked(name).keys())
                for name, counts in arrived.items()
            ),
            out_of_order=sum(map(self._out_of_order, senders)),
        )

    def _out_of_order(self, sender: Sender) -> int:
        arrivals = enumerate(self._receiver.arrivals(self.paths[IN_ORDER]))
        first: dict[str, int] = {}
        for place, arrival in arrivals:
            first.setdefault(arrival.event_id, place)
        found = 0
        for sent in sender.of_customer.values():
            places = [first[event_id] for event_id in sent if event_id in first]
            found += sum(place < before for before, place in itertools.pairwise(places))
        return found

    def _counts(self, path: str) -> Counter[str]:
        return Counter(arrival.event_id for arrival in self._receiver.arrivals(path))

    def _marked(self, name: str) -> dict[str, int]:
        return {str(event_id): int(count) for event_id, count in self._ask(_MARKED, name)}

    def _ask(self, query: str, name: str) -> list[tuple[Any, ...]]:
        return self._pair.ask(query % self._ids[name])


def _repeats(counts: Counter[str]) -> int:
    return counts.total() - len(counts)
