"""Entries of the audit log: ids, fields and values, without secrets and without customers' data.

Of a change only the fields are kept that differ. Whoever records it gives what an answer would
show; what a name marks as secret is masked here once more, and every value is bounded.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.core.audit.actor import Actor, ActorKind, Face
from tidings.core.audit.audit_actions import ID_PREFIXES, AuditAction
from tidings.core.ids import show

PLATFORM_CHAIN = 0  # no org has this id
VALUE_BYTES_MAX = 2048  # of one field, as JSON
FIELDS_BYTES_MAX = 16 * 1024  # of all of them
TEXT_MAX = 200
KEPT_DAYS = 400  # unless the operator sets others
MASKED = "…"
CHANGED = " (changed)"  # behind what is shown alike before and after, and was changed
_SECRET_WORDS = ("secret", "password", "token", "authorization", "apikey", "privatekey")

_ABSENT = object()
_encode = msgspec.json.Encoder(order="deterministic").encode


class Hidden(msgspec.Struct, frozen=True):
    """A value of which only `shown` is kept, and that it was changed."""

    value: Any
    shown: str = MASKED

    def __repr__(self) -> str:
        """Show it without the value."""
        return f"Hidden({self.shown!r})"


class AuditDraft(msgspec.Struct, frozen=True, array_like=True):
    """An entry before it is written: its chain gives it a number, a time and a seal."""

    chain: int  # the id of an org, or `PLATFORM_CHAIN`
    actor_kind: ActorKind
    actor: str
    actor_name: str
    face: Face
    address: str
    behalf: str
    action: str
    object_kind: str
    object: str | None  # None: the number that the write gives to what it makes
    before: bytes | None = None  # the fields that differ, as a JSON object
    after: bytes | None = None
    times: int = 1  # how often it happened, of what is written together


class AuditEntry(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a chain. `mac` seals it and, by the one before it, all that came earlier."""

    chain: int
    number: int  # 1, 2, 3, … without a gap
    at_ms: int
    actor_kind: ActorKind
    actor: str
    actor_name: str
    face: Face
    address: str
    behalf: str
    action: str
    object_kind: str
    object: str
    before: bytes | None
    after: bytes | None
    times: int
    mac: bytes = b""


def draft(
    chain: int,
    actor: Actor,
    action: AuditAction,
    object: str | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    times: int = 1,
    object_kind: str = "",
) -> AuditDraft:
    """Draft an entry: of two versions of a thing the fields that differ, of one all of them.
    `object_kind`: of an action that is done to things of several kinds."""
    if before is not None and after is not None:
        before, after = changed_fields(before, after)
    return AuditDraft(
        chain=chain,
        actor_kind=actor.kind,
        actor=_cut(actor.id),
        actor_name=_cut(actor.name),
        face=actor.face,
        address=_cut(actor.address),
        behalf=_cut(actor.behalf),
        action=action.name,
        object_kind=object_kind or action.object,
        object=None if object is None else _cut(shown_object(object_kind or action.object, object)),
        before=None if before is None else encode_fields(before),
        after=None if after is None else encode_fields(after, before),
        times=times,
    )


def shown_object(kind: str, object: str) -> str:
    """Return the id of an object as people see it, `inb_…`, also where its number is given."""
    is_number = kind in ID_PREFIXES and object.isascii() and object.isdigit()
    return show(ID_PREFIXES[kind], int(object)) if is_number else object


def changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of two versions that differ, as they were and as they are."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def encode_fields(fields: Mapping[str, Any], previous: Mapping[str, Any] | None = None) -> bytes:
    """Encode fields as a JSON object, secrets masked and long values cut. Of secrets that are not
    as they were in `previous` that is said."""
    kept: dict[str, Any] = {}
    left = FIELDS_BYTES_MAX
    for name, value in fields.items():
        was = _ABSENT if previous is None else previous.get(name, _ABSENT)
        text = _encode(_masked(name, value, was))
        if len(text) > min(VALUE_BYTES_MAX, left):
            text = _encode({"bytes": len(text)})  # too long to be kept
        left -= len(text) + len(name)
        if left < 0:
            break
        kept[_cut(name)] = msgspec.Raw(text)
    return _encode(kept)


def is_secret(name: str) -> bool:
    """Return whether a field of this name holds what must not be shown."""
    plain = name.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in _SECRET_WORDS)


def _masked(name: str, value: Any, was: Any) -> Any:
    """Return a value without what is secret in it; `was`: the value before, or `_ABSENT`."""
    if isinstance(value, Hidden):
        return _marked(value, was)
    if value is not None and not isinstance(value, bool | int | float) and is_secret(name):
        return _marked(Hidden(value), was if isinstance(was, Hidden) else Hidden(was))
    if isinstance(value, Mapping):
        older = was if isinstance(was, Mapping) else {}
        return {
            str(key): _masked(str(key), child, older.get(key, _ABSENT))
            for key, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(name, child, _ABSENT) for child in value]
    return value


def _marked(hidden: Hidden, was: Any) -> str:
    """Return what is shown of a hidden value, and where it alone does not show that it is another
    one than before, that it is."""
    before = was if isinstance(was, Hidden) else Hidden(_ABSENT)
    unseen = before.value not in (_ABSENT, None, hidden.value) and before.shown == hidden.shown
    return hidden.shown + CHANGED if unseen else hidden.shown


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"
