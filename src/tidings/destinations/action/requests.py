"""What a call of an action holds beside its body, as it is sent and as it is shown.

It is somebody else's API that is called, and no receiver of ours: none of our own headers goes
along, and nothing is signed. Of two headers with one name the later is sent: what we take when
nothing is said, what the action says, the id by which a repeat is known, who we are.
"""

from collections.abc import Iterable

from tidings.core.actions.action import Call, Credential, Plain, ServiceAccount, TokenCall
from tidings.core.actions.made import MadeCall
from tidings.core.actions.seen import text_of
from tidings.core.webhooks.authentication import AUTHORIZATION, shown_header
from tidings.core.webhooks.masks import MARK, mask
from tidings.destinations.http.requests import OWN
from tidings.destinations.port import Headers

_DEFAULTS = [(name, value) for name, value in OWN.items() if name != "content-type"]


def constants_of(call: Call) -> Headers:
    """The headers that every message of it has; their values may be secrets."""
    return [
        (name, text_of(value.value) or "")
        for name, value in call.headers
        if isinstance(value, Plain)
    ]


def headers_of(call: Call, made: MadeCall, id: str, proof: Headers) -> Headers:
    """Those of one call. `id`: of the message; `proof`: who we are."""
    own = [(call.idempotency, id)] if call.idempotency and id else []
    return _last_of_each((*_DEFAULTS, *constants_of(call), *made.headers, *own, *proof))


def shown_headers(call: Call, made: MadeCall | None, id: str) -> Headers:
    """The same for people: of what may be a secret its end."""
    own = [(call.idempotency, id)] if call.idempotency and id else []
    constants = [(name, mask(value)) for name, value in constants_of(call)]
    proof = [] if call.credential is None else [shown_proof(call.credential)]
    given = () if made is None else made.headers
    return _last_of_each((*_DEFAULTS, *constants, *given, *own, *proof))


def shown_proof(credential: Credential) -> tuple[str, str]:
    """The header that says who we are, as people may see it."""
    if isinstance(credential, TokenCall):
        return credential.header, credential.prefix + MARK
    if isinstance(credential, ServiceAccount):
        return AUTHORIZATION, MARK
    return shown_header(credential)


def _last_of_each(headers: Iterable[tuple[str, str]]) -> Headers:
    found: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        found[name.lower()] = (name, value)
    return list(found.values())
