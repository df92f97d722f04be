"""`python -m tools.api_promise FILE`: write what is promised, unless it breaks the one there."""

import json
import sys
from pathlib import Path
from typing import Any, cast

from tidings.api.control import make_control_app
from tidings.api.openapi.schema_shorthand import Json
from tools.breaking_changes import breaking


class _NoServices:
    """Stands for all services: routes are described, not called."""

    def __getattr__(self, name: str) -> "_NoServices":
        return self

    def __call__(self, *_: object, **__: object) -> "_NoServices":
        return self


def written(document: Json) -> str:
    """The text of the file: what callers count on, without words and examples; sorted.

    Events are left out but for their names: `event_shapes` keeps their promise.
    """
    parts = document["components"]
    schemas = {name: one for name, one in parts["schemas"].items() if name[0].isupper()}
    kept = {
        "paths": _bare(document["paths"]),
        "webhooks": dict.fromkeys(document["webhooks"], {}),
        "components": {"schemas": _bare(schemas), "parameters": _bare(parts["parameters"])},
    }
    return json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _bare(node: Any, fields: bool = False) -> Any:
    """Without what promises nothing. The keys of `fields` are names, and all stay."""
    if isinstance(node, list):
        return [_bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _bare(one, key == "properties" and not fields)
        for key, one in node.items()
        if fields or key not in _WORDS
    }


_WORDS = {
    "description",
    "summary",
    "title",
    "example",
    "examples",
    "tags",
    "operationId",
    "headers",
}


def described() -> Json:
    """The description of this version."""
    document: dict[str, Any] = make_control_app(cast("Any", _NoServices())).openapi()
    return document


def main(file: str) -> int:
    """Write the file; the exit code."""
    path, new = Path(file), described()
    if path.exists() and (said := breaking(json.loads(path.read_text("utf-8")), new)):
        print(*said, "These break what callers count on. Keep the old beside the new; or, if it "
              "must be, delete the file and make it again.", sep="\n", file=sys.stderr)  # fmt: skip
        return 1
    path.write_text(written(new), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
