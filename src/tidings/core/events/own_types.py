"""Event types of an org's own: what it declares, and what follows from that.

A declaration is data (`Declaration`), stored as it came. `OwnType` is one version of it, made ready
for events: the same three questions that the catalogue answers (`check`, `key_of`,
`search_values`), for a schema that the org wrote (`own_schema.py`).

Add a field here; the rest follows.
"""

import re
from collections.abc import Sequence
from typing import Annotated

import jsonschema_rs
import msgspec

from tidings.catalogue import EventType, SchemaViolation
from tidings.catalogue.event_type import DocumentationSource, EnrichmentPaths, Json
from tidings.catalogue.paths import distinct_texts, gather, getter, tree
from tidings.catalogue.schema import marked
from tidings.catalogue.versions import FIRST, VERSION_FIELD, version_field
from tidings.core.declaration import Field, read_resource, settable_names
from tidings.core.events.own_schema import (
    SCHEMA_BYTES_MAX,
    SchemaRefused,
    cost_as_stored,
    read_schema,
    size_of,
)
from tidings.core.events.own_validator import CompiledSchemas, Explainer, compile_own
from tidings.core.events.personal import PersonalData
from tidings.core.events.schema_cost import Cost
from tidings.core.field_types import BooleanType, CustomField, ParsedField
from tidings.core.form import Form
from tidings.errors import FieldRefusal
from tidings.values import describe_value

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,127}")
RESERVED = "tidings."  # events about Tidings itself
FAMILY = "own"
TEXT_MAX = 1_000
PATH_MAX = 255
EXAMPLE_BYTES_MAX = SCHEMA_BYTES_MAX
TYPES_MAX = 500  # of one org
VERSIONS_MAX = 50
DEFAULT_KEY = "data.customerIdentifiers.customerId"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_kept = CompiledSchemas()  # of the process: memory is one for all orgs
Compiled = tuple[Cost, jsonschema_rs.Draft202012Validator]
_PATH = re.compile(r"data(\.[A-Za-z0-9_-]{1,128}|\[[0-9]{1,3}\]){1,20}")
_OBJECT: Json = {"type": "object", "additionalProperties": True}


def _schema(form: Form, *_: object) -> Json:
    value = form.body.get("schema")
    if not isinstance(value, dict):
        form.refuse(
            "bad_schema",
            "schema",
            f"schema must be the JSON Schema of data; got {describe_value(value)}. Start with "
            '{"type": "object"}.',
        )
        return {}
    if (size := len(msgspec.json.encode(value))) > SCHEMA_BYTES_MAX:
        form.refuse(
            "schema_too_large",
            "schema",
            f"schema must be at most {SCHEMA_BYTES_MAX} bytes; got {size}. Shorten it.",
        )
        return {}
    return value


_DESCRIPTION = ParsedField(
    lambda value: (
        value.strip()
        if isinstance(value, str) and value.strip() and len(value) <= TEXT_MAX
        else None
    ),
    f"text of 1 to {TEXT_MAX} characters",
    "bad_description",
    advice="Say in one sentence when the event is raised.",
    schema={"type": "string", "pattern": r"\S", "maxLength": TEXT_MAX},
)
_KEY = ParsedField(
    lambda value: (
        value
        if isinstance(value, str) and len(value) <= PATH_MAX and _PATH.fullmatch(value)
        else None
    ),
    "the dotted path of one value in data",
    "bad_key",
    advice=f"Write it like data.order.id or data.lines[0].sku; leave it out for {DEFAULT_KEY}.",
    schema={"type": "string", "pattern": f"^{_PATH.pattern}$", "maxLength": PATH_MAX},
)
_EXAMPLE = ParsedField(
    lambda value: (
        value
        if isinstance(value, dict) and len(msgspec.json.encode(value)) <= EXAMPLE_BYTES_MAX
        else None
    ),
    f"the data of an example, at most {EXAMPLE_BYTES_MAX} bytes",
    "bad_example",
    advice="Leave it out if in doubt.",
    schema=_OBJECT,
)


class Declaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """An org's declaration of one version of an event type. Fields are only ever added."""

    description: Annotated[
        str, Field("description", _DESCRIPTION, "When the event is raised, in one sentence.")
    ]
    schema: Annotated[  # as it was written
        Json,
        Field(
            "schema",
            CustomField(_schema, schema=_OBJECT),
            "JSON Schema 2020-12 of `data`, at most 64 KB.",
        ),
    ]
    key: Annotated[str, Field("key", _KEY, "Dotted path of the ordering key.")] = DEFAULT_KEY
    example: Annotated[
        Json | None, Field("example", _EXAMPLE, "`data` of an example; must fit.")
    ] = None


class TypeBodyFields(msgspec.Struct, frozen=True):
    """The further fields of a body."""

    new_version: Annotated[
        bool,
        Field(
            "newVersion",
            BooleanType(),
            "Begin a new version where the schema breaks the newest one.",
        ),
    ] = False


class OwnType:
    """One version of an org's own event type, ready for its events. Never raises for an event."""

    __slots__ = (
        "_cost", "_explainer", "_key", "_number", "_owner", "_personal", "_validator", "_wanted",
        "declaration", "expanded", "kind", "light", "size", "version",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        version: int,
        declaration: Declaration,
        envelope: Json,
        expanded: Json | None = None,
        owner: int = 0,
    ) -> None:
        """`expanded` is what `read_schema` or `expand_schema` has made of the declared schema;
        `owner` the org whose type it is.

        Raises SchemaRefused for a declaration that `read_own_type` has not passed.
        """
        self.version = version
        self.declaration = declaration
        self.expanded = read_schema(declaration.schema) if expanded is None else expanded
        fields = {
            **envelope["properties"],
            "eventName": {**envelope["properties"]["eventName"], "const": name},
            VERSION_FIELD: version_field(),
            "data": self.expanded,
        }
        schema: Json = {"$schema": DIALECT, "title": name, **envelope, "properties": fields}
        self._personal = PersonalData(schema)
        search = marked(schema, "x-search")
        key = declaration.key
        if (searched := re.sub(r"\[\d+\]", "[]", key)) not in search:
            search = (searched, *search)
        self.kind = EventType(
            name=name,
            family=FAMILY,
            trigger=declaration.description,
            core=False,
            since=None,
            source=DocumentationSource("", "", "declared by the org"),
            ref_id_rule=None,
            event_log_id=False,
            key=key,
            search_paths=search,
            pii_paths=self._personal.paths(),
            enrichment=EnrichmentPaths(
                _identifiers(self.expanded), (), False, available_points_balance=False
            ),
            notes=(),
            schema=schema,
            data=declaration.schema,
            examples=()
            if declaration.example is None
            else (_example(name, version, declaration.example),),
            invented=(),
            version=version,
        )
        self.size = size_of(declaration.schema, self.expanded)
        self._owner = owner
        self._key = getter(key)
        self._wanted = tree(search)
        # Worked out and compiled when the first event comes: most types of most orgs sleep.
        self.light = -1
        self._cost: Cost | None = None
        self._validator: jsonschema_rs.Draft202012Validator | None = None
        self._explainer: Explainer | None = None
        self._number = 0  # of what is compiled

    @property
    def is_cold(self) -> bool:
        """Return whether events must be checked elsewhere until it is compiled, which takes too
        long for the loop (`compile`)."""
        return self._validator is None and self.size.is_dear

    def fits_loop(self, raw: bytes) -> bool:
        """Return whether an event, as it came, is checked within the loop's share for sure.

        True for every event of at most `light` bytes; `check` must be asked elsewhere otherwise.
        """
        if self.is_cold:
            return False
        if self._cost is None:
            self._cost = cost_as_stored(self.kind.schema)
        self.light = self._cost.surely
        return len(raw) <= self.light or self._cost.fits_loop(raw)

    def check(self, event: Json) -> list[SchemaViolation]:
        """List what is wrong with a whole decoded event; empty means nothing. At most ten."""
        try:
            validator = self._validator
            if validator is None:
                validator = compile_own(self.kind.schema)
                self._keep(validator)
            else:
                _kept.touch(self._number)
            if validator.is_valid(event):
                return []
            if self._explainer is None:
                self._explainer = Explainer(self.kind.schema, self._personal)
            return self._explainer.explain(event)
        except ValueError:  # what no JSON text in UTF-8 can hold; intake lets none through
            return [
                SchemaViolation(
                    "", "JSON", "something else", message="The event must be JSON in UTF-8."
                )
            ]

    def compile(self) -> Compiled:
        """Return what events are checked by. It changes nothing, so a thread may do it."""
        return self._cost or cost_as_stored(self.kind.schema), compile_own(self.kind.schema)

    def adopt(self, compiled: Compiled) -> None:
        """Check events by this from now on, until others need its memory."""
        self._cost, validator = compiled
        self._keep(validator)

    def forget(self) -> None:
        """Give up what is compiled: the type is not used any more."""
        _kept.drop(self._number)
        self._give_up()

    def _keep(self, validator: jsonschema_rs.Draft202012Validator) -> None:
        _kept.drop(self._number)
        self._validator = validator
        self._number = _kept.add(self._owner, self.kind.schema, self._give_up)

    def _give_up(self) -> None:
        self._validator = self._explainer = None
        self.light = -1

    def key_of(self, event: Json) -> str | None:
        """Return the ordering key of the event as text; None when the event holds none."""
        return self._key(event)

    def search_values(self, event: Json) -> list[str]:
        """Return the distinct texts that the event is found by, at most 256."""
        found: list[object] = []
        gather(event, self._wanted, found)
        return distinct_texts(found)


