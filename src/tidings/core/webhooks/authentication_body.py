"""How a webhook's owner may say who it is to its receiver: `authentication` of its body.

A secret that reads show masked may come back so, and means the stored one. A stored one goes where
it was stored for, and nowhere else: neither to another host of `webHookUrl` nor, where a token is
fetched with it, to another one of `tokenUrl`.
"""

from tidings.core.form import Form
from tidings.core.webhooks.authentication import (
    SCHEMES,
    Authentication,
    OAuth2ClientCredentials,
    header_of,
)
from tidings.core.webhooks.headers import Headers, same_origin, same_url
from tidings.core.webhooks.variants import Variants

FIELD = "authentication"
VARIANTS = Variants[Authentication](
    FIELD,
    SCHEMES,
    "bad_authentication",
    example='{"type": "basic", "username": "tidings", "password": "…"}',
)
SCHEMA, ANSWER_SCHEMA = VARIANTS.schema(answers=False), VARIANTS.schema(answers=True)


def refuse_twice(form: Form, authentication: Authentication, headers: Headers) -> None:
    """Refuse an authentication that sets a header which the webhook's headers set too."""
    name = header_of(authentication)
    if any(header.lower() == name.lower() for header, _ in headers):
        form.refuse(
            "duplicate_header",
            FIELD,
            f"authentication must set a header that is not in webHookHeaders; got {name} in both. "
            "Remove it from webHookHeaders.",
        )


def is_elsewhere(
    old: tuple[Authentication | None, str], new: tuple[Authentication, str], *, tried: bool
) -> bool:
    """Return whether what is stored would go to another place than it was stored for, by the scheme
    and the URL of both; for a test message that is any other URL."""
    same = same_url if tried else same_origin
    (was, old_url), (now, url) = old, new
    if url.strip() and not same(old_url, url):
        return True
    if not isinstance(now, OAuth2ClientCredentials):
        return False
    return not (isinstance(was, OAuth2ClientCredentials) and same(was.token_url, now.token_url))


def refuse_elsewhere(form: Form) -> None:
    """Refuse a change of the URL without the full secret: a stored one is sent nowhere else."""
    form.refuse(
        "credentials_stay",
        FIELD,
        "authentication must contain the full secret when webHookUrl or tokenUrl changes its "
        "scheme, host or port; got a changed URL and no secret. A stored secret is sent only to "
        "the host that it was stored for: give it again, or set authentication to null.",
    )


def warn_left_out(form: Form) -> None:
    """Warn that a test message goes without the secret that is stored for another URL."""
    form.warn(
        "credentials_left_out",
        FIELD,
        "webHookUrl and tokenUrl must be the stored ones for a stored secret to be sent; got a "
        "different one. This test was sent without authentication: give the full secret to include "
        "it.",
    )
