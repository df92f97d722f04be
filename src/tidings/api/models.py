"""What every version's shapes for the OpenAPI description need: bodies, and refusals of `/v1`."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from pydantic import Field

from tidings.api.description import BodyShape, Model, schema_of
from tidings.core.declaration import DeclaredField, Json, declared
from tidings.schema.bodies import CLOSED, change_schema, new_schema


class Problem(Model):
    """The reason why a call was refused."""

    code: str
    message: str
    path: str


class Page(Model):
    """The position of a page within its list; it is the whole list where limit is null."""

    limit: int | None
    next: str | None = Field(description="`cursor` of the page that follows; null: none does.")
    previous: str | None = Field(description="The page before; null where there is none to ask.")


class Error(Model):
    """The shape of every refusal of `/v1`."""

    error: Problem


def body_of(
    shape: BodyShape,
    *medias: str,
    example: Any = None,
    required: bool = True,
) -> dict[str, Any]:
    """Describe a body that the code reads by itself; JSON unless `medias` say."""
    content = {"schema": schema_of(shape)} | ({} if example is None else {"example": example})
    medias = medias or ("application/json",)
    return {"requestBody": {"required": required, "content": dict.fromkeys(medias, content)}}


def new_body(
    about: str, *resources: type[Struct], more: Json = CLOSED, **given: Any
) -> dict[str, Any]:
    """Describe a body that makes these resources. It has no other fields, or what `more`
    says; `given` is as in `body_of`."""
    return body_of(lambda: new_schema(_fields(resources), about) | more, **given)


def change_body(about: str, *resources: type[Struct], **given: Any) -> dict[str, Any]:
    """Describe a body that changes them."""
    return body_of(lambda: change_schema(_fields(resources), about) | CLOSED, **given)


def _fields(resources: Iterable[type[Struct]]) -> list[DeclaredField]:
    return [field for each in resources for field in declared(each)]
