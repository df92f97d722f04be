"""How a webhook signs, as it is shown: its schemes and its public keys, never a private one."""

from typing import Any

from tidings.core.shaping.signatures.schemes import DEFAULT
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.times import iso
from tidings.core.webhooks.fields import SIGNATURES
from tidings.core.webhooks.webhook import Webhook

PUBLIC_KEYS = "publicKeys"


def show_signing(webhook: Webhook) -> dict[str, Any]:
    """Show its schemes, and the public keys by which its messages verify now; nothing of a webhook
    that signs as all do by default."""
    if webhook.signatures == DEFAULT:
        return {}
    return {SIGNATURES: list(webhook.signatures), PUBLIC_KEYS: show_public_keys(webhook)}


def show_public_keys(webhook: Webhook) -> list[dict[str, str | None]]:
    """Show the public keys in force, of each scheme the newest first, each with its end."""
    return [
        {"scheme": pair.scheme, "key": pair.shown, "until": iso(pair.until_ms)}
        for pair in webhook.key_pairs
    ]


def show_new_secret(secret: bytes | None) -> dict[str, Any]:
    """Show a signing secret that was made, this once; nothing where none was."""
    return {} if secret is None else {"signingSecret": show_secret(secret)}
