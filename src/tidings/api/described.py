"""Answers as the description names them.

By reference, and not as FastAPI's `model`: of that it makes a validator for each route and status,
which took most of the time in which the service starts, and answers are never validated here.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_PLACE = "#/components/schemas/{model}"
_models: dict[str, type[BaseModel]] = {}


def described(model: type[BaseModel], description: str) -> dict[str, Any]:
    """An entry of a route's `responses`: JSON of this model, which the document will hold."""
    name = model.__name__
    if _models.setdefault(name, model) is not model:
        raise ValueError(f"Two models are named {name}. Rename one: the name is that of a schema.")
    schema = {"$ref": _PLACE.format(model=name)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def schemas() -> dict[str, Any]:
    """The schemas of all models that answers name, and of those in them, by name."""
    asked = [(model, "serialization") for model in _models.values()]
    _, made = models_json_schema(asked, ref_template=_PLACE)  # type: ignore[arg-type]
    defined: dict[str, Any] = _without_null_defaults(made["$defs"])
    return defined


def _without_null_defaults(node: Any) -> Any:
    """An answer has no defaults; that a field may be null is in its type."""
    if isinstance(node, list):
        return [_without_null_defaults(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: one for key, one in node.items() if key != "default" or one is not None}
    return {key: _without_null_defaults(one) for key, one in kept.items()}
