"""How a resource is declared: a class whose annotations say of each field what a body may say.

    class Settings(msgspec.Struct, frozen=True):
        rate_per_s: Annotated[float | None, Field("rateLimit", Number(0.01, 100_000), "…")] = None

From the class come the reading and the refusals of bodies (`read_body`, `read_resource`), what
answers show (`show_resource`), and, by the floor `schema`, the API's description, patches and the
console's form; the command line takes its defaults from it. What a field may be is its `FieldType`:
`field_types.py` has those that many fields are of, others stand beside the rules that they apply.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, ClassVar, Literal, TypeVar, get_type_hints

import msgspec

from tidings.core.form import Form
from tidings.errors import FieldRefusal

Json = dict[str, Any]
NULL: Json = {"type": "null"}
R = TypeVar("R", bound=msgspec.Struct)

_BOUNDS = {
    *("pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMaximum"),
    *("minItems", "maxItems", "propertyNames", "minProperties", "maxProperties"),
}


class FieldType(msgspec.Struct, frozen=True, kw_only=True):
    """Rules for what a field may be."""

    null: bool = True
    """Whether null may come where the field need not: for its default, or as left out."""
    must_have_default: ClassVar[bool] = False
    """Whether nothing refuses its absence."""

    def read(self, form: Any, field: "DeclaredField", previous: Any) -> Any:
        """Read the value that the form's body has; `previous` if it has none. What does not fit is
        refused in the form, and what comes back then is of no use."""
        raise NotImplementedError

    def show(self, value: Any) -> Any:
        """Return a value as answers show it: as it is kept, unless the kind has another form for
        it."""
        return value

    def taken(self, *, new: bool) -> Json:
        """Build the JSON Schema of what a body may say, null aside: of one that makes a resource
        (`new`), or that changes it."""
        raise NotImplementedError

    def shown(self) -> Json:
        """Build the JSON Schema of what an answer says, null aside: the same without its bounds."""
        schema: Json = _unbounded(self.taken(new=False))
        return schema


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()
"""The default of a field that must be there."""


class Field(msgspec.Struct, frozen=True):
    """The declaration of an attribute: its name in bodies and answers, what it may be, and what it
    is for."""

    name: str
    kind: FieldType
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
    bodies: Literal["all", "new", "change", "none"] = "all"
    """Which bodies say it: all, or only those that make a resource, or that change one, or none."""
    answered: bool = True
    """Whether answers show it."""
    deprecated: bool = False


class DeclaredField(msgspec.Struct, frozen=True):
    """A field where it stands: its attribute, and what it is where nobody says."""

    field: Field
    attribute: str
    default: Any
    keyed: bool = False
    """Whether the attribute is a mapping that holds it by its name, where it is not as usual."""

    @property
    def name(self) -> str:
        """Return the field's name in bodies."""
        return self.field.name

    @property
    def required(self) -> bool:
        """Return whether a body that makes one must say it."""
        return self.default is REQUIRED

    def is_settable(self, *, new: bool) -> bool:
        """Return whether bodies say it that make a resource (`new`), or that change one."""
        return self.field.bodies in ("all", "new" if new else "change")

    def of(self, resource: Any) -> Any:
        """Return the field's value in a resource."""
        value = getattr(resource, self.attribute)
        return value.get(self.name, self.default) if self.keyed else value

    def show(self, resource: Any) -> Any:
        """Return the field's value in a resource, as answers show it."""
        return self._shown(self.of(resource))

    def usual(self) -> Any:
        """Return the default as answers show it; of a required field, what it begins with."""
        if self.required or self.default is None:
            return self.field.blank
        return self._shown(self.default)

    def taken(self, *, new: bool) -> Json:
        """Build the JSON Schema of what a body may say. One that changes a resource has no
        defaults: a program that fills them in would undo what others have set."""
        schema = self.field.kind.taken(new=new)
        if self.field.kind.null and not self.required:
            schema = or_null(schema)
        schema = self._described(schema)
        if new and not self.required and (usual := self.usual()) is not None:
            schema = schema | {"default": usual}
        return schema

    def shown(self) -> Json:
        """Build the JSON Schema of what an answer says."""
        schema = self.field.kind.shown()
        absent = not self.required and self.usual() is None
        return self._described(or_null(schema) if absent else schema)

    def _described(self, schema: Json) -> Json:
        about = {"description": self.field.about} if self.field.about else {}
        return schema | about | ({"deprecated": True} if self.field.deprecated else {})

    def _shown(self, value: Any) -> Any:
        return None if value is None else self.field.kind.show(value)


