"""How every list of `/v1` is asked for and told: `limit` and `cursor` in, `paging` out.

Names that lists had before (`before`, `after`; `older`, `newer` and `next` of an answer) are still
read and told beside it; who uses one is told so. A call that is asked for something that it does
not know is refused: a filter that is not known would filter nothing.
"""

from typing import Any

from starlette.requests import Request

from tidings.api.answers import RefusalAnswer, refused
from tidings.core.form import Form
from tidings.errors import FieldRefusal
from tidings.reads.filters import LogQuestion, Parameters
from tidings.reads.questions import cursors, refuse_unknown_parameters, schema_of
from tidings.values import describe_value

V1 = "/v1/"
# What lists have in their answers, as `openapi/schema_shorthand.py` reads it.
PAGE = {"paging": "#Page"}
PAGED = {"older": "text|null", "newer": "text|null"} | PAGE
WARNED = {"warnings?": ["#Problem"]}


def check_parameters(request: Request) -> None:
    """Raise RefusalAnswer where a GET of `/v1` comes with a parameter that its route does not
    declare."""
    if request.method != "GET" or not request.url.path.startswith(V1):
        return
    form = Form(dict(request.query_params))
    refuse_unknown_parameters(form, request.scope["route"].query_names)
    if form.refusals:
        raise RefusalAnswer(400, form.refusals)


def described(filters: Parameters) -> list[dict[str, Any]]:
    """Describe the parameters of a list, each also under the name that it had before."""
    passed_over = []
    for parameter in filters:
        about: dict[str, Any] = {
            "in": "query",
            "required": False,
            "schema": schema_of(parameter.kind),
        }
        example = {"example": parameter.example} if parameter.example else {}
        passed_over.append(
            {"name": parameter.name, "description": parameter.about} | about | example
        )
        if parameter.alias:
            former = f"The former name of {parameter.name}."
            passed_over.append(
                {"name": parameter.alias, "description": former, "deprecated": True} | about
            )
    return passed_over


def page_of(
    limit: int | None, following: str | None, previous: str | None = None
) -> dict[str, Any]:
    """Return the part of an answer that says where its page stands; where both cursors are null,
    the page is all there is."""
    return {"paging": {"limit": limit, "next": following, "previous": previous}}


WHOLE = page_of(None, None)


def both_sides(asked: LogQuestion, older: int | None, newer: int | None) -> dict[str, Any]:
    """Return that part for a list that is read newest first, with cursors to both sides, and with
    what its caller should know of the parameters."""
    sides = cursors(older, newer)
    page = {**sides} | page_of(asked.limit, sides["older"], sides["newer"])
    return page | (
        {"warnings": [_warning(warning) for warning in asked.warnings]} if asked.warnings else {}
    )


def moved(name: str, old: str | None, cursor: str | None) -> tuple[str | None, list[Any]]:
    """Return the cursor of a call, and the warnings of its answer, where a list took it under
    another name before. Raise RefusalAnswer where both came."""
    if not old:
        return cursor, []
    if cursor:
        raise refused(
            400,
            "given_twice",
            f"cursor must come alone; got {name} too, which means the same. Leave {name} out.",
            field=name,
        )
    message = (
        f"cursor is the name of this parameter, and takes paging.next; got {name}, which was read "
        f"as it was before: {describe_value(old)}. Take paging.next."
    )
    return None, [_warning(FieldRefusal.build("parameter_alias", message, field=name))]


def _warning(one: FieldRefusal) -> dict[str, Any]:
    return {"code": one.code, "message": one.message, "path": one.field}
