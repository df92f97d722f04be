"""Questions of lists: how each kind of parameter is read, refused and described.

Which parameters there are is declared in `reads/filters.py`. Cursors to both sides of a page are
made and read here.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from tidings.core.audit.audit_actions import actions, object_kinds
from tidings.core.delivery.states import State
from tidings.core.form import Form, nearest
from tidings.core.ids import EVENT_ID, SHOWN_NUMBER, read, show
from tidings.core.times import iso
from tidings.errors import Invalid
from tidings.reads.filters import (
    ATTRIBUTES,
    VALUE_MAX,
    ActionParameter,
    ChainParameter,
    EventId,
    ExactValue,
    Listed,
    ListParameter,
    LogQuestion,
    Moment,
    ObjectKindParameter,
    Parameters,
    ParameterType,
    SearchValueType,
    States,
    WholeNumberType,
    YesNo,
)
from tidings.values import describe_value

Json = dict[str, Any]

LISTED_MAX = 100  # values of one filter
AHEAD_MS = 60_000  # how far a reader's clock may be before ours
PLATFORM = "platform"  # the chain of the audit log that is of no org
OLDER, NEWER = "older", "newer"  # what an opaque cursor begins with
_STATES = {state.word: int(state) for state in State}
_EPOCH_MS = re.compile(r"[0-9]{1,15}")
EPOCH_MS: Json = {"type": "string", "pattern": f"^({_EPOCH_MS.pattern})?$"}
TEXT: Json = {"type": "string", "maxLength": VALUE_MAX}


def read_question(
    query: Mapping[str, str], known: Parameters, zone: tzinfo, now_ms: int
) -> LogQuestion:
    """Read the parameters of a call. Raise Invalid with all that is wrong with them, and where
    nothing can lie in the range that it asks for."""
    form = Form(dict(query))
    names = [name for parameter in known for name in (parameter.name, parameter.alias) if name]
    refuse_unknown_parameters(form, names)
    found: dict[str, Any] = {}
    for parameter in known:
        name = ATTRIBUTES[parameter]
        value = read_value(parameter.kind, form, _name(form, parameter), zone, ends=name == "to_ms")
        found[name] = found[name] + value if name in found else value
    if form.refusals:
        raise Invalid(*form.refusals)
    question = LogQuestion(**found, warnings=tuple(form.warnings))
    called = {ATTRIBUTES[parameter]: parameter.name for parameter in known}
    if "from_ms" in called:
        refuse_empty_range(question, now_ms, called["from_ms"], called["to_ms"])
    return question


def refuse_empty_range(question: LogQuestion, now_ms: int, begins: str, ends: str) -> None:
    """Raise Invalid where nothing can lie in the range of a question, from the first time and
    before the second, whose parameters are called so: that nothing is found would else pass for an
    answer. A clock may be ahead of ours by `AHEAD_MS`."""
    from_ms, to_ms = question.from_ms, question.to_ms
    if from_ms is not None and from_ms > now_ms + AHEAD_MS:
        raise Invalid.because(
            "bad_range",
            f"{begins} must not lie ahead; got {iso(from_ms)}, and now it is {iso(now_ms)}. "
            "Choose an earlier time, and look at its zone.",
            field=begins,
        )
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        raise Invalid.because(
            "bad_range",
            f"{begins} must be before {ends}; got {iso(from_ms)} and {iso(to_ms)}, between which "
            "nothing lies. Change one of them.",
            field=begins,
        )


def _name(form: Form, one: ListParameter) -> str:
    """The name under which a call says a filter: its own, or the former one, with a warning."""
    name, alias = one.name, one.alias
    if not alias or alias not in form.body:
        return name
    if name in form.body:
        form.refuse(
            "given_twice",
            alias,
            f"{name} must come alone; got {alias} too, which means the same. Leave {alias} out.",
        )
        return name
    form.warn(
        "parameter_alias",
        alias,
        f"{name} is the name of this parameter; got {alias}, which was accepted as an alias. Write "
        f"{name}.",
    )
    return alias


def refuse_unknown_parameters(form: Form, known: Collection[str]) -> None:
    """Refuse on the form each parameter that is not known: it would filter nothing."""
    listed = ", ".join(sorted(known)) or "none: this call takes none"
    for name in form.body:
        if name not in known:
            form.refuse(
                "unknown_parameter",
                name[:64],
                f"A parameter must be one of {listed}; got {describe_value(name)}."
                f"{nearest(name, known) or ' Check its spelling.'}",
            )


def read_value(
    kind: ParameterType, form: Form, name: str, zone: tzinfo, *, ends: bool = False
) -> Any:
    """Read the value that a call gives; None, or nothing in a list, where it gives none. What
    cannot be is refused on the form. `ends`: a time is the end of a range."""
    match kind:
        case States():
            return _states(form, name)
        case Listed():
            return _listed(form, name)
        case Moment():
            return _moment(form, name, zone, ends=ends)
        case SearchValueType():
            return _value(form, name)
        case EventId():
            return _event_id(form)
        case YesNo():
            return _yes_no(form, name, kind.advice)
        case ChainParameter():
            return _chain(form, name)
        case ExactValue():
            return _exact(form, name, words_of(kind))
        case WholeNumberType():
            return form.whole(name, kind.least, kind.most, kind.usual)
        case _:
            return read_cursor(form)


def _listed(form: Form, name: str) -> tuple[str, ...]:
    value = form.body.get(name, "")
    values = tuple(dict.fromkeys(filter(None, (word.strip() for word in value.split(",")))))
    if len(values) > LISTED_MAX or any(len(word) > VALUE_MAX for word in values):
        form.refuse(
            "bad_parameter",
            name,
            f"{name} must be at most {LISTED_MAX} values separated by commas, each of at most "
            f"{VALUE_MAX} characters; got {len(values)}. Split the request.",
        )
        return ()
    return values


def _states(form: Form, name: str) -> tuple[int, ...]:
    states = set()
    for word in _listed(form, name):
        if (state := _STATES.get(word.lower())) is None:
            form.refuse(
                "bad_states",
                name,
                f"{name} must be {', '.join(_STATES)}, or several separated by commas; got "
                f"{describe_value(word)}. Leave it out for all.",
            )
            return ()
        states.add(state)
    return tuple(sorted(states))


def _moment(form: Form, name: str, zone: tzinfo, *, ends: bool) -> int | None:
    """A time. Where clocks are set back an hour comes twice: a range that names it has both."""
    value = form.body.get(name)
    if not value:
        return None
    if _EPOCH_MS.fullmatch(value):
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone, fold=int(ends))
        return max(0, round(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        form.refuse(
            "bad_time",
            name,
            f"{name} must be an ISO time or milliseconds since 1970; got {describe_value(value)}. "
            "Write "
            "2026-02-11T09:15:00Z.",
        )
        return None


def _value(form: Form, name: str) -> tuple[str, ...]:
    text = str(form.body.get(name, ""))
    value = text.strip()
    if len(text) > VALUE_MAX:
        form.refuse(
            "bad_parameter",
            name,
            f"{name} must be at most {VALUE_MAX} characters; got {len(text)}. Give the value "
            "itself.",
        )
        return ()
    return (value,) if value else ()


def _exact(form: Form, name: str, known: Collection[str]) -> str:
    """A value as it is, of `known` ones where there are any."""
    value = str(form.body.get(name) or "")
    if value and known and value not in known:
        form.refuse(
            "bad_parameter",
            name,
            f"{name} must be one of {', '.join(known)}; got {describe_value(value)}."
            f"{nearest(value, known) or ' Leave it out for all.'}",
        )
        return ""
    if len(value) > VALUE_MAX:
        form.refuse(
            "bad_parameter",
            name,
            f"{name} must be at most {VALUE_MAX} characters; got {len(value)}. Give the id itself.",
        )
        return ""
    return value


def _chain(form: Form, name: str) -> str:
    """The platform's chain by its word; empty for the chain of the org."""
    value = str(form.body.get(name) or "")
    if value in ("", PLATFORM):
        return value
    form.refuse(
        "bad_parameter",
        name,
        f"{name} must be {PLATFORM} or left out; got {describe_value(value)}. Leave it out for the "
        "audit log of the org.",
    )
    return ""


