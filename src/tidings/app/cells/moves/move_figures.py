"""Figures of moves for Prometheus, of the cell that families leave."""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


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
        yield GaugeMetricFamily(
            "tidings_cell_moves_running",
            "Families that are leaving this cell; their calls are refused meanwhile.",
            value=self.running(),
        )
        yield GaugeMetricFamily(
            "tidings_cell_moves_waiting",
            "Of these, those that cannot go on now.",
            value=self.waiting(),
        )
        ended = CounterMetricFamily(
            "tidings_cell_moves", "Moves that have ended, by how.", labels=["end"]
        )
        for end in ("switched", "undone"):
            ended.add_metric([end], self.ended[end])
        yield ended
        yield CounterMetricFamily(
            "tidings_cell_move_pause_seconds",
            "Time for which the calls of families were refused, by moves that have ended.",
            value=self.paused_s,
        )
