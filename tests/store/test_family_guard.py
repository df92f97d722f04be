"""Which orgs a write is for: each method of the half that writes has said so."""

from tidings.store.hosting.calls import answering
from tidings.store.sql.configuration.family_guard import FOR_ALL, FOR_NONE, FOR_ORGS, OF_PEOPLE
from tidings.store.sqlite.halves import WritingHalf


def test_each_method_of_the_half_that_writes_is_in_one_of_the_tables() -> None:
    named = [*FOR_ORGS, *FOR_ALL, *FOR_NONE, *(OF_PEOPLE.keys() - FOR_ORGS.keys())]
    assert len(named) == len({*named})
    assert {*named} == answering(WritingHalf).keys()
