"""What may stand behind the `?` of each page: names, and for some the values.

Whatever else stands there is refused, as lists refuse a filter that is none: a page would else show
something else than its address says. Pages that are not named here take nothing.
"""

from collections.abc import Callable, Mapping, Sequence

from starlette.datastructures import QueryParams

from tidings.console.pages import replays
from tidings.console.pages.charts.spans import SPANS
from tidings.core.form import Form
from tidings.errors import Invalid
from tidings.reads.questions import refuse_unknown_parameters
from tidings.values import describe_value

Check = Callable[[QueryParams], None]

# Lists that refuse by themselves, beside the form of their filters.
LISTS = frozenset({"/webhooks", "/deliveries", "/events", "/audit"})
OF_AN_ORG: Mapping[str, Sequence[str]] = {
    "": ("span", "part"),
    "/webhooks/new": ("type", "from", "url", "name", "event", "use"),
    "/webhooks/{id}/sample": ("event", "seen"),
    "/webhooks/{id}": ("span",),
    "/webhooks/{id}/drain": ("watched",),
    "/actions/{name}": ("runs",),
    "/actions/{name}/test": ("event",),
    "/sources/new": ("type",),
    "/sources/{id}": ("cursor", "part", "seen"),
    "/sources/{id}/edit": ("sample",),
    "/deliveries/{id}": ("attempt", "body", "seen"),
    "/events/new": ("type",),
    "/events/rejected": ("cursor",),
    "/events/{id}": ("seen",),
    "/rejections": ("cursor", "part"),
    "/catalogue": ("q",),
    "/catalogue/{name}": ("version",),
    "/reference": ("kind", "id"),
    "/tail": ("kind", "state", "type", "webhook"),
    "/tail/stream": ("kind", "state", "type", "webhook"),
    "/inboxes/{id}": ("arrival", "cursor", "newest", "part"),
    "/alerts/new": ("type",),
    "/replays": ("before",),
    "/replays/new": replays.PARAMETERS,
    "/replays/{id}": ("part",),
    "/health": ("part",),
    "/find": ("q", "part"),
}
OF_NO_ORG: Mapping[str, Sequence[str]] = {
    "/sign-in": ("link", "to"),
    "/welcome": ("link",),
    "/confirm": ("token",),
    "/orgs": ("q", "page", "to"),
    "/search": ("q", "part"),
    "/failing": ("part",),
    "/cells": ("part",),
    "/cells/move": ("org", "to"),
}
_VALUES: Mapping[str, Mapping[str, object]] = {"span": SPANS}


def check_of(taken: Mapping[str, Sequence[str]], path: str) -> Check | None:
    """Make the check of a page's address; None for a list, which checks its own."""
    if path in LISTS:
        return None
    names = taken.get(path, ())

    def check(query: QueryParams) -> None:
        form = Form(dict.fromkeys(query, ""))
        refuse_unknown_parameters(form, names)
        for name, known in _VALUES.items():
            value = query.get(name, "")
            if name in names and value and value not in known:
                form.refuse(
                    "bad_parameter",
                    name,
                    f"{name} must be one of {', '.join(known)}; got {describe_value(value)}. "
                    "Choose one of them.",
                )
        if form.refusals:
            raise Invalid(*form.refusals)

    return check
