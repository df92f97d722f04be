"""A name and a password in the header Authorization (RFC 7617)."""

from tidings.core.webhooks.authentication import Basic
from tidings.destinations.http.authentication.authenticator import LastingProof


class BasicProof(LastingProof):
    """See `Authenticator`."""

    def __init__(self, basic: Basic) -> None:
        super().__init__(("Authorization", basic.value), basic.password)
