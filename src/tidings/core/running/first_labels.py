"""Which of many values a metric names by a label: those that somebody has chosen, or the first that
there were; the rest is one. A label's values are bounded so, whatever tenants make. Pure."""

from collections.abc import Collection

LABELS = 50
OTHER = "other"


class FirstLabels:
    """Labels of values, as they come."""

    def __init__(self, chosen: Collection[int] = (), most: int = LABELS) -> None:
        """`chosen`: these alone are named; none: the first `most` that are asked for."""
        self._chosen = frozenset(chosen)
        self._most = most
        self._named: dict[int, str] = {}

    def of(self, value: int) -> str:
        """Return the label of a value: itself as text, or `OTHER`. It stays that."""
        if (named := self._named.get(value)) is not None:
            return named
        if value in self._chosen or (not self._chosen and len(self._named) < self._most):
            return self._named.setdefault(value, str(value))
        return OTHER
