"""What a webhook's log is asked for: filters, order and cursor, or why they cannot be. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

import msgspec

from tidings.api.answers import RefusalAnswer
from tidings.api.v3.event_log_view import STATUSES, shown_duration_ms, status_word
from tidings.core.delivery.states import State
from tidings.core.form import Form
from tidings.errors import FieldRefusal
from tidings.reads.filters import SearchValueType
from tidings.reads.questions import read_value
from tidings.store.port import StoredDelivery
from tidings.values import describe_value

DAYS_30_MS = 30 * 86_400_000
LIMIT, LIMIT_MAX = 50, 200
NAMES_MAX = 100
TIME = "eventIngestionTimestamp"

Key = Callable[[StoredDelivery], Any]


def _place_of_duration(row: StoredDelivery) -> tuple[bool, int]:
    took_ms = shown_duration_ms(row, waited=row.state == State.WAITING)
    return took_ms is not None, took_ms or 0


# What a log is sorted by beside its time: the newest `SORTED_MAX` rows that fit are sorted.
SORTS: dict[str, Key] = {
    "webhookDuration": _place_of_duration,
    "eventType": lambda row: row.event_name.lower(),
    "status": lambda row: status_word(row.state),
    "webhookHttpStatus": lambda row: (row.status is not None, row.status or 0),
}
_WORDS = {
    **{word.lower(): states for word, states in STATUSES.items()},
    "success": STATUSES["Delivered"],
    **{state.word: (state,) for state in (State.HELD, State.PARKED, State.CANCELLED)},
}
_EPOCH_MS = re.compile(r"[0-9]{1,15}")
_BY_TIME = re.compile(r"([da])([0-9]{1,18})")
_SORTED = re.compile(r"s([0-9]{1,18})-([0-9]{1,6})")


LOG_PARAMETERS = frozenset(
    "eventType eventSearchKey requestId apiRequestId status startDate endDate sortBy limit "
    "cursor".split()
)
METRICS_PARAMETERS = frozenset(("startDate", "endDate"))
_WARNINGS_MAX = 20


class Period(msgspec.Struct, frozen=True):
    """Both ends belong to it (epoch ms)."""

    start_ms: int
    end_ms: int


class LogRequest(msgspec.Struct, frozen=True):
    """A request for a part of a log."""

    period: Period
    event_names: tuple[str, ...]
    states: tuple[int, ...]
    values: tuple[str, ...]  # that an event must be found by, all of them
    field: str  # to sort by
    descending: bool
    limit: int
    at: int | None  # by time: the id to go on from; else where the newest row was
    offset: int  # sorted by something else: how many rows came before


def read_period(form: Form, now_ms: int) -> Period:
    """Read `startDate` and `endDate`; the last 30 days where they are not given."""
    end = _epoch_ms(form, "endDate", now_ms)
    start = _epoch_ms(form, "startDate", max(0, end - DAYS_30_MS))
    if start > end:
        form.refuse(
            "bad_period",
            "startDate",
            f"startDate must not be after endDate; got {start} and {end}. Change one of them.",
        )
    return Period(start, end)


def read_question(query: Mapping[str, str], now_ms: int) -> LogRequest:
    """Read the query parameters of a log. Raise RefusalAnswer for all that is wrong with them."""
    form = Form(dict(query))
    period = read_period(form, now_ms)
    field, descending = _order(form)
    limit = form.whole("limit", 1, LIMIT_MAX, LIMIT)
    at, offset = _cursor(form, field, descending)
    question = LogRequest(
        period=period,
        event_names=_names(form),
        states=_states(form),
        values=_values(form),
        field=field,
        descending=descending,
        limit=limit,
        at=at,
        offset=offset,
    )
    if form.refusals:
        raise RefusalAnswer(400, form.refusals)
    return question


def passed_over(query: Mapping[str, str], known: frozenset[str]) -> tuple[FieldRefusal, ...]:
    """Return a warning for each parameter that is not known. The original's names for paging are
    not documented: whoever sends some would take the same rows for another page."""
    form = Form({})
    for name in [name for name in query if name not in known][:_WARNINGS_MAX]:
        form.warn(
            "parameter_passed_over",
            name[:64],
            f"A parameter must be one of {', '.join(sorted(known))}; got {describe_value(name)}. "
            "It was ignored. Page through the log with limit and cursor, the paging.next of the "
            "previous answer.",
        )
    return tuple(form.warnings)


def cursor_of(question: LogRequest, at: int, offset: int = 0) -> str:
    """Build the cursor that leads to the page behind this one."""
    if question.field == TIME:
        return f"{'d' if question.descending else 'a'}{at}"
    return f"s{at}-{offset}"


def _epoch_ms(form: Form, field: str, default: int) -> int:
    value = form.body.get(field)
    if not value:
        return default
    if _EPOCH_MS.fullmatch(value):
        return int(value)
    form.refuse(
        "bad_parameter",
        field,
        f"{field} must be milliseconds since 1970; got {describe_value(value)}. Write "
        f"{default}, or leave it out.",
    )
    return default


def _order(form: Form) -> tuple[str, bool]:
    sort_by = form.body.get("sortBy")
    if not sort_by:
        return TIME, True
    field, _, direction = sort_by.partition(":")
    if field in (TIME, *SORTS) and direction.lower() in ("", "asc", "desc"):
        return field, direction.lower() != "asc"
    fields = ", ".join((TIME, *SORTS))
    form.refuse(
        "bad_sort",
        "sortBy",
        f"sortBy must be one of {fields}, then :asc or :desc; got {describe_value(sort_by)}. Write "
        "webhookDuration:desc.",
    )
    return TIME, True


def _cursor(form: Form, field: str, descending: bool) -> tuple[int | None, int]:
    cursor = form.body.get("cursor")
    if not cursor:
        return None, 0
    if field == TIME:
        found = _BY_TIME.fullmatch(cursor)
        if found is not None and (found[1] == "d") == descending:
            return int(found[2]), 0
    elif (found := _SORTED.fullmatch(cursor)) is not None:
        return int(found[1]), int(found[2])
    form.refuse(
        "bad_cursor",
        "cursor",
        f"cursor must be paging.next of an answer to the same query; got {describe_value(cursor)}. "
        "Leave it out to start again.",
    )
    return None, 0


def _names(form: Form) -> tuple[str, ...]:
    """Names that no event has are asked for all the same: nothing is found."""
    names = tuple(
        filter(None, (name.strip() for name in form.body.get("eventType", "").split(",")))
    )
    if len(names) > NAMES_MAX:
        form.refuse(
            "bad_parameter",
            "eventType",
            f"eventType must name at most {NAMES_MAX} event types; got {len(names)}. Split the "
            "request.",
        )
        return ()
    return names


def _states(form: Form) -> tuple[int, ...]:
    states: set[int] = set()
    for word in filter(None, (word.strip() for word in form.body.get("status", "").split(","))):
        found = _WORDS.get(word.lower())
        if found is None:
            form.refuse(
                "bad_status",
                "status",
                f"status must be {', '.join(STATUSES)}, or several separated by commas; got "
                f"{describe_value(word)}. Leave it out for all.",
            )
            break
        states.update(int(state) for state in found)
    return tuple(sorted(states))


def _values(form: Form) -> tuple[str, ...]:
    fields = ("eventSearchKey", "requestId", "apiRequestId")
    return tuple(
        value for field in fields for value in read_value(SearchValueType(), form, field, UTC)
    )
