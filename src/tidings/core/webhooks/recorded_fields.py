"""A webhook as the audit log keeps it: as answers show it, but without any part of a secret.

Values of headers, of authentication and in URLs, and templates of e-mails, are hidden: of a change
it is kept that they were changed, and not how.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tidings.core.audit.entries import MASKED, Hidden
from tidings.core.declaration import declared, show_resource
from tidings.core.webhooks.authentication import Authentication
from tidings.core.webhooks.authentication_body import FIELD as AUTHENTICATION
from tidings.core.webhooks.authentication_body import VARIANTS
from tidings.core.webhooks.fields import SIGNATURES, WebhookSettings
from tidings.core.webhooks.variants import TYPE

_OF_AUTHENTICATION = ("header", "scope", "audience", "clientAuthentication")
_TEMPLATES = ("subject", "text", "html")


def recorded_settings(settings: WebhookSettings) -> dict[str, Any]:
    """Return the fields of a webhook's settings, secrets hidden."""
    fields = dict(show_resource(settings)) | {SIGNATURES: list(settings.signatures)}
    fields["webHookUrl"] = hidden_url(settings.url)
    fields["webHookHeaders"] = {name: Hidden(value) for name, value in settings.headers}
    if settings.authentication is not None:
        fields[AUTHENTICATION] = _authentication(settings.authentication)
    if settings.email is not None:
        fields["email"] = _hide(fields["email"], _TEMPLATES)
    return fields


def hidden_url(url: str) -> Hidden:
    """Return a URL of which user, password and the values of its query are hidden."""
    return Hidden(url, masked_url(url))


def masked_url(url: str) -> str:
    """Mask user, password, fragment and the values of the query of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASKED
    _, has_user, host = parts.netloc.rpartition("@")
    query = "&".join(_masked_pair(pair) for pair in parts.query.split("&")) if parts.query else ""
    return parts._replace(
        netloc=f"{MASKED}@{host}" if has_user else host,
        query=query,
        fragment=MASKED if parts.fragment else "",
    ).geturl()


def _masked_pair(pair: str) -> str:
    name, has_value, _ = pair.partition("=")
    return f"{name}={MASKED}" if has_value else MASKED


def _authentication(authentication: Authentication) -> dict[str, Any]:
    """Return the fields of an authentication; hide all that could help to pass for us."""
    fields: dict[str, Any] = {TYPE: VARIANTS.name_of(authentication)}
    for field in declared(type(authentication)):
        value = field.of(authentication)
        if field.name == "tokenUrl":
            fields[field.name] = hidden_url(value)
        else:
            is_shown = value is None or field.name in _OF_AUTHENTICATION
            fields[field.name] = value if is_shown else Hidden(value)
    return fields


def _hide(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: Hidden(value) if name in names and value is not None else value
        for name, value in fields.items()
    }
