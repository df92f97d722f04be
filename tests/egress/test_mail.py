"""Letters over SMTP, handed to a real server on this machine: encrypted, signed in, or refused."""

import ssl
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default

import pytest
import trustme

from tests.core.running.leases import EndingLease
from tests.egress.mail_sink import Sink
from tidings.core.running.lease import EndlessLease
from tidings.egress.mail import MailServerAddress, SmtpMailer
from tidings.egress.port import MailFailed, MailHeld

AUTHORITY = trustme.CA()
ENCODED = "=?utf-8?q?=0d=0aBcc:_evil=40example.test?="


def server_tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def send(sink: Sink, timeout_s: float = 60.0, **more: object) -> None:
    server = MailServerAddress("127.0.0.1", sink.port, "tidings@example.test", **more)  # type: ignore[arg-type]
    mailer = SmtpMailer(server, EndlessLease(), trusting(), timeout_s)
    await mailer.send("id-1", ["ops@example.test", "b@example.test"], "Webhook ä fails", "Why é")


async def test_a_letter_is_handed_over_encrypted_and_signed_in() -> None:
    async with Sink(server_tls()) as sink:
        await send(sink, user="me", password="hush hush")
        assert sink.encrypted and sink.login == "\0me\0hush hush"
        assert sink.recipients == ["ops@example.test", "b@example.test"]
        letter = message_from_bytes(sink.letters[0].removesuffix(b".\r\n"), policy=default)
        assert letter["Subject"] == "Webhook ä fails"
        assert letter["From"] == "tidings@example.test"
        assert letter["Message-ID"] == "<id-1@example.test>"
        assert letter["Auto-Submitted"] == "auto-generated" and letter["Date"]
        assert letter.get_content().strip() == "Why é"


async def test_a_server_on_the_same_machine_may_do_without_encryption() -> None:
    async with Sink() as sink:
        await send(sink, starttls=False)
        assert not sink.encrypted and len(sink.letters) == 1 and not sink.login


async def test_without_encryption_where_it_is_asked_for_nothing_is_sent() -> None:
    async with Sink() as sink:
        with pytest.raises(MailFailed, match="STARTTLS") as failed:
            await send(sink, user="me", password="hush")
        assert not failed.value.final and not sink.login and not sink.letters


async def test_a_certificate_that_is_not_trusted_gets_no_login() -> None:
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(other)
    async with Sink(other) as sink:
        with pytest.raises(MailFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await send(sink, user="me", password="hush")
        assert not sink.login and not sink.letters


@pytest.mark.parametrize(
    ("verb", "answer", "final"),
    [
        ("MAIL", "451 later", False),
        ("MAIL", "550 never", True),
        ("RCPT", "450 full", False),
        ("RCPT", "550 nobody", True),
        ("DATA", "452 full", False),
        ("AUTH", "535 wrong", False),
    ],
)
async def test_what_the_server_refuses_is_told_apart(verb: str, answer: str, final: bool) -> None:
    async with Sink(server_tls()) as sink:
        sink.refuse[verb] = answer
        with pytest.raises(MailFailed, match=answer[:3]) as failed:
            await send(sink, user="me", password="hush")
        assert failed.value.final is final
        assert "hush" not in str(failed.value) and not sink.letters


async def test_a_server_that_is_not_there_or_says_nothing_may_be_there_later() -> None:
    async with Sink() as sink:
        sink.silent = True
        with pytest.raises(MailFailed) as failed:
            await send(sink, timeout_s=0.3)
        assert not failed.value.final
        sink.port = 1
        with pytest.raises(MailFailed, match="refused") as failed:
            await send(sink)
        assert not failed.value.final


@pytest.mark.parametrize("looks", [0, 1])
async def test_no_content_is_written_once_the_lease_of_the_store_is_over(looks: int) -> None:
    async with Sink() as sink:
        server = MailServerAddress("127.0.0.1", sink.port, "t@example.test", starttls=False)
        mailer = SmtpMailer(server, EndingLease(looks))
        if looks:
            await mailer.send("id-0", ["a@example.test"], "x", "y")
        with pytest.raises(MailHeld):
            await mailer.send("id-1", ["b@example.test"], "x", "y")
        assert sink.recipients[-1] == "b@example.test", "it is looked at after all the rest"
        assert len(sink.letters) == looks


async def test_a_name_with_a_line_break_makes_no_further_header() -> None:
    async with Sink() as sink:
        mailer = SmtpMailer(
            MailServerAddress("127.0.0.1", sink.port, "t@example.test", starttls=False),
            EndlessLease(),
        )
        await mailer.send("id", ["a@example.test"], "x\r\nBcc: evil@example.test", "y")
        letter = message_from_bytes(sink.letters[0], policy=default)
        assert letter["Bcc"] is None and letter["Subject"] == "x Bcc: evil@example.test"
        await mailer.send("id", ["a@example.test"], f"ä {ENCODED}", "y")
        other = message_from_bytes(sink.letters[1])
        assert other["Bcc"] is None and str(make_header(decode_header(other["Subject"]))) == (
            f"ä {ENCODED}"
        )
        for to in ("a@example.test\r\nBcc: evil@example.test", f"{ENCODED}@example.test"):
            with pytest.raises(MailFailed) as failed:
                await mailer.send("id", [to], "x", "y")
            assert failed.value.final


def test_the_password_is_not_shown() -> None:
    assert "hush" not in repr(MailServerAddress("h", 25, "a@b", password="hush"))
