"""Calls of actions, and what is made of an event by them."""

from collections.abc import Callable
from typing import Any

from tidings.core.actions.action import Act, HttpCall, TemplatedText
from tidings.core.actions.rendering import made_of, templates_of
from tidings.core.exact_json import read_exactly

EVENT = b"""{"eventName": "pointsIssued", "data": {"id": "t-1", "amount": 10.50, "big": 1E+2,
 "name": "Zo\\u00eb", "tags": ["a", "b"], "nothing": null, "card": {"no": 1.10}}}"""

SEEN = {"event": read_exactly(EVENT), "contact": {"email": "asha@brand.example"}}

NAME = TemplatedText("{{ name }}")

URL = "https://api.example/v1/{id}"

VALUES = {"id": "event.data.id"}


def make(act: Act, say: Callable[[TemplatedText], str] = lambda text: text.template) -> Any:
    """As the engine does, with templates that become what `say` says."""
    return made_of(act, [say(template) for template in templates_of(act)], SEEN)


def call(**more: Any) -> HttpCall:
    fields: dict[str, Any] = {"url": URL, "values": VALUES}
    return HttpCall("POST", **fields | more)
