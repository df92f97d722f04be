"""The bytes of a request: nothing in a header can end it early or speak for us."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.egress.port import ReceiverAddress
from tidings.egress.request import RequestWriter

TARGET = ReceiverAddress("https", "hook.test", 443, "/hook?x=1")


def writer(target: ReceiverAddress = TARGET) -> RequestWriter:
    return RequestWriter(target, "Tidings/9")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (TARGET, b"hook.test"),
        (ReceiverAddress("http", "hook.test", 80, "/"), b"hook.test"),
        (ReceiverAddress("http", "hook.test", 443, "/"), b"hook.test:443"),
        (ReceiverAddress("https", "2001:db8::1", 8443, "/"), b"[2001:db8::1]:8443"),
    ],
)
def test_host(target: ReceiverAddress, host: bytes) -> None:
    """The port stands there unless it is the scheme's own (RFC 9110, section 7.2)."""
    head = writer(target).write("POST", [], b"x").partition(b"\r\n\r\n")[0]
    assert b"Host: " + host in head.split(b"\r\n")


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection"])
def test_headers_that_are_ours(name: str) -> None:
    """The frame of a message is not the webhook's to set."""
    with pytest.raises(ValueError):
        writer().write("POST", [(name, "1")], b"")


@given(
    headers=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12)), max_size=4),
    body=st.binary(max_size=20),
)
def test_any_headers(headers: list[tuple[str, str]], body: bytes) -> None:
    """They are refused, or there is one head with a line for each, and the body behind it."""
    subject = writer()
    subject.write("POST", [("A", "1")], b"")
    try:
        written = subject.write("POST", headers, body)
    except ValueError:
        return
    head, _, rest = written.partition(b"\r\n\r\n")
    assert rest == body
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /hook?x=1 HTTP/1.1"
    assert lines[2 : 2 + len(headers)] == [f"{name}: {value}".encode() for name, value in headers]
    assert lines[-1] == b"content-length: %d" % len(body)
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)


def test_a_message_may_go_to_a_path_of_its_own() -> None:
    written = writer().write("PUT", [], b"", "/v1/customers/a%2Fb?x=%20")
    assert written.startswith(b"PUT /v1/customers/a%2Fb?x=%20 HTTP/1.1\r\nHost: ")


@given(path=st.one_of(st.text(), st.text().map("/".__add__)))
@example(path="/a HTTP/1.1\r\nX: y")
@example(path="/a\n")
@example(path="/a#b")
@example(path="//a\0")
@example(path="http://other.example/")
@example(path="")
def test_no_path_ends_the_line_of_its_request(path: str) -> None:
    try:
        written = writer().write("POST", [], b"", path)
    except ValueError:
        return
    first = written.split(b"\r\n")[0]
    assert first == f"POST {path} HTTP/1.1".encode("ascii") and first.count(b" ") == 2
    assert path.startswith("/") and "#" not in path
