"""The schemes by the keys that they verify with. Add a scheme here; the rest follows."""

from __future__ import annotations

from tidings_consumer.errors import SecretError
from tidings_consumer.schemes import ed25519, hmac_sha256
from tidings_consumer.schemes.scheme import Scheme

SCHEMES = (hmac_sha256.SCHEME, ed25519.SCHEME)
PRIVATE_PREFIX = "whsk_"


def scheme_of(secret: object) -> Scheme:
    """Return the scheme of a key by its prefix; raise SecretError if none has it."""
    if not isinstance(secret, str):
        raise SecretError(f"a secret must be text; got {type(secret).__name__}")
    for scheme in SCHEMES:
        if secret.startswith(scheme.key_prefix):
            return scheme
    if secret.startswith(PRIVATE_PREFIX):
        raise SecretError(
            f"{PRIVATE_PREFIX} begins a private key, which is the sender's alone; take the public "
            "key of the webhook"
        )
    first, *others = [scheme.key_prefix for scheme in SCHEMES]
    got = "something else" if secret else "an empty text"
    raise SecretError(
        f"a signing secret must begin with {first}; got {got}. A public key begins with"
        f" {' or '.join(others)}"
    )
