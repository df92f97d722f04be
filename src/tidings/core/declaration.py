"""How a resource is declared: a class whose annotations say of each field what a body may say.

    class Settings(msgspec.Struct, frozen=True):
        rate_per_s: Annotated[float | None, Field("rateLimit", Number(0.01, 100_000), "…")] = None

From the class come the reading and the refusals of bodies (`read_resource`), what answers show
(`show_resource`), and, by the floor `schema`, the API's description, patches and the console's
form; the command line takes its defaults from it. What a field may be is its `Kind`; the kinds here
are those that many fields are of, others stand beside the rules that they apply.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol, TypeVar, get_type_hints

import msgspec

from tidings.core.form import SEEN, SIGN, Form, came, visible

Json = dict[str, Any]
NULL: Json = {"type": "null"}
R = TypeVar("R", bound=msgspec.Struct)


class Kind(Protocol):
    """What a field may be."""

    @property
    def null(self) -> bool:
        """Whether null may come where the field need not: for its default, or as left out."""
        ...

    def read(self, form: Any, field: "Declared", standing: Any) -> Any:
        """The value that the form's body says; `standing` where it does not say. What cannot be is
        refused on the form, and what is given then is of no use."""
        ...

    def show(self, value: Any) -> Any:
        """A value as answers show it."""
        ...

    def taken(self, *, new: bool) -> Json:
        """What a body may say, null aside, as JSON Schema: one that makes a resource (`new`), or
        one that changes it."""
        ...

    def shown(self) -> Json:
        """What an answer says, null aside, as JSON Schema."""
        ...


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()
"""The default of a field that must be there."""


@dataclass(frozen=True)
class Field:
    """What bodies and answers call an attribute, what it may be, and what it is for."""

    name: str
    kind: Kind
    about: str = ""
    """For the description of the API."""
    label: str = ""
    """What the console asks; a field without one has a place of its own on the page, or none."""
    hint: str = ""
    """Below what the console asks."""
    default: Any = REQUIRED
    """What it is where nobody says, if the attribute has no default of its own."""
    blank: Any = None
    """Of a field that has no default: what a file or a page begins with."""
    bodies: Literal["all", "new", "change"] = "all"
    """Which bodies say it: all, or only those that make a resource, or that change one."""
    original: bool = False
    """Whether the original has it: an import of its answer says nothing of the others."""


@dataclass(frozen=True)
class Declared:
    """A field where it stands: its attribute, and what it is where nobody says."""

    field: Field
    attribute: str
    default: Any
    keyed: bool = False
    """Whether the attribute is a mapping that holds it by its name, where it is not as usual."""

    @property
    def name(self) -> str:
        """As bodies say it."""
        return self.field.name

    @property
    def required(self) -> bool:
        """Whether a body that makes one must say it."""
        return self.default is REQUIRED

    def is_said(self, *, new: bool) -> bool:
        """Whether bodies say it that make a resource (`new`), or that change one."""
        return self.field.bodies in ("all", "new" if new else "change")

    def of(self, resource: Any) -> Any:
        """Its value in a resource."""
        value = getattr(resource, self.attribute)
        return value.get(self.name, self.default) if self.keyed else value

    def show(self, resource: Any) -> Any:
        """Its value as answers show it."""
        return self._shown(self.of(resource))

    def usual(self) -> Any:
        """What it is where nobody says, as answers show it; what a required one begins with."""
        if self.required or self.default is None:
            return self.field.blank
        return self._shown(self.default)

    def taken(self, *, new: bool) -> Json:
        """What a body may say, as JSON Schema. One that changes a resource has no defaults: a
        program that fills them in would undo what others have set."""
        schema = self.field.kind.taken(new=new)
        if self.field.kind.null and not self.required:
            schema = or_null(schema)
        schema = self._described(schema)
        if new and not self.required and (usual := self.usual()) is not None:
            schema = schema | {"default": usual}
        return schema

    def shown(self) -> Json:
        """What an answer says, as JSON Schema."""
        schema = self.field.kind.shown()
        absent = not self.required and self.usual() is None
        return self._described(or_null(schema) if absent else schema)

    def _described(self, schema: Json) -> Json:
        return schema | {"description": self.field.about} if self.field.about else schema

    def _shown(self, value: Any) -> Any:
        return None if value is None else self.field.kind.show(value)


@cache
def declared(resource: type[msgspec.Struct]) -> tuple[Declared, ...]:
    """The fields of a resource, in the order in which they are read and shown."""
    hints = get_type_hints(resource, include_extras=True)
    found: list[Declared] = []
    for one in msgspec.structs.fields(resource):
        marks = getattr(hints[one.name], "__metadata__", ())
        for mark in marks:
            if isinstance(mark, Field):
                default = mark.default if one.required else _default(one)
                if default is REQUIRED and isinstance(mark.kind, Choice | Flag):
                    raise TypeError(f"{mark.name} must have a default: nothing refuses its absence")
                found.append(Declared(mark, one.name, default))
            elif isinstance(mark, Keyed):
                found += [
                    Declared(inner, one.name, usual, keyed=True) for inner, usual in mark.fields
                ]
    return tuple(found)


@dataclass(frozen=True)
class Keyed:
    """Of an attribute that is a mapping: the fields in it, each with its default."""

    fields: tuple[tuple[Field, Any], ...]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    factory: Callable[[], Any] = field.default_factory
    return factory()


def read_resource(resource: type[R], form: Form, old: R | None, **given: Any) -> R:
    """What a body makes of a resource; fields that it does not say are as in `old`, or else their
    default, and so is whatever is not declared, if it is not `given`. What is wrong is on the form;
    then the result is of no use."""
    form.new, form.values = old is None, {}
    for one in declared(resource):
        if one.keyed:
            kept = dict(getattr(old, one.attribute)) if old is not None else {}
            mapping = form.values.setdefault(one.attribute, kept)
            value = one.field.kind.read(form, one, mapping.pop(one.name, None))
            if value is not None:
                mapping[one.name] = value
        else:
            standing = one.default if old is None else getattr(old, one.attribute)
            said = one.is_said(new=old is None)
            form.values[one.attribute] = (
                one.field.kind.read(form, one, standing) if said else standing
            )
    return (
        resource(**given, **form.values)
        if old is None
        else msgspec.structs.replace(old, **form.values)
    )


def show_resource(resource: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Its fields by name, as answers show them."""
    for one in declared(type(resource)):
        yield one.name, one.show(resource)


