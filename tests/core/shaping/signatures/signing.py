"""How tests sign as the service does, by the scheme that all webhooks have by default."""

from collections.abc import Sequence

from tidings.core.shaping.signatures.schemes import DEFAULT, VerificationKey
from tidings.core.shaping.signatures.standard_webhooks import MessageSigner


def default_signer(secrets: Sequence[bytes]) -> MessageSigner:
    """A signer by these secrets, newest first."""
    return MessageSigner(DEFAULT, secrets)


def secret_keys(secrets: Sequence[bytes]) -> list[VerificationKey]:
    """What verifies by these secrets."""
    return [VerificationKey(id, secret) for id in DEFAULT for secret in secrets]
