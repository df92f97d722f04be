"""Writes the table of metrics into a page: `python -m tools.metrics_page PAGE`."""

import sys
from pathlib import Path

from tidings.core.running.metric_list import METRICS

BEGIN = "<!-- made by `make docs` from the declarations: the metrics -->"
END = "<!-- the end of the metrics -->"
HEAD = "| Metric | Type | Labels | What |\n|---|---|---|---|\n"


def table() -> str:
    """Return the table of all metrics, in the order of their declarations."""
    rows = []
    for metric in METRICS.values():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        where = f" ({metric.when})" if metric.when else ""
        rows.append(f"| `{metric.exposed}` | {metric.kind} | {labels} | {metric.meaning}{where} |")
    return HEAD + "\n".join(rows)


def page(text: str) -> str:
    """Return a page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(page(path.read_text("utf-8")), "utf-8")
