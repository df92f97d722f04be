"""Access tokens that are fetched for receivers (OAuth 2.0, RFC 6749): what a token endpoint is
asked, what its answer means, and when another token is due. Pure: it is given the time. Of tokens
that are had in another way (core/actions/token_calls.py) all but the fields is the same.

Whatever goes wrong is told in a sentence that holds nothing of the answer but its status and the
error's code of the standard: an endpoint may send back what it was sent.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeGuard
from urllib.parse import quote_plus, urlencode

import msgspec

from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.delivery.statuses import retry_after_s

ClientAuthentication = Literal["client_secret_basic", "client_secret_post"]

UNTOLD_S = 600.0  # for how long a token is taken to hold whose answer does not say
LIFE_MAX_S = 86_400.0
DIGITS_MAX = 19  # of a number of seconds: some issuers write the largest that they have
NO_LIFE = f"no number of seconds above 0, of at most {DIGITS_MAX} digits"
EARLY_MIN, EARLY_MAX = 0.75, 0.9  # of its life: another one is asked for in between
RESERVE, RESERVE_MAX_S = 0.1, 10.0  # of its life: what leaves must still arrive in time
FAILED_S = 1.0  # after a failure nobody asks again so soon,
FAILED_EARLY_S = 10.0  # nor, while there is a token that is still good
REFUSED_S = 60.0  # how long a token stays that replaced a refused one and was refused as well

_TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")
_CODE = re.compile(r"[a-z][a-z_]{1,39}")


class Advice(msgspec.Struct, frozen=True):
    """Advice for an endpoint that gives no token, in words of who has configured it."""

    url: str  # what the field with the endpoint's URL is called
    denied: str  # where it lets nobody in
    codes: Mapping[str, str] = {}  # by the standard's code of the error

    @property
    def check(self) -> str:
        """Advise to check the endpoint's URL, where nothing better is known."""
        return f"Check {self.url}."


_OAUTH = Advice(
    "tokenUrl",
    "Check clientId, clientSecret and clientAuthentication.",
    {
        "invalid_client": "Check clientId, clientSecret and clientAuthentication.",
        "unauthorized_client": "Allow this client the grant client_credentials.",
        "unsupported_grant_type": ("Check tokenUrl: its server does not know client_credentials."),
        "invalid_scope": "Check scope.",
        "invalid_request": "Check clientAuthentication, scope and audience.",
    },
)
SIGNED = Advice(
    "token_uri in account",
    "Check account.",
    {
        "invalid_grant": "Check account, and that this machine's clock is right.",
        "invalid_scope": "Check scope.",
    },
)
"""Of a token that is had for what was signed (RFC 7523)."""
_UNREACHED = {
    FaultKind.REFUSED: "Nobody listens at the token endpoint's port",
    FaultKind.UNREACHABLE: "There is no route to the token endpoint",
    FaultKind.CONNECT_TIMEOUT: "The token endpoint did not accept the connection in time",
    FaultKind.TIMEOUT: "The token endpoint gave no complete answer in time",
    FaultKind.DNS: "The token endpoint's name has no address",
    FaultKind.TLS: "The token endpoint's certificate or TLS was not accepted",
    FaultKind.PROTOCOL: "What the token endpoint answered is not HTTP",
    FaultKind.POLICY: "The token endpoint's address is blocked by policy",
}
_CLOSED = "The token endpoint closed the connection without an answer"


class AccessToken(msgspec.Struct, frozen=True):
    """An access token. Times are those of the clock that it was read by."""

    value: str
    asked_s: float
    refresh_s: float  # from then on another one is asked for, while this one is still used
    ends_s: float  # from then on it is not used

    def __repr__(self) -> str:
        """Show it without its value."""
        return f"Token(ends_s={self.ends_s!r})"


class TokenMissing(msgspec.Struct, frozen=True):
    """There is no token: why, in words, and for how long it is of no use to ask again."""

    detail: str
    wait_s: float | None = None
    ours: bool = False  # by a fault of our own


