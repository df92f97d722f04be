"""What a replay, or a cancel by filter, is asked for. Pure.

A field that is not known is refused, not warned of: a misspelt filter would ask for more.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import msgspec

from tidings.core.declaration import (
    Field,
    Flag,
    Json,
    Number,
    Part,
    declared,
    read_resource,
)
from tidings.core.delivery.states import State
from tidings.core.events.cloudevents import epoch_ms
from tidings.core.form import Form, came, whole_of
from tidings.core.ids import EVENT_ID, SHOWN_NUMBER, DeliveryId, WebhookId, read_delivery
from tidings.core.replay import IDS_MAX, RATE_DEFAULT, RATE_MAX, ReplayKind
from tidings.errors import Refusal

NAMES_MAX = 200
SEARCH_MAX = 255
TIME_MAX_MS = 1 << 53
UNMATCHED = "unmatched"

_FINAL = {state.word: state for state in State if state.final}
_UNFINISHED = {state.word: state for state in State if not state.final}
NARROWS = ("webHookId", "eventNames", "from", "to", "search", "deliveryIds", "eventIds")


def _words(kind: ReplayKind) -> dict[str, State | str]:
    if kind is ReplayKind.CANCEL:
        return dict(_UNFINISHED)
    return {**_FINAL, UNMATCHED: UNMATCHED}


def _list_of(item: Json, most: int, read: Callable[[Form], Any]) -> Part:
    return Part(
        lambda form, _field, _standing: read(form),
        {"type": "array", "items": item, "minItems": 1, "maxItems": most},
        lambda value: list(value) or None,
    )


def _text_of(most: int) -> Part:
    return Part(
        lambda form, field, _standing: _text(form, field.name, most),
        {"type": "string", "minLength": 1, "maxLength": most},
    )


def _states_of(kind: ReplayKind) -> Part:
    return Part(
        lambda form, _field, _standing: _states(form, kind),
        {
            "type": "array",
            "items": {"type": "string", "enum": list(_words(kind))},
            "minItems": 1,
        },
        lambda value: list(value) or None,
    )


_ID = _text_of(64)
_MOMENT = Part(
    lambda form, field, _standing: _moment(form, field.name),
    {
        "anyOf": [
            {"type": "string", "format": "date-time"},
            {"type": "integer", "minimum": 0, "exclusiveMaximum": TIME_MAX_MS},
        ]
    },
)
_NAME: Json = {"type": "string", "minLength": 1, "maxLength": 128}
_DELIVERY_ID: Json = {"type": "string", "pattern": f"^dlv_{SHOWN_NUMBER}$"}
_EVENT_ID: Json = {"type": "string", "pattern": f"^{EVENT_ID.pattern}$"}


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a body asks for, and what both kinds of jobs are asked; nothing of it was looked up yet.

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
            _list_of(_NAME, NAMES_MAX, lambda form: _names(form)),
            "Only events of these types; a name that ends with .* stands for all that begin so.",
            "Event types",
            "Names with commas between; left out: all.",
        ),
    ] = ()
    from_ms: Annotated[
        int | None, Field("from", _MOMENT, "Only events accepted then or later.", "Accepted from")
    ] = None
    to_ms: Annotated[
        int | None, Field("to", _MOMENT, "Only events accepted before.", "and before")
    ] = None
    search: Annotated[
        str | None,
        Field(
            "search",
            _text_of(SEARCH_MAX),
            "A value that the event is found by.",
            "Customer, bill, card or other value",
            "Found whole, as the event carries it.",
        ),
    ] = None
    deliveries: Annotated[
        tuple[DeliveryId, ...],
        Field(
            "deliveryIds",
            _list_of(_DELIVERY_ID, IDS_MAX, lambda form: _deliveries(form)),
            "Only these deliveries.",
            "Delivery ids",
        ),
    ] = ()
    event_ids: Annotated[
        tuple[str, ...],
        Field(
            "eventIds",
            _list_of(_EVENT_ID, IDS_MAX, lambda form: _event_ids(form)),
            "Only these events.",
            "Event ids",
        ),
    ] = ()
    dry_run: Annotated[bool, Field("dryRun", Flag(), "Only count, and say what it would do.")] = (
        False
    )
    to_webhook_id: WebhookId | None = None
    missed_ms: int | None = None
    again: bool = False
    rate: float = RATE_DEFAULT
    start: bool = True
    wanted: frozenset[State | str] = frozenset()
    """States, and whether what was never matched."""
    listed: bool = False
    """It names deliveries or events, if none of them is known."""
    warnings: tuple[Refusal, ...] = ()

    @property
    def states(self) -> frozenset[int]:
        """The numbers of the states."""
        return frozenset(int(state) for state in self.wanted if isinstance(state, State))

    @property
    def unmatched(self) -> bool:
        """Whether events that the webhook was not asked about count too."""
        return UNMATCHED in self.wanted

    @property
    def hold(self) -> bool:
        """Whether the job waits, once counted."""
        return not self.start


class CancelRequest(ReplayRequest, frozen=True, kw_only=True):
    """Which unfinished deliveries are taken back."""

    kind = ReplayKind.CANCEL
    wanted: Annotated[
        frozenset[State | str],
        Field(
            "states",
            _states_of(ReplayKind.CANCEL),
            "Only deliveries in these states; all of them by default.",
        ),
    ] = frozenset()


class ResendRequest(ReplayRequest, frozen=True, kw_only=True):
    """What is sent again, to whom, and how fast."""

    kind = ReplayKind.REPLAY
    webhook_id: Annotated[
        WebhookId | None, Field("webHookId", _ID, "The webhook whose deliveries are looked at.")
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
            "Everything that it has missed since",
            "A time of the org, as 2026-02-11T09:15. Also events from before it subscribed. Leave "
            "it out to choose by the fields below.",
        ),
    ] = None
    again: Annotated[
        bool,
        Field(
            "again",
            Flag(),
            "Also what was delivered, under another webhook-id.",
            "Also what was delivered, again",
            "Its receiver gets it once more, under another webhook-id. One that drops repeats by "
            "the eventId drops it.",
        ),
    ] = False
    rate: Annotated[
        float,
        Field(
            "ratePerSecond",
            Number(0.1, RATE_MAX, "Leave it out for 20."),
            "Deliveries made a second, at most.",
            "Requests a second, at most",
            "Live events go first. Where the webhook has a rate limit of its own, the lower one "
            "counts.",
        ),
    ] = RATE_DEFAULT
    start: Annotated[
        bool,
        Field("start", Flag(), "Whether it starts once counted; else it waits for a resume."),
    ] = True
    wanted: Annotated[
        frozenset[State | str],
        Field(
            "states",
            _states_of(ReplayKind.REPLAY),
            "Only deliveries in these states; usually failed and parked.",
        ),
    ] = frozenset()


REQUESTS: dict[ReplayKind, type[ReplayRequest]] = {
    one.kind: one for one in (ResendRequest, CancelRequest)
}


def read_request(kind: ReplayKind, body: dict[str, Any]) -> ReplayRequest | list[Refusal]:
    """What a body asks for, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown([one.name for one in declared(REQUESTS[kind])])
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
    """What the fields must be together."""
    if request.kind is ReplayKind.REPLAY and request.webhook_id is None and "webHookId" not in body:
        form.refuse(
            "missing",
            "webHookId",
            "webHookId must be the webhook whose deliveries are looked at; got nothing. Name it.",
        )
    if request.kind is ReplayKind.CANCEL and all(body.get(field) is None for field in NARROWS):
        form.refuse(
            "missing",
            "webHookId",
            "A cancel must be narrowed; got no filter. Name a webHookId, eventNames, a time, a "
            "search value or ids.",
        )
    if body.get("missedSince") is not None:
        for field in ("from", "toWebHookId", "deliveryIds", "eventIds"):
            if body.get(field) is not None:
                form.refuse(
                    "conflict",
                    field,
                    f"missedSince must stand without {field}; got both. Leave one of them out.",
                )
    if (
        request.from_ms is not None
        and request.to_ms is not None
        and request.from_ms >= request.to_ms
    ):
        form.refuse(
            "bad_period", "to", f"to must be after from; got {came(body.get('to'))}. Change it."
        )
    delivered = State.DELIVERED in request.states
    if delivered and request.to_webhook_id is None and not request.again:
        form.refuse(
            "again_needed",
            "states",
            "states may hold delivered only where again is true; it is not. Set it, and the "
            "receiver gets what it has once more, under other ids.",
        )
    if request.again:
        form.warn(
            "again",
            "again",
            "What was delivered is sent again, with ~ and the replay's id behind its webhook-id. A "
            "receiver that drops repeats by the eventId of the body will drop it.",
        )


