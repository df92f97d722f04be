"""What a call of an action holds beside its body, as it is sent and as it is shown.

It is somebody else's API that is called, and no receiver of ours: nothing is signed, and of our own
headers one goes along: how often the event has been through Tidings, for it may come back. Of two
headers with one name the later is sent: what we take when nothing is said, what the action says,
the key by which a repeat is known, who we are, and that one.
"""

from collections.abc import Iterable, Sequence

from tidings.core.actions.action import Credential, HttpCall, Plain, ServiceAccount, TokenCall
from tidings.core.actions.context import text_of
from tidings.core.actions.rendered_act import MadeCall
from tidings.core.events.passage import HEADER, with_family
from tidings.core.ids import derived_event_id
from tidings.core.webhooks.authentication import AUTHORIZATION, shown_header
from tidings.core.webhooks.masks import MARK, mask
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.http.requests import OWN
from tidings.destinations.port import Headers

_ID, _DATED, _TEST = "webhook-id", "webhook-timestamp", "tidings-test"
_DEFAULTS = [(name, value) for name, value in OWN.items() if name != "content-type"]


def constants_of(call: HttpCall) -> Headers:
    """List the headers that every message of a call has; their values may be secrets."""
    return [
        (name, text_of(value.value) or "")
        for name, value in call.headers
        if isinstance(value, Plain)
    ]


def key_of(webhook: Webhook, left: Headers) -> str:
    """Derive the key by which a repeat of a call is known: a UUID, the same for one action of one
    event whatever becomes of the file.

    Another action has another, since a target that knows the key does nothing; so has each test,
    which must not stand for the act. `left`: the headers of the message; "" where they have no id.
    """
    has = dict(left)
    if not (id := has.get(_ID, "")):
        return ""
    test = f" {has.get(_DATED)}" if _TEST in has else ""
    return derived_event_id(webhook.org, f"action {webhook.name} {id}{test}", 0)


def headers_of(
    call: HttpCall, made: MadeCall, key: str, proof: Headers, left: Sequence[tuple[str, str]] = ()
) -> Headers:
    """Build the headers of one call. `key`: see `key_of`; `proof`: who we are; `left`: see
    `key_of`."""
    own = [(call.idempotency, key)] if call.idempotency and key else []
    hops = _hops_in(left)
    return _last_of_each((*_DEFAULTS, *constants_of(call), *made.headers, *own, *proof, *hops))


def shown_headers(
    call: HttpCall, made: MadeCall | None, key: str, left: Sequence[tuple[str, str]] = ()
) -> Headers:
    """List the headers of a call as people may see them: of what may be a secret its end."""
    own = [(call.idempotency, key)] if call.idempotency and key else []
    constants = [(name, mask(value)) for name, value in constants_of(call)]
    proof = [] if call.credential is None else [shown_proof(call.credential)]
    given = () if made is None else made.headers
    return _last_of_each((*_DEFAULTS, *constants, *given, *own, *proof, *_hops_in(left)))


def shown_proof(credential: Credential) -> tuple[str, str]:
    """Return the header that says who we are, as people may see it."""
    if isinstance(credential, TokenCall):
        return credential.header, credential.prefix + MARK
    if isinstance(credential, ServiceAccount):
        return AUTHORIZATION, MARK
    return shown_header(credential)


def _hops_in(left: Sequence[tuple[str, str]]) -> Headers:
    has = dict(left)
    return [(HEADER, with_family(has[HEADER], has.get(_ID, "")))] if HEADER in has else []


def _last_of_each(headers: Iterable[tuple[str, str]]) -> Headers:
    found: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        found[name.lower()] = (name, value)
    return list(found.values())
