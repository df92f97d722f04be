"""A private authority that the operator names is trusted by all that we call, and a file that is
none ends the start."""

import ssl
from pathlib import Path

import pytest
import trustme

from tests.egress.receivers import OK, Receiver, answering
from tests.egress.support import DEV, Names, at
from tidings.app.operator_files.check import check_files
from tidings.app.operator_files.operator_file import FileRefused
from tidings.app.outbound_clients import make_mailer, trusting
from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault
from tidings.core.running.lease import EndlessLease
from tidings.egress.address import parse_target
from tidings.egress.sender import HttpSender
from tidings.settings.settings import Settings


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_receiver_with_a_private_certificate_is_called_where_its_authority_is_named(
    tmp_path: Path, trusted: bool
) -> None:
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(context)
    sender = HttpSender(DEV, Names(at("127.0.0.1")), ca_bundle=bundle if trusted else None)
    with Receiver(answering(OK), context) as shop:
        target = parse_target(f"https://shop.example:{shop.port}/", allow_http=False)
        outlet = sender.open(target, 1)
        ending = await outlet.send("POST", lambda: [], b"{}", 5.0, "/")
        await outlet.close()
    await sender.close()
    if trusted:
        assert isinstance(ending, ReceiverAnswer) and ending.status == 200
    else:
        assert isinstance(ending, TransportFault) and ending.kind is FaultKind.TLS


def test_it_is_trusted_beside_the_systems_and_for_notices_too(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    more, fewer = trusting(bundle), ssl.create_default_context()
    assert more.cert_store_stats()["x509_ca"] == fewer.cert_store_stats()["x509_ca"] + 1
    assert more.verify_mode is ssl.CERT_REQUIRED and more.check_hostname
    settings = Settings(ca_file=bundle, mail_host="mail.example", mail_from="a@b.example")
    mailer = make_mailer(settings, EndlessLease())
    assert mailer is not None and mailer._context is not None


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\x00"])
def test_a_file_that_is_none_ends_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileRefused, match=r"ca_file must be a file with certificates in PEM; "):
        check_files(Settings(ca_file=path, data=tmp_path / "data"))
