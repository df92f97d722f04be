"""What is said of a look-up whose database refuses its statement, for each state that is known."""

from typing import Any

import pytest
from psycopg import errors

from tidings.core.actions.action import SqlLookup
from tidings.lookups.port import LookupDown
from tidings.lookups.sql import _EXPLANATIONS, SqlSource

LINES: Any = None  # no line is asked for
SOURCE = SqlSource(SqlLookup("crm", "SELECT 1 WHERE 1 = %(id)s", {}), LINES)


@pytest.mark.parametrize("state", _EXPLANATIONS)
def test_each_state_is_told_with_what_to_do_and_without_the_servers_words(state: str) -> None:
    code = state if len(state) > 2 else f"{state}000"
    fault = SOURCE._fault(errors.lookup(code)("of hush-4711"))
    got, do = _EXPLANATIONS[state]
    assert isinstance(fault, LookupDown), "the operator mends it, and it is asked again"
    assert fault.reason == f"The statement must find a row; {got} ({code}). {do}."
