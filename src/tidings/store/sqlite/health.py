"""How the receivers of webhooks do, as rows; and the end of deliveries behind an open breaker."""

from collections.abc import Callable, Sequence

import apsw

from tidings.core.delivery import State
from tidings.store import port
from tidings.store.sqlite.leaps import LATER
from tidings.store.sqlite.touched import touch

_PUT = (
    "INSERT OR REPLACE INTO webhook_health (webhook, failing_since_ms, failures, cause, opens,"
    " until_ms, told, failing_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_EXPIRED = (
    "SELECT d.id FROM delivery d JOIN event e ON e.seq = d.event"
    " LEFT JOIN delivery_replay r ON r.delivery = d.id"  # its window began when it was made
    f" WHERE d.webhook = ? AND {{unfinished}} AND coalesce(r.at_ms, e.at_ms) + {LATER} < ?"
    " ORDER BY d.id LIMIT ?"
)
# The held ones first: none may be left without the one that it waits for. A retry without a due
# time is in flight, and its own ending decides.
_UNFINISHED = (
    "d.state < 3 AND d.state = 1 AND d.key NOT NULL",
    "d.state = 0",
    "d.state = 2 AND d.due_ms NOT NULL",
)


class HealthRows:
    """Shares the writer's connection."""

    def __init__(
        self,
        connection: apsw.Connection,
        clock_ms: Callable[[], int],
        free_next: Callable[[int, int], object],
    ) -> None:
        self._connection = connection
        self._clock_ms = clock_ms
        self._free_next = free_next

    def put(self, healths: Sequence[port.Health]) -> None:
        """See `port.Store.put_healths`."""
        with self._connection:
            for one in healths:
                if one == port.Health(one.webhook):
                    self._connection.execute(
                        "DELETE FROM webhook_health WHERE webhook = ?", (one.webhook,)
                    )
                else:
                    self._connection.execute(
                        _PUT,
                        (
                            one.webhook,
                            one.failing_since_ms,
                            one.failures,
                            one.cause,
                            one.opens,
                            one.until_ms,
                            one.told,
                            one.failing_ms,
                        ),
                    )

    def all(self) -> list[port.Health]:
        """See `port.Store.healths`."""
        return [
            port.Health(*row)
            for row in self._connection.execute(
                "SELECT webhook, failing_since_ms, failures, cause, opens, until_ms, told,"
                " failing_ms FROM webhook_health ORDER BY webhook"
            )
        ]

    def park_expired(self, webhook: int, accepted_before_ms: int, limit: int) -> int:
        """See `port.Store.park_expired`. What waited behind a parked one is PENDING now."""
        run = self._connection.execute
        parked = 0
        with self._connection:
            keys: set[int] = set()
            for unfinished in _UNFINISHED:
                chosen = [
                    int(id)
                    for (id,) in run(
                        _EXPIRED.format(unfinished=unfinished),
                        (webhook, accepted_before_ms, limit - parked),
                    )
                ]
                for id in chosen:
                    [(key,)] = run(
                        "UPDATE delivery SET state = ?, done_ms = ?, due_ms = NULL WHERE id = ?"
                        " RETURNING key",
                        (State.PARKED, self._clock_ms(), id),
                    ).fetchall()
                    if key is not None:
                        keys.add(int(key))
                touch(self._connection, chosen)
                parked += len(chosen)
                if parked >= limit:
                    break
            for key in keys:
                self._free_next(webhook, key)
        return parked
