"""What fields may be: the kinds that many fields are of."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from tidings.core.declaration import (
    REQUIRED,
    DeclaredField,
    FieldType,
    Json,
    declared,
    either,
    read_resource,
    show_resource,
)
from tidings.core.form import SEEN, SIGN, Form, visible
from tidings.values import describe_value

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
OBJECT: Json = {"type": "object"}


class Number(FieldType, frozen=True):
    """A number in its bounds; null stands for the default."""

    low: float
    high: float
    advice: str = "Leave it out if in doubt."
    whole: bool = False
    text: str = ""
    """The pattern of a number as text, where such is taken."""

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        value = form.body.get(field.name)
        if value is None and previous is REQUIRED:
            form.refuse(
                "bad_type",
                field.name,
                f"{field.name} must be a number from {self.low:g} to {self.high:.12g}; got nothing."
                f" {self.advice}",
            )
            return previous
        if value is None and field.name in form.body:
            return field.default
        text = bool(self.text)
        found = form.bounded(field.name, self.low, self.high, previous, self.advice, text=text)
        if found is None:
            return field.default
        return int(found) if self.whole else found

    def taken(self, *, new: bool) -> Json:
        number = {"type": "number", "minimum": self.low, "maximum": self.high}
        return either(number, {"type": "string", "pattern": self.text}) if self.text else number

    def shown(self) -> Json:
        return {"type": "integer" if self.whole else "number"}


class TextType(FieldType, frozen=True):
    """Text of a few signs that can be seen; blank signs around it are left out. null is as left
    out, or else refused."""

    most: int
    code: str
    advice: str
    least: int = 0
    """1: blanks alone are no text."""
    signs: str = "visible characters"
    """What its signs are called where it is refused."""

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        value = form.body.get(field.name)
        stays = previous is not REQUIRED and (self.null or field.name not in form.body)
        if value is None and stays:
            return previous
        if isinstance(value, str) and len(value) <= self.most and visible(value):
            if len(text := value.strip()) >= self.least:
                return text
        many = f"1 to {self.most}" if self.least else f"at most {self.most}"
        form.refuse(
            self.code,
            field.name,
            f"{form.called(field.name)} must be text of {many} {self.signs}; got "
            f"{describe_value(value)}. {self.advice}",
        )
        return previous

    def taken(self, *, new: bool) -> Json:
        pattern = f"^{SIGN}*{SEEN}{SIGN}*$" if self.least else f"^{SIGN}*$"
        return {"type": "string", "pattern": pattern, "maxLength": self.most}


class Choice(FieldType, frozen=True):
    """One of a few words, in any case; null is as left out."""

    words: tuple[str, ...]
    code: str
    made: Callable[[str], Any] = str
    """What it is kept as."""
    labels: tuple[str, ...] = ()
    """What the console calls each."""
    must_have_default: ClassVar[bool] = True

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        return self.made(form.choice(field.name, self.words, str(previous), self.code))

    def show(self, value: Any) -> Any:
        return str(value)

    def taken(self, *, new: bool) -> Json:
        return {"type": "string", "enum": list(self.words)}


class BooleanType(FieldType, frozen=True):
    """true or false; null is as left out."""

    must_have_default: ClassVar[bool] = True

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        return form.flag(field.name, previous)

    def taken(self, *, new: bool) -> Json:
        return {"type": "boolean"}


class Described(FieldType, frozen=True, kw_only=True):
    """A field's description beside its rules, with the JSON Schema of what may come."""

    schema: Mapping[str, Any]
    making: Mapping[str, Any] | None = None
    """What may come with a new resource, where that is not what may come with a change."""
    answers: Mapping[str, Any] | None = None
    """What answers say, where that is not what may come without its bounds."""
    shows: Callable[[Any], Any] | None = None

    def show(self, value: Any) -> Any:
        return value if self.shows is None else self.shows(value)

    def taken(self, *, new: bool) -> Json:
        return dict(self.making if new and self.making is not None else self.schema)

    def shown(self) -> Json:
        return super().shown() if self.answers is None else dict(self.answers)


class CustomField(Described, frozen=True):
    """A field that is read by rules of its own: `reads` is as `FieldType.read`."""

    reads: Callable[[Any, DeclaredField, Any], Any]

    def read(self, form: Any, field: DeclaredField, previous: Any) -> Any:
        return self.reads(form, field, previous)