# -- kinds of which many fields are ----------------------------------------------------------------


class Plain(Kind, Protocol):
    """What is shown as it is kept."""

    @property
    def null(self) -> bool:
        """See `Kind.null`."""
        return True

    def show(self, value: Any) -> Any:
        """See `Kind.show`."""
        return value

    def shown(self) -> Json:
        """See `Kind.shown`."""
        return self.taken(new=False)


@dataclass(frozen=True)
class Number(Plain):
    """A number in its bounds. `text`: one that is written as text is taken too."""

    low: float
    high: float
    advice: str = "Leave it out if in doubt."
    whole: bool = False
    text: str = ""
    """The pattern of a number as text, where such is taken."""

    def read(self, form: Form, field: Declared, standing: Any) -> Any:
        """See `Kind.read`; null stands for the default."""
        said = form.body.get(field.name)
        if said is None and standing is REQUIRED:
            form.refuse(
                "bad_type",
                field.name,
                f"{field.name} must be a number from {self.low:g} to {self.high:.12g}; got nothing."
                f" {self.advice}",
            )
            return standing
        if said is None and field.name in form.body:
            return field.default
        text = bool(self.text)
        found = form.bounded(field.name, self.low, self.high, standing, self.advice, text=text)
        if found is None:
            return field.default
        return int(found) if self.whole else found

    def taken(self, *, new: bool) -> Json:
        """See `Kind.taken`."""
        number = {"type": "number", "minimum": self.low, "maximum": self.high}
        return _either(number, {"type": "string", "pattern": self.text}) if self.text else number

    def shown(self) -> Json:
        """See `Kind.shown`."""
        return {"type": "integer" if self.whole else "number"}


@dataclass(frozen=True)
class Text(Plain):
    """Text of a few signs that can be seen; blank signs around it are left out."""

    most: int
    code: str
    advice: str
    least: int = 0
    """1: blanks alone are no text."""
    null: bool = False
    """Whether null is as left out; else it is refused."""
    signs: str = "visible characters"
    """What its signs are called where it is refused."""

    def read(self, form: Form, field: Declared, standing: Any) -> Any:
        """See `Kind.read`."""
        value = form.body.get(field.name)
        if value is None and (self.null or (field.name not in form.body and not field.required)):
            return standing
        if isinstance(value, str) and len(value) <= self.most and visible(value):
            if len(text := value.strip()) >= self.least:
                return text
        many = f"1 to {self.most}" if self.least else f"at most {self.most}"
        form.refuse(
            self.code,
            field.name,
            f"{form.called(field.name)} must be text of {many} {self.signs}; got "
            f"{came(value)}. {self.advice}",
        )
        return standing

    def taken(self, *, new: bool) -> Json:
        """See `Kind.taken`."""
        pattern = f"^{SIGN}*{SEEN}{SIGN}*$" if self.least else f"^{SIGN}*$"
        return {"type": "string", "pattern": pattern, "maxLength": self.most}

    def shown(self) -> Json:
        """See `Kind.shown`."""
        return {"type": "string"}


