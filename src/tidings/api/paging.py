"""How every list of `/v1` is asked for and told: `limit` and `cursor` in, `paging` out.

Names that lists had before (`before`, `after`; `older`, `newer` and `next` of an answer) are still
read and told beside it; who uses one is told so. A call that is asked for something that it does
not know is refused: a filter that is not known would filter nothing.
"""

from typing import Any

from starlette.requests import Request

from tidings.api.answers import RefusalAnswer, refused
from tidings.core.form import Form, came
from tidings.reads.events.log_query import cursors, refuse_unknown_parameters

V1 = "/v1/"


def check_parameters(request: Request) -> None:
    """RefusalAnswer where a GET of `/v1` comes with a parameter that its route does not declare."""
    if request.method != "GET" or not request.url.path.startswith(V1):
        return
    form = Form(dict(request.query_params))
    refuse_unknown_parameters(form, _declared(request.scope.get("route")))
    if form.refusals:
        raise RefusalAnswer(400, form.refusals)


def _declared(route: Any) -> frozenset[str]:
    own = {one.alias for one in getattr(getattr(route, "dependant", None), "query_params", ())}
    extra = (getattr(route, "openapi_extra", None) or {}).get("parameters", ())
    return frozenset(own | {one["name"] for one in extra if one.get("in") == "query"})


def page_of(
    limit: int | None, following: str | None, previous: str | None = None
) -> dict[str, Any]:
    """The part of an answer that says where its page stands; both cursors null: it is all."""
    return {"paging": {"limit": limit, "next": following, "previous": previous}}


WHOLE = page_of(None, None)


def both_sides(limit: int, older: int | None, newer: int | None) -> dict[str, Any]:
    """The same for a list that is read newest first, to both sides."""
    sides = cursors(older, newer)
    return {**sides} | page_of(limit, sides["older"], sides["newer"])


def moved(name: str, old: str | None, cursor: str | None) -> tuple[str | None, list[Any]]:
    """The cursor of a call, and the warnings of its answer, where a list took it under another name
    before. RefusalAnswer where both came."""
    if not old:
        return cursor, []
    if cursor:
        raise refused(
            400,
            "given_twice",
            f"cursor must come alone; got {name} too, which is the same. Leave {name} out. "
            f"(given_twice, field {name})",
            name,
        )
    message = (
        f"cursor is the name of this parameter, and takes paging.next; got {name}, which was read "
        f"as it was before: {came(old)}. Take paging.next. (parameter_alias, field {name})"
    )
    return None, [{"code": "parameter_alias", "message": message, "path": name}]