def read_chain(text: str) -> str:
    """Read the chain of a call that has no other filters. Raise Invalid where there is none
    such."""
    form = Form({"chain": text})
    chain = _chain(form, "chain")
    if form.refusals:
        raise Invalid(*form.refusals)
    return chain


def words_of(kind: ParameterType) -> Sequence[str]:
    """List the words that a parameter may be; none where it may be any text."""
    match kind:
        case ActionParameter():
            return sorted(actions())
        case ObjectKindParameter():
            return object_kinds()
        case ChainParameter():
            return (PLATFORM,)
        case _:
            return ()


def _event_id(form: Form) -> str | None:
    value = form.body.get("eventId")
    if not value or EVENT_ID.fullmatch(value):
        return value or None
    form.refuse(
        "bad_parameter",
        "eventId",
        f"eventId must be 1 to 128 of A-Z a-z 0-9 _ : -; got {describe_value(value)}. Copy it from "
        "the event.",
    )
    return None


def _yes_no(form: Form, name: str, advice: str) -> bool | None:
    value = form.body.get(name)
    if not value or value in ("true", "false"):
        return value == "true" if value else None
    form.refuse(
        "bad_parameter",
        name,
        f"{name} must be true or false; got {describe_value(value)}. {advice}",
    )
    return None


