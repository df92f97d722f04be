"""Access tokens: what is ours, whole and in its time is read, and nothing else."""

import base64
import hmac
import json
import random
from typing import Any

import pytest

from tidings.core.ids import OrgId
from tidings.engine.access.tokens import TOKEN_MAX, Claims, Tokens, mark_of

KEY, NOW = b"k" * 32, 1_770_801_300_000
DIGEST = b"d" * 32


def tokens(key: bytes = KEY) -> Tokens:
    return Tokens(key, random.Random(1).randbytes)


def made(ttl_s: int = 60) -> bytes:
    return tokens().make("tdk_1", OrgId(7), DIGEST, NOW, ttl_s).encode()


def text(value: object) -> bytes:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def signed(head: object, claims: object, key: bytes = KEY, digest: str = "sha256") -> bytes:
    said = text(head) + b"." + text(claims)
    return said + b"." + text(hmac.digest(key, said, digest))


def parts(token: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    head, claims, _ = token.split(b".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + b"==")) for part in (head, claims))


def test_a_token_is_a_jwt_that_any_library_would_read() -> None:
    head, claims = parts(made())
    assert head == {"alg": "HS256", "typ": "at+jwt"}
    assert (claims["sub"], claims["org"], claims["iss"], claims["aud"]) == (
        "tdk_1", 7, "tidings", "tidings",
    )  # fmt: skip
    assert claims["exp"] - claims["iat"] == 60
    said, _, signature = made().rpartition(b".")
    assert text(hmac.digest(KEY, said, "sha256")) == signature


def test_what_was_made_is_read_until_it_expires() -> None:
    found = tokens().read(made(), NOW)
    assert isinstance(found, Claims) and found.mark == mark_of(DIGEST)
    assert tokens().read(made(), NOW + 59_999)
    assert tokens().read(made(), NOW + 60_000) is None


def test_the_same_token_is_never_made_twice() -> None:
    maker = tokens()
    assert len({maker.make("tdk_1", OrgId(7), DIGEST, NOW, 60) for _ in range(50)}) == 50


def test_nothing_that_was_changed_is_read() -> None:
    token = made()
    for at in range(len(token)):
        for other in b"A", b".", b"\xff":
            changed = token[:at] + other + token[at + 1 :]
            if changed != token:
                # The last character of a part may hold bits that no byte is made of.
                assert tokens().read(changed, NOW) is None, at
    for cut in range(len(token)):
        assert tokens().read(token[:cut], NOW) is None


HEAD = {"alg": "HS256", "typ": "at+jwt"}


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "none", "typ": "at+jwt"},
        {"alg": "NONE"},
        {"alg": "HS512", "typ": "at+jwt"},
        {"alg": "RS256", "typ": "at+jwt"},
        {"alg": "HS256"},
        {"alg": "HS256", "typ": "at+jwt", "kid": "../../dev/null"},
        {"alg": "HS256", "typ": "at+jwt", "jwk": {"kty": "oct", "k": "a2tr"}},
        {},
        b"not json",
    ],
)
def test_any_other_head_is_refused_even_with_our_key(head: object) -> None:
    _, claims = parts(made())
    assert tokens().read(signed(head, claims), NOW) is None
    assert tokens().read(text(head) + b"." + text(claims) + b".", NOW) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"exp": NOW // 1000},
        {"exp": 10**30},
        {"exp": NOW // 1000 + 3601},
        {"exp": "never"},
        {"iat": NOW // 1000 + 3600, "exp": NOW // 1000 + 7200},
        {"org": "7"},
        {"admin": True},
        {"sub": None},
    ],
)
def test_claims_that_are_not_as_we_make_them_are_refused_even_when_signed(
    changed: dict[str, Any],
) -> None:
    head, claims = parts(made())
    raw = json.dumps(head, separators=(",", ":")).encode()
    assert tokens().read(signed(raw, claims), NOW) is not None
    assert tokens().read(signed(raw, claims | changed), NOW) is None


def test_a_token_of_another_key_is_refused() -> None:
    assert tokens(b"x" * 32).read(made(), NOW) is None


def test_long_and_odd_texts_cost_nothing() -> None:
    for odd in (b"", b".", b"..", b"a.b.c", b"\x00" * 99, made() + b"A" * TOKEN_MAX, b"." * 2000):
        assert tokens().read(odd, NOW) is None


def test_the_key_is_not_shown() -> None:
    assert "k" * 8 not in repr(tokens())
