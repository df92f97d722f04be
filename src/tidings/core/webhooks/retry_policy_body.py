"""How a webhook's owner may change the retries: `retryPolicy` of its body.

Add a field here; the rest follows.
"""

from typing import Annotated, Any, TypeGuard

import msgspec

from tidings.core.declaration import (
    DeclaredField,
    Field,
    Json,
    declared,
    read_resource,
    settable_names,
    show_resource,
)
from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.core.delivery.schedule import HOUR_S, Schedule
from tidings.core.field_types import CustomField, ParsedField
from tidings.core.form import Form
from tidings.values import describe_value

DELAYS_MAX = 50
DELAY_MAX_S = 86_400
WINDOW_MAX_H = 168

_FIELD = "retryPolicy"
_OPPOSITE = {"retryStatuses": "failStatuses", "failStatuses": "retryStatuses"}
_USUAL = DEFAULT_POLICY.schedule


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(value: object) -> str:
    """Describe a short list as it came: its items say what is wrong."""
    if isinstance(value, list):
        items = ", ".join(describe_value(element) for element in value[:5])
        return f"[{items}{', …' if len(value) > 5 else ''}]"
    return describe_value(value)


def _lean(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _delays(value: object) -> tuple[float, ...] | None:
    if not isinstance(value, list) or not 1 <= len(value) <= DELAYS_MAX:
        return None
    fits = tuple(
        float(element) for element in value if _number(element) and 1 <= element <= DELAY_MAX_S
    )
    return fits if len(fits) == len(value) else None


def _statuses(form: Form, field: DeclaredField, previous: frozenset[int]) -> frozenset[int]:
    value, other = form.body.get(field.name), _OPPOSITE[field.name]
    if value is None:
        return previous
    if isinstance(value, list):
        fits = [status for status in value if type(status) is int and 300 <= status <= 599]
        opposite = form.body.get(other)
        both = [status for status in fits if isinstance(opposite, list) and status in opposite]
        if len(fits) == len(value) and not both:
            return frozenset(fits)
    form.refuse(
        "bad_retry_policy",
        field.name,
        f"{field.name} must be a list of statuses from 300 to 599, none of them in {other} too; "
        f"got {_listed(value)}. Leave it out for the documented default.",
    )
    return previous


_DELAYS = ParsedField(
    _delays,
    f"a list of 1 to {DELAYS_MAX} numbers from 1 to {DELAY_MAX_S}",
    "bad_retry_policy",
    advice="Write [5, 30, 120]: the last one repeats.",
    got=_listed,
    schema={
        "type": "array",
        "items": {"type": "number", "minimum": 1, "maximum": DELAY_MAX_S},
        "minItems": 1,
        "maxItems": DELAYS_MAX,
    },
    shows=lambda delays: [_lean(delay) for delay in delays],
)
_WINDOW = ParsedField(
    lambda value: float(value) if _number(value) and 0 <= value <= WINDOW_MAX_H else None,
    f"a number from 0 to {WINDOW_MAX_H}",
    "bad_retry_policy",
    advice=f"Leave it out for {WINDOW_MAX_H}.",
    schema={"type": "number", "minimum": 0, "maximum": WINDOW_MAX_H},
    shows=_lean,
)
_STATUSES = CustomField(
    _statuses,
    schema={"type": "array", "items": {"type": "integer", "minimum": 300, "maximum": 599}},
    shows=sorted,
)


class _Retries(msgspec.Struct, frozen=True):
    """The fields of a retry policy."""

    delays_s: Annotated[
        tuple[float, ...],
        Field(
            "delaysInSeconds",
            _DELAYS,
            "After attempt 1, 2, 3 …; the last one repeats.",
            label="Seconds before each try",
            hint="The last one is repeated.",
        ),
    ] = _USUAL.delays_s
    window_h: Annotated[
        float,
        Field(
            "windowInHours",
            _WINDOW,
            "The last attempt starts at its end.",
            label="Hours until it is given up",
            hint=f"From 0 to {WINDOW_MAX_H}.",
        ),
    ] = _USUAL.window_s / HOUR_S
    retry_also: Annotated[
        frozenset[int],
        Field(
            "retryStatuses",
            _STATUSES,
            "Refusals to try again.",
            label="Also try again for these answers",
            hint="Such as 404, 409.",
        ),
    ] = frozenset()
    fail_also: Annotated[
        frozenset[int],
        Field(
            "failStatuses",
            _STATUSES,
            "Answers that end a delivery at once.",
            label="Never try again for these answers",
            hint="Such as 501.",
        ),
    ] = frozenset()


RETRY_FIELDS = tuple(declared(_Retries))


def read_retry(form: Form, _: object, old: RetryPolicy) -> RetryPolicy:
    """Read the policy of a body, and refuse in the form what does not fit; `old` if the body does
    not say, the default if it says null."""
    if _FIELD not in form.body:
        return old
    value = form.body[_FIELD]
    if value is None:
        return DEFAULT_POLICY
    if not isinstance(value, dict):
        form.refuse(
            "bad_type",
            _FIELD,
            f"retryPolicy must be an object; got {describe_value(value)}. Write "
            '{"delaysInSeconds": [5, 30, 120]}.',
        )
        return old
    form.warn_of_unknown(value, frozenset(settable_names(_Retries)), f"{_FIELD}.")
    inner = Form(value)
    made = read_resource(_Retries, inner, None)  # as a whole: what is left out is the default
    form.take_in(inner, f"{_FIELD}.")
    schedule = Schedule(delays_s=made.delays_s, window_s=made.window_h * HOUR_S)
    return RetryPolicy(schedule, made.retry_also, made.fail_also)


def show_retry(policy: RetryPolicy) -> dict[str, Any]:
    """Return the policy as a body writes it."""
    delays_s, window_h = policy.schedule.delays_s, policy.schedule.window_s / HOUR_S
    return dict(
        show_resource(_Retries(delays_s, window_h, policy.retry_also, fail_also=policy.fail_also))
    )


_SCHEMA: Json = {
    "type": "object",
    "description": _Retries.__doc__,
    "properties": {field.name: field.taken(new=True) for field in declared(_Retries)},
}
RETRIES = CustomField(read_retry, schema=_SCHEMA, answers=_SCHEMA, shows=show_retry)