class ParsedTypeBody(msgspec.Struct, frozen=True):
    """A body that passed."""

    declaration: Declaration
    new_version: bool
    warnings: tuple[FieldRefusal, ...]
    made: OwnType  # as version 1
    example_unchecked: bytes = b""  # the event that shows it, where its check may take long


def read_own_type(
    name: str, body: Json, envelope: Json, *, check_example: bool = True
) -> ParsedTypeBody | list[FieldRefusal]:
    """Read a body that declares an event type, or say why not. Never raises.

    That the name is free is not asked here. Without `check_example` nothing is compiled, so that a
    thread may do it.
    """
    form = Form(body)
    _check_name(form, name)
    declaration = read_resource(Declaration, form, None)
    new_version = read_resource(TypeBodyFields, form, None).new_version
    form.refuse_unknown(settable_names(Declaration, TypeBodyFields))
    if form.refusals:
        return form.refusals
    try:
        made = OwnType(name, 1, declaration, envelope)
    except SchemaRefused as refused:
        message, path = refused.sentence, refused.path
        form.refuse(
            "bad_schema", "schema", message if path in message else f"{message} It is {path}."
        )
        return form.refusals
    unchecked = b""
    if made.kind.examples:
        raw = msgspec.json.encode(made.kind.example)
        if not check_example or not made.fits_loop(raw):
            unchecked = raw
        elif problems := made.check(made.kind.example):
            form.refuse("bad_example", "example", misfit(problems))
            return form.refusals
    return ParsedTypeBody(
        declaration, new_version, tuple(form.warnings), made=made, example_unchecked=unchecked
    )


def misfit(problems: Sequence[SchemaViolation]) -> str:
    """Describe an example that does not fit."""
    return f"example must fit the schema; {problems[0].message} Correct one of the two."


def _check_name(form: Form, name: str) -> None:
    if not NAME.fullmatch(name):
        form.refuse(
            "bad_event_name",
            "eventName",
            "eventName must be a letter followed by up to 127 of A-Z a-z 0-9 _ .; got "
            f"{describe_value(name)}. Use a name like orderPacked.",
        )
    elif name.startswith(RESERVED):
        form.refuse(
            "bad_event_name",
            "eventName",
            f"eventName must not begin with {RESERVED}, which is for events of Tidings itself; got "
            f"{describe_value(name)}. Choose another name.",
        )


def _identifiers(schema: Json) -> tuple[str, ...]:
    block = schema.get("properties", {}).get("customerIdentifiers")
    return ("data.customerIdentifiers",) if isinstance(block, dict) else ()


def _example(name: str, version: int, data: Json) -> Json:
    envelope = {} if version == FIRST else {VERSION_FIELD: version}
    return {
        "eventName": name,
        **envelope,
        "eventId": "5f0c2c1e-0d51-4c0e-9f35-2b6f1d1a7e10",
        "orgId": 2001,
        "createdAt": 1770801300412,
        "data": data,
    }
