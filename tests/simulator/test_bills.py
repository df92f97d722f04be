"""A bill finds every event that names it, wherever and by whichever of its names it does."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from tidings.catalogue import load
from tidings.catalogue.paths import text_of
from tidings.simulator import simulate

# Keys whose value names a bill, of a field or of a pair `{"key": …, "value": …}`.
_NAMES = re.compile(
    r"(?:redemption)?bill_?(?:number|id|clientId)|transaction_?(?:id|number|identifier)", re.I
)
CATALOGUE = load()


def bills(node: Any, about: str = "") -> Iterator[str]:
    """What names a bill in an event, at any depth. `about` is the key above."""
    if isinstance(node, list):
        for row in node:
            yield from bills(row, about)
    elif isinstance(node, dict):
        if _NAMES.fullmatch(str(node.get("key", ""))) and (text := text_of(node.get("value"))):
            yield text
        for key, value in node.items():
            names = _NAMES.fullmatch(key) or (about == "transaction" and key == "number")
            if names and (text := text_of(value)) is not None:
                yield text
            yield from bills(value, key)


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_every_bill_that_an_example_names_finds_it(name: str) -> None:
    kind = CATALOGUE.get(name)
    assert kind is not None
    for example in kind.examples:
        assert set(bills(example["data"])) <= set(CATALOGUE.search_values(name, example))


def test_every_bill_that_a_played_event_names_finds_it() -> None:
    named: Counter[str] = Counter()
    for happening in islice(simulate(2001, 4, customers=40), 6_000):
        wanted = set(bills(happening.event["data"]))
        found = CATALOGUE.search_values(happening.name, happening.event)
        assert wanted <= set(found), (happening.name, wanted - set(found))
        named.update(wanted)
    assert sum(1 for bill, count in named.items() if count >= 5) > 50  # five events of one bill


@pytest.mark.parametrize("key", ["billNumber", "BillId", "transactionNumber"])
@pytest.mark.parametrize("block", ["identifiers", "additionalAttributes"])
def test_what_caused_an_event_finds_it_under_any_key(block: str, key: str) -> None:
    event = {"data": {"triggeringActivity": {block: [{"key": key, "value": "INV-7"}]}}}
    holding = [
        kind
        for kind in CATALOGUE.kinds()
        if "identifiers"
        in kind.schema["properties"]["data"]["properties"]
        .get("triggeringActivity", {})
        .get("properties", {})
    ]
    assert len(holding) > 40
    for kind in holding:
        assert "INV-7" in CATALOGUE.search_values(kind.name, event), kind.name