def read_taking(body: dict[str, Any], now_ms: int) -> tuple[int, bool] | list[Refusal]:
    """Before which time what was accepted is taken as delivered, and whether it is only counted;
    or everything that is wrong with the body."""
    form = Form(body)
    form.refuse_unknown(("acceptedBefore", "dryRun"))
    before_ms = _moment(form, "acceptedBefore")
    if body.get("acceptedBefore") is None:
        form.refuse(
            "missing",
            "acceptedBefore",
            "acceptedBefore must be the time until which receivers have everything; got nothing. "
            "Name it.",
        )
    elif before_ms is not None and before_ms > now_ms:
        form.refuse(
            "bad_period",
            "acceptedBefore",
            f"acceptedBefore must not lie ahead; got {came(body['acceptedBefore'])}. Take the time "
            "at which the former service was last seen to send.",
        )
    dry_run = body.get("dryRun")
    if dry_run is not None and not isinstance(dry_run, bool):
        form.refuse(
            "bad_type", "dryRun", f"dryRun must be true or false; got {came(dry_run)}. Change it."
        )
    if form.refusals or before_ms is None:
        return form.refusals
    return before_ms, bool(dry_run)


def _text(form: Form, field: str, most: int) -> str | None:
    value = form.body.get(field)
    if value is None:
        return None
    if isinstance(value, str) and 0 < len(value) <= most:
        return value
    form.refuse(
        "bad_type",
        field,
        f"{field} must be a text of 1 to {most} characters; got {came(value)}. Leave it out for "
        "none.",
    )
    return None


