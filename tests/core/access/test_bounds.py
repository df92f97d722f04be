"""Each bound of what is told of credentials, users and portals: what lies on it is taken, and what
lies one past it is not."""

import base64
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from tidings.core.access.credential_rules import read_credential
from tidings.core.access.forwarded import HEADER_MAX, Proxies
from tidings.core.access.from_browser import HOME, RETURN_MAX, return_path
from tidings.core.access.portal_rules import LOGO, LOGO_BYTES_MAX, ORIGINS_MAX, PAGES, URL_MAX
from tidings.core.access.quota import ROUNDING, Quota
from tidings.core.access.user_rules import EMAIL, EMAIL_MAX, GIVEN, TEXT_MAX


def image(size: int) -> str:
    return f"data:image/png;base64,{base64.b64encode(bytes(size)).decode()}"


def padded(text: str, fill: str, length: int, behind: str = "") -> str:
    return text + fill * (length - len(text) - len(behind)) + behind


def origins(count: int) -> list[str]:
    return [f"https://a{number}.example" for number in range(count)]


def takes_expiry(text: str) -> bool:
    scopes = {"events": "write"}
    return not isinstance(read_credential({"scopes": scopes, "expiresAt": text}, 0), list)


@pytest.mark.parametrize(
    ("takes", "at_bound", "past_bound"),
    [
        (
            lambda value: LOGO.take(value) is not None,
            image(LOGO_BYTES_MAX),
            image(LOGO_BYTES_MAX + 1),
        ),
        (
            lambda value: LOGO.take(value) is not None,
            padded("https://a.example/", "a", URL_MAX),
            padded("https://a.example/", "a", URL_MAX + 1),
        ),
        (
            lambda value: PAGES.take(value) is not None,
            origins(ORIGINS_MAX),
            origins(ORIGINS_MAX + 1),
        ),
        (
            lambda value: EMAIL.take(value) is not None,
            padded("a" * 64 + "@", "b", EMAIL_MAX),
            padded("a" * 64 + "@", "b", EMAIL_MAX + 1),
        ),
        (lambda value: GIVEN.take(value) is not None, "a" * TEXT_MAX, "a" * (TEXT_MAX + 1)),
        (lambda value: GIVEN.take(value) is not None, "a", ""),
        (
            lambda value: return_path(value) != HOME,
            padded(f"{HOME}/events?of=", "a", RETURN_MAX),
            padded(f"{HOME}/events?of=", "a", RETURN_MAX + 1),
        ),
        (
            takes_expiry,
            padded("2030-12-31T00:00:00.", "0", 40, "+00:00"),
            padded("2030-12-31T00:00:00.", "0", 41, "+00:00"),
        ),
    ],
    ids=["logo", "url of a logo", "origins", "e-mail", "text", "no text", "return", "expiry"],
)
def test_what_lies_on_a_bound_is_taken_and_one_past_it_is_not(
    takes: Callable[[object], bool], at_bound: object, past_bound: object
) -> None:
    assert takes(at_bound)
    assert not takes(past_bound)


@pytest.mark.parametrize(("more", "address"), [(0, "203.0.113.9"), (1, "10.0.0.1")])
def test_a_proxys_header_is_read_up_to_its_bound(more: int, address: str) -> None:
    value = b"for=203.0.113.9".rjust(HEADER_MAX + more)
    proxies = Proxies([ip_network("10.0.0.0/8")])
    assert proxies.origin_of("10.0.0.1", [(b"forwarded", value)]).address == address


def test_a_quota_of_one_has_it_and_less_than_one_has_it_in_a_longer_window() -> None:
    assert Quota("calls", 1, 60, 0.0).policy == '"calls";q=1;w=60'
    assert Quota("calls", 0.5, 60, 0.0).policy == '"calls";q=1;w=120'


@pytest.mark.parametrize(("missing", "taken"), [(ROUNDING / 2, True), (2 * ROUNDING, False)])
def test_a_token_is_there_where_only_rounding_is_missing(missing: float, taken: bool) -> None:
    quota = Quota("calls", 2, 60, 0.0)
    quota.charge(1 + missing)
    assert (quota.wait_s(0.0) == 0.0) is taken
    assert quota.take(0.0) is taken
