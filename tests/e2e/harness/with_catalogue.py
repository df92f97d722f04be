"""`tidings` over another catalogue: `python with_catalogue.py FOLDER tidings serve …`."""

import sys
from pathlib import Path

import tidings.catalogue

found = tidings.catalogue.read(Path(sys.argv[1]))
tidings.catalogue.load = lambda: found  # type: ignore[assignment]  # before anybody imports it

from tidings.cli import main  # noqa: E402

sys.exit(main(sys.argv[3:]))