class ParsedField(Described, frozen=True):
    """A field that is judged by itself: `take` makes of what came what is kept, or None where it
    cannot be.

    null is as left out; it stands for the default if it `clears`.
    """

    take: Callable[[Any], Any]
    must: str
    code: int | str
    advice: str
    got: Callable[[Any], str] = describe_value
    clears: bool = False

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        raw_value = form.body.get(field.name)
        if raw_value is None and (self.null or field.name not in form.body):
            value = field.default if self.clears and field.name in form.body else previous
            if value is not REQUIRED:
                return value
        elif (made := self.take(raw_value)) is not None:
            return made
        self.refuse_in(form, field.name)
        return previous

    def refuse_in(self, form: Form, name: str) -> None:
        """Say that what came in this field cannot be."""
        got = self.got(form.body.get(name))
        form.refuse(
            self.code, name, f"{form.called(name)} must be {self.must}; got {got}. {self.advice}"
        )


class StoredField(FieldType, frozen=True):
    """A field that is kept as it came, as JSON: whether it fits, and in words what it must be. null
    stands for the default."""

    fits: Callable[[object], bool]
    must: str
    schema: Mapping[str, Any]
    bytes_max: int

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        if field.name not in form.body:
            return previous
        value = form.body[field.name]
        if value is None:
            return None
        fits = self.fits(value)
        if fits and len(made := msgspec.json.encode(value)) <= self.bytes_max:
            return msgspec.Raw(made)
        got = f"more than {self.bytes_max} bytes" if fits else describe_value(value)
        form.refuse(
            "bad_type",
            field.name,
            f"{field.name} must be {self.must}; got {got}. Leave it out if in doubt.",
        )
        return previous

    def taken(self, *, new: bool) -> Json:
        return dict(self.schema)


class Nested(FieldType, frozen=True):
    """A resource inside another one: an object that changes what it names of it."""

    resource: type[msgspec.Struct]
    code: str
    """Of what is no such object."""
    advice: str
    check: Callable[[Form, Any], None] | None = None
    """Refuses on the form what does not go together."""
    null_stays: bool = True
    """Whether null is as left out; else it stands for the default."""
    in_full: bool = False
    """Whether sentences call its fields by their place in the whole body."""

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        value = form.body.get(field.name)
        if value is None:
            stays = self.null_stays or field.name not in form.body
            return previous if stays else field.default
        if not isinstance(value, dict):
            names = [field.name for field in declared(self.resource)]
            listed = ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]
            form.refuse(
                self.code,
                field.name,
                f"{form.called(field.name)} must be an object of {listed}; got "
                f"{describe_value(value)}. "
                f"{self.advice}",
            )
            return previous
        stem = f"{form.called(field.name)}." if self.in_full else ""
        inner = Form(value, strict=form.strict, stem=stem)
        inner.refuse_unknown(field.name for field in declared(self.resource))
        made = previous
        if not inner.refusals:
            made = read_resource(self.resource, inner, previous)
        if not inner.refusals and self.check is not None:
            self.check(inner, made)
        form.take_in(inner, f"{field.name}.")
        return made

    def show(self, value: Any) -> Any:
        return dict(show_resource(value))

    def taken(self, *, new: bool) -> Json:
        properties = {field.name: field.taken(new=new) for field in declared(self.resource)}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def shown(self) -> Json:
        properties = {field.name: field.shown() for field in declared(self.resource)}
        return {"type": "object", "properties": properties, "required": list(properties)}


def named(pattern: re.Pattern[str], must: str, advice: str, *, null: bool = True) -> ParsedField:
    """Build the kind of a text that fits a pattern, as names of other systems do."""
    return ParsedField(
        lambda text: text if isinstance(text, str) and pattern.fullmatch(text) else None,
        must,
        "bad_name",
        advice=advice,
        null=null,
        clears=True,
        schema={"type": "string", "pattern": f"^{pattern.pattern}$"},
    )


class ObjectField(CustomField, frozen=True, kw_only=True):
    """An object that may be absent, and is set as a whole: what one type of a thing has and others
    have not."""

    resource: type[msgspec.Struct]


def whole(resource: type[msgspec.Struct], example: str) -> ObjectField:
    """Build the kind of an object that may be absent, and is set as a whole. `example`: how it is
    written."""
    kind = Nested(resource, "bad_type", f"Write {example}.", in_full=True)

    def read(form: Form, field: DeclaredField, previous: Any) -> Any:
        if form.body.get(field.name) is None:
            return None if field.name in form.body else previous
        return kind.read(form, field, None)

    needed = [field.name for field in declared(resource) if field.required]
    schema = kind.taken(new=False) | ({"required": needed} if needed else {})
    return ObjectField(
        read, schema=schema, shows=kind.show, answers=kind.shown(), resource=resource
    )
