"""What a replay, or a cancel by filter, is asked for. Pure.

A field that is not known is refused, not warned of: a misspelt filter would ask for more.

Add a field here; the rest follows.
"""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from tidings.core.declaration import (
    DeclaredField,
    Field,
    Json,
    either,
    read_body,
    read_resource,
    settable_names,
)
from tidings.core.delivery.states import State
from tidings.core.events.cloudevents import epoch_ms
from tidings.core.field_types import BooleanType, CustomField, Number, ParsedField
from tidings.core.form import Form, whole_of
from tidings.core.ids import EVENT_ID, SHOWN_NUMBER, DeliveryId, WebhookId, read_delivery
from tidings.core.replay import IDS_MAX, RATE_DEFAULT, RATE_MAX, ReplayKind
from tidings.core.times import END_MS
from tidings.errors import FieldRefusal
from tidings.values import describe_value

NAMES_MAX = 200
SEARCH_MAX = 255
UNMATCHED = "unmatched"
Wanted = frozenset[State | str]

_FINAL = {state.word: state for state in State if state.final}
_UNFINISHED = {state.word: state for state in State if not state.final}
NARROWS = ("webHookId", "eventNames", "from", "to", "search", "deliveryIds", "eventIds")


def _words(kind: ReplayKind) -> dict[str, State | str]:
    if kind is ReplayKind.CANCEL:
        return dict(_UNFINISHED)
    return {**_FINAL, UNMATCHED: UNMATCHED}


def _text_of(most: int) -> ParsedField:
    return ParsedField(
        lambda value: value if isinstance(value, str) and 0 < len(value) <= most else None,
        f"a text of 1 to {most} characters",
        "bad_type",
        advice="Leave it out for none.",
        schema={"type": "string", "minLength": 1, "maxLength": most},
    )


def _moment(value: object) -> int | None:
    """Read a time as epoch milliseconds: such a number, or RFC 3339; None for anything else."""
    number = whole_of(value)
    if number is not None and 0 <= number < END_MS:
        return number
    if not isinstance(value, str) or len(value) > 40:
        return None
    moment = epoch_ms(value)
    return None if moment is None else min(max(0, moment), END_MS - 1)


