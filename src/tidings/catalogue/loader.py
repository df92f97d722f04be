"""Reads the catalogue from its files: one of each event type, one of each shared block.

The files lie beside this module: `types/<eventName>.json` and `shared/<block>.json`. A `$ref` names
a block by its path from here ("shared/actor.json") and nothing else; it is resolved here, once. A
version that breaks an older one lies beside it: `types/<eventName>.v2.json`.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from tidings.catalogue.catalogue import Catalogue
from tidings.catalogue.compat import breaking
from tidings.catalogue.event_type import (
    Causes,
    DocumentationSource,
    EnrichmentPaths,
    EventType,
    Json,
)
from tidings.catalogue.facts import PRODUCTS, caution
from tidings.catalogue.schema import (
    CatalogueError,
    event_name,
    inline,
    marked,
    nullable,
    searched,
    types_of,
)
from tidings.catalogue.versions import FIRST, VERSION_FIELD, version_field

HERE = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ENTITY, _BLOCK = "entityInformation", "shared/entityInformation.json"
_VERSIONED = re.compile(r"\.v\d+$")


class TypeFile(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """An event type as its file says it."""

    name: str
    aliases: tuple[str, ...] = ()
    wire_name: str | None = None  # the eventName that its events bear, where it is another
    version: int = 1
    family: str
    trigger: str
    product: str
    plainly: str
    causes: Causes
    not_raised: tuple[str, ...]  # sentences, and names of `facts.CAUTIONS` after a dollar sign
    beware: tuple[str, ...]
    absent_in_samples: tuple[str, ...]
    may_lack: tuple[str, ...]
    documented_as: Literal["core", "extra", "own"]  # own: Tidings tells them of itself
    since: str | None
    source: DocumentationSource
    ref_id_rule: str | None
    event_log_id: bool
    key: str
    key_else: tuple[str, ...] = ()  # see EventType; the owner is added
    enrichment: EnrichmentPaths
    notes: tuple[str, ...]
    data: Json
    beside: Json = {}  # fields that an older form has in the envelope instead of in `data`
    examples: tuple[Json, ...]
    invented: tuple[str, ...]


def raw_blocks(folder: Path) -> dict[str, Json]:
    """Read the shared blocks by `$ref`, their own references unresolved; what is optional in them
    may be null (`schema.nullable`)."""
    written: dict[str, Json] = {
        f"shared/{file.name}": msgspec.json.decode(file.read_bytes(), type=Json)
        for file in sorted((folder / "shared").glob("*.json"))
    }
    types = _types_by_ref(written)
    return {ref: nullable(node, types) for ref, node in written.items()}


def _types_by_ref(blocks: dict[str, Json]) -> dict[str, tuple[str, ...]]:
    return {ref: types_of(node) for ref, node in blocks.items()}


def read_blocks(folder: Path) -> dict[str, Json]:
    """Read the shared blocks by `$ref`, each with the blocks that it names already inside. Raise
    `CatalogueError` if a reference leads nowhere or back to itself."""
    raw = raw_blocks(folder)
    done: dict[str, Json] = {}
    while len(done) < len(raw):
        before = len(done)
        for ref, node in raw.items():
            if ref not in done and _refs(node) <= done.keys():
                done[ref] = inline(node, done)
        if len(done) == before:
            stuck = ", ".join(sorted(raw.keys() - done.keys()))
            raise CatalogueError(f"shared blocks must exist and not form a ring; got {stuck}")
    return done


def _refs(node: Json) -> set[str]:
    found = {node["$ref"]} if "$ref" in node else set()
    inner = [*node.get("properties", {}).values()]
    inner += [node[key] for key in ("items", "additionalProperties") if key in node]
    return found.union(*(_refs(child) for child in inner))


def event_type(file: TypeFile, blocks: dict[str, Json]) -> EventType:
    """Build the event type of a file: its full schema and the paths that follow from the schema's
    marks. Raise `CatalogueError` if its product is unknown or its schema breaks a rule."""
    if file.product not in PRODUCTS:
        raise CatalogueError(
            f"product must be one of {', '.join(PRODUCTS)}; got {file.product!r}. Add it to "
            "facts.PRODUCTS if it is a new one"
        )
    envelope = blocks["shared/envelope.json"]
    ours = file.documented_as == "own"  # what Tidings tells of itself holds no null
    data = file.data if ours else nullable(file.data, _types_by_ref(blocks))
    beside = nullable({"properties": file.beside}, {})
    names = tuple(name for name in (file.wire_name, file.name) if name is not None)
    fields = {
        **inline(beside, blocks)["properties"],
        **envelope["properties"],
        "eventName": {**envelope["properties"]["eventName"], **event_name(names)},
        "data": inline(data, blocks),
    }
    schema: Json = {"title": file.name, **envelope, "properties": fields}
    if file.version > FIRST:  # nothing else tells an event of it from one of version 1
        fields[VERSION_FIELD] = version_field(file.version)
        schema["required"] = [*envelope["required"], VERSION_FIELD]
    search = searched(schema)
    if file.key.replace("[0]", "[]") not in search:
        search = (file.key, *search)
    # One rule for all files: the entity in `data` is the owner, wherever it is declared.
    entity = file.data.get("properties", {}).get(_ENTITY, {})
    owner = f"data.{_ENTITY}" if entity.get("$ref") == _BLOCK else None
    return EventType(
        name=file.name,
        family=file.family,
        trigger=file.trigger,
        core=file.documented_as == "core",
        since=file.since,
        source=file.source,
        ref_id_rule=file.ref_id_rule,
        event_log_id=file.event_log_id,
        key=file.key,
        search_paths=search,
        pii_paths=marked(schema, "x-pii"),
        enrichment=file.enrichment,
        notes=file.notes,
        schema={"$schema": DIALECT, **schema},
        data=data,
        examples=file.examples,
        invented=file.invented,
        version=file.version,
        aliases=file.aliases,
        key_else=(*file.key_else, *((owner,) if owner else ())),
        owner=owner,
        product=file.product,
        plainly=file.plainly,
        causes=file.causes,
        not_raised=tuple(caution(sentence) for sentence in file.not_raised),
        beware=file.beware,
        absent_in_samples=file.absent_in_samples,
        may_lack=file.may_lack,
        wire_names=names,
    )


def read(folder: Path) -> Catalogue:
    """Read the catalogue in `folder`. Raise `CatalogueError`, with the file's name, if one breaks a
    rule."""
    blocks = read_blocks(folder)
    decoder = msgspec.json.Decoder(TypeFile)
    types: dict[str, EventType] = {}
    for path in sorted((folder / "types").glob("*.json")):
        try:
            kind = event_type(decoder.decode(path.read_bytes()), blocks)
        except (msgspec.MsgspecError, CatalogueError) as error:
            raise CatalogueError(f"{path.name}: {error}") from error
        if kind.label != path.stem:
            raise CatalogueError(f"{path.name}: name must be {path.stem}; got {kind.label}")
        types[kind.label] = kind
    for kind in types.values():
        if kind.version != FIRST or _VERSIONED.search(kind.name):
            _check_version(kind, types)
    _check_aliases(types.values())
    return Catalogue(types.values())


def _check_version(kind: EventType, types: dict[str, EventType]) -> None:
    """Check that a version follows the one before it and breaks it: what only adds stays in the
    older one. Raise `CatalogueError` if not."""
    file = f"{kind.label}.json"
    if kind.version < FIRST or _VERSIONED.search(kind.name):
        raise CatalogueError(f"{file}: a name must not end like a version; a version is 1 or more")
    older = types.get(msgspec.structs.replace(kind, version=kind.version - 1).label)
    if older is None:
        raise CatalogueError(f"{file}: version {kind.version - 1} must be there; it is not")
    before, now = (version.schema["properties"]["data"] for version in (older, kind))
    if not breaking(before, now) and older.key == kind.key:
        raise CatalogueError(
            f"{file}: version {kind.version} must break the one before it; it only adds. Add the "
            f"fields to {older.label}.json"
        )


def _check_aliases(types: Iterable[EventType]) -> None:
    """Check that each other name stands for one type alone, and is the name of none. Raise
    `CatalogueError` if not."""
    meant = {kind.name: kind.name for kind in types}
    for kind in types:
        for alias in kind.aliases:
            if meant.setdefault(alias, kind.name) != kind.name or alias == kind.name:
                message = (
                    f"an alias must stand for one type alone; {alias} is taken by {meant[alias]}"
                )
                raise CatalogueError(f"{kind.label}.json: {message}")


@cache
def envelope() -> Json:
    """Read the schema that every event keeps, whatever its type; `data` is an object."""
    return read_blocks(HERE)["shared/envelope.json"]


@cache
def customer_identifiers() -> Json:
    """Read the schema of the block that says who a customer is, as the catalogue's types have
    it."""
    return read_blocks(HERE)["shared/customerIdentifiers.json"]


@cache
def load() -> Catalogue:
    """Load the built-in catalogue, read once. Validators are compiled when a type is first used."""
    return read(HERE)
