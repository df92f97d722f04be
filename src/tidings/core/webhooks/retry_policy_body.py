"""How a webhook's owner may change the retries: `retryPolicy` of its body."""

from typing import Any, TypeGuard

from tidings.core.declaration import Json
from tidings.core.delivery.outcome import DEFAULT_POLICY, RetryPolicy
from tidings.core.delivery.schedule import HOUR_S, Schedule
from tidings.core.form import Form, came
from tidings.core.kinds import Part

DELAYS_MAX = 50
DELAY_MAX_S = 86_400
WINDOW_MAX_H = 168

_FIELD = "retryPolicy"
_DELAYS, _WINDOW = "delaysInSeconds", "windowInHours"
_RETRY, _FAIL = "retryStatuses", "failStatuses"


_STATUS_LIST = {"type": "array", "items": {"type": "integer", "minimum": 300, "maximum": 599}}


def _schema() -> Json:
    """What a body may say, as JSON Schema."""
    usual = show_retry(DEFAULT_POLICY)
    delay = {"type": "number", "minimum": 1, "maximum": DELAY_MAX_S}
    parts: dict[str, tuple[dict[str, Any], str]] = {
        _DELAYS: (
            {"type": "array", "items": delay, "minItems": 1, "maxItems": DELAYS_MAX},
            "After attempt 1, 2, 3 …; the last one repeats.",
        ),
        _WINDOW: (
            {"type": "number", "minimum": 0, "maximum": WINDOW_MAX_H},
            "The last attempt starts at its end.",
        ),
        _RETRY: (_STATUS_LIST, "Refusals to try again."),
        _FAIL: (_STATUS_LIST, "Answers that end a delivery at once."),
    }
    return {
        "type": "object",
        "description": "How a webhook retries.",
        "properties": {
            name: {"anyOf": [part, {"type": "null"}], "description": about, "default": usual[name]}
            for name, (part, about) in parts.items()
        },
    }


def read_retry(form: Form, _: object, old: RetryPolicy) -> RetryPolicy:
    """The policy of a body; `old` where it does not say, the default where it says null."""
    if _FIELD not in form.body:
        return old
    value = form.body[_FIELD]
    if value is None:
        return DEFAULT_POLICY
    if not isinstance(value, dict):
        form.refuse(
            "bad_type",
            _FIELD,
            f"retryPolicy must be an object; got {came(value)}. Write "
            '{"delaysInSeconds": [5, 30, 120]}.',
        )
        return old
    form.warn_of_unknown(value, frozenset((_DELAYS, _WINDOW, _RETRY, _FAIL)), f"{_FIELD}.")
    schedule = Schedule(delays_s=_delays(form, value), window_s=_window_s(form, value))
    return RetryPolicy(
        schedule, _statuses(form, value, _RETRY, _FAIL), _statuses(form, value, _FAIL, _RETRY)
    )


def show_retry(policy: RetryPolicy) -> dict[str, object]:
    """The policy as a body says it."""
    return {
        _DELAYS: [_lean(delay) for delay in policy.schedule.delays_s],
        _WINDOW: _lean(policy.schedule.window_s / HOUR_S),
        _RETRY: sorted(policy.retry_also),
        _FAIL: sorted(policy.fail_also),
    }


def _lean(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _delays(form: Form, policy: dict[str, Any]) -> tuple[float, ...]:
    default = DEFAULT_POLICY.schedule.delays_s
    value = policy.get(_DELAYS)
    if value is None:
        return default
    if isinstance(value, list) and 1 <= len(value) <= DELAYS_MAX:
        fits = tuple(float(one) for one in value if _number(one) and 1 <= one <= DELAY_MAX_S)
        if len(fits) == len(value):
            return fits
    form.refuse(
        "bad_retry_policy",
        f"{_FIELD}.{_DELAYS}",
        f"delaysInSeconds must be a list of 1 to {DELAYS_MAX} numbers from 1 to {DELAY_MAX_S}; got "
        f"{_listed(value)}. Write [5, 30, 120]: the last one repeats.",
    )
    return default


def _window_s(form: Form, policy: dict[str, Any]) -> float:
    default = DEFAULT_POLICY.schedule.window_s
    value = policy.get(_WINDOW)
    if value is None:
        return default
    if _number(value) and 0 <= value <= WINDOW_MAX_H:
        return float(value) * HOUR_S
    form.refuse(
        "bad_retry_policy",
        f"{_FIELD}.{_WINDOW}",
        f"windowInHours must be a number from 0 to {WINDOW_MAX_H}; got {came(value)}. Leave it out "
        f"for {WINDOW_MAX_H}.",
    )
    return default


def _statuses(form: Form, policy: dict[str, Any], name: str, other: str) -> frozenset[int]:
    value = policy.get(name)
    if value is None:
        return frozenset()
    if isinstance(value, list):
        fits = [status for status in value if type(status) is int and 300 <= status <= 599]
        opposite = policy.get(other)
        both = [status for status in fits if isinstance(opposite, list) and status in opposite]
        if len(fits) == len(value) and not both:
            return frozenset(fits)
    form.refuse(
        "bad_retry_policy",
        f"{_FIELD}.{name}",
        f"{name} must be a list of statuses from 300 to 599, none of them in {other} too; got "
        f"{_listed(value)}. Leave it out to judge as documented.",
    )
    return frozenset()


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(value: object) -> str:
    """A short list as it came: its items say what is wrong."""
    if isinstance(value, list):
        items = ", ".join(came(one) for one in value[:5])
        return f"[{items}{', …' if len(value) > 5 else ''}]"
    return came(value)


RETRIES = Part(read_retry, schema=_schema(), answers=_schema(), shows=show_retry)
