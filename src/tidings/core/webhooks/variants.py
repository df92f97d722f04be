"""An object in a body that is one of a few variants, told apart by its `type`.

A variant is a tagged struct whose fields are declared as texts. A secret is shown by its end, and
what is shown means the stored one when it comes back.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from tidings.core.declaration import (
    DeclaredField,
    FieldType,
    Json,
    declared,
    or_null,
    read_resource,
    settable_names,
    show_resource,
)
from tidings.core.form import Form
from tidings.core.webhooks.headers import is_reserved
from tidings.core.webhooks.masks import looks_masked, mask
from tidings.values import describe_value

TYPE = "type"
V = TypeVar("V", bound=msgspec.Struct)


class VariantForm(Form):
    """A variant while it is read: what is stored is what masks mean, `code` tells what is wrong."""

    def __init__(
        self,
        body: dict[str, Any],
        stored: object,
        code: str,
        check_url: Callable[[str], str | None],
    ) -> None:
        super().__init__(body)
        self.stored = stored
        self.code = code
        self.check_url = check_url
        self.stays = False  # whether a stored secret stands in it


class VariantText(FieldType, frozen=True):
    """A text of a variant; `must` says in words what it must be."""

    must: str
    pattern: str
    most: int
    """Characters."""
    secret: bool = False
    rule: Literal["", "url", "header"] = ""
    """What is judged besides: that it may be dialled, or that a request may have it."""
    words: tuple[str, ...] = ()
    """All that it can be, where it is a choice."""

    def read(self, form: VariantForm, field: DeclaredField, previous: Any) -> Any:
        value = form.body.get(field.name)
        if value is None and not field.required:
            return previous
        if self.secret and form.stored is not None:
            kept = getattr(form.stored, field.attribute)
            if kept is not None and value == mask(kept):
                form.stays = True
                return kept
        if self.secret and isinstance(value, str) and looks_masked(value):
            form.refuse(
                "masked_value",
                field.name,
                f"{field.name} must be complete, or the masked value that GET shows; got another "
                "masked value. Write the value itself.",
            )
        elif (
            not isinstance(value, str)
            or len(value) > self.most
            or not re.fullmatch(self.pattern, value)
            or (self.rule == "header" and is_reserved(value))
        ):
            got = "something else" if self.secret and value is not None else describe_value(value)
            advice = "Write it in full." if field.required else "Leave it out if in doubt."
            form.refuse(
                form.code, field.name, f"{field.name} must be {self.must}; got {got}. {advice}"
            )
        elif self.rule == "url" and (reason := form.check_url(value)) is not None:
            form.refuse("url_refused", field.name, reason)
        return value

    def show(self, value: Any) -> Any:
        return mask(value) if self.secret else value

    def taken(self, *, new: bool) -> Json:
        if self.words:
            return self.shown()
        return self.shown() | {"maxLength": self.most, "pattern": f"^(?:{self.pattern})$"}

    def shown(self) -> Json:
        enum = {"enum": list(self.words)} if self.words else {}
        about = {"description": "Shown by its end; what is shown means the stored one."}
        return {"type": "string"} | enum | (about if self.secret else {})


class RawVariant(NamedTuple, Generic[V]):
    """A value as a body says it, and whether a stored secret stands in it."""

    value: V | None
    stays: bool = False


@dataclass(frozen=True)
class Variants(Generic[V]):
    """The variants of a field by their `type`: how bodies are read, answers made and both told."""

    field: str
    kinds: Mapping[str, type[V]]
    code: str
    example: str

    def name_of(self, value: V) -> str:
        """Return the `type` of a value."""
        return next(name for name, kind in self.kinds.items() if isinstance(value, kind))

    def show(self, value: V) -> Json:
        """Return a value as answers show it: secrets by their end."""
        return {TYPE: self.name_of(value), **dict(show_resource(value))}

    def masked(self, value: Any) -> Any:
        """Return what a body says of it, without secrets: for whoever shows a body before it was
        read."""
        kind = self.kinds.get(str(value.get(TYPE))) if isinstance(value, dict) else None
        if kind is None:
            return None if value is None else {}
        secret = {
            field.name for field in declared(kind) if getattr(field.field.kind, "secret", False)
        }
        return {
            name: mask(value) if name in secret and isinstance(value, str) else value
            for name, value in value.items()
        }

    def read(
        self,
        form: Form,
        stored: V | None,
        check_url: Callable[[str], str | None] = lambda url: None,
    ) -> RawVariant[V]:
        """Read what the body says of it, and it does say something; None where that is null or was
        refused. What is `stored` is what masks mean."""
        value = form.body[self.field]
        if value is None:
            return RawVariant(None)
        name = value.get(TYPE) if isinstance(value, dict) else None
        kind = self.kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            *first, last = self.kinds
            got = (
                describe_value(value)
                if not isinstance(value, dict)
                else f"the type {describe_value(name)}"
            )
            form.refuse(
                self.code,
                self.field,
                f"{self.field} must be an object with the type {', '.join(first)} or {last}; got "
                f"{got}. Write {self.example}.",
            )
            return RawVariant(None)
        names = frozenset((TYPE, *settable_names(kind)))
        form.warn_of_unknown(value, names, f"{self.field}.")
        old = stored if isinstance(stored, kind) else None
        inner = VariantForm(value, old, self.code, check_url)
        made = read_resource(kind, inner, None)
        form.take_in(inner, f"{self.field}.")
        return RawVariant(None) if inner.refusals else RawVariant(made, inner.stays)

    def schema(self, *, answers: bool, closed: bool = False) -> Json:
        """Build the JSON Schema of what bodies may say, or of what answers say. `closed`: and
        nothing else."""
        variants = [_variant_schema(*kind, answers=answers) for kind in self.kinds.items()]
        closing = {"additionalProperties": False} if closed else {}
        return {"anyOf": [variant | closing for variant in variants]}


def _variant_schema(name: str, kind: type[msgspec.Struct], *, answers: bool) -> Json:
    fields = declared(kind)
    properties: Json = {TYPE: {"type": "string", "enum": [name]}}
    for field in fields:
        text = field.field.kind.shown() if answers else field.field.kind.taken(new=True)
        properties[field.name] = text if field.required else or_null(text)
    return {
        "type": "object",
        "title": name,
        "description": (kind.__doc__ or "").partition("\n")[0],
        "properties": properties,
        "required": [TYPE, *(field.name for field in fields if field.required)],
    }
