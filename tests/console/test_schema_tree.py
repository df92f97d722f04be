"""A type's schema as a tree: nested, folded below, bounded."""

import re
from html.parser import HTMLParser
from typing import Any

from tests.console.webhook_client import pages, text
from tidings.console.schema_tree import DEPTH_MAX, FIELDS_MAX, SchemaField, schema_tree


class Folds(HTMLParser):
    """Every <details> of a schema by the name in its summary: its depth, and whether it is open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, int, bool]] = []
        self._open: list[bool] = []
        self._summary = False
        self.feed(page[page.index('<ul class="schema">') :])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "details":
            self._open.append("open" in dict(attrs))
        self._summary = tag == "summary" or (self._summary and tag == "code")

    def handle_data(self, data: str) -> None:
        if self._summary and data.strip():
            self.found.append((data.strip(), len(self._open) - 1, self._open[-1]))
            self._summary = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self._open.pop()


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_objects_and_the_objects_of_lists_hold_their_fields() -> None:
    inner = object_of(sku={"type": "string"}) | {"required": ["sku"]}
    schema = object_of(lines={"type": "array", "items": inner}, shop=inner, n={"type": "integer"})
    tree = schema_tree(schema)
    assert not tree.cut
    lines, shop, n = tree.fields
    sku = SchemaField("sku", "text", True, "", "")
    assert (lines.kind, lines.fields) == ("list of objects", (sku,))
    assert (shop.kind, shop.fields) == ("object", (sku,))
    assert (n.kind, n.fields) == ("whole number", ())


def test_a_schema_without_end_is_cut_and_it_is_said() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(DEPTH_MAX + 3):
        deep = object_of(inner=deep)
    assert schema_tree(deep).cut
    wide = schema_tree(object_of(**{f"f{at}": {"type": "string"} for at in range(FIELDS_MAX + 1)}))
    assert wide.cut and len(wide.fields) == FIELDS_MAX
    assert not schema_tree(object_of(**{f"f{at}": {} for at in range(FIELDS_MAX)})).cut


async def test_the_page_of_a_type_is_open_at_the_top_and_folded_below() -> None:
    async with pages() as p:
        browser = await p.browser()
        for path in (
            "/console/o/7/catalogue/transactionAdded",
            "/console/o/7/webhooks/types/transactionAdded",
        ):
            page = text(await browser.get(path))
            found = Folds(page).found
            assert ("data", 0, True) in found
            assert all(is_open == (depth == 0) for _, depth, is_open in found), path
            assert {depth for _, depth, _ in found} >= {0, 1, 2}
            assert page.count("<details") == page.count("</details>")
            assert re.search(r"<summary><code>data</code>.*\d fields", page)