def token_request(
    client_id: str,
    client_secret: str,
    scope: str | None,
    audience: str | None,
    authentication: ClientAuthentication,
) -> tuple[list[tuple[str, str]], bytes]:
    """Build the headers and the body of the request for a token (RFC 6749, sections 2.3.1 and
    4.4.2)."""
    form = {"grant_type": "client_credentials"}
    if scope:
        form["scope"] = scope
    if audience:
        form["audience"] = audience
    headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "application/json"),
    ]
    if authentication == "client_secret_post":
        form |= {"client_id": client_id, "client_secret": client_secret}
    else:
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        headers.append(("authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
    return headers, urlencode(form).encode()


def read_token(
    ending: Ending, asked_s: float, now_s: float, jitter: float, advice: Advice = _OAUTH
) -> AccessToken | TokenMissing:
    """Read the answer to a request for a token, made at `asked_s`. `jitter` is from 0 to 1;
    `now_s`, seconds since the epoch, is for dates in the answer."""
    answer = answer_of(ending, now_s, advice)
    if isinstance(answer, TokenMissing):
        return answer
    value, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
    if not is_token(value):
        return nonsense("without an access_token that a header can hold", advice)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return nonsense("a token that is not of the type Bearer", advice)
    life_s = life_s_of(answer.get("expires_in"))
    if life_s is None:
        return nonsense(f"an expires_in that is {NO_LIFE}", advice)
    return lasting(value, life_s, asked_s, jitter)


def answer_of(ending: Ending, now_s: float, advice: Advice) -> dict[str, Any] | TokenMissing:
    """Return the object that an endpoint has answered with; TokenMissing, with the reason, if it
    has none."""
    if isinstance(ending, TransportFault):
        return _unreached(ending, advice)
    if not 200 <= ending.status <= 299:
        return _refused(ending, now_s, advice)
    if ending.truncated:
        return nonsense("more than a token needs (over 16 KiB)", advice)
    try:
        answer = msgspec.json.decode(ending.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return nonsense("something else than JSON", advice)
    if not isinstance(answer, dict):
        return nonsense("JSON that is no object", advice)
    return answer


def is_token(value: object) -> TypeGuard[str]:
    """Return whether a header can hold it."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def lasting(value: str, life_s: float, asked_s: float, jitter: float) -> AccessToken:
    """Build the token that was asked for at `asked_s` and lives for `life_s`. It is renewed early,
    `jitter` (0 to 1) says how early, and is not used in its last seconds."""
    early = EARLY_MIN + (EARLY_MAX - EARLY_MIN) * jitter
    reserve_s = min(RESERVE_MAX_S, life_s * RESERVE)
    return AccessToken(
        value, asked_s, asked_s + life_s * early, ends_s=asked_s + life_s - reserve_s
    )


def worth_another(token: AccessToken, *, replaces: bool, accepted: bool, now_s: float) -> bool:
    """Return whether a token that the receiver has answered 401 is given up for another one: once.

    One that `replaces` a refused one, and was not `accepted` since, would only be followed by the
    next: until its issuer or the receiver is mended, another one is asked for now and then.
    """
    return accepted or not replaces or now_s - token.asked_s >= REFUSED_S


def ended_already() -> TokenMissing:
    """Build the fault of a token that was over by the time it came."""
    return TokenMissing(
        "The token endpoint gave a token that had ended before it came, so nothing was sent. Let "
        "it answer sooner, or give tokens that last longer."
    )


def too_slow(deadline_s: float) -> TokenMissing:
    """Build the fault of a token that did not come within the time of the attempt."""
    return TokenMissing(
        f"The token endpoint gave no token within {deadline_s:.3g} s, so nothing was sent. Let it "
        "answer sooner, or raise deadlineInSeconds."
    )


def life_s_of(value: object) -> float | None:
    """Read the seconds that a token lives, as its issuer says; None for what is no such number."""
    if value is None:
        return UNTOLD_S
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 < value < 10**DIGITS_MAX:  # nor what is no number at all
        return None
    return min(float(value), LIFE_MAX_S)


def _unreached(fault: TransportFault, advice: Advice) -> TokenMissing:
    if fault.kind is FaultKind.OURS:
        return TokenMissing(
            "Tidings could not ask the token endpoint, so nothing was sent. This is not the "
            "receiver's fault.",
            fault.wait_s,
            ours=True,
        )
    why = _UNREACHED.get(fault.kind, _CLOSED)
    return TokenMissing(f"{why}, so nothing was sent. {advice.check}", fault.wait_s)


def _refused(answer: ReceiverAnswer, now_s: float, advice: Advice) -> TokenMissing:
    code = ""
    try:
        error_body = msgspec.json.decode(answer.body)
        found = error_body.get("error") if isinstance(error_body, dict) else None
        code = found if isinstance(found, str) and _CODE.fullmatch(found) else ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    wait_s = retry_after_s(answer.headers, now_s)
    status = str(answer.status) + (f" ({code})" if code in advice.codes else "")
    if 300 <= answer.status <= 399:
        do = f"Redirects are not followed: set {advice.url} to the final address."
    elif answer.status >= 500 or answer.status == 429:
        do = "It is asked again."
    else:
        usual = advice.denied if answer.status in (401, 403) else advice.check
        do = advice.codes.get(code, usual)
    return TokenMissing(f"The token endpoint answered {status}, so nothing was sent. {do}", wait_s)


def nonsense(what: str, advice: Advice) -> TokenMissing:
    """Build the fault of an endpoint that answered something else than a token."""
    return TokenMissing(f"The token endpoint answered {what}, so nothing was sent. {advice.check}")
