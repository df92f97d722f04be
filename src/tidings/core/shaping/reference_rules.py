"""What a record of reference data may be: a store, a till or a customer of the platform.

Pure. A record comes as a decoded JSON object, over the API, in a bulk load, or from the platform's
own API, and is kept as compact JSON of the known fields. Records are read without regard to what a
field is for, only to its type and size: identifiers belong to the brand.
"""

import re
from enum import IntEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tidings.core.form import whole_of
from tidings.errors import FieldRefusal, Invalid
from tidings.values import describe_value

ID_MAX = 128
RECORD_BYTES_MAX = 16 * 1024
CARDS_MAX = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AT = re.compile(r" - at `\$\.?([^`]*)`$")

Text = Annotated[str, Meta(max_length=255)]
Name = Annotated[str, Meta(max_length=64)]


class RecordKind(IntEnum):
    """The kinds of records; the numbers are the store's."""

    STORES = 1
    TILLS = 2
    CUSTOMERS = 3

    @property
    def word(self) -> str:
        """Return the kind as paths have it: `stores`, `tills`, `customers`."""
        return self.name.lower()


KINDS = {kind.word: kind for kind in RecordKind}


class ReferenceRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Rules that all records have in common: absent and empty fields are the same."""


class StoreRecord(ReferenceRecord, frozen=True):
    """A store."""

    code: Text = ""
    name: Text = ""
    external_id: Text = ""
    external_id1: Text = ""
    external_id2: Text = ""


class Till(ReferenceRecord, frozen=True):
    """A till; its store is found by `store_id`."""

    code: Text = ""
    name: Text = ""
    store_id: Annotated[str, Meta(max_length=ID_MAX)] | int = ""


class Identifier(ReferenceRecord, frozen=True):
    """One id in an account of a source."""

    identifier_type: Name
    identifier_value: Text


class Account(ReferenceRecord, frozen=True):
    """A customer's ids in one account (a brand page, a shop) of a source."""

    account_id: Text
    identifiers: Annotated[list[Identifier], Meta(max_length=50)]


class SourceAccounts(ReferenceRecord, frozen=True):
    """A customer's accounts in one source."""

    accounts: Annotated[list[Account], Meta(max_length=20)]


class ReferenceCustomer(ReferenceRecord, frozen=True):
    """A customer. `sources` are keyed by their block's name in payloads: `wechat`, `web_engage`."""

    mobile: Text = ""
    email: Text = ""
    external_id: Text = ""
    card_numbers: Annotated[list[Name], Meta(max_length=CARDS_MAX)] = []
    points_balance: int | float | None = None
    sources: Annotated[dict[Name, SourceAccounts], Meta(max_length=20)] = {}


MODELS: dict[RecordKind, type[ReferenceRecord]] = {
    RecordKind.STORES: StoreRecord,
    RecordKind.TILLS: Till,
    RecordKind.CUSTOMERS: ReferenceCustomer,
}
_FIELDS = {
    kind: frozenset(field.encode_name for field in msgspec.structs.fields(model)) | {"id"}
    for kind, model in MODELS.items()
}
_MUST = {
    "storeId": f"the id of a store, text of at most {ID_MAX} characters",
    "cardNumbers": f"a list of at most {CARDS_MAX} texts, each of at most 64 characters",
    "pointsBalance": "a number",
    "sources": "an object of sources, each {accounts: [{accountId, identifiers: [{identifierType, "
    "identifierValue}]}]} in texts",
}
_encoder = msgspec.json.Encoder()


class RecordRefused(Invalid):
    """A record cannot be kept."""

    def __init__(self, code: str, field: str, sentence: str) -> None:
        super().__init__(FieldRefusal.build(code, sentence, field=field))


def kind_of(word: str) -> RecordKind:
    """Return the kind of record that a path names. Raise RecordRefused where there is none."""
    found = KINDS.get(word)
    if found is None:
        raise RecordRefused(
            "unknown_kind",
            "kind",
            f"The kind must be stores, tills or customers; got {describe_value(word)}. Check the "
            "path.",
        )
    return found


def read_id(value: object) -> str:
    """Return a record's id as text; numbers are taken too. Raise RecordRefused if it cannot be
    one."""
    number = whole_of(value)
    if number is not None and number.bit_length() <= 64:
        return str(number)
    if isinstance(value, str) and 1 <= len(value) <= ID_MAX and not _CONTROL.search(value):
        return value
    raise RecordRefused(
        "bad_id",
        "id",
        f"id must be a whole number or text of 1 to {ID_MAX} characters on one line; got "
        f"{describe_value(value)}. Use the platform's own id.",
    )


def _converted(value: dict[str, Any], model: type[Any]) -> Any:
    """Convert a record. A whole number is one however it is written: 17.0 is 17. Raise
    RecordRefused, with what does not fit."""
    numbers = ((name, whole_of(field)) for name, field in value.items())
    fields = value | {name: number for name, number in numbers if number is not None}
    try:
        return msgspec.convert(fields, model)
    except msgspec.ValidationError as error:
        raise _misfit(value, str(error)) from None


def read_record(kind: RecordKind, value: dict[str, Any]) -> bytes:
    """Encode a record as compact JSON of the fields of its kind, without its id. Raise
    RecordRefused, with what does not fit."""
    kept = _encoder.encode(_converted(value, MODELS[kind]))
    if len(kept) > RECORD_BYTES_MAX:
        raise RecordRefused(
            "too_large",
            "-",
            f"A record must be at most {RECORD_BYTES_MAX} bytes; got {len(kept)}. Leave out what "
            "no webhook needs.",
        )
    if kept == b"{}":
        raise RecordRefused(
            "empty_record",
            "-",
            f"A record must contain at least one field; got none of {listed(kind)}. Check the "
            "names.",
        )
    return kept


def check_others(kind: RecordKind, value: dict[str, Any]) -> None:
    """Refuse a field of another kind with a value that could not stand there either: a field means
    the same in every kind, and is passed over elsewhere. Raise RecordRefused, with what does not
    fit."""
    for other, model in MODELS.items():
        if other is not kind:
            _converted(value, model)


def unknown_fields(kind: RecordKind, value: dict[str, Any]) -> list[str]:
    """List the fields of a record that are not kept, sorted."""
    return [] if value.keys() <= _FIELDS[kind] else sorted(value.keys() - _FIELDS[kind])


def listed(kind: RecordKind) -> str:
    """List the fields of a kind, in words."""
    return ", ".join(field.encode_name for field in msgspec.structs.fields(MODELS[kind]))


def _misfit(value: dict[str, Any], message: str) -> RecordRefused:
    """Build the refusal of a record, in our words, for the place at which msgspec stumbled."""
    found = _AT.search(message)
    path = found[1][:64] if found else "-"
    field = re.split(r"[.\[]", path)[0]
    must = _MUST.get(field, "text of at most 255 characters")
    return RecordRefused(
        "bad_type",
        path,
        f"{field} must be {must}; got {_shape(value.get(field))}. Leave it out where it is not "
        "known.",
    )


def _shape(value: object) -> str:
    """Describe what came, without showing it: most fields are personal data."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a number"
    return describe_value(value)
