"""E-mails over a real mail server: what arrives, what its answers mean, and what never leaves."""

import asyncio
import re
import ssl
from email import message_from_bytes as email_of
from email.header import decode_header
from typing import Any

import msgspec
import pytest
import trustme
from aiosmtpd.smtp import SMTP

from tests.connections.scripted_smtp import ScriptedSmtp
from tests.destinations.email.emails import DEV, OPS, email, mailing
from tests.destinations.email.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.destinations.messages import TestMessage
from tests.loops.own_time import own_time
from tidings.connections import smtp_replies as replies
from tidings.connections.smtp_session import WORDS_MAX
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.waits import NotYet, WaitReason
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.destinations.port import Headers

AUTHORITY = trustme.CA()
USUAL = {
    *"From To Subject Message-ID Auto-Submitted Content-Type Content-Transfer-Encoding".split(),
    *"MIME-Version Webhook-Id Tidings-Hops".split(),
}


def tls_of(host: str = "127.0.0.1", authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return context


@pytest.fixture
def ca(tmp_path: Any) -> str:
    file = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    return str(file)


async def sent(server: MailServer, *messages: TestMessage, **fields: Any) -> list[AttemptResult]:
    """What comes of each, one after the other over one channel."""
    results = []
    channel = server.destination(**fields).open(mailing())
    for message in messages or (email(),):
        result = await channel.send(message)
        assert isinstance(result, AttemptResult)
        results.append(result)
    await channel.close()
    return results


def answer(result: AttemptResult) -> ReceiverAnswer:
    assert isinstance(result.ending, ReceiverAnswer), result
    return result.ending


def fault(result: AttemptResult) -> TransportFault:
    assert isinstance(result.ending, TransportFault), result
    return result.ending


async def test_an_email_says_who_writes_about_what_and_is_known_again() -> None:
    async with mail_server() as server:
        message = email(OPS, DEV, subject="Zoë has 7 points", text="Grüße\n.\n..x\nend")
        [result] = await sent(server, message, reply_to="help@brand.example")
        [came] = server.came
    assert result.verdict is DeliveryVerdict.DELIVERED and answer(result).status == 200
    read = came.message
    assert read["From"] == "Loyalty <news@brand.example>" and came.sender == "news@brand.example"
    assert read["To"] == f"{OPS}, {DEV}" and came.to == [OPS, DEV]
    assert read["Subject"] == "Zoë has 7 points" and read["Reply-To"] == "help@brand.example"
    assert read["Message-ID"] == "<msg_1.1@brand.example>"
    assert read["Auto-Submitted"] == "auto-generated" and read["Webhook-Id"] == "msg_1"
    assert came.text == "Grüße\n.\n..x\nend"
    assert not {*read.keys()} & {"Cc", "Bcc"} and came.content.isascii()


@pytest.mark.parametrize("before", ["MAIL", "RCPT"])
async def test_nobodys_address_is_told_of_an_email_that_is_not_wanted_any_more(before: str) -> None:
    """The mail server is slow, and meanwhile the webhook is changed: to other recipients, say."""
    wanted, told = True, []

    def says(command: str, about: str) -> str | None:
        nonlocal wanted
        wanted = wanted and command != before
        told.append(about)
        return None

    async with mail_server() as server:
        server.says = says
        channel = server.destination().open(mailing())
        assert await channel.send(email(OPS, DEV, wanted=lambda: wanted)) is None
        assert told == (["news@brand.example"] if before == "MAIL" else ["news@brand.example", OPS])
        wanted, before = True, ""
        assert await channel.send(email(DEV)) is not None
        await channel.close()
        assert [pair.to for pair in server.came] == [[DEV]] and server.conversations == 1


class Dated(TestMessage):
    """A message with a time, as the engine's are; perhaps a test."""

    def __init__(self, dated: str, *, trial: bool = False) -> None:
        super().__init__(email().body, trial=trial)
        self._dated = dated

    def headers_if_current(self, carried: Headers) -> Headers | None:
        headers = super().headers_if_current([*carried, ("webhook-timestamp", self._dated)])
        return [*(headers or ()), *([("tidings-test", "true")] if self.trial else [])]


async def test_an_email_is_known_again_by_an_id_that_no_other_one_has() -> None:
    """Mail programs show one of several with the same id: of two webhooks, or of actions, that
    write of one event to one address it must not be the same, and of a test it is its own."""
    async with mail_server() as server:
        for number in (1, 2):
            channel = server.destination().open(msgspec.structs.replace(mailing(), number=number))
            for dated in (Dated("1"), Dated("2")):  # two attempts
                await channel.send(dated)
            await channel.close()
        await sent(server, Dated("3", trial=True), Dated("4", trial=True))
        ids = [pair.message["Message-ID"] for pair in server.came]
        left: Headers = [("webhook-id", "msg_1"), ("webhook-timestamp", "4")]
        shown = server.destination().show(
            mailing(), [*left, ("tidings-test", "true")], email().body, None
        )
    assert ids[0] == ids[1] and ids[2] == ids[3] and len({*ids}) == 4
    assert all(re.fullmatch(r"<[a-z0-9_.-]+@brand\.example>", row) for row in ids)
    assert dict(shown.headers)["Message-ID"] == ids[-1]


async def test_html_and_text_are_one_email_whose_bytes_are_the_same_each_time() -> None:
    async with mail_server() as server:
        message = email(html="<p>hé</p>" * 500, text="plain")
        await sent(server, message, message)
        one, other = server.came
    assert one.content == other.content and one.text == "plain"
    html = one.message.get_body(("html",))
    assert html is not None and html.get_content().strip() == "<p>hé</p>" * 500
    assert max(map(len, one.content.split(b"\r\n"))) <= 998


async def test_ten_megabytes_go_and_no_line_is_too_long() -> None:
    async with mail_server() as server:
        big = "ä" * 5_000_000
        [result] = await sent(server, email(html=big, text=None, deadline_s=25.0))
        [came] = server.came
    assert result.verdict is DeliveryVerdict.DELIVERED and came.text == big
    assert max(map(len, came.content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("a\r\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<v@x.example>\r\nDATA\r\n", "s"),
        ("a\n.\nMAIL FROM:<evil@x.example>\n", "s"),
        ("a\r.\rMAIL FROM:<evil@x.example>\r", "s"),
        ("a", "s" * 2000),
    ],
)
async def test_what_is_in_an_email_ends_neither_it_nor_a_header(text: str, subject: str) -> None:
    async with mail_server() as server:
        await sent(server, email(text=text, subject=subject), email())
        assert len(server.came) == 2 and {pair.sender for pair in server.came} == {
            "news@brand.example"
        }
        assert server.came[0].to == [OPS]
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", server.came[0].content)


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?a=0d=0aBcc:_evil=40x.example?=",
        "=?utf-8?q?a=0aBcc:_evil=40x.example?= hello",
        "=?utf-8?q?=0d=0a=0d=0aAnother_content?=",
        "=?utf-8?b?DQpCY2M6IGV2aWxAeC5leGFtcGxl?=",
        "Zoë =?utf-8?q?=0d=0aBcc:_evil=40x.example?=",
        "=?utf-8?q?nothing_but_words?=",
        "=?us-ascii?q?a?= =?utf-8?b?/////?= =?no-such-charset?q?=00?=",
        "=?utf-8?q?" + "=C3=A4" * 70 + "?=",
        "=?", "a =? b ?= c", "x, y; z: 1", "a" * 250, "ä" * 250, "\U0001f600 x" * 80,
        "100% of =?utf-8?q?=E2=80=AE?=",
    ],
)  # fmt: skip
async def test_a_subject_that_reads_like_an_encoded_one_stays_the_text_that_it_is(
    subject: str,
) -> None:
    async with mail_server() as server:
        [result] = await sent(server, email(subject=subject, text="hello"))
        [came] = server.came
    assert result.verdict is DeliveryVerdict.DELIVERED
    # Read by the standard's older reader: it undoes what was done, once.
    head = email_of(came.content)
    assert {*head.keys()} == USUAL and came.text == "hello"
    read = "".join(
        part.decode(charset or "ascii") if isinstance(part, bytes) else part
        for part, charset in decode_header(head["Subject"].replace("\r\n", ""))
    )
    assert read == subject
    assert max(map(len, came.content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "message",
    [
        email(subject="a\r\nBcc: evil@x.example"),
        email(subject="a\nb"),
        TestMessage(b'{"eventName":"pointsIssued"}'),
        TestMessage(b"no JSON"),
    ],
)
async def test_bytes_that_no_shaping_of_emails_has_made_are_not_sent(message: TestMessage) -> None:
    async with mail_server() as server:
        [result] = await sent(server, message)
        assert server.came == [] and message.asked == 0
    assert result.verdict is DeliveryVerdict.NEVER and fault(result).kind is FaultKind.TRANSFORM


@pytest.mark.parametrize(
    "to",
    [
        f"{OPS},{DEV}", f"Ops <{OPS}>", f"{OPS}\r\nRCPT TO:<{DEV}>", "OPS@BRAND.EXAMPLE@x",
        "=?utf-8?q?evil=40x.example=2C?=@brand.example", "=?utf-8?q?=0d=0aBcc:a?=@brand.example",
    ],
)  # fmt: skip
async def test_what_is_no_single_address_gets_nothing(to: str) -> None:
    async with mail_server() as server:
        [result] = await sent(server, email(to), recipients="any")
        assert server.came == []
    assert result.verdict is DeliveryVerdict.NEVER and fault(result).kind is FaultKind.RECIPIENTS


async def test_signs_beyond_ascii_in_an_address_go_to_servers_that_know_them() -> None:
    there = "jörg@xn--bcher-kva.example"
    async with mail_server() as server:
        [result] = await sent(server, email(there, OPS))
        assert result.verdict is DeliveryVerdict.DELIVERED and server.came[0].to == [there, OPS]
    async with mail_server(enable_SMTPUTF8=False) as server:
        [mixed, alone] = await sent(server, email(OPS, there), email(there))
        assert server.came[0].to == [OPS]
    assert answer(mixed).status == 207 and "SMTPUTF8" in answer(mixed).body.decode()
    assert alone.verdict is DeliveryVerdict.NEVER


@pytest.mark.parametrize(
    ("command", "said", "verdict", "status", "slow"),
    [
        ("MAIL", "451 later", DeliveryVerdict.AGAIN, 503, True),
        ("MAIL", "550 not from you", DeliveryVerdict.AGAIN, 403, False),
        ("MAIL", "530 who are you", DeliveryVerdict.AGAIN, 401, False),
        ("RCPT", "530 not to that one", DeliveryVerdict.AGAIN, 401, False),
        ("RCPT", "450 busy", DeliveryVerdict.AGAIN, 429, True),
        ("RCPT", "451 grey", DeliveryVerdict.AGAIN, 503, True),
        ("RCPT", "452 full", DeliveryVerdict.AGAIN, 503, True),
        ("RCPT", "550 5.1.1 nobody", DeliveryVerdict.NEVER, 422, False),
        ("RCPT", "551 elsewhere", DeliveryVerdict.NEVER, 422, False),
        ("RCPT", "553 no such name", DeliveryVerdict.NEVER, 422, False),
        ("RCPT", "552 full for good", DeliveryVerdict.NEVER, 413, False),
        ("DATA", "421 closing", DeliveryVerdict.AGAIN, 503, True),
        ("DATA", "452 no room", DeliveryVerdict.AGAIN, 503, True),
        ("DATA", "552 too large", DeliveryVerdict.NEVER, 413, False),
        ("DATA", "554 spam", DeliveryVerdict.NEVER, 400, False),
    ],
)
async def test_a_refusal_is_judged_by_its_code_and_the_next_email_goes(
    command: str, said: str, verdict: DeliveryVerdict, status: int, slow: bool
) -> None:
    left = [said]
    async with mail_server() as server:
        server.says = lambda at, _: left.pop() if at == command and left else None
        refused, taken = await sent(server, email(), email())
    assert (refused.verdict, answer(refused).status, refused.slow) == (verdict, status, slow)
    assert refused.unusable is (command == "MAIL" and said.startswith("530"))
    assert said[:3] in dict(answer(refused).headers).values()
    assert said[4:] in answer(refused).body.decode()
    assert taken.verdict is DeliveryVerdict.DELIVERED


async def test_the_retry_policy_of_the_webhook_holds_for_emails_too() -> None:
    policy = RetryPolicy(retry_also=frozenset({422}))
    async with mail_server() as server:
        server.says = lambda at, _: "550 nobody" if at == "RCPT" else None
        channel = server.destination().open(mailing(retry=policy))
        result = await channel.send(email())
        await channel.close()
    assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.AGAIN


async def test_taken_for_one_it_is_delivered_and_the_others_are_named() -> None:
    async with mail_server() as server:
        server.says = lambda at, who: "550 5.1.1 nobody" if who == DEV else None
        [result] = await sent(server, email(OPS, DEV))
        assert server.came[0].to == [OPS]
    assert result.verdict is DeliveryVerdict.DELIVERED and answer(result).status == 207
    assert f"{DEV}: 550 5.1.1 nobody" in answer(result).body.decode()


async def test_of_several_that_are_refused_one_that_may_take_it_later_counts() -> None:
    async with mail_server() as server:
        server.says = lambda at, who: {OPS: "550 nobody", DEV: "451 later"}.get(who)
        [result] = await sent(server, email(OPS, DEV))
    assert result.verdict is DeliveryVerdict.AGAIN


async def test_who_has_not_confirmed_gets_nothing_and_the_delivery_waits() -> None:
    agreed = {OPS}

    def confirmed(org: int, address: str) -> bool:
        return address in agreed

    async with mail_server() as server:
        none, some = await sent(server, email(DEV), email(OPS, DEV), confirmed=confirmed)
        assert [pair.to for pair in server.came] == [[OPS]]
        assert server.came[0].message["To"] == OPS
        agreed.add(DEV)
        [later] = await sent(server, email(DEV), confirmed=confirmed)
    assert none.verdict is DeliveryVerdict.AGAIN and fault(none).kind is FaultKind.RECIPIENTS
    assert f"{DEV} has not confirmed" in fault(none).detail
    assert some.verdict is DeliveryVerdict.DELIVERED and DEV in answer(some).body.decode()
    assert later.verdict is DeliveryVerdict.DELIVERED


async def test_where_the_operator_admits_anybody_nobody_need_confirm_but_domains_hold() -> None:
    fields: dict[str, Any] = {"recipients": "any", "domains": ["brand.example"]}
    async with mail_server() as server:
        kept, other, like = await sent(
            server,
            email("new@brand.example"),
            email("new@other.example"),
            email("new@xn--brnd-63d.example"),  # brаnd.example with a Cyrillic а
            confirmed=lambda org, address: False,
            **fields,
        )
        assert [pair.to for pair in server.came] == [["new@brand.example"]]
    assert kept.verdict is DeliveryVerdict.DELIVERED
    assert other.verdict is like.verdict is DeliveryVerdict.NEVER
    assert fault(other).kind is FaultKind.RECIPIENTS


async def test_over_the_limit_an_email_waits_and_no_other_org_does() -> None:
    async with mail_server() as server:
        destination = server.destination(limit_per_hour=3)
        mine, other = destination.open(mailing()), destination.open(mailing(org=2))
        for _ in range(3):
            result = await mine.send(email())
            assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
        message = email()
        over = await mine.send(message)
        theirs = await other.send(email())
        await mine.close()
        await other.close()
        assert len(server.came) == 4 and message.asked == 0
    assert isinstance(over, NotYet), "no mail server has said anything"
    assert over.wait_s == over.lane_pause_s and 3500 < over.lane_pause_s <= 3660
    assert over.waits.reason == WaitReason.LIMIT
    assert "3 recipients by limit_per_hour of the connection mail" in over.waits.detail
    assert isinstance(theirs, AttemptResult) and theirs.verdict is DeliveryVerdict.DELIVERED


async def test_what_did_not_leave_does_not_count() -> None:
    async with mail_server() as server:
        server.says = lambda at, _: "451 later" if at == "RCPT" else None
        results = await sent(server, *(email() for _ in range(5)), limit_per_hour=1)
    assert {answer(result).status for result in results} == {503}


async def test_one_conversation_serves_email_after_email() -> None:
    async with mail_server() as server:
        await sent(server, *(email() for _ in range(10)))
        assert server.conversations == 1 and len(server.came) == 10


async def test_a_conversation_that_the_server_has_ended_costs_no_attempt() -> None:
    async with mail_server() as server:
        channel = server.destination().open(mailing())
        for _ in range(3):
            message = email()
            result = await channel.send(message)
            assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
            assert message.asked == 1
            await server.stop()
            await server.start()
        await channel.close()


async def test_all_webhooks_together_hold_no_more_conversations_than_admitted() -> None:
    under_way, most = 0, 0

    async def stays() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1

    async with mail_server() as server:
        server.stays = stays
        destination = server.destination(connections=3)
        channels = [destination.open(mailing()) for _ in range(5)]
        results = await asyncio.gather(*(channel.send(email()) for channel in channels * 4))
        for channel in channels:
            await channel.close()
    assert all(
        isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
        for result in results
    )
    assert most == 3


async def test_a_webhook_with_much_to_send_leaves_places_for_the_others() -> None:
    free = asyncio.Event()

    async def stays() -> None:
        await free.wait()

    async with mail_server() as server:
        server.stays = stays
        destination = server.destination(connections=4)
        much, little = destination.open(mailing()), destination.open(mailing(org=2))
        many = [asyncio.create_task(much.send(email())) for _ in range(20)]
        while len(server.came) < 2:
            await asyncio.sleep(0.01)
        one = asyncio.create_task(little.send(email(subject="little")))
        while len(server.came) < 3:
            await asyncio.sleep(0.01)
        assert server.came[2].message["Subject"] == "little"
        free.set()
        results = await asyncio.gather(one, *many)
        await much.close()
        await little.close()
    assert all(
        isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
        for result in results
    )
    assert server.conversations <= 4


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_email_goes_encrypted_and_signed_in(security: str, ca: str) -> None:
    options = {"at_once": True, "auth_require_tls": False} if security == "tls" else {}
    async with mail_server(tls_of(), auth_required=True, **options) as server:
        good, bad = (
            {"security": security, "ca": ca, "username": USER, "password": word}
            for word in (PASSWORD, "wrong")
        )
        [taken] = await sent(server, **good)
        [refused] = await sent(server, **bad)
    assert taken.verdict is DeliveryVerdict.DELIVERED
    assert refused.verdict is DeliveryVerdict.AGAIN and answer(refused).status == 401
    assert "wrong" not in repr(refused) and USER not in repr(refused)


async def test_without_starttls_nothing_leaves_and_no_password() -> None:
    async with mail_server() as server:
        heard: list[str] = []
        server.says = lambda at, who: heard.append(at)
        fields = {"security": "starttls", "username": USER, "password": PASSWORD}
        [result] = await sent(server, **fields)
        assert server.came == [] and heard == []
    assert result.verdict is DeliveryVerdict.AGAIN and fault(result).kind is FaultKind.TLS
    assert "STARTTLS" in fault(result).detail


@pytest.mark.parametrize("wrong", ["name", "signer"])
async def test_a_certificate_that_does_not_fit_gets_no_password(wrong: str, ca: str) -> None:
    tls = tls_of("other.example") if wrong == "name" else tls_of(authority=trustme.CA())
    for security in ("starttls", "tls"):
        async with mail_server(tls, at_once=security == "tls") as server:
            fields = {"security": security, "ca": ca, "username": USER, "password": PASSWORD}
            [result] = await sent(server, **fields)
            assert server.came == []
        assert fault(result).kind is FaultKind.TLS, security
        assert PASSWORD not in repr(result)


async def test_answers_hold_neither_the_host_nor_the_login() -> None:
    async with mail_server(tls_of(), auth_required=True) as server:
        words = f"550 {USER} at 127.0.0.1 [10.1.2.3] says {PASSWORD}: no"
        server.says = lambda at, _: words if at == "RCPT" else None
        fields = {"username": USER, "password": PASSWORD, "security": "starttls"}
        file = AUTHORITY.cert_pem
        with file.tempfile() as path:
            [result] = await sent(server, ca=path, **fields)
    said = answer(result).body.decode()
    assert "says" in said
    for secret in (USER, PASSWORD, "127.0.0.1", "10.1.2.3"):
        assert secret not in said


STEPS = (replies.HELLO, replies.LOGIN, replies.SENDER, replies.RECIPIENT, replies.CONTENT)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("before", [0, WORDS_MAX - 20, WORDS_MAX - 4])
async def test_no_part_of_a_secret_is_in_the_answer_to_any_step_where_it_is_cut(
    step: str, before: int
) -> None:
    words = f"550 {'x' * before} {PASSWORD} 127.0.0.1 {USER} 10.1.2.3 {USER}"
    server = MailServer()
    async with ScriptedSmtp(step, words) as scripted:
        server.port = scripted.port
        [result] = await sent(server, username=USER, password=PASSWORD)
    server.close()
    said = answer(result).body.decode()
    assert len(said) <= WORDS_MAX + 50
    assert "x" * before in said or step in (replies.HELLO, replies.LOGIN), "nothing of these"
    for secret in (USER, PASSWORD):
        assert secret[:2] not in said
    assert "127." not in said and "10." not in said


Script = list[bytes]


async def served(*said: bytes, slow_s: float = 0.0, **fields: Any) -> AttemptResult:
    """What comes of an e-mail to a server that says this, whatever it is told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for body in said:
                for piece in re.findall(b"(?s)." if slow_s else b"(?s).+", body):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(slow_s)
                await reader.readline()
            await asyncio.sleep(10)
        except OSError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server = MailServer()
    server.port = listener.sockets[0].getsockname()[1]
    channel = server.destination().open(mailing())
    try:
        result = await channel.send(email(deadline_s=1.0))
    finally:
        await channel.close()
        listener.close()
        server.close()
    assert isinstance(result, AttemptResult)
    return result


HELLO = b"220 here\r\n", b"250-here\r\n250 SIZE 1000\r\n"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), FaultKind.PROTOCOL),
        ((b"\x16\x03\x01\x00\xa5\x01\r\n",), FaultKind.PROTOCOL),
        ((b"220 " + b"x" * 100_000 + b"\r\n",), FaultKind.PROTOCOL),
        ((b"220-x\r\n" * 100_000,), FaultKind.PROTOCOL),
        ((b"220 here\r\n", b"250-" + b"y" * 50_000), FaultKind.PROTOCOL),
        ((*HELLO, b"999 what\r\n"), FaultKind.PROTOCOL),
        ((*HELLO, b"250 OK\r\n", b"250 OK\r\n", b"354 go\r\n", b"banana\r\n"), FaultKind.PROTOCOL),
        ((b"",), FaultKind.CONNECT_TIMEOUT),
        ((*HELLO, b"250 OK\r\n", b""), FaultKind.TIMEOUT),
    ],
)
async def test_garbage_is_a_fault_and_ends_in_time(said: Script, kind: FaultKind) -> None:
    with own_time() as took_s:
        result = await served(*said)
    assert fault(result).kind is kind and result.verdict is DeliveryVerdict.AGAIN
    assert took_s() < 5


async def test_a_server_that_answers_byte_by_byte_has_no_more_time_than_any() -> None:
    with own_time() as took_s:
        result = await served(b"220 " + b"x" * 500 + b"\r\n", slow_s=0.05)
    assert fault(result).kind is FaultKind.CONNECT_TIMEOUT and took_s() < 5


async def test_after_the_content_an_end_without_an_answer_is_possibly_sent() -> None:
    async with mail_server() as server:

        async def stays() -> None:
            await server.stop()
            await asyncio.sleep(5)

        server.stays = stays
        [result] = await sent(server)
    assert fault(result).kind is FaultKind.RESET and fault(result).sent
    assert result.verdict is DeliveryVerdict.AGAIN


async def test_a_name_without_an_address_is_said_without_the_name() -> None:
    async with mail_server() as server:
        [result] = await sent(server, host="mail.invalid")
    assert fault(result).kind is FaultKind.DNS and "invalid" not in fault(result).detail


async def test_the_log_shows_an_email_as_it_went_and_no_signature() -> None:
    async with mail_server() as server:
        destination, webhook = server.destination(), mailing()
        message = email(OPS, subject="Zoë", text="Hi", html="<b>Hi</b>")
        channel = destination.open(webhook)
        await channel.send(message)
        await channel.close()
        headers: Headers = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1700000000"),
            ("webhook-signature", "v1,abc"),
        ]
        shown = destination.show(webhook, headers, message.body, None)
        read = server.came[0].message
    assert (shown.method, shown.body) == ("SEND", b"Hi")
    said = dict(shown.headers)
    assert said["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    for name in ("From", "To", "Subject", "Message-ID", "Webhook-Id"):
        assert said[name] == read[name]
    assert "signature" not in str(shown.headers).lower()


def test_what_the_test_server_is_made_of_is_there() -> None:
    assert SMTP.__module__.startswith("aiosmtpd")


@pytest.mark.parametrize(
    "way",
    [
        "https://brand.example/stop?c=" + "x" * 700,
        "mailto:stop@brand.example?subject=stop",
        None,
    ],
)
async def test_a_mail_says_in_one_line_where_no_more_is_asked_for(way: str | None) -> None:
    mail = ShapedMail((OPS,), "Hello", "Hello", unsubscribe=way)
    async with mail_server() as server:
        [result] = await sent(server, TestMessage(msgspec.json.encode(mail)))
        [came] = server.came
    assert result.verdict is DeliveryVerdict.DELIVERED
    lines = [
        text for text in came.content.decode().split("\r\n") if text.startswith("List-Unsubscribe")
    ]
    assert lines == ([] if way is None else [f"List-Unsubscribe: <{way}>"])
