"""Whatever an event looks like, it is filled as the rules say, and given back as it was."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.shaping import enrichment_oracle as oracle
from tests.core.shaping.enrichment_makes import Makes
from tests.depth import depth
from tidings.catalogue import EnrichmentPaths as Points
from tidings.catalogue import load
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.shaping.enrichment_plan import Plan
from tidings.core.shaping.record import EnrichmentRecord

# Points that no type has all of: below one another, in lists, both at one place.
ODD = Points(
    customer_identifiers=(
        "data.customerIdentifiers",
        "data.member.customerIdentifiers",
        "data.coupons[].customerIdentifiers",
        "data.coupons[].more[].customerIdentifiers",
        "data.slices[]",
        "data.both",
    ),
    till_store=("data.enteredBy", "data.member.enteredBy", "data.coupons[]", "data.both"),
    awarded_reference=True,
    available_points_balance=True,
    awarded_slices=("data.slices[]", "data.lists[]"),
)
TYPES = [kind.enrichment for kind in load().kinds() if kind.enrichment.customer_identifiers]


@settings(max_examples=depth(100, 300), deadline=None)
@given(random=st.randoms(use_true_random=True), points=st.just(ODD) | st.sampled_from(TYPES))
def test_an_event_is_filled_as_the_rules_say_and_stays_as_it_was(
    random: Random, points: Points
) -> None:
    """For two webhooks, each twice: what was made of a record for one is not the other's."""
    make = Makes(random)
    body, records = make.event(), make.records()
    kept = {key: EnrichmentRecord(msgspec.json.encode(fields)) for key, fields in records.items()}
    event = read_exactly(body)
    before = write_exactly(event)
    for wanted in [make.wishes(), make.wishes()] * 2:
        expected = oracle.decoded(body)
        oracle.enrich(points, wanted, expected, records)
        made = Plan(points, wanted).fill(event, lambda kind, id: kept.get((kind, id)))
        assert oracle.text(oracle.decoded(write_exactly(made))) == oracle.text(expected)
        assert write_exactly(event) == before
        assert made is event or write_exactly(made) != before
