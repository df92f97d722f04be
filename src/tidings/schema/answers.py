"""The fields of a resource as answers show them, as a model for the API's description."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema, create_model

from tidings.core.declaration import DeclaredField, declared
from tidings.core.field_types import Nested

M = TypeVar("M", bound=BaseModel)


def answer_model(base: type[M], name: str, fields: Iterable[DeclaredField], about: str) -> type[M]:
    """Build a model of these fields over a base: each is always there, null where it has no value.
    A resource inside becomes a model of its own."""
    hints: dict[str, Any] = {}
    for field in [field for field in fields if field.field.answered]:
        kind = field.field.kind
        if isinstance(kind, Nested):
            inner = kind.resource
            model: Any = answer_model(base, inner.__name__, declared(inner), inner.__doc__ or "")
            hints[field.name] = (model, Field(description=field.field.about or None))
        else:
            hints[field.name] = (Annotated[Any, WithJsonSchema(field.shown())], ...)
    return create_model(name, __base__=base, __doc__=about, **hints)
