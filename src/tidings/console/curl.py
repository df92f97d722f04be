"""A request as a command line, to be tried by hand. Pure.

What stands in it was masked before: a secret is never put into a clipboard.
"""

import shlex
from typing import Any


def curl_of(request: dict[str, Any]) -> str | None:
    """`curl` with the same method, headers and bytes; None where its bytes are no text."""
    body = request["body"]
    if body is None or body["text"] is None:
        return None
    parts = ["curl", "-X", str(request["method"]), shlex.quote(str(request["url"]))]
    for one in request["headers"]:
        parts += ["\\\n  -H", shlex.quote(f"{one['name']}: {one['value']}")]
    parts += ["\\\n  --data-binary", shlex.quote(_plain(str(body["text"])))]
    return " ".join(parts)


def _plain(text: str) -> str:
    """curl reads a file where the data begins with an @; JSON does not mind a blank before it."""
    return f" {text}" if text.startswith("@") else text
