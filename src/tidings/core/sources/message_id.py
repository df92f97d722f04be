"""What a repeat of a message is known by: a value that it holds, or its bytes themselves. Pure.

{"path": "id"}        a field of the body; see `core/picks.py`
{"digest": "body"}    the SHA-256 of the body, where two messages never have the same one
"""

import hashlib
from typing import Any

import msgspec

from tidings.core import picks
from tidings.core.declaration import DeclaredField
from tidings.core.field_types import CustomField
from tidings.core.form import Form
from tidings.core.picks import Pick
from tidings.values import describe_value

DIGEST, BODY = "digest", "body"


class MessageId(Pick, frozen=True, omit_defaults=True):
    """A pick, or the digest of the body."""

    of_body: bool = False

    def show(self) -> dict[str, Any]:
        """Return the pick, or the digest, as bodies write it."""
        return {DIGEST: BODY} if self.of_body else super().show()


def digest_of(body: bytes) -> str:
    """Compute the digest that a body is known by."""
    return f"sha256 {hashlib.sha256(body).hexdigest()}"


def _message_id(form: Form, field: DeclaredField, previous: MessageId | None) -> MessageId | None:
    value = form.body.get(field.name)
    if value is None:
        return None if field.name in form.body else previous
    if isinstance(value, dict) and DIGEST in value:
        if value == {DIGEST: BODY}:
            return MessageId(of_body=True)
        form.refuse(
            "bad_pick",
            field.name,
            f'{form.called(field.name)} must be a pick, or {{"digest": "body"}} alone; '
            f"got a digest of {describe_value(value[DIGEST])} in an object of "
            f"{', '.join(value)}. "
            'Write {"digest": "body"}.',
        )
        return None
    pick = picks.read_pick(form, field.name, value)
    return None if pick is None else MessageId(**msgspec.structs.asdict(pick))


_SCHEMA: dict[str, Any] = picks.SCHEMA | {
    "description": "A pick, or the digest of the body.",
    "properties": picks.SCHEMA["properties"] | {DIGEST: {"type": "string", "enum": [BODY]}},
}
MESSAGE_ID = CustomField(_message_id, schema=_SCHEMA, shows=MessageId.show, answers=_SCHEMA)
"""The field of a source."""
