"""`python -m tidings_producer outbox-table`: the statements that make the table of an outbox."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tidings_producer.outbox import TABLE

USAGE = "usage: python -m tidings_producer outbox-table"


def main(words: Sequence[str]) -> int:
    """Print what was asked for; the exit code."""
    if list(words) != ["outbox-table"]:
        print(USAGE, file=sys.stderr)
        return 2
    print(TABLE, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