def schema_of(kind: ParameterType) -> Json:
    """Build the JSON Schema of what may come."""
    match kind:
        case States():
            return listed(*_STATES)
        case Listed():
            return {"type": "string"}
        case Moment():
            return {"anyOf": [{"type": "string", "format": "date-time"}, EPOCH_MS]}
        case EventId():
            return {"type": "string", "pattern": f"^$|^{EVENT_ID.pattern}$"}
        case YesNo():
            return {"enum": ["true", "false", ""]}
        case WholeNumberType():
            return {"type": "integer", "minimum": kind.least, "maximum": kind.most}
        case SearchValueType():
            return TEXT
        case ExactValue():
            words = words_of(kind)
            return {"enum": [*words, ""]} if words else TEXT
        case _:
            return {"type": "string", "pattern": f"^(({OLDER}|{NEWER})_{SHOWN_NUMBER})?$"}


def listed(*words: str) -> Json:
    """Return the JSON Schema of some of a few words, with commas."""
    one = f" *({'|'.join(words)})? *"
    return {"type": "string", "pattern": f"^{one}(,{one})*$"}


def cursor(side: str, at: int | None) -> str | None:
    """Return an opaque cursor to one side of a page; None where nothing is there."""
    return None if at is None else show(side, at)


def cursors(older: int | None, newer: int | None) -> dict[str, str | None]:
    """Return the cursors to both sides of a page, as an answer shows them."""
    return {"older": cursor(OLDER, older), "newer": cursor(NEWER, newer)}


def read_cursor(form: Form, sides: Sequence[str] = (OLDER, NEWER)) -> tuple[int | None, int | None]:
    """Read the ids that a cursor goes on below and above; at most one is there."""
    value = form.body.get("cursor")
    if not value:
        return None, None
    before, after = (read(side, value) if side in sides else None for side in (OLDER, NEWER))
    if before is None and after is None:
        form.refuse(
            "bad_cursor",
            "cursor",
            "cursor must be paging.next or paging.previous of an answer to the same query; got "
            f"{describe_value(value)}. Leave it out to start with the newest.",
        )
    return before, after


def read_older(text: str) -> int:
    """Read the number of a cursor of a list that goes one way, to what is older. Raise Invalid."""
    form = Form({"cursor": text})
    before, _ = read_cursor(form, sides=(OLDER,))
    if before is None:
        raise Invalid(*form.refusals)
    return before
