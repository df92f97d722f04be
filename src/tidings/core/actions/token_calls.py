"""Tokens that are had by posting JSON somewhere (`TokenCall`): the question, and what its answer
means. Pure.

The token stands at a path of the answer, and its life in seconds at another; what no path leads to
is told without anything of the answer.
"""

import msgspec

from tidings.core.actions.action import TokenCall
from tidings.core.actions.context import find
from tidings.core.delivery.access_tokens import (
    NO_LIFE,
    UNTOLD_S,
    AccessToken,
    Advice,
    TokenMissing,
    answer_of,
    is_token,
    lasting,
    life_s_of,
    nonsense,
)
from tidings.core.delivery.exchange import Ending

_ADVICE = Advice("the credential's url", "Check the credential's body.")
_PATHS = Advice("the credential's paths token and lives", "")


def token_call_request(call: TokenCall) -> tuple[list[tuple[str, str]], bytes]:
    """Build the headers and the body of the request for a token."""
    headers = [("content-type", "application/json"), ("accept", "application/json")]
    return headers, msgspec.json.encode(call.body)


def read_called_token(
    call: TokenCall, ending: Ending, asked_s: float, now_s: float, jitter: float
) -> AccessToken | TokenMissing:
    """Read the answer to a request for a token, made at `asked_s`; see `read_token`."""
    answer = answer_of(ending, now_s, _ADVICE)
    if isinstance(answer, TokenMissing):
        return answer
    value = find(answer, call.token)
    if not is_token(value):
        return nonsense(f"without a token at {call.token} that a header can hold", _PATHS)
    life_s = life_s_of(find(answer, call.lives)) if call.lives else UNTOLD_S
    if life_s is None:
        return nonsense(f"{NO_LIFE}, at {call.lives}", _PATHS)
    return lasting(value, life_s, asked_s, jitter)
