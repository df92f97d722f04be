"""Python imports this by itself where it is on the path: a service with a bug in its way out.

While the file that PYTHONPATH names behind this folder is there, an error that nobody has foreseen
is raised for each message that holds `breaks-here`: just before its first byte, or after it.
"""

import os
from typing import Any

_here, _, _file = os.environ.get("PYTHONPATH", "").partition(":")
if _here == os.path.dirname(__file__) and _file:
    from tidings.egress.outlet import HttpOutlet

    _send = HttpOutlet.send

    async def _broken(self: Any, method: str, leaves: Any, body: bytes, *more: Any) -> Any:
        if b"breaks-here" not in body or not os.path.exists(_file):
            return await _send(self, method, leaves, body, *more)
        if b"breaks-here-late" in body:
            await _send(self, method, leaves, body, *more)
        raise ZeroDivisionError("7777-secret-of-the-event")

    HttpOutlet.send = _broken  # type: ignore[method-assign,assignment]
