"""Figures of moves for Prometheus, of the cell that families leave."""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.registry import Collector

from tidings.engine.running.metric_families import single_value, values_by_label


class MoveFigures(Collector):
    """Counts moves by their ends, and for how long calls were refused."""

    def __init__(self) -> None:
        self.running: Callable[[], int] = lambda: 0
        self.waiting: Callable[[], int] = lambda: 0
        self.ended: Counter[str] = Counter()
        self.paused_s = 0.0

    def count_end(self, end: str, paused_s: float) -> None:
        """Count a move that has ended, `switched` or `undone`."""
        self.ended[end] += 1
        self.paused_s += paused_s

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        yield single_value("cell_moves_running", self.running())
        yield single_value("cell_moves_waiting", self.waiting())
        ended = {end: self.ended[end] for end in ("switched", "undone")}
        yield values_by_label("cell_moves", ended)
        yield single_value("cell_move_pause_seconds", self.paused_s)
