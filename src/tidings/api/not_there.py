"""The refusal of an id: the same for what is another org's and for what does not exist."""

from tidings.api.answers import Refused, refused


def not_there(field: str, must: str, got: str) -> Refused:
    """404 for an id that leads to nothing of the caller's org."""
    shown = got if len(got) <= 40 else got[:40] + "…"
    return refused(
        404,
        "not_found",
        f'{field} must be {must}; got "{shown}", which is not there. Check the id and the '
        f"credential's org. (not_found, field {field})",
        field,
    )
