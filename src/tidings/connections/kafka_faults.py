"""What is wrong with a Kafka cluster, in words. Tenants read them: no address and no name of a user
is in them; the log has what the client library says."""

import socket
import ssl
from collections.abc import Sequence

import structlog
from aiokafka import errors

from tidings.connections.port import ConnectionDown, command_of

log = structlog.get_logger(__name__)

_REFUSED = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)


def down(error: BaseException, connection: str) -> ConnectionDown:
    """Build the error that users of a connection are told."""
    log.warning("kafka fails", connection=connection, reason=repr(error))
    what = f"The Kafka cluster of the connection {connection}"
    ask = "Ask the operator."
    if isinstance(error, _REFUSED):
        return ConnectionDown(
            f"{what} must accept the connection's mechanism, username and password; it refused "
            f"them. {ask}"
        )
    if isinstance(error, ssl.SSLError):
        return ConnectionDown(
            f"{what} must be reached by TLS with certificates that fit; it was not. {ask}"
        )
    if isinstance(error, errors.GroupAuthorizationFailedError):
        return ConnectionDown(
            f"{what} must allow the source to READ its consumer group; it does not. {ask}"
        )
    if isinstance(error, errors.TopicAuthorizationFailedError):
        return topic_refused(connection, "the source's topics")
    if isinstance(error, errors.UnsupportedCodecError):
        return ConnectionDown(
            f"{what} must compress messages by what is installed here; it does by another. Ask "
            f"the operator to run: {command_of('kafka')}"
        )
    return ConnectionDown(
        f"{what} must answer; {_unreached(error)}. If it lasts, ask the operator."
    )


def _unreached(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return "the name of a server of it has no address"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens at the port of a server of it"
    if isinstance(error, TimeoutError):
        return "it does not within the time"
    return "it does not"


def topic_refused(connection: str, topic: str) -> ConnectionDown:
    """Build the error that the cluster's access rules do not let the source read a topic."""
    return ConnectionDown(
        f"The Kafka cluster of the connection {connection} must allow the source to READ {topic}; "
        "it does not. Ask the operator."
    )


class TopicsMissing(ConnectionDown):
    """Nobody has made them."""

    def __init__(self, connection: str, topics: Sequence[str]) -> None:
        super().__init__(
            f"The topic {topics[0]} must be there; the Kafka cluster of the connection "
            f"{connection} has none of that name. Make it, or change the source."
        )
        self.topics = topics


def topic_anew(topic: str) -> ConnectionDown:
    """Build the error that a topic was deleted and made again under the same name."""
    return ConnectionDown(
        f"The topic {topic} must stay the one it was; it was deleted and made anew. It is read "
        "from its begin by itself."
    )
