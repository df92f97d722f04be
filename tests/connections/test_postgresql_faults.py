"""What is said of a database that does not let us in, by what its server says."""

import psycopg
import pytest

from tests.connections.postgresql_refusals import SAID
from tidings.connections.postgresql_faults import refusal


@pytest.mark.parametrize(("text", "said"), SAID)
def test_each_refusal_is_told_by_what_the_server_says(text: str, said: str) -> None:
    told = str(refusal("crm", psycopg.OperationalError(text)))
    assert said in told and told.startswith("The database of connection crm must let us in")