def _moment(form: Form, field: str) -> int | None:
    """A time as epoch milliseconds: such a number, or RFC 3339."""
    value = form.body.get(field)
    if value is None:
        return None
    number = whole_of(value)
    if number is not None and 0 <= number < TIME_MAX_MS:
        return number
    if isinstance(value, str) and len(value) <= 40:
        if (moment := epoch_ms(value)) is not None:
            return max(0, moment)
    form.refuse(
        "bad_time",
        field,
        f"{field} must be a time with its zone, or milliseconds since 1970; got {came(value)}. "
        'Write "2026-02-11T09:15:00Z".',
    )
    return None


def _names(form: Form) -> tuple[str, ...]:
    value = form.body.get("eventNames")
    if value is None:
        return ()
    if isinstance(value, list) and 1 <= len(value) <= NAMES_MAX:
        if all(isinstance(one, str) and 0 < len(one) <= 128 for one in value):
            return tuple(dict.fromkeys(value))
    form.refuse(
        "bad_type",
        "eventNames",
        f"eventNames must be a list of 1 to {NAMES_MAX} names; got {came(value)}. Leave it out for "
        "all.",
    )
    return ()


def _usual(form: Form, kind: ReplayKind) -> frozenset[State | str]:
    """The states that are meant where the body names none, by what else it has said."""
    if kind is ReplayKind.CANCEL:
        return frozenset(_words(kind).values())
    usual: frozenset[State | str] = frozenset({State.FAILED, State.PARKED})
    if form.values["again"] or form.values["to_webhook_id"] is not None:
        usual |= {State.DELIVERED}
    if _is_listed(form):
        usual |= {State.CANCELLED}
    if form.values["missed_ms"] is not None:
        usual |= {UNMATCHED}
    return usual


def _states(form: Form, kind: ReplayKind) -> frozenset[State | str]:
    words, usual = _words(kind), _usual(form, kind)
    value = form.body.get("states")
    if value is None:
        return usual
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        if all(one in words for one in value):
            return frozenset(words[one] for one in value)
    form.refuse(
        "bad_states",
        "states",
        f"states must be a list out of {', '.join(words)}; got {_first_of(value)}. Leave it out "
        f"for {', '.join(sorted(str(_word(one)) for one in usual))}.",
    )
    return usual


def _word(state: State | str) -> str:
    return state.word if isinstance(state, State) else state


def _first_of(value: object) -> str:
    """What came, for a list its items."""
    if isinstance(value, list):
        return "a list of " + (", ".join(came(one) for one in value[:5]) or "nothing")
    return came(value)


def _ids(form: Form, field: str) -> list[str]:
    value = form.body.get(field)
    if value is None:
        return []
    if isinstance(value, list) and 1 <= len(value) <= IDS_MAX:
        if all(isinstance(one, str) for one in value):
            return value
    got = f"{len(value)} items" if isinstance(value, list) else came(value)
    form.refuse(
        "bad_ids",
        field,
        f"{field} must be a list of 1 to {IDS_MAX:,} ids; got {got}. Ask in parts.",
    )
    return []


def _deliveries(form: Form) -> tuple[DeliveryId, ...]:
    numbers = []
    for one in _ids(form, "deliveryIds"):
        number = read_delivery(one)
        if number is None:
            form.refuse(
                "bad_ids",
                "deliveryIds",
                f"deliveryIds must hold ids such as dlv_0000000000001; got {came(one)}. Correct "
                "it.",
            )
            return ()
        numbers.append(number)
    return tuple(dict.fromkeys(numbers))


def _event_ids(form: Form) -> tuple[str, ...]:
    found = _ids(form, "eventIds")
    for one in found:
        if not EVENT_ID.fullmatch(one):
            form.refuse(
                "bad_ids",
                "eventIds",
                f"eventIds must hold ids of events; got {came(one)}. Correct it.",
            )
            return ()
    return tuple(dict.fromkeys(found))