def _names(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 1 <= len(value) <= NAMES_MAX:
        return None
    fits = all(isinstance(name, str) and 0 < len(name) <= 128 for name in value)
    return tuple(dict.fromkeys(value)) if fits else None


def _usual(form: Form, kind: ReplayKind) -> Wanted:
    """Return the states that are meant where the body names none, by what else it says."""
    if kind is ReplayKind.CANCEL:
        return frozenset(_words(kind).values())
    usual: Wanted = frozenset({State.FAILED, State.PARKED})
    if form.values["again"] or form.values["to_webhook_id"] is not None:
        usual |= {State.DELIVERED}
    if _is_listed(form):
        usual |= {State.CANCELLED}
    if form.values["missed_ms"] is not None:
        usual |= {UNMATCHED}
    return usual


def _states(form: Form, field: DeclaredField, previous: object, kind: ReplayKind) -> Wanted:
    words, usual = _words(kind), _usual(form, kind)
    value = form.body.get("states")
    if value is None:
        return usual
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        if all(word in words for word in value):
            return frozenset(words[word] for word in value)
    form.refuse(
        "bad_states",
        "states",
        f"states must be a list out of {', '.join(words)}; got {_first_of(value)}. Leave it out "
        f"for {', '.join(sorted(str(_word(state)) for state in usual))}.",
    )
    return usual


def _word(state: State | str) -> str:
    return state.word if isinstance(state, State) else state


def _first_of(value: object) -> str:
    """Describe what came; for a list its items."""
    if isinstance(value, list):
        return "a list of " + (
            ", ".join(describe_value(element) for element in value[:5]) or "nothing"
        )
    return describe_value(value)


def _ids(form: Form, field: str) -> list[str]:
    value = form.body.get(field)
    if value is None:
        return []
    if isinstance(value, list) and 1 <= len(value) <= IDS_MAX:
        if all(isinstance(text, str) for text in value):
            return value
    got = f"{len(value)} items" if isinstance(value, list) else describe_value(value)
    form.refuse(
        "bad_ids",
        field,
        f"{field} must be a list of 1 to {IDS_MAX:,} ids; got {got}. Split the request.",
    )
    return []


def _deliveries(form: Form, *_: object) -> tuple[DeliveryId, ...]:
    numbers = []
    for delivery in _ids(form, "deliveryIds"):
        number = read_delivery(delivery)
        if number is None:
            form.refuse(
                "bad_ids",
                "deliveryIds",
                "deliveryIds must contain ids such as dlv_0000000000001; got "
                f"{describe_value(delivery)}. Correct it.",
            )
            return ()
        numbers.append(number)
    return tuple(dict.fromkeys(numbers))


def _event_ids(form: Form, *_: object) -> tuple[str, ...]:
    found = _ids(form, "eventIds")
    for event_id in found:
        if not EVENT_ID.fullmatch(event_id):
            form.refuse(
                "bad_ids",
                "eventIds",
                f"eventIds must contain event ids; got {describe_value(event_id)}. Correct it.",
            )
            return ()
    return tuple(dict.fromkeys(found))


def _of_one(form: Form, field: DeclaredField, previous: None) -> str | None:
    if field.name not in form.body:
        form.refuse(
            "missing",
            field.name,
            "webHookId must name the webhook whose deliveries are listed; got nothing. Set it.",
        )
    found: str | None = _ID.read(form, field, None)
    return found


def _before(form: Form, field: DeclaredField, previous: int) -> int:
    if form.body.get(field.name) is not None:
        moment: int = _MOMENT.read(form, field, previous)
        return moment
    form.refuse(
        "missing",
        field.name,
        "acceptedBefore must be the time until which receivers have everything; got nothing. Set "
        "it.",
    )
    return previous


def _shown(values: Iterable[Any]) -> list[Any] | None:
    return list(values) or None


def _list_of(item: Json, most: int) -> Json:
    return {"type": "array", "items": item, "minItems": 1, "maxItems": most}


def _states_of(kind: ReplayKind) -> CustomField:
    word = {"type": "string", "enum": list(_words(kind))}
    schema = {"type": "array", "items": word, "minItems": 1}
    return CustomField(partial(_states, kind=kind), schema=schema, shows=_shown)


_ID = _text_of(64)
_MOMENT = ParsedField(
    _moment,
    "a time with its zone, or milliseconds since 1970",
    "bad_time",
    advice='Write "2026-02-11T09:15:00Z".',
    schema=either(
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 0, "exclusiveMaximum": END_MS},
    ),
)
_OF_ONE = CustomField(_of_one, schema=_ID.schema)
_BEFORE = CustomField(_before, schema=_MOMENT.schema)
_NAMES = ParsedField(
    _names,
    f"a list of 1 to {NAMES_MAX} names",
    "bad_type",
    advice="Leave it out for all.",
    schema=_list_of({"type": "string", "minLength": 1, "maxLength": 128}, NAMES_MAX),
    shows=_shown,
)
_DELIVERIES = CustomField(
    _deliveries,
    schema=_list_of({"type": "string", "pattern": f"^dlv_{SHOWN_NUMBER}$"}, IDS_MAX),
    shows=_shown,
)
_EVENTS = CustomField(
    _event_ids,
    schema=_list_of({"type": "string", "pattern": f"^{EVENT_ID.pattern}$"}, IDS_MAX),
    shows=_shown,
)


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A body's request, and what both kinds of jobs are asked; nothing of it was looked up yet.

    What one kind alone is asked is declared with that kind, and has its default in the other.
    """

    kind: ClassVar[ReplayKind]
    webhook_id: Annotated[
        WebhookId | None, Field("webHookId", _ID, "Left out: of every webhook of the org.")
    ] = None
    names: Annotated[
        tuple[str, ...],
        Field(
            "eventNames",
            _NAMES,
            "Only events of these types; a name that ends with .* stands for all that begin so.",
            label="Event types",
            hint="Names with commas between; left out: all.",
        ),
    ] = ()
    from_ms: Annotated[
        int | None,
        Field("from", _MOMENT, "Only events accepted then or later.", label="Accepted from"),
    ] = None
    to_ms: Annotated[
        int | None, Field("to", _MOMENT, "Only events accepted before.", label="and before")
    ] = None
    search: Annotated[
        str | None,
        Field(
            "search",
            _text_of(SEARCH_MAX),
            "A value that the event is found by.",
            label="Customer, bill, card or other value",
            hint="Found whole, as the event carries it.",
        ),
    ] = None
    deliveries: Annotated[
        tuple[DeliveryId, ...],
        Field("deliveryIds", _DELIVERIES, "Only these deliveries.", label="Delivery ids"),
    ] = ()
    event_ids: Annotated[
        tuple[str, ...], Field("eventIds", _EVENTS, "Only these events.", label="Event ids")
    ] = ()
    dry_run: Annotated[
        bool, Field("dryRun", BooleanType(), "Only count, and say what it would do.")
    ] = False
    to_webhook_id: WebhookId | None = None
    missed_ms: int | None = None
    again: bool = False
    rate: float = RATE_DEFAULT
    start: bool = True
    wanted: Wanted = frozenset()
    """States, and whether what was never matched."""
    listed: bool = False
    """It names deliveries or events, if none of them is known."""
    warnings: tuple[FieldRefusal, ...] = ()

    @property
    def states(self) -> frozenset[int]:
        """Return the numbers of the wanted states."""
        return frozenset(int(state) for state in self.wanted if isinstance(state, State))

    @property
    def unmatched(self) -> bool:
        """Return whether events that the webhook was not asked about count too."""
        return UNMATCHED in self.wanted

    @property
    def hold(self) -> bool:
        """Return whether the job waits, once counted."""
        return not self.start


class CancelRequest(ReplayRequest, frozen=True, kw_only=True):
    """The request to take back unfinished deliveries."""

    kind = ReplayKind.CANCEL
    wanted: Annotated[
        Wanted,
        Field(
            "states",
            _states_of(ReplayKind.CANCEL),
            "Only deliveries in these states; all of them by default.",
        ),
    ] = frozenset()


class ResendRequest(ReplayRequest, frozen=True, kw_only=True):
    """The request to send again: what, to whom, and how fast."""

    kind = ReplayKind.REPLAY
    webhook_id: Annotated[
        WebhookId | None, Field("webHookId", _OF_ONE, "The webhook whose deliveries are looked at.")
    ]
    to_webhook_id: Annotated[
        WebhookId | None, Field("toWebHookId", _ID, "Send to this webhook instead.")
    ] = None
    missed_ms: Annotated[
        int | None,
        Field(
            "missedSince",
            _MOMENT,
            "Everything that the webhook has missed since this time.",
            label="Everything that it has missed since",
            hint="A time of the org, as 2026-02-11T09:15. Also events from before it subscribed. "
            "Leave it out to choose by the fields below.",
        ),
    ] = None
    again: Annotated[
        bool,
        Field(
            "again",
            BooleanType(),
            "Also delivered events, under another webhook-id.",
            label="Also delivered events, again",
            hint="Its receiver gets it once more, under another webhook-id. One that drops repeats "
            "by the eventId drops it.",
        ),
    ] = False
    rate: Annotated[
        float,
        Field(
            "ratePerSecond",
            Number(0.1, RATE_MAX, "Leave it out for 20."),
            "Deliveries made a second, at most.",
            label="Requests a second, at most",
            hint="Live events go first. Where the webhook has a rate limit of its own, the lower "
            "one counts.",
        ),
    ] = RATE_DEFAULT
    start: Annotated[
        bool,
        Field(
            "start", BooleanType(), "Whether it starts once counted; else it waits for a resume."
        ),
    ] = True
    wanted: Annotated[
        Wanted,
        Field(
            "states",
            _states_of(ReplayKind.REPLAY),
            "Only deliveries in these states; usually failed and parked.",
        ),
    ] = frozenset()


REQUESTS: dict[ReplayKind, type[ReplayRequest]] = {
    request_type.kind: request_type for request_type in (ResendRequest, CancelRequest)
}


def read_request(kind: ReplayKind, body: dict[str, Any]) -> ReplayRequest | list[FieldRefusal]:
    """Read a body; return what it asks for, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(settable_names(REQUESTS[kind]))
    request = read_resource(REQUESTS[kind], form, None)
    if request.missed_ms is not None:
        request = msgspec.structs.replace(request, from_ms=request.missed_ms)
    _check(form, request, body)
    if form.refusals:
        return form.refusals
    return msgspec.structs.replace(request, listed=_is_listed(form), warnings=tuple(form.warnings))


