"""`/docs`: the description as one page, read without a script and without another host."""

import base64
import hashlib
from importlib import resources
from typing import Any

import jinja2
import msgspec

from tidings.api.openapi.schema_shorthand import Json
from tidings.api.route import METHODS

_STYLE = resources.files(__package__).joinpath("reader.css").read_text("utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
EXAMPLE_MAX = 20_000  # characters of one example that are shown


def page(document: Json) -> str:
    """Render the document as one HTML page."""
    source = resources.files(__package__).joinpath("reader.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    components = document["components"]
    return environment.from_string(source).render(
        info=document["info"],
        style=_STYLE,
        security=components["securitySchemes"].items(),
        tags=[
            tag | {"id": _anchor(tag["name"])} | _calls(document, tag) for tag in document["tags"]
        ],
        schemas=[
            {
                "name": name,
                "description": component.get("description", ""),
                "fields": _fields(component),
            }
            for name, component in sorted(components["schemas"].items())
        ],
    )


def _calls(document: Json, tag: Json) -> Json:
    places = [*document["paths"].items(), *document["webhooks"].items()]
    calls = [
        _call(document, method, path, place[method])
        for path, place in places
        for method in map(str.lower, METHODS)
        if method in place and tag["name"] in place[method].get("tags", ())
    ]
    return {"calls": calls}


def _call(document: Json, method: str, path: str, operation: Json) -> Json:
    parameters = [_resolve(document, parameter) for parameter in operation.get("parameters", ())]
    body = operation.get("requestBody", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": [
            {
                "name": parameter["name"],
                "place": parameter["in"],
                "required": parameter.get("required", False),
                "rule": _rule(parameter.get("schema", {})),
                "description": parameter.get("description", ""),
            }
            for parameter in parameters
        ],
        "bodies": [
            {
                "media": media,
                "fields": _fields(media_type.get("schema", {})),
                "example": _example(media_type),
            }
            for media, media_type in body.get("content", {}).items()
        ],
        "answers": [
            _answer(status, response) for status, response in operation["responses"].items()
        ],
    }


def _answer(status: str, response: Json) -> Json:
    content: Json = next(iter(response.get("content", {}).values()), {})
    name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
    return {
        "status": status,
        "description": response["description"],
        "schema": name,
        "events": [
            {"name": kind, "schema": schema["schema"]["$ref"].rpartition("/")[2]}
            for kind, schema in content.get("x-events", {}).items()
        ],
        "example": _example(content),
    }


def _fields(schema: Json) -> list[Json]:
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "rule": _rule(schema),
            "required": name in required,
            "description": schema.get("description", ""),
        }
        for name, schema in schema.get("properties", {}).items()
    ]


def _rule(schema: Json) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return f"always {schema['const']}"
    if "enum" in schema:
        return " or ".join(str(word) for word in schema["enum"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_rule(branch) for branch in schema[several])
    kind: Any = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_rule(schema.get('items', {}))}"
    return str(kind)


def _resolve(document: Json, node: Json) -> Json:
    name = str(node.get("$ref", "")).rpartition("/")[2]
    found: Json = document["components"]["parameters"][name] if name else node
    return found


def _example(content: Json) -> str:
    if "example" not in content:
        return ""
    value = content["example"]
    text = (
        value
        if isinstance(value, str)
        else msgspec.json.format(msgspec.json.encode(value)).decode()
    )
    return text if len(text) <= EXAMPLE_MAX else text[:EXAMPLE_MAX] + "…"


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
