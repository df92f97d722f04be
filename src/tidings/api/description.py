"""What the API's description says of bodies and answers, made when somebody asks for it.

Answers are named by reference in their entry, and not as FastAPI's `model`: of that it makes a
validator for each route and status. Nothing here is built at the start of the service, which needs
none of it: the code reads and writes with msgspec.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

COMPONENT = "x-component"  # in a model: a schema of the document, which pydantic does not know
_LATER = "x-made-later"  # stands for a schema, until the document is made
_PLACE = "#/components/schemas/{model}"


class Model(BaseModel):
    """A shape that is described."""

    model_config = ConfigDict(defer_build=True)


BodyShape = type[Model] | Callable[[], dict[str, Any]]  # a model, or what makes a schema

_models: dict[str, type[Model]] = {}
_schemas: list[BodyShape] = []


def reference_to(model: type[Model]) -> dict[str, Any]:
    """Return a reference to the schema of a model, which the document will hold."""
    name = model.__name__
    if _models.setdefault(name, model) is not model:
        raise ValueError(f"Two models are named {name}. Rename one: the name is that of a schema.")
    return {"$ref": _PLACE.format(model=name)}


def schema_of(shape: BodyShape) -> dict[str, Any]:
    """Return the whole schema of a body, made later: its parts are no components of their own. See
    `finish`."""
    _schemas.append(shape)
    return {_LATER: len(_schemas) - 1}


def whole_schema(model: type[Model]) -> dict[str, Any]:
    """Return a model's schema, with the schemas of its parts in it."""
    schema = model.model_json_schema(ref_template=_PLACE)
    definitions = schema.pop("$defs", {})
    whole: dict[str, Any] = _inline(schema, definitions)
    return whole


def _inline(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_inline(child, definitions) for child in value]
    if not isinstance(value, dict):
        return value
    if COMPONENT in value:
        return {"$ref": _PLACE.format(model=value[COMPONENT])}
    name = str(value.get("$ref", "")).rpartition("/")[2]
    if name in definitions:
        value = definitions[name] | {key: child for key, child in value.items() if key != "$ref"}
    return {key: _inline(child, definitions) for key, child in value.items()}


def finish(node: Any) -> Any:
    """Complete a part of the document with the schemas that were to be made later."""
    if isinstance(node, list):
        return [finish(child) for child in node]
    if not isinstance(node, dict):
        return node
    if _LATER in node:
        shape = _schemas[node[_LATER]]
        return whole_schema(shape) if isinstance(shape, type) else shape()
    return {key: finish(child) for key, child in node.items()}


def components() -> dict[str, Any]:
    """Return the schemas of all models that answers name, and of those in them, by name."""
    asked = [(model, "serialization") for model in _models.values()]
    _, made = models_json_schema(asked, ref_template=_PLACE)  # type: ignore[arg-type]
    defined: dict[str, Any] = made["$defs"]
    return defined
