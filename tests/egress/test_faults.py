"""What the system and TLS say, and the fault each stands for."""

import errno
import ssl

import pytest

from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.egress import faults


def certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] for 10.9.8.7")
    error.verify_code = code
    return error


CONNECTING = [
    (errno.ECONNREFUSED, FaultKind.REFUSED),
    (errno.ECONNRESET, FaultKind.REFUSED),
    (errno.ETIMEDOUT, FaultKind.CONNECT_TIMEOUT),
    (errno.EHOSTUNREACH, FaultKind.UNREACHABLE),
    (errno.ENETUNREACH, FaultKind.UNREACHABLE),
    (errno.EPERM, FaultKind.POLICY),
    (errno.EACCES, FaultKind.POLICY),
    (errno.EMFILE, FaultKind.OURS),
    (errno.ENFILE, FaultKind.OURS),
    (errno.EADDRNOTAVAIL, FaultKind.OURS),
    (None, FaultKind.REFUSED),
]


@pytest.mark.parametrize(("code", "kind"), CONNECTING)
def test_what_the_system_says_of_a_connection(code: int | None, kind: FaultKind) -> None:
    """Each number has its fault, and none was sent."""
    error = OSError("to 10.9.8.7") if code is None else OSError(code, "to 10.9.8.7")
    fault = faults.not_connected(error, 0.0)
    assert (fault.kind, fault.sent) == (kind, False)


CERTIFICATES = [
    (10, "expired"),
    (9, "not valid yet"),
    (62, "another name"),
    (64, "another name"),
    (18, "unknown authority"),
    (19, "unknown authority"),
    (20, "unknown authority"),
    (23, "revoked"),
    (7, "did not pass"),
]


@pytest.mark.parametrize(("code", "words"), CERTIFICATES)
def test_why_a_certificate_is_refused(code: int, words: str) -> None:
    """The owner is told what is wrong with it."""
    fault = faults.handshake(certificate(code), 0.0)
    assert (fault.kind, fault.sent) == (FaultKind.TLS, False)
    assert words in fault.detail


def test_a_handshake_that_broke() -> None:
    """Whatever else ends it is the receiver's TLS."""
    for error in (ssl.SSLError(1, "x"), ConnectionResetError(104, "x"), ssl.SSLEOFError(8, "x")):
        fault = faults.handshake(error, 0.0)
        assert (fault.kind, fault.sent) == (FaultKind.TLS, False)


def every() -> list[TransportFault]:
    made = [faults.not_connected(OSError(code, "10.9.8.7"), 0.0) for code, _ in CONNECTING if code]
    made += [faults.handshake(certificate(code), 0.0) for code, _ in CERTIFICATES]
    made += [faults.handshake(ssl.SSLError(1, "x"), 0.0), faults.not_built(0.0)]
    made += [faults.connect_timeout(0.0, handshake=over) for over in (True, False)]
    made.append(faults.no_connection(4, 0.0))
    after = (faults.no_answer, faults.no_http, faults.closed, faults.stale, faults.alert)
    return made + [element(312.4) for element in (*after, faults.ours_closed)]


def test_after_the_request_left_it_counts_as_sent() -> None:
    """What may have been read is never called unsent."""
    for element in (faults.no_answer, faults.no_http, faults.closed, faults.stale, faults.alert):
        assert element(312.4).sent and element(312.4).duration_ms == 312.4
    assert faults.ours_closed(1.0).sent


def test_print_all_texts() -> None:
    """All texts in one list, to be read aloud (pytest -s). None shows an address or our insides."""
    texts = set()
    for fault in every():
        for word in ("10.9.8.7", "errno", "SSL", "Error", "invalid", "oops", "please"):
            assert word not in fault.detail
        assert fault.detail.endswith(".") or fault.detail == "blocked by policy"
        texts.add(f"{fault.kind:16} {'sent' if fault.sent else '    '} {fault.detail}")
    print(*sorted(texts), sep="\n")
    assert len(texts) > 15