@cache
def declared(resource: type[msgspec.Struct]) -> tuple[DeclaredField, ...]:
    """List the fields of a resource, in the order in which they are read and shown. Raise TypeError
    if one must have a default and has none."""
    hints = get_type_hints(resource, include_extras=True)
    found: list[DeclaredField] = []
    for field in msgspec.structs.fields(resource):
        marks = getattr(hints[field.name], "__metadata__", ())
        for mark in marks:
            if isinstance(mark, Field):
                default = mark.default if field.required else _default(field)
                if default is REQUIRED and mark.kind.must_have_default:
                    raise TypeError(f"{mark.name} must have a default: nothing refuses its absence")
                found.append(DeclaredField(mark, field.name, default))
            elif isinstance(mark, Keyed):
                found += [
                    DeclaredField(inner, field.name, usual, keyed=True)
                    for inner, usual in mark.fields
                ]
    return tuple(found)


class Keyed(msgspec.Struct, frozen=True):
    """Of an attribute that is a mapping: the fields in it, each with its default."""

    fields: tuple[tuple[Field, Any], ...]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    factory: Callable[[], Any] = field.default_factory
    return factory()


def read_resource(resource: type[R], form: Form, old: R | None, **given: Any) -> R:
    """Make a resource of a body; fields that it does not say are as in `old`, or else their
    default, and so is whatever is not declared, if it is not `given`. What is wrong is on the form;
    then the result is of no use."""
    form.new, form.values = old is None, {}
    for field in declared(resource):
        if field.keyed:
            kept = dict(getattr(old, field.attribute)) if old is not None else {}
            mapping = form.values.setdefault(field.attribute, kept)
            value = field.field.kind.read(form, field, mapping.pop(field.name, None))
            if value is not None:
                mapping[field.name] = value
        else:
            previous = field.default if old is None else getattr(old, field.attribute)
            is_given = field.is_settable(new=old is None)
            form.values[field.attribute] = (
                field.field.kind.read(form, field, previous) if is_given else previous
            )
    return (
        resource(**given, **form.values)
        if old is None
        else msgspec.structs.replace(old, **form.values)
    )


def read_body(
    resource: type[R], body: dict[str, Any] | Form, old: R | None = None, **given: Any
) -> R | list[FieldRefusal]:
    """Make a resource of a body that has no other fields; return it, or all that is wrong with the
    body."""
    form = body if isinstance(body, Form) else Form(body)
    form.refuse_unknown(settable_names(resource, new=old is None))
    made = read_resource(resource, form, old, **given)
    return form.refusals or made


def settable_names(*resources: type[msgspec.Struct], new: bool = True) -> list[str]:
    """List the fields that a body may set which makes one of these resources (`new`), or changes
    it."""
    return [
        field.name for each in resources for field in declared(each) if field.is_settable(new=new)
    ]


def show_resource(resource: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a resource that answers show: name and value."""
    for field in declared(type(resource)):
        if field.field.answered:
            yield field.name, field.show(resource)


def or_null(schema: Json) -> Json:
    """Build a schema that allows null besides."""
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], NULL]}
    return either(schema, NULL)


def either(*schemas: Json) -> Json:
    """Build a schema that allows any of these."""
    return {"anyOf": list(schemas)}


def _unbounded(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_unbounded(child) for child in schema]
    if not isinstance(schema, dict):
        return schema
    made: Json = {name: _unbounded(child) for name, child in schema.items() if name not in _BOUNDS}
    if "properties" in schema:  # whose names are no words of JSON Schema
        made["properties"] = {n: _unbounded(child) for n, child in schema["properties"].items()}
    return made
