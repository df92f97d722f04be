"""The rule of a refusal's `field` (on `/v1`: `path`): the bare name of the field, parameter or
header that the sentence names at its end, and empty where it names none."""

import json
import re
from typing import Any

PLACE = re.compile(r" \((?P<code>[^(),]+), (?P<where>[^()]+)\)$")
# What a call can be refused for that has no name of its own.
NAMELESS = re.compile(r"-|body|path|session|credential|user|line \S+")


def name_in(message: str) -> str | None:
    """The name that goes with a sentence; None for one without a place, as an event's is."""
    place = PLACE.search(message)
    if place is None:
        return None
    kind, _, name = place["where"].partition(" ")
    if kind in ("field", "header"):
        return name
    assert NAMELESS.fullmatch(place["where"]), message
    return ""


def well_named(status: int, body: bytes) -> None:
    """Fails for an answer whose `field` is not what its sentence names."""
    if status < 400 or not body.startswith(b"{"):
        return
    said = json.loads(body)
    errors = [said["error"]] if isinstance(said.get("error"), dict) else said.get("errors") or []
    for error in errors + (said.get("warnings") or []):
        _check(error)


def _check(error: dict[str, Any]) -> None:
    if "message" not in error:
        return
    field = error.get("field", error.get("path", ""))
    wanted = name_in(error["message"])
    if wanted is not None:
        assert field == wanted, error
    # A misspelt name is told as it came; all others are names of ours.
    if error["code"] not in ("unknown_field", "unknown_parameter", "header_repeated"):
        assert re.fullmatch(r"[^\s:;]{0,255}", field), error
