"""Why a question is not answered, or an act not done: exceptions that know no protocol.

Each face answers them in its own way; texts and codes are the same in all. The kinds are as many as
faces tell apart.
"""

from tidings.core.form import Refusal


class QuestionRefused(Exception):
    """What was asked is refused, for these reasons. Which kind it is says in what way."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__(refusals[0].message)
        self.refusals = refusals


class BadQuestion(QuestionRefused):
    """What was asked is wrong in itself."""


class NotThere(QuestionRefused):
    """It leads to nothing of the caller's org."""


class Conflict(QuestionRefused):
    """It does not go with what is there now."""


class TooLarge(QuestionRefused):
    """It holds more bytes than may be."""


class NotAccepted(QuestionRefused):
    """An event that somebody offers by hand is not one that may be accepted."""


class Overload(QuestionRefused):
    """More waits than may: it can be asked again in a second."""


def not_there(field: str, must: str, got: str) -> NotThere:
    """For an id that leads nowhere: the same where it is another org's and where it is nobody's."""
    shown = got if len(got) <= 40 else got[:40] + "…"
    return NotThere(
        Refusal(
            "not_found",
            f'{field} must be {must}; got "{shown}", which is not there. Check the id and the '
            f"credential's org. (not_found, field {field})",
            field,
        )
    )