@dataclass(frozen=True)
class Choice(Plain):
    """One of a few words, in any case."""

    words: tuple[str, ...]
    code: str
    made: Callable[[str], Any] = str
    """What it is kept as."""
    labels: tuple[str, ...] = ()
    """What the console calls each."""

    def read(self, form: Form, field: Declared, standing: Any) -> Any:
        """See `Kind.read`; null is as left out."""
        return self.made(form.choice(field.name, self.words, str(standing), self.code))

    def show(self, value: Any) -> Any:
        """See `Kind.show`."""
        return str(value)

    def taken(self, *, new: bool) -> Json:
        """See `Kind.taken`."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Flag(Plain):
    """true or false."""

    def read(self, form: Form, field: Declared, standing: Any) -> Any:
        """See `Kind.read`; null is as left out."""
        return form.flag(field.name, standing)

    def taken(self, *, new: bool) -> Json:
        """See `Kind.taken`."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Part:
    """A kind with rules of its own: how it is read, and as JSON Schema what may come."""

    reads: Callable[[Any, Declared, Any], Any]
    schema: Mapping[str, Any]
    shows: Callable[[Any], Any] = lambda value: value
    answers: Mapping[str, Any] | None = None
    """What answers say, where that is not what may come."""
    making: Mapping[str, Any] | None = None
    """What may come with a new resource, where that is not what may come with a change."""
    null: bool = True
    """See `Kind.null`."""

    def read(self, form: Any, field: Declared, standing: Any) -> Any:
        """See `Kind.read`."""
        return self.reads(form, field, standing)

    def show(self, value: Any) -> Any:
        """See `Kind.show`."""
        return self.shows(value)

    def taken(self, *, new: bool) -> Json:
        """See `Kind.taken`."""
        return dict(self.making if new and self.making is not None else self.schema)

    def shown(self) -> Json:
        """See `Kind.shown`."""
        return dict(self.schema if self.answers is None else self.answers)


@dataclass(frozen=True)
class Kept:
    """What is kept as it came, as JSON: whether it fits, and in words what it must be."""

    fits: Callable[[object], bool]
    must: str
    schema: Mapping[str, Any]
    bytes_max: int
    null: bool = True
    """See `Kind.null`."""

    def read(self, form: Form, field: Declared, standing: Any) -> Any:
        """See `Kind.read`; null stands for the default."""
        if field.name not in form.body:
            return standing
        value = form.body[field.name]
        if value is None:
            return None
        fits = self.fits(value)
        if fits and len(made := msgspec.json.encode(value)) <= self.bytes_max:
            return msgspec.Raw(made)
        got = f"more than {self.bytes_max} bytes" if fits else came(value)
        form.refuse(
            "bad_type",
            field.name,
            f"{field.name} must be {self.must}; got {got}. Leave it out if in doubt.",
        )
        return standing

    def show(self, value: Any) -> Any:
        """See `Kind.show`."""
        return value

    def taken(self, *, new: bool) -> Json:
        """See `Kind.taken`."""
        return dict(self.schema)

    def shown(self) -> Json:
        """See `Kind.shown`."""
        return dict(self.schema)


@dataclass(frozen=True)
class Nested:
    """A resource inside another one: an object that changes what it names of it."""

    resource: type[msgspec.Struct]
    code: str
    """Of what is no such object."""
    advice: str
    check: Callable[[Form, Any], None] = lambda form, made: None
    """Refuses on the form what does not go together."""
    null_stays: bool = True
    """Whether null is as left out; else it stands for the default."""
    in_full: bool = False
    """Whether sentences call its fields by their place in the whole body."""
    null: bool = True
    """See `Kind.null`."""

    def read(self, form: Form, field: Declared, standing: Any) -> Any:
        """See `Kind.read`."""
        value = form.body.get(field.name)
        if value is None:
            stays = self.null_stays or field.name not in form.body
            return standing if stays else field.default
        inner = self._form(form, field, value)
        if inner is None:
            return standing
        made = read_resource(self.resource, inner, standing)
        if not inner.refusals:
            self.check(inner, made)
        form.take_in(inner, f"{field.name}.")
        return made

    def _form(self, form: Form, field: Declared, value: object) -> Form | None:
        """The object to be read, where it is one and has no other fields."""
        names = [one.name for one in declared(self.resource)]
        if isinstance(value, dict):
            stem = f"{form.called(field.name)}." if self.in_full else ""
            inner = Form(value, strict=form.strict, stem=stem)
            inner.refuse_unknown(names)
            if not inner.refusals:
                return inner
            form.take_in(inner, f"{field.name}.")
            return None
        listed = ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]
        form.refuse(
            self.code,
            field.name,
            f"{form.called(field.name)} must be an object of {listed}; got {came(value)}. "
            f"{self.advice}",
        )
        return None

    def show(self, value: Any) -> Any:
        """See `Kind.show`."""
        return dict(show_resource(value))

    def taken(self, *, new: bool) -> Json:
        """See `Kind.taken`."""
        properties = {one.name: one.taken(new=new) for one in declared(self.resource)}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def shown(self) -> Json:
        """See `Kind.shown`."""
        properties = {one.name: one.shown() for one in declared(self.resource)}
        return {"type": "object", "properties": properties, "required": list(properties)}


def or_null(schema: Json) -> Json:
    """What may be null besides."""
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], NULL]}
    return _either(schema, NULL)


def _either(*schemas: Json) -> Json:
    return {"anyOf": list(schemas)}
