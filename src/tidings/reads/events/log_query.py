"""What the logs are asked for: filters that combine, and cursors to both sides. Pure."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, tzinfo

import msgspec

from tidings.core.delivery.states import State
from tidings.core.form import Form, came, nearest
from tidings.core.ids import EVENT_ID, WebhookId, read, show
from tidings.errors import Invalid

LIMIT, LIMIT_MAX = 50, 200
VALUE_MAX = 255
LISTED_MAX = 100  # values of one filter
OLDER, NEWER = "older", "newer"  # what an opaque cursor begins with

_WORDS = {state.word: int(state) for state in State}
_EPOCH_MS = re.compile(r"[0-9]{1,15}")
_OF_EVENTS = frozenset(("eventName", "from", "to", "q", "requestId", "refId", "eventId"))
_COMMON = _OF_EVENTS | {"webHookId", "status", "limit", "cursor"}
VALUES = ("q", "requestId", "refId", "customer", "bill", "card")  # an event has all that are said
DELIVERY_FILTERS = _COMMON
EVENT_FILTERS = _COMMON | {"matched"}


class LogQuestion(msgspec.Struct, frozen=True):
    """The filters of a call; what was not asked for is empty."""

    webhook_ids: tuple[WebhookId, ...]
    states: tuple[int, ...]
    event_names: tuple[str, ...]
    from_ms: int | None
    to_ms: int | None
    values: tuple[str, ...]  # an event must be found by all of them
    event_id: str | None
    matched: bool | None
    limit: int
    before: int | None
    after: int | None


def read_question(
    query: Mapping[str, str], known: frozenset[str], zone: tzinfo, limit_max: int = LIMIT_MAX
) -> LogQuestion:
    """The parameters of a call. Refused with all that is wrong with them."""
    form = Form(dict(query))
    refuse_unknown_parameters(form, known)
    limit = form.whole("limit", 1, limit_max, LIMIT)
    before, after = _cursor(form)
    question = LogQuestion(
        tuple(WebhookId(one) for one in _listed(form, "webHookId")),
        _states(form),
        _listed(form, "eventName"),
        _time(form, "from", zone),
        _time(form, "to", zone),
        tuple(value for name in VALUES if (value := _value(form, name))),
        _event_id(form),
        _matched(form),
        limit,
        before,
        after,
    )
    if form.refusals:
        raise Invalid(*form.refusals)
    return question


def refuse_unknown_parameters(form: Form, known: Collection[str]) -> None:
    """A filter that is not known would filter nothing."""
    listed = ", ".join(sorted(known)) or "none: this call takes none"
    for name in form.body:
        if name not in known:
            form.refuse(
                "unknown_parameter",
                name[:64],
                f"A parameter must be one of {listed}; got {came(name)}."
                f"{nearest(name, known) or ' Check its spelling.'}",
            )


def cursor(side: str, at: int | None) -> str | None:
    """An opaque cursor to one side of a page."""
    return None if at is None else show(side, at)


def cursors(older: int | None, newer: int | None) -> dict[str, str | None]:
    """Both sides of a page, as an answer shows them."""
    return {"older": cursor(OLDER, older), "newer": cursor(NEWER, newer)}


def read_older(said: str) -> int:
    """The number of a cursor of a list that goes one way, to what is older. Invalid."""
    form = Form({"cursor": said})
    before, _ = _cursor(form)
    if before is None:
        if not form.refusals:  # it is one to what is newer
            _refuse_cursor(form, said)
        raise Invalid(*form.refusals)
    return before


def _cursor(form: Form) -> tuple[int | None, int | None]:
    said = form.body.get("cursor")
    if not said:
        return None, None
    if (before := read(OLDER, said)) is not None:
        return before, None
    if (after := read(NEWER, said)) is not None:
        return None, after
    _refuse_cursor(form, said)
    return None, None


def _refuse_cursor(form: Form, said: str) -> None:
    form.refuse(
        "bad_cursor",
        "cursor",
        f"cursor must be paging.next or paging.previous of an answer to the same question; got "
        f"{came(said)}. Leave it out to begin with the newest.",
    )


def _listed(form: Form, field: str) -> tuple[str, ...]:
    said = form.body.get(field, "")
    values = tuple(dict.fromkeys(filter(None, (one.strip() for one in said.split(",")))))
    if len(values) > LISTED_MAX or any(len(one) > VALUE_MAX for one in values):
        form.refuse(
            "bad_parameter",
            field,
            f"{field} must be at most {LISTED_MAX} values with commas, each of at most {VALUE_MAX} "
            f"characters; got {len(values)}. Ask in parts.",
        )
        return ()
    return values


def _states(form: Form) -> tuple[int, ...]:
    states = set()
    for word in _listed(form, "status"):
        if (state := _WORDS.get(word.lower())) is None:
            form.refuse(
                "bad_status",
                "status",
                f"status must be {', '.join(_WORDS)}, or several with commas; got {came(word)}. "
                "Leave it out for all.",
            )
            return ()
        states.add(state)
    return tuple(sorted(states))


def _time(form: Form, field: str, zone: tzinfo) -> int | None:
    said = form.body.get(field)
    if not said:
        return None
    if _EPOCH_MS.fullmatch(said):
        return int(said)
    try:
        moment = datetime.fromisoformat(said)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return max(0, round(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        form.refuse(
            "bad_time",
            field,
            f"{field} must be an ISO time or milliseconds since 1970; got {came(said)}. Write "
            "2026-02-11T09:15:00Z.",
        )
        return None


def _value(form: Form, field: str) -> str:
    value = form.body.get(field, "").strip()
    if len(value) > VALUE_MAX:
        form.refuse(
            "bad_parameter",
            field,
            f"{field} must be at most {VALUE_MAX} characters; got {len(value)}. Give the value "
            "itself.",
        )
        return ""
    return str(value)


def _event_id(form: Form) -> str | None:
    said = form.body.get("eventId")
    if not said:
        return None
    if EVENT_ID.fullmatch(said):
        return str(said)
    form.refuse(
        "bad_parameter",
        "eventId",
        f"eventId must be 1 to 128 of A-Z a-z 0-9 _ : -; got {came(said)}. Copy it from the event.",
    )
    return None


def _matched(form: Form) -> bool | None:
    said = form.body.get("matched")
    if not said:
        return None
    if said in ("true", "false"):
        return bool(said == "true")
    form.refuse(
        "bad_parameter",
        "matched",
        f"matched must be true or false; got {came(said)}. Write false for events that no webhook "
        "wanted.",
    )
    return None
