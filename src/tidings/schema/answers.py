"""The fields of a resource as answers show them, as a model for the API's description."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema, create_model

from tidings.core.declaration import Declared
from tidings.schema.bodies import or_null

M = TypeVar("M", bound=BaseModel)


def answer_model(base: type[M], name: str, fields: Iterable[Declared], about: str) -> type[M]:
    """A model of these fields over a base: each is always there, null where it has no value."""
    hints: dict[str, Any] = {}
    for one in fields:
        shown = one.field.kind.shown()
        schema = or_null(shown) if not one.required and one.usual() is None else shown
        hints[one.name] = (
            Annotated[Any, WithJsonSchema(schema)],
            Field(description=one.field.about or None),
        )
    return create_model(name, __base__=base, __doc__=about, **hints)
