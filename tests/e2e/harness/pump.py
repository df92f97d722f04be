"""Load with books: which events were acknowledged, and whether each of them has arrived."""

import threading
from collections.abc import Callable

from .api import Api
from .events import event, new_id
from .receiver import Receiver
from .until import PATIENCE_S, until

Connect = Callable[[], Api]


class Pump:
    """Posts single events on several connections until it is stopped, or the service is gone."""

    def __init__(self, connect: Connect, org: int, connections: int = 6) -> None:
        self.acknowledged: set[str] = set()
        self.refused: dict[str, int] = {}  # what was answered otherwise, with its status
        self.unanswered: set[str] = set()
        self._connect = connect
        self._org = org
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, daemon=True) for _ in range(connections)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        with self._connect() as api:
            while not self._stop.is_set():
                event_id = new_id()
                try:
                    status = api.post(event(event_id, self._org)).status
                except OSError:
                    self.unanswered.add(event_id)  # may be accepted or not
                    return
                if status == 202:
                    self.acknowledged.add(event_id)
                else:
                    self.refused[event_id] = status

    def wait(self, count: int, seconds: float = PATIENCE_S) -> None:
        """Until this many are acknowledged."""
        until(lambda: len(self.acknowledged) >= count, f"{count} acknowledged events", seconds)

    def stop(self) -> set[str]:
        """End it; the ids of all acknowledged events."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        return set(self.acknowledged)


def all_arrive(
    receiver: Receiver, path: str, acknowledged: set[str], seconds: float = PATIENCE_S
) -> None:
    """That every acknowledged event comes to a path; the proof that nothing was lost."""
    until(
        lambda: not (acknowledged - receiver.known_ids(path)),
        f"all {len(acknowledged)} acknowledged events at {path}",
        seconds,
    )
