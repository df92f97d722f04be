"""A message is read once, and becomes what it became when each pick read it anew."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.core.sources.former_mapping import former_events, former_place
from tidings.core.picks import CONVERSIONS, MessageFault, Pick
from tidings.core.sources.mapping import Mapping
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_id import MessageId
from tidings.core.sources.message_plan import MessagePlan, PlanRunner

_NAMES = st.sampled_from(["a", "b", "c", "d", 'q"', "ä", "x y"])
_STEPS = st.lists(_NAMES | st.sampled_from(["[0]", "[1]", "[7]"]), min_size=0, max_size=3)
_PATHS = st.builds(
    lambda first, steps: first + "".join(s if s[0] == "[" else f".{s}" for s in steps),
    _NAMES,
    _STEPS,
)
_PICKS = st.one_of(
    st.builds(
        Pick,
        path=_PATHS,
        conversion=st.sampled_from(["", "", "", *CONVERSIONS]),
        names=st.none()
        | st.dictionaries(st.sampled_from(["x", "y", "*"]), st.none() | st.just("z"), max_size=2),
    ),
    st.builds(Pick, header=st.sampled_from(["X-One", "x-two"])),
    st.builds(Pick, constant=st.sampled_from(['{"k":1.0}', "null", '"a.b"', "7"])),
)
_TARGETS = st.lists(_NAMES.filter(lambda name: name.isalpha()), min_size=1, max_size=3).map(
    lambda steps: "data." + ".".join(steps)
)
_MAPPINGS = st.builds(
    Mapping,
    event_name=st.none() | _PICKS,
    event_id=st.none() | _PICKS,
    org_id=st.none() | _PICKS,
    created_at=st.none() | _PICKS,
    data=st.none() | _PICKS,
    fields=st.dictionaries(_TARGETS, _PICKS, max_size=4),
    each=st.none() | _PATHS,
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(["x", "y", "2023-11-14T22:13:20Z", "1700000000.5", "ä", ""]),
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=16,
)


def written(value: Any, spaces: int) -> bytes:
    """JSON with so many spaces where some may be."""
    raw = msgspec.json.encode(value) if not has_great(value) else _std(value)
    return raw if not spaces else msgspec.json.format(raw, indent=spaces)


def has_great(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_great, value.values()))
    if isinstance(value, list):
        return any(map(has_great, value))
    return isinstance(value, int) and value.bit_length() > 62


def _std(value: Any) -> bytes:
    import json  # noqa: PLC0415

    return json.dumps(value, ensure_ascii=False).encode()


@given(
    _MAPPINGS,
    st.dictionaries(_NAMES, _JSON, max_size=5) | _JSON,
    st.sampled_from([0, 2]),
    st.none() | _PICKS,
)
def test_a_message_becomes_what_it_became_to_the_byte(
    mapping: Mapping, value: Any, spaces: int, message_id: Pick | None
) -> None:
    headers = [("X-One", "one"), ("x-ONE", "other"), ("X-Two", "zwei")]
    message = ForeignMessage("", headers, written(value, spaces))
    own = None if message_id is None else MessageId(**msgspec.structs.asdict(message_id))
    mapped = PlanRunner(MessagePlan(mapping, own)).read(message)
    assert mapped.place == ("" if message_id is None else former_place(message_id, message))
    try:
        expected: Any = former_events(mapping, message)
    except MessageFault as fault:
        assert mapped.fault is not None and not mapped.events
        assert (mapped.fault[0], mapped.fault[2]) == (fault.code, fault.field)
    else:
        assert mapped.fault is None and mapped.events == expected