def _is_listed(form: Form) -> bool:
    return any(form.body.get(field) is not None for field in ("deliveryIds", "eventIds"))


def _check(form: Form, request: ReplayRequest, body: dict[str, Any]) -> None:
    """Check the fields against one another."""
    if request.kind is ReplayKind.CANCEL and all(body.get(field) is None for field in NARROWS):
        form.refuse(
            "missing",
            "webHookId",
            "A cancel must have a filter; got none. Name a webHookId, eventNames, a time, a search "
            "value or ids.",
        )
    if body.get("missedSince") is not None:
        for field in ("from", "toWebHookId", "deliveryIds", "eventIds"):
            if body.get(field) is not None:
                form.refuse(
                    "conflict",
                    field,
                    f"missedSince must be given without {field}; got both. Leave one of them out.",
                )
    if (
        request.from_ms is not None
        and request.to_ms is not None
        and request.from_ms >= request.to_ms
    ):
        form.refuse(
            "bad_period",
            "to",
            f"to must be after from; got {describe_value(body.get('to'))}. Change it.",
        )
    delivered = State.DELIVERED in request.states
    if delivered and request.to_webhook_id is None and not request.again:
        form.refuse(
            "again_needed",
            "states",
            "states may contain delivered only if again is true; it is not. Set it, and the "
            "receiver gets those events again, under new ids.",
        )
    if request.again:
        form.warn(
            "again",
            "again",
            "Delivered events are sent again, with ~ and the replay's id appended to their "
            "webhook-id. A receiver that drops duplicates by the eventId in the body will drop "
            "them.",
        )


class TakeAsDelivered(msgspec.Struct, frozen=True):
    """Until when receivers have what was accepted."""

    before_ms: Annotated[
        int, Field("acceptedBefore", _BEFORE, "Accepted before; of replays, made before.")
    ]
    dry_run: Annotated[bool, Field("dryRun", BooleanType(), "Only count.")] = False


def read_taking(body: dict[str, Any], now_ms: int) -> TakeAsDelivered | list[FieldRefusal]:
    """Read a body; return what is taken as delivered, or everything that is wrong with the body."""
    form = Form(body)
    wanted = read_body(TakeAsDelivered, form)
    if not isinstance(wanted, list) and wanted.before_ms > now_ms:
        form.refuse(
            "bad_period",
            "acceptedBefore",
            "acceptedBefore must not be in the future; got "
            f"{describe_value(body['acceptedBefore'])}. Use the time at which the former service "
            "last sent.",
        )
    return form.refusals or wanted
