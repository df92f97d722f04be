"""What each start of the service makes anew and is the same each time: made once for all."""

import functools

import fastapi.routing
import starlette.routing


def keep_path_patterns() -> None:
    """Compile the pattern of a route's path once in this process, and those forked from it."""
    kept = functools.cache(starlette.routing.compile_path)
    for module in (starlette.routing, fastapi.routing):
        setattr(module, "compile_path", kept)  # noqa: B010
