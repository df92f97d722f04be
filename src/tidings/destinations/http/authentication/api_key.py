"""A key in a header of the receiver's choice."""

from tidings.core.webhooks.authentication import ApiKey
from tidings.destinations.http.authentication.authenticator import LastingProof


class ApiKeyProof(LastingProof):
    """See `Authenticator`."""

    def __init__(self, key: ApiKey) -> None:
        super().__init__((key.header, key.value))
