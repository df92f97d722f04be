"""A record in memory: its fields, what is kept of what was made of it, and its size."""

import tracemalloc

import msgspec

from tidings.core.shaping.additions import balance_added, customer_added, customer_key
from tidings.core.shaping.enrichment import EnrichmentSettings
from tidings.core.shaping.record import MADE_MAX, EnrichmentRecord

WANTED = EnrichmentSettings(sources=("instore", "wechat"), cards=True)


def customer(number: int) -> bytes:
    fields = {
        "mobile": f"1555{number:06d}",
        "email": f"asha{number}@example.test",
        "cardNumbers": [f"6000{number:06d}"],
        "pointsBalance": 410 + number,
        "sources": {"wechat": {"accounts": [{"accountId": f"brand-{number}", "identifiers": []}]}},
    }
    return msgspec.json.encode(fields)


def test_a_record_is_its_json_and_shows_none_of_it() -> None:
    record = EnrichmentRecord(b'{"mobile":"15550100"}')
    assert record == EnrichmentRecord(b'{"mobile":"15550100"}') != EnrichmentRecord(b"{}")
    assert record.fields == {"mobile": "15550100"}
    assert "1555" not in repr(record)


def test_of_what_was_made_little_is_kept() -> None:
    record = EnrichmentRecord(b"{}")
    for number in range(20 * MADE_MAX):
        assert record.keep(str(number), number) == number
        assert record.made[str(number)] == number and len(record.made) <= MADE_MAX


def test_it_takes_about_as_much_as_it_says() -> None:
    """With what one webhook wants of it, and a balance."""
    plain = [customer(number) for number in range(1_000)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        records = [EnrichmentRecord(bytes(bytearray(body))) for body in plain]
        for record in records:
            record.keep(customer_key(WANTED), customer_added(record, WANTED))
            record.keep("balance", balance_added(record))
        took = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.7 < took / sum(record.bytes for record in records) < 1.2
