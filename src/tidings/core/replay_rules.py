"""What a replay, or a cancel by filter, is asked for. Pure.

A field that is not known is refused, not warned of: a misspelt filter would ask for more.
"""

from typing import Any

import msgspec

from tidings.core.delivery.states import State
from tidings.core.events.cloudevents import epoch_ms
from tidings.core.form import Form, came, whole_of
from tidings.core.ids import EVENT_ID, DeliveryId, WebhookId, read_delivery
from tidings.core.replay import IDS_MAX, RATE_DEFAULT, RATE_MAX, ReplayKind
from tidings.errors import Refusal

NAMES_MAX = 200
SEARCH_MAX = 255
TIME_MAX_MS = 1 << 53
UNMATCHED = "unmatched"

_FILTER = frozenset(
    "webHookId eventNames from to states search deliveryIds eventIds dryRun".split()
)
_REPLAY = _FILTER | {"toWebHookId", "missedSince", "again", "ratePerSecond", "start"}
_FINAL = {state.word: state for state in State if state.final}
_UNFINISHED = {state.word: state for state in State if not state.final}
_NARROWS = ("webHookId", "eventNames", "from", "to", "search", "deliveryIds", "eventIds")


class ReplayRequest(msgspec.Struct, frozen=True):
    """What a body asks for; nothing of it was looked up yet."""

    kind: ReplayKind
    webhook_id: WebhookId | None
    to_webhook_id: WebhookId | None
    names: tuple[str, ...]
    from_ms: int | None
    to_ms: int | None
    states: frozenset[int]
    unmatched: bool
    search: str | None
    deliveries: tuple[DeliveryId, ...]
    event_ids: tuple[str, ...]
    listed: bool  # it names deliveries or events, if none of them is known
    again: bool
    rate: float
    dry_run: bool
    hold: bool
    warnings: tuple[Refusal, ...] = ()


def read_request(kind: ReplayKind, body: dict[str, Any]) -> ReplayRequest | list[Refusal]:
    """What a body asks for, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(_known(kind))
    missed = _moment(form, "missedSince")
    other = _webhook_id(form, "toWebHookId")
    again = form.flag("again", False)
    deliveries, event_ids = _deliveries(form), _event_ids(form)
    listed = deliveries is not None or event_ids is not None
    states = _states(form, kind, other is not None, again, missed is not None, listed)
    rate = form.bounded("ratePerSecond", 0.1, RATE_MAX, RATE_DEFAULT, "Leave it out for 20.")
    request = ReplayRequest(
        kind,
        _webhook_id(form, "webHookId"),
        other,
        _names(form),
        _moment(form, "from") if missed is None else missed,
        _moment(form, "to"),
        frozenset(int(state) for state in states if isinstance(state, State)),
        UNMATCHED in states,
        _text(form, "search", SEARCH_MAX),
        deliveries or (),
        event_ids or (),
        listed,
        again,
        rate or RATE_DEFAULT,
        form.flag("dryRun", False),
        not form.flag("start", True),
    )
    _check(form, request, body)
    if form.refusals:
        return form.refusals
    return msgspec.structs.replace(request, warnings=tuple(form.warnings))


def _known(kind: ReplayKind) -> frozenset[str]:
    return _REPLAY if kind is ReplayKind.REPLAY else _FILTER


def _check(form: Form, request: ReplayRequest, body: dict[str, Any]) -> None:
    """What the fields must be together."""
    if request.kind is ReplayKind.REPLAY and request.webhook_id is None and "webHookId" not in body:
        form.refuse(
            "missing",
            "webHookId",
            "webHookId must be the webhook whose deliveries are looked at; got nothing. Name it.",
        )
    if request.kind is ReplayKind.CANCEL and all(body.get(field) is None for field in _NARROWS):
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


def _webhook_id(form: Form, field: str) -> WebhookId | None:
    text = _text(form, field)
    return None if text is None else WebhookId(text)


def _text(form: Form, field: str, most: int = 64) -> str | None:
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


def _states(
    form: Form, kind: ReplayKind, elsewhere: bool, again: bool, missed: bool, listed: bool
) -> frozenset[State | str]:
    words: dict[str, State | str]
    if kind is ReplayKind.CANCEL:
        words = dict(_UNFINISHED)
        usual = frozenset(words.values())
    else:
        words = {**_FINAL, UNMATCHED: UNMATCHED}
        usual = frozenset({State.FAILED, State.PARKED})
        if again or elsewhere:
            usual |= {State.DELIVERED}
        if listed:
            usual |= {State.CANCELLED}
        if missed:
            usual |= {UNMATCHED}
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


def _ids(form: Form, field: str) -> list[str] | None:
    value = form.body.get(field)
    if value is None:
        return None
    if isinstance(value, list) and 1 <= len(value) <= IDS_MAX:
        if all(isinstance(one, str) for one in value):
            return value
    got = f"{len(value)} items" if isinstance(value, list) else came(value)
    form.refuse(
        "bad_ids",
        field,
        f"{field} must be a list of 1 to {IDS_MAX:,} ids; got {got}. Ask in parts.",
    )
    return None


def _deliveries(form: Form) -> tuple[DeliveryId, ...] | None:
    found = _ids(form, "deliveryIds")
    if found is None:
        return None
    numbers = []
    for one in found:
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


def _event_ids(form: Form) -> tuple[str, ...] | None:
    found = _ids(form, "eventIds")
    if found is None:
        return None
    for one in found:
        if not EVENT_ID.fullmatch(one):
            form.refuse(
                "bad_ids",
                "eventIds",
                f"eventIds must hold ids of events; got {came(one)}. Correct it.",
            )
            return ()
    return tuple(dict.fromkeys(found))
