"""What the catalogue knows of one event type, and how it says that an event does not fit."""

from typing import Any

import msgspec

# A JSON object. `Any` because JSON Schema and events are walked by key, and every step is tested.
Json = dict[str, Any]


class SchemaViolation(msgspec.Struct, frozen=True):
    """One reason why an event is refused, as its sender is told."""

    path: str  # dotted, list items by index: "data.items[2].id"
    expected: str  # "text", "a whole number or null", …
    got: str  # 'number 12', 'text "abc"', "nothing" for an absent field; no value where it is PII
    message: str  # "data.billDate must be text; got number 12."


class EnrichmentPaths(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Paths that enrichment can add to in an event: dotted, `[]` for every item."""

    customer_identifiers: tuple[str, ...]
    till_store: tuple[str, ...]
    awarded_reference: bool
    available_points_balance: bool
    awarded_slices: tuple[str, ...] = ()  # the slices of points that carry an awarded reference


class DocumentationSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public page that documents the event type, and what it shows as evidence."""

    url: str
    section: str
    evidence: str


class Causes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Causes on record of an event type. All empty: nothing is, and nothing is guessed."""

    calls: tuple[str, ...] = ()  # API calls, and what is done in the platform's screens
    activities: tuple[str, ...] = ()  # values of `triggeringActivity.name`
    jobs: tuple[str, ...] = ()  # what is done without anybody asking


class EventType(msgspec.Struct, frozen=True):
    """One event type. Its dicts are shared: read them, never change them."""

    name: str
    family: str  # customer, transactions, loyalty, promotions, tier, …
    trigger: str  # when it is raised, one sentence
    core: bool  # one of the 65 of the system; else documented since
    since: str | None  # when the docs first named it, where that is known
    source: DocumentationSource
    ref_id_rule: str | None  # how refId is made; None where no sample shows it
    event_log_id: bool  # the envelope carries eventLogId
    key: str  # dotted path of the ordering key; `[0]` takes the first item of a list
    search_paths: tuple[str, ...]  # dotted paths of the values that people search by
    pii_paths: tuple[str, ...]  # dotted paths of personal data
    enrichment: EnrichmentPaths
    notes: tuple[str, ...]
    schema: Json  # JSON Schema 2020-12 of the whole event, shared blocks inlined
    data: Json  # the schema of `data` as written, shared blocks as `$ref`
    examples: tuple[Json, ...]  # whole events
    invented: tuple[str, ...]  # paths in the first example that are not documented; "*" = all
    version: int = 1
    aliases: tuple[str, ...] = ()  # names that events of it also come under; never offered
    # Where else the key is looked for, in turn; at `owner` by the entity.
    key_else: tuple[str, ...] = ()
    owner: str | None = None  # dotted path of the entity that the event belongs to
    product: str = "own"  # which part of the platform raises it: a key of `facts.PRODUCTS`
    plainly: str = ""  # what has happened, as somebody of the shop says it
    causes: Causes = Causes()
    not_raised: tuple[str, ...] = ()  # what one would expect to raise it, and does not
    beware: tuple[str, ...] = ()  # how it is misread
    absent_in_samples: tuple[str, ...] = ()  # paths that are absent in some published sample
    may_lack: tuple[str, ...] = ()  # what else may be missing, and when
    wire_names: tuple[str, ...] = ()  # what eventName may be; what really arrives comes first

    @property
    def label(self) -> str:
        """Return the name that files, pages and documents use: `pointsIssued`,
        `pointsIssued.v2`."""
        return self.name if self.version == 1 else f"{self.name}.v{self.version}"

    @property
    def example(self) -> Json:
        """The first example: the one to show."""
        return self.examples[0]
