"""One metric as it is declared: its name, what it means, its labels, and where it is shown."""

import re
from enum import StrEnum

import msgspec

PREFIX = "tidings_"
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


class MetricKind(StrEnum):
    """Name how a metric moves, in the words of Prometheus."""

    COUNTER = "counter"  # it only rises
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MetricDeclaration(msgspec.Struct, frozen=True):
    """One metric. The page of docs, `/metrics`, the dashboard and the alerts follow from it."""

    name: str
    """Without the prefix, and without the suffix of counters."""
    kind: MetricKind
    meaning: str
    """What it counts, for the page of docs: a sentence of Markdown without its full stop."""
    labels: tuple[str, ...] = ()
    panel: str = ""
    """The title of the dashboard's panel that shows it; empty: none does."""
    when: str = ""
    """Where it is there, if not on each service from its start: a clause."""
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, rising, in the unit of its name."""

    @property
    def family(self) -> str:
        """Return the name of the family, as the client library takes it."""
        return PREFIX + self.name

    @property
    def exposed(self) -> str:
        """Return the name on the page of figures: a counter's ends in `_total`."""
        return f"{self.family}_total" if self.kind is MetricKind.COUNTER else self.family

    @property
    def help(self) -> str:
        """Return its meaning as plain text."""
        plain = _LINK.sub(r"\1", self.meaning).replace("`", "")
        return f"{plain[:1].upper()}{plain[1:]}."

    @property
    def samples(self) -> tuple[str, ...]:
        """Return the names of its samples."""
        if self.kind is MetricKind.HISTOGRAM:
            return tuple(f"{self.family}_{part}" for part in ("bucket", "sum", "count"))
        return (self.exposed,)
