"""Why there is no answer of a Kafka cluster, by its cause. Tenants read the words: no address and
no name of a user is in them; the log has what the client library says."""

import errno
import socket
import ssl

import structlog
from aiokafka import errors

from tidings.core.delivery.exchange import FaultKind, TransportFault

log = structlog.get_logger(__name__)

FAILURES = (errors.KafkaError, OSError, TimeoutError, EOFError)
LOGIN_REFUSED = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)
_ALONE = "Tidings will retry; if it lasts, ask the operator."
_ASK = "Ask the operator to mend the connection."


def unreached(error: BaseException, connection: str) -> TransportFault:
    """Build the fault of what waited for a broker that could not be connected to, and log the
    cause."""
    log.warning("kafka cluster not reached", connection=connection, reason=repr(error))
    of = f"of the connection {connection}"
    if isinstance(error, TimeoutError):
        kind, message, todo = (
            FaultKind.CONNECT_TIMEOUT,
            f"No broker {of} has let Tidings in within the time.",
            _ALONE,
        )
    elif isinstance(error, socket.gaierror):
        kind, message, todo = FaultKind.DNS, f"The name of a broker {of} has no address.", _ASK
    elif isinstance(error, ssl.SSLError):
        kind, message, todo = (
            FaultKind.TLS,
            f"No TLS with the brokers {of} comes about: their certificates do not fit.",
            _ASK,
        )
    elif _is_refusal(error):
        kind, message, todo = FaultKind.REFUSED, f"No broker {of} listens at its port.", _ALONE
    elif isinstance(error, errors.KafkaError) and not isinstance(
        error, errors.KafkaConnectionError
    ):
        kind, message, todo = (
            FaultKind.PROTOCOL,
            f"What answers in the place of a broker {of} is none, or of an unknown kind.",
            _ASK,
        )
    else:
        kind, message, todo = FaultKind.UNREACHABLE, f"No broker {of} can be reached.", _ALONE
    return TransportFault(kind, False, f"{message} {todo}", duration_ms=0.0)


def broken(error: BaseException, connection: str) -> TransportFault:
    """Build the fault for a connection that broke when records were on their way: nobody knows
    whether they are kept. The cause is logged."""
    log.warning("kafka connection broke", connection=connection, reason=repr(error))
    return TransportFault(
        FaultKind.RESET,
        True,
        "The broker disconnected before it confirmed the record, which it may have stored. Tidings "
        "will retry: let readers drop duplicates by webhook-id.",
        duration_ms=0.0,
    )


def silent(*, left: bool, known: bool, duration_ms: float) -> TransportFault:
    """Build the fault for an attempt whose deadline has passed. `left`: its record was handed to
    the broker; `known`: it was known to which one."""
    if left:
        return TransportFault(
            FaultKind.TIMEOUT,
            True,
            "The broker did not confirm the record in time, and may have stored it. Tidings will "
            "retry: let readers drop duplicates by webhook-id.",
            duration_ms=duration_ms,
        )
    if known:
        return TransportFault(
            FaultKind.TIMEOUT,
            False,
            "The broker did not confirm earlier records in time, so this one was not sent. "
            f"{_ALONE}",
            duration_ms=duration_ms,
        )
    return TransportFault(
        FaultKind.CONNECT_TIMEOUT,
        False,
        f"The Kafka cluster did not answer in time, so nothing was sent. {_ALONE}",
        duration_ms=duration_ms,
    )


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, ConnectionRefusedError):
        return True
    # Of a name with several addresses that all refuse, the loop raises one error of their texts.
    return isinstance(error, OSError) and f"[Errno {errno.ECONNREFUSED}]" in str(error)
