"""What went wrong in an attempt, in words for the owner of the webhook.

Whose fault it is and whether the request can have reached the receiver decide what may be done
next, so "never sent" is claimed only where nothing was written. No text holds an address, a URL or
the name of an exception.
"""

import errno
import ssl
from time import monotonic

from tidings.core.delivery.exchange import FaultKind, TransportFault

BLOCKED = "blocked by policy"
# The next address of a name may still take the request.
NOT_CONNECTED = (FaultKind.REFUSED, FaultKind.UNREACHABLE, FaultKind.CONNECT_TIMEOUT)

_OURS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL))
_UNREACHABLE = frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN))
_FIREWALL = frozenset((errno.EPERM, errno.EACCES))

# OpenSSL's X509_V_ERR_… numbers (openssl/x509_vfy.h), as ssl.SSLCertVerificationError gives them.
_NOT_YET_VALID, _EXPIRED, _REVOKED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 23, 62, 64
_UNKNOWN_AUTHORITY = frozenset((2, 18, 19, 20, 21))
_CERTIFICATE = {
    _EXPIRED: "The receiver's certificate has expired. Renew it.",
    _NOT_YET_VALID: (
        "The receiver's certificate is not valid yet. Check its dates and the receiver's clock."
    ),
    _OTHER_NAME: (
        "The receiver's certificate is for another name. Use one for the host of the URL."
    ),
    _OTHER_ADDRESS: (
        "The receiver's certificate is for another name. Use one for the host of the URL."
    ),
    _REVOKED: "The receiver's certificate has been revoked. Replace it.",
}


def unsent(kind: FaultKind, detail: str, started: float) -> TransportFault:
    """Build a fault before anything was sent, in an attempt begun at `started` on the monotonic
    clock."""
    duration_ms = (monotonic() - started) * 1e3
    return TransportFault(kind=kind, sent=False, detail=detail, duration_ms=duration_ms)


# -- before anything was sent ---------------------------------------------------------------------


def not_built(started: float) -> TransportFault:
    """Build the fault for a request that cannot be written from its method and headers."""
    detail = (
        "The request could not be built from its method and headers. Check the webhook's headers: "
        "names of letters, digits and dashes, values without line ends."
    )
    return unsent(FaultKind.OURS, detail, started)


def no_connection(count: int, started: float) -> TransportFault:
    """Build the fault for more to send at once than the outlet has connections (`count`)."""
    detail = f"All {count} connections to the receiver were in use. It is sent again."
    return unsent(FaultKind.OURS, detail, started)


def no_socket(started: float) -> TransportFault:
    """Build the fault for a process whose connections are all in use."""
    return unsent(FaultKind.OURS, _NO_SOCKETS, started)


def not_connected(error: OSError, started: float) -> TransportFault:
    """Build the fault for a connection that was not made; `error` is what the system said."""
    code = error.errno or 0
    if code in _OURS:
        return unsent(FaultKind.OURS, _NO_SOCKETS, started)
    if code in _FIREWALL:
        return unsent(FaultKind.POLICY, BLOCKED, started)
    if code == errno.ETIMEDOUT:
        return connect_timeout(started, handshake=False)
    if code in _UNREACHABLE:
        detail = "There is no route to the receiver. Check its address and network."
        return unsent(FaultKind.UNREACHABLE, detail, started)
    detail = "Nobody listens at the receiver's port. Check that it runs, and the port in the URL."
    return unsent(FaultKind.REFUSED, detail, started)


def connect_timeout(started: float, *, handshake: bool) -> TransportFault:
    """Build the fault for a connection that was not made in time: of TCP, or of the TLS upon it."""
    what = "finish the TLS handshake" if handshake else "accept the connection"
    after = f"after {(monotonic() - started) * 1e3:.0f} ms"
    detail = (
        f"The receiver did not {what} {after}. Check that it runs and that its firewall lets "
        "Tidings in."
    )
    return unsent(FaultKind.CONNECT_TIMEOUT, detail, started)


def handshake(error: Exception, started: float) -> TransportFault:
    """Build the fault for a TLS handshake that failed: by the receiver's certificate, or
    otherwise."""
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = _CERTIFICATE.get(
            error.verify_code,
            "The receiver's certificate did not pass verification. Check it and its chain.",
        )
        if error.verify_code in _UNKNOWN_AUTHORITY:
            detail = (
                "The receiver's certificate comes from an unknown authority. Send the whole chain, "
                "or use a public authority."
            )
    else:
        detail = (
            "The receiver ended the TLS handshake. Check that it speaks TLS 1.2 or later on this "
            "port."
        )
    return unsent(FaultKind.TLS, detail, started)


# -- after it was sent ----------------------------------------------------------------------------


def no_answer(taken_ms: float) -> TransportFault:
    """Build the fault for a deadline before which nothing complete came."""
    detail = (
        f"The receiver gave no complete answer after {taken_ms:.0f} ms. Let it answer first and "
        "work later."
    )
    return TransportFault(FaultKind.TIMEOUT, True, detail, duration_ms=taken_ms)


def no_http(taken_ms: float, sent: bool = True) -> TransportFault:
    """Build the fault for what is no answer, or beyond what a head may be."""
    detail = (
        f"What came back after {taken_ms:.0f} ms is not an HTTP/1.1 answer. Check what listens at "
        "the URL's port."
    )
    return TransportFault(FaultKind.PROTOCOL, sent, detail, duration_ms=taken_ms)


def closed(taken_ms: float, sent: bool = True) -> TransportFault:
    """Build the fault for a connection that ended before a complete head."""
    detail = (
        f"The receiver closed the connection after {taken_ms:.0f} ms without an answer. If it goes "
        "on, raise its idle time-out."
    )
    return TransportFault(FaultKind.RESET, sent, detail, duration_ms=taken_ms)


def stale(taken_ms: float) -> TransportFault:
    """Build the fault for a kept connection that ended as it was used again, before any answer: the
    receiver had closed it."""
    detail = (
        "The receiver closed an idle connection just as it was reused. Tidings sends the message "
        "again at once on a new one."
    )
    return TransportFault(FaultKind.STALE, True, detail, duration_ms=taken_ms)


def alert(taken_ms: float) -> TransportFault:
    """Build the fault for a TLS connection that the receiver ended with an alert."""
    detail = (
        "The receiver ended the TLS connection with an alert. Check whether it asks for a client "
        "certificate."
    )
    return TransportFault(FaultKind.TLS, True, detail, duration_ms=taken_ms)


def ours_closed(taken_ms: float, sent: bool = True) -> TransportFault:
    """Build the fault for a connection that we closed under an attempt."""
    detail = f"Tidings closed the connection after {taken_ms:.0f} ms."
    return TransportFault(FaultKind.OURS, sent, detail, duration_ms=taken_ms)


_NO_SOCKETS = (
    "Tidings has no free socket or port left. Raise its limit of open files; this is not the "
    "receiver's fault."
)
