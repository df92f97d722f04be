"""Python imports this by itself where it is on the path: a service without what extras bring.

While the file that PYTHONPATH names behind this folder is there, no client library can be imported.
"""

import os
import sys
from importlib.abc import MetaPathFinder
from typing import Any

LIBRARIES = ("aiokafka", "psycopg", "aiosmtplib")

_here, _, _file = os.environ.get("PYTHONPATH", "").partition(":")


class _Missing(MetaPathFinder):
    """Finds nothing, and lets nobody else find it."""

    def find_spec(self, name: str, *_: Any) -> None:
        """Raise ModuleNotFoundError for a library that is not installed."""
        if name.partition(".")[0] in LIBRARIES and os.path.exists(_file):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if _here == os.path.dirname(__file__) and _file:
    sys.meta_path.insert(0, _Missing())
