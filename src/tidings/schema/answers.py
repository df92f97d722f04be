"""The fields of a resource as answers show them, as a model for the API's description."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema, create_model

from tidings.core.declaration import DeclaredField, declared
from tidings.core.kinds import Nested

M = TypeVar("M", bound=BaseModel)


def answer_model(base: type[M], name: str, fields: Iterable[DeclaredField], about: str) -> type[M]:
    """A model of these fields over a base: each is always there, null where it has no value.
    What is a resource inside it is a model of its own."""
    hints: dict[str, Any] = {}
    for one in [one for one in fields if one.field.answered]:
        kind = one.field.kind
        if isinstance(kind, Nested):
            inner = kind.resource
            model: Any = answer_model(base, inner.__name__, declared(inner), inner.__doc__ or "")
            hints[one.name] = (model, Field(description=one.field.about or None))
        else:
            hints[one.name] = (Annotated[Any, WithJsonSchema(one.shown())], ...)
    return create_model(name, __base__=base, __doc__=about, **hints)
