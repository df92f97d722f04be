"""Saved views: the filters and the order of a list under a name. What a name and a query may be."""

from urllib.parse import parse_qsl, urlencode

from tidings.core.form import Form, visible
from tidings.values import describe_value

VIEWS_MAX = 30  # of one owner in one org
VIEW_NAME_MAX = 60
QUERY_MAX = 2000
PAIRS_MAX = 200
_PLACES_IN_A_LIST = frozenset({"cursor", "before", "page", "part"})


def take_view_name(form: Form, field: str, text: str) -> str:
    """Return a name with single spaces; note in the form what is wrong with it."""
    name = " ".join(text.split())
    if not 0 < len(name) <= VIEW_NAME_MAX or not visible(name):
        form.refuse(
            "bad_name",
            field,
            f"{field} must be text of 1 to {VIEW_NAME_MAX} characters that can be seen; got "
            f"{describe_value(text)}. Choose another name.",
        )
    return name


def take_view_query(form: Form, field: str, text: str) -> str:
    """Return a query string without the place in the list where somebody was; note in the form
    that it is too long."""
    query = settled_query(text)
    if query is None or len(query) > QUERY_MAX:
        form.refuse(
            "too_long",
            field,
            f"{field} must have at most {QUERY_MAX} characters; it has more. Remove some filters.",
        )
    return query or ""


def settled_query(text: str) -> str | None:
    """Return a query string as views keep it and are compared by it; None for too many
    parameters."""
    try:
        pairs = parse_qsl(text, max_num_fields=PAIRS_MAX)
    except ValueError:
        return None
    kept = sorted(pair for pair in pairs if pair[0] not in _PLACES_IN_A_LIST and pair[1].strip())
    return urlencode(kept)
