"""For how long an old secret goes on beside the new one: one field of both rotations, that of a
credential and that of a webhook's signing secret."""

from tidings.core.form import Form

FIELD, ALIAS = "overlapInHours", "overlapHours"  # the alias is what `/v3` called it at first
OVERLAP_H, OVERLAP_H_MAX = 24.0, 720
HOUR_MS = 3_600_000


def read_overlap(form: Form, advice: str, *, text: bool = False) -> int:
    """Milliseconds of it. What is wrong is noted in the form, and that the alias was read."""
    name = FIELD
    if ALIAS in form.body:
        if FIELD in form.body:
            form.refuse(
                "given_twice",
                ALIAS,
                f"{FIELD} must be given once; got {ALIAS} too, which is the same. Leave {ALIAS} "
                "out.",
            )
        else:
            name = ALIAS
            form.warn(
                "field_alias",
                ALIAS,
                f"{FIELD} is the name of this field; got {ALIAS}, which was read as it. Write "
                f"{FIELD}.",
            )
    hours = form.bounded(name, 0, OVERLAP_H_MAX, OVERLAP_H, advice, text=text)
    return round((OVERLAP_H if hours is None else hours) * HOUR_MS)
