"""The webhooks of a drill: one that gets everything, and some of which nothing leaves meanwhile;
and what the books say of them in the end."""

from collections import Counter
from typing import Any, NamedTuple

from tests.drills.pair import Pair
from tests.drills.sender import Sender
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until

IN_FLIGHT = 16
ANSWER_AFTER_S = 0.1  # so that something is in flight whenever a fault comes
STOPPED_EVENTS = 40  # of the org whose sending is stopped
ARRIVE_S = 180.0

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

    def faults(self, in_flight: int) -> list[str]:
        """Say what does not close; `in_flight`: how many may have been under way at all faults."""
        found = {
            "acknowledged and lost": self.lost,
            "accepted twice": self.twice,
            f"repeats beyond the {in_flight} in flight": max(0, self.repeats - in_flight),
            "repeats of what had not left": self.repeated_at_rest,
            "repeats that no attempt was marked for": self.unmarked,
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
        self.path = receiver.path(delay=ANSWER_AFTER_S)
        self._waiting = {name: receiver.path() for name in ("paused", "stopped")}
        self._ids: dict[str, str] = {}
        with pair.owner.api() as api:
            self._make(api, "live", receiver.url(self.path))
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

    def _make(self, api: Api, name: str, url: str) -> None:
        made = api.webhook(url, name, maxAllowedConnections=IN_FLIGHT)
        self._ids[name] = made["webHookId"]

    def _do(self, api: Api, name: str, verb: str) -> None:
        api.send("POST", f"/v3/webHooks/{self._ids[name]}/{verb}", {}).must(200)

    def wait_for_breaker(self) -> None:
        """Wait until the dead one is left alone: events are being sent meanwhile."""
        until(lambda: self._ask(_BREAKER, "behind its breaker"), "an open breaker")

    def settled(self) -> list[tuple[Any, ...]]:
        """What is written of the deliveries of the live one, and of their attempts."""
        return self._ask(_ATTEMPTS, "live")

    def arrivals(self) -> int:
        """Count what has come to the live one."""
        return len(self._receiver.arrivals(self.path))

    def drain(self, sender: Sender) -> None:
        """Wait until all acknowledged events have come to the live one, and are written so."""
        all_arrive(self._receiver, self.path, set(sender.acknowledged), ARRIVE_S)
        until(lambda: self._ask(_UNFINISHED, "live") == [(0,)], "nothing unfinished", ARRIVE_S)

    def close(self, senders: list[Sender]) -> DrillBooks:
        """Let go what has waited, and close the books."""
        acknowledged = {event_id for sender in senders for event_id in sender.acknowledged}
        marked = {name: sum(self._marked(name).values()) for name in self._ids if name != "live"}
        with self._pair.owner.api() as api:
            self._do(api, "paused", "resume")
            api.send("POST", f"/v1/orgs/{self._org}/start", {}).must(200)
        known = {"paused": acknowledged, "stopped": set(self._stopped)}
        for name, events in known.items():
            all_arrive(self._receiver, self._waiting[name], events, ARRIVE_S)
        repeats = self._counts(self.path)
        again = {event_id for event_id, count in repeats.items() if count > 1}
        return DrillBooks(
            acknowledged=len(acknowledged),
            lost=len(acknowledged - repeats.keys()),
            twice=len(self._pair.ask(TWICE)),
            repeats=sum(repeats.values()) - len(repeats),
            repeated_at_rest=sum(
                sum(counts.values()) - len(counts)
                for counts in map(self._counts, self._waiting.values())
            ),
            marked_at_rest=marked,
            unmarked=len(again - self._marked("live").keys()),
        )

    def _counts(self, path: str) -> Counter[str]:
        return Counter(arrival.event_id for arrival in self._receiver.arrivals(path))

    def _marked(self, name: str) -> dict[str, int]:
        return {str(event_id): int(count) for event_id, count in self._ask(_MARKED, name)}

    def _ask(self, query: str, name: str) -> list[tuple[Any, ...]]:
        return self._pair.ask(query % self._ids[name])
