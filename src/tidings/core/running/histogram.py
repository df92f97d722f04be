"""Histograms as plain integers: an observation costs a bisection of a tuple and two additions."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from tidings.core.running.metric_list import METRICS


class Histogram:
    """Counts values by the buckets of its bounds."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """`bounds`: the upper bounds of the buckets, rising, in the unit of what is observed."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0  # of all values

    @classmethod
    def named(cls, name: str) -> "Histogram":
        """Make the histogram of a declared metric. Raise KeyError where there is none."""
        return cls(METRICS[name].bounds)

    def observe(self, value: float) -> None:
        """Count a value; one below 0, as clocks can bring, counts as 0."""
        if value > 0:
            self._counts[bisect_left(self._bounds, value)] += 1
            self.total += value
        else:
            self._counts[0] += 1

    @property
    def buckets(self) -> list[tuple[str, int]]:
        """Return the buckets by their upper bounds as Prometheus writes them, each with all below
        it."""
        bounds = [*map(str, map(float, self._bounds)), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))


class LabelledHistograms:
    """Histograms of one metric by the values of its labels, which their callers bound."""

    def __init__(self, name: str) -> None:
        """`name`: that of the declaration. Raise KeyError where there is none."""
        self._name = name
        self._by_labels: dict[tuple[str, ...], Histogram] = {}

    def observe(self, labels: tuple[str, ...], value: float) -> None:
        """Count a value under its labels."""
        (self._by_labels.get(labels) or self.of(labels)).observe(value)

    def of(self, labels: tuple[str, ...]) -> Histogram:
        """Return the histogram of these labels, for who counts in it often."""
        found = self._by_labels.get(labels)
        if found is None:
            found = self._by_labels[labels] = Histogram.named(self._name)
        return found

    def __iter__(self) -> Iterator[tuple[tuple[str, ...], Histogram]]:
        return iter(sorted(self._by_labels.items()))
