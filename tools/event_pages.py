"""Writes a page for each event type, one for the blocks that they share, and an index.

`python -m tools.event_pages FOLDER`, as `make docs` does.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tidings.catalogue import Catalogue, EventType, load
from tidings.catalogue.event_type import Json
from tidings.catalogue.facts import (
    CAUSES,
    CAUTIONS,
    NOTHING_ADDED,
    PRODUCTS,
    UNDOCUMENTED,
    key_meaning,
    missing,
    raised_by,
    reference_meaning,
)
from tidings.catalogue.loader import HERE, raw_blocks
from tidings.catalogue.thin import thin
from tidings.catalogue.uses import USES
from tidings.cli.events.field_rows import block_name, may_lack, rows

MADE = "This page is made from the event type's file (`make docs`); a test holds it current."
INDEX = "README.md"
BLOCKS = "shared-blocks.md"
FOOT = """\
## If it did not work

- An event of this type is refused with the code `schema`: the message names the path, what must be
  there and what came. Compare with the fields above; names and types are those of the wire.
- It is accepted and a webhook hears nothing: its `eventNames` must hold `{name}`, in this spelling.
- A field of the example is missing in what arrives: it is enrichment, which each webhook asks for.
"""
HEAD = """\
# The event types

Every page here is made from the catalogue (`make docs`); a test holds them current.
`tidings events list`, `show`, `example` and `schema` say the same on the command line. Events are
JSON objects; every type has the [envelope](shared-blocks.md#envelope) and its own `data`
([what holds for all](../contract/events.md)). An org can
[declare types of its own](../event-types.md). Announced, and without a published payload:
[identifierReleased](../identifier-released.md).

Find the row that says what has happened: "a customer spends points" is pointsRedeemed. The product
is the part of the platform that raises it. `refId` links events of one activity: compare it whole,
and never take it apart.
"""
BY_USE = """\
The console's form of a new webhook offers these too: ticking one ticks its types. A type may serve
several uses. What Tidings tells of itself (`tidings.*`) is in none of them."""
BLOCKS_HEAD = """\
# What several events share

This page is made from the catalogue (`make docs`). Each block is written once, in
`src/tidings/catalogue/shared/`; the pages of the [event types](README.md) lead here.
"""
BLOCKS_FOOT = """\
## If it did not work

- A block is thinner than here: till, store, identifiers and card numbers are enrichment, which each
  webhook asks for ([enrichment](../enrichment.md)).
- A field is refused: its name and type are those of the wire, misspellings included.
"""
INDEX_FOOT = """\
## If it did not work

- An `eventName` is refused with `unknown_type`: names are case-sensitive, and three begin with a
  capital letter. Take the name from this page.
- A type is missing here: declare it for your org ([event types](../event-types.md)).
"""


THIN = "Thin: as the platform sends it"
NULLS = (
    "Any field may be absent or null, whatever the type beside it: the platform's producers write "
    "null for what they have no value for."
)


def _table(
    head: str, whole: Json, blocks: dict[str, Json], page: str, *, null: bool = False
) -> list[str]:
    lines = [f"| {head} | Type | What it is |", "|---|---|---|"]
    for row in rows(whole, blocks, null=null):
        link = f" Its fields: [{row.block}]({page}#{row.block.lower()})." if row.block else ""
        lines.append(f"| `{row.path}` | {row.words} | {_cell(row.meaning)}{link} |")
    return lines


def blocks_page(raw: dict[str, Json]) -> str:
    """The page of the shared blocks; `raw` as they are written."""
    lines = [BLOCKS_HEAD, NULLS, ""]
    for ref, node in sorted(raw.items()):
        lines += [f"## {block_name(ref)}", "", node["description"], ""]
        lines += [*_table("Field", node, raw, ""), ""]
    return "\n".join([*lines, BLOCKS_FOOT])


def page(kind: EventType, blocks: dict[str, Json], versions: Sequence[EventType] = ()) -> str:
    """The page of one version of an event type; `versions` are all that there are of it."""
    facts = _facts(kind, versions)
    lines = [f"# {kind.label}", "", kind.trigger, "", MADE, "", *facts, ""]
    lines += ["## When it fires", "", *_when(kind), ""]
    if lacks := missing(kind):
        lines += ["## What may be missing", "", *(f"- {said}" for said in lacks), ""]
    lines += ["## Fields", ""]
    lines += [NULLS, ""] if may_lack(kind) else []
    lines += _table("In `data`", kind.data, blocks, BLOCKS, null=not may_lack(kind))
    lines += ["", "## Examples", ""]
    if not kind.name.startswith("tidings."):
        lines += [f"`tidings trigger {kind.label}` sends one of your own org, new each time.", ""]
    small = thin(kind, kind.example)
    lines += [f"### {THIN}", "", *_json(small), "", "### Enriched", ""]
    if small == kind.example:
        lines += [NOTHING_ADDED, ""]
    else:
        lines += ["With all enrichment that there is for it:", "", *_json(kind.example), ""]
    for other in kind.examples[1:]:
        lines += ["### Another of its forms", "", *_json(thin(kind, other)), ""]
    if kind.invented:
        lines += [_invented(kind), ""]
    if kind.notes:
        lines += ["## Notes", "", *(f"- {note}" for note in kind.notes), ""]
    return "\n".join([*lines, FOOT.format(name=kind.name)])


def _when(kind: EventType) -> list[str]:
    """What raises it, what does not, and how it is misread."""
    causes = [f"- {what}: {which}." for what, which in raised_by(kind)]
    lines = [CAUSES, "", *causes] if causes else [UNDOCUMENTED]
    if kind.not_raised:
        lines += ["", "When it does not fire:", "", *(f"- {said}" for said in kind.not_raised)]
    if kind.beware:
        lines += ["", "Beware:", "", *(f"- {said}" for said in kind.beware)]
    return lines


def _facts(kind: EventType, versions: Sequence[EventType]) -> list[str]:
    points = kind.enrichment
    added = []
    if points.customer_identifiers:
        added.append("customer identifiers")
    if points.till_store:
        added.append("till and store")
    if points.awarded_reference:
        added.append("awarded reference")
    if points.available_points_balance:
        added.append("available points balance")
    source = kind.source
    documented = f"[{source.section}]({source.url})" if source.url.startswith("http") else "ours"
    standing = "one of the 65" if kind.core else "documented since"
    if kind.family == "operational":
        standing = "of Tidings itself"
    facts = [
        ("What has happened", kind.plainly),
        ("Product", PRODUCTS[kind.product]),
        ("Family", kind.family),
        ("Standing", standing + (f" ({kind.since})" if kind.since else "")),
        ("Ordering key", f"{_key(kind)}: {key_meaning(kind)}"),
        ("`refId`", _reference(kind)),
        ("`eventLogId`", "in the envelope" if kind.event_log_id else "none"),
        ("Enrichment", ", ".join(added) or "none"),
        ("Found by", ", ".join(f"`{path}`" for path in kind.search_paths)),
        ("Source", f"{documented}: {source.evidence}"),
    ]
    if kind.aliases:
        others = ", ".join(f"`{name}`" for name in kind.aliases)
        facts.insert(2, ("[Other names](../event-types.md#other-names)", f"{others} on input"))
    if len(versions) > 1:
        said = "one that says none" if kind.version == 1 else f'`"eventVersion": {kind.version}`'
        others = ", ".join(f"[{one.version}]({one.label}.md)" for one in versions if one != kind)
        chosen = "unless it chose another" if kind.version == 1 else "that chose it"
        told = f"{kind.version}: {said} in the envelope, for a webhook {chosen}. Others: {others}"
        facts.insert(4, ("[Version](../event-types.md#versions)", told))
    return ["| | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in facts)]


def _key(kind: EventType) -> str:
    said = [f"`{path}`" for path in (kind.key, *kind.key_else)]
    if kind.owner:
        said[-1] += ", which is the customer, or a group and its id"
    return ", else ".join(said)


def _reference(kind: EventType) -> str:
    rule, meaning = kind.ref_id_rule, reference_meaning(kind)
    return f"`{rule}`: {meaning}" if rule else meaning


def _invented(kind: EventType) -> str:
    if "*" in kind.invented:
        return "The whole example is invented: no sample of this type is published."
    listed = ", ".join(f"`{path}`" for path in kind.invented)
    return f"Invented, because no value is documented: {listed}."


def _json(value: Json) -> list[str]:
    return ["```json", json.dumps(value, indent=2, ensure_ascii=False), "```"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _link(kind: EventType) -> str:
    return f"[{kind.label}]({kind.label}.md)"


def _by_use() -> list[str]:
    """The table of what brands use events for."""
    rows = []
    for use in USES:
        types = ", ".join(f"[{name}]({name}.md)" for name in use.types)
        rows.append(f"| {use.label} | {_cell(use.purpose)} | {types} |")
    return ["## By use", "", BY_USE, "", "| Use | For | Event types |", "|---|---|---|", *rows, ""]


def index(kinds: list[EventType]) -> str:
    """The page that leads to all others."""
    families: defaultdict[str, list[EventType]] = defaultdict(list)
    for kind in kinds:
        families[kind.family].append(kind)
    order = list(PRODUCTS)
    lines = [HEAD, "## What raises no event", ""]
    lines += [*(f"- {said}" for said in CAUTIONS.values()), ""]
    lines += ["Types that are easily misread:", ""]
    lines += [
        f"- [{kind.label}]({kind.label}.md): {said}" for kind in kinds for said in kind.beware
    ]
    lines += ["", *_by_use()]
    for family in sorted(families):
        lines += [
            f"## {family}",
            "",
            "| What has happened | Event type | Product |",
            "|---|---|---|",
        ]
        lines += [
            f"| {kind.plainly} | [{kind.label}]({kind.label}.md) | {PRODUCTS[kind.product]} |"
            for kind in sorted(families[family], key=lambda one: order.index(one.product))
        ]
        lines.append("")
    return "\n".join([*lines, INDEX_FOOT])


def pages(catalogue: Catalogue | None = None) -> dict[str, str]:
    """Every page by its file name; of the built-in catalogue unless another is given."""
    kinds, raw = (load() if catalogue is None else catalogue).kinds(), raw_blocks(HERE)
    versions: defaultdict[str, list[EventType]] = defaultdict(list)
    for kind in kinds:
        versions[kind.name].append(kind)
    made = {f"{kind.label}.md": page(kind, raw, versions[kind.name]) for kind in kinds}
    return made | {INDEX: index(kinds), BLOCKS: blocks_page(raw)}


def main(folder: str) -> int:
    """Write the pages, and take away those that are no longer made; the exit code."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        (target / name).write_text(text, "utf-8")
    for path in target.glob("*.md"):
        if path.name not in made:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
