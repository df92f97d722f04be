"""TLS: verified always, by the name of the URL, and nothing sent before that."""

import asyncio
import datetime
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault

from .receivers import OK, Receiver, answering, until_gone
from .support import outlet_to, post

UTC = datetime.UTC
CA = trustme.CA()
STRANGER = trustme.CA()


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def old() -> ssl.SSLContext:
    made = context(CA.issue_cert("hook.test"))
    made.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = ssl.TLSVersion.TLSv1_1
    return made


def issued(begin: int, end: int) -> ssl.SSLContext:
    return context(
        CA.issue_cert(
            "hook.test",
            not_before=datetime.datetime(begin, 1, 1, tzinfo=UTC),
            not_after=datetime.datetime(end, 1, 1, tzinfo=UTC),
        )
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities in one file: the second is the one that counts."""
    path = tmp_path_factory.mktemp("ca") / "bundle.pem"
    path.write_bytes(trustme.CA().cert_pem.bytes() + b"\n" + CA.cert_pem.bytes())
    return path


async def test_good_certificate_and_sni(bundle: Path) -> None:
    """A certificate for the name passes; SNI keeps the name though an address is dialled."""
    names: list[str | None] = []
    server = context(CA.issue_cert("hook.test", "*.wild.test"))
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    with Receiver(answering(OK), server) as receiver:
        for host in ("hook.test", "a.wild.test"):
            async with outlet_to(receiver.url(host=host), ca_bundle=bundle) as outlet:
                ending = await post(outlet)
                assert isinstance(ending, ReceiverAnswer), ending
                assert ending.timings is not None and ending.timings.tls_ms
                assert isinstance(await post(outlet), ReceiverAnswer)
    assert names == ["hook.test", "a.wild.test"]


BAD: dict[str, tuple[Callable[[], ssl.SSLContext], str]] = {
    "wrong name": (lambda: context(CA.issue_cert("other.test")), "another name"),
    "unknown authority": (lambda: context(STRANGER.issue_cert("hook.test")), "unknown authority"),
    "expired": (lambda: issued(2019, 2020), "expired"),
    "not yet valid": (lambda: issued(2200, 2201), "not valid yet"),
    "TLS 1.1": (old, "TLS 1.2"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_certificate(name: str, bundle: Path) -> None:
    """A certificate that does not prove the name ends the attempt before anything is sent."""
    make, words = BAD[name]
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(1))

    with Receiver(handle, make()) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), ca_bundle=bundle) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.TLS, False), ending
            assert words in ending.detail
    assert b"".join(got) == b""


async def test_without_the_bundle_our_authority_is_unknown() -> None:
    """The system's authorities do not know a test authority."""
    with Receiver(answering(OK), context(CA.issue_cert("hook.test"))) as receiver:
        async with outlet_to(receiver.url(host="hook.test")) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.TLS, False)


async def test_handshake_that_never_ends(bundle: Path) -> None:
    """A receiver that is silent in the handshake ends by the deadline, nothing sent."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_gone(reader)

    with Receiver(silent) as receiver:
        url = receiver.url(host="hook.test").replace("http:", "https:")
        async with outlet_to(url, ca_bundle=bundle) as outlet:
            ending = await post(outlet, 0.8)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.CONNECT_TIMEOUT, False), ending
            assert "handshake" in ending.detail
            assert ending.duration_ms < 10_000, "of itself it never ends"


async def test_plain_http_behind_https(bundle: Path) -> None:
    """A port that answers a handshake with something else ends as TLS, nothing sent."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await until_gone(reader)

    with Receiver(plain) as receiver:
        url = receiver.url(host="hook.test").replace("http:", "https:")
        async with outlet_to(url, ca_bundle=bundle) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            assert (ending.kind, ending.sent) == (FaultKind.TLS, False), ending


async def test_client_certificate_asked(bundle: Path) -> None:
    """A receiver that wants a client certificate ends without an answer, and not as delivered."""
    server = context(CA.issue_cert("hook.test"))
    server.verify_mode = ssl.CERT_REQUIRED
    CA.configure_trust(server)
    with Receiver(answering(OK), server) as receiver:
        async with outlet_to(receiver.url(host="hook.test"), ca_bundle=bundle) as outlet:
            ending = await post(outlet)
            assert isinstance(ending, TransportFault)
            # TLS 1.3 lets the client send before the server has seen that a certificate lacks.
            assert ending.kind in (FaultKind.TLS, FaultKind.RESET), ending
