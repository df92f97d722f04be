"""Run the `tidings` command without one feature: `python -m bench.prices.without NAME serve …`."""

import sys

from bench.prices.features import feature_of
from tidings.cli import main

if __name__ == "__main__":
    _, name, *words = sys.argv
    take = feature_of(name).take
    assert take is not None, f"{name} is left out by a webhook's fields"
    take()
    sys.argv = ["tidings", *words]
    sys.exit(main())
