"""What statements and batches are sent with, of the values that they are given."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidings.store.postgres.arrays import Array, array_of
from tidings.store.postgres.batches import BatchStatement
from tidings.store.postgres.statements import Parameter, Statement
from tidings.store.postgres.values import NULLS
from tidings.store.sql.connection import Values

SENT_BYTES_MAX = 32 << 20  # of one batch; PostgreSQL takes a gigabyte


def bound_values(statement: Statement, values: Values) -> Sequence[Any]:
    """Return the values of a statement in its order."""
    given: Any = values
    bound: Sequence[Any]
    if statement.plain and not isinstance(values, Mapping):
        bound = given
    else:
        bound = [
            _value_of(parameter, given[parameter.source]) for parameter in statement.parameters
        ]
    if None in bound:
        return [
            NULLS.get(parameter.type) if value is None else value
            for parameter, value in zip(statement.parameters, bound, strict=True)
        ]
    return bound


def _value_of(parameter: Parameter, value: Any) -> Any:
    if not parameter.elements:
        return value
    return array_of(parameter.elements, json.loads(value))


def bound_arrays(batch: BatchStatement, rows: Sequence[Any]) -> Iterator[list[Array]]:
    """Return what a batch is sent with; parts of it, where it is too long to be sent."""
    columns: dict[Any, Sequence[Any]]
    if isinstance(rows[0], Mapping):
        columns = {
            parameter.source: [row[parameter.source] for row in rows]
            for parameter in batch.parameters
        }
    else:
        columns = dict(enumerate(zip(*rows, strict=True)))
    arrays = [array_of(parameter.type, columns[parameter.source]) for parameter in batch.parameters]
    if len(rows) == 1 or sum(map(len, arrays)) <= SENT_BYTES_MAX:
        yield arrays
    else:
        middle = len(rows) // 2
        yield from bound_arrays(batch, rows[:middle])
        yield from bound_arrays(batch, rows[middle:])
