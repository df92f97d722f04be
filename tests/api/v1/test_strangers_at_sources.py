"""Who is no sender of a source is not told whether there is such a source."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.control_client import START_MS, service
from tests.api.http.unread_bodies import unread
from tests.api.v1.source_calls import SIGNED, STATIC, make
from tidings.api.v1.inbound import BODY_BYTES_MAX
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.verification import VERIFICATION, refusal_of
from tidings.engine.sources import inbound
from tidings.engine.sources.inbound import REFUSED_AFTER_S, RUNNING_MAX

pytestmark = pytest.mark.usefixtures("way")
HMAC = {"type": "hmac", "header": "X-Sig", "secret": "k" * 16, "hash": "sha512"}
SCHEMES = {"signed": SIGNED, "static": STATIC, "hmac": HMAC}
UNKNOWN = [
    *("/in/1/none", "/in/2/signed", "/in/999/signed", "/in/0/signed", "/in/x/signed"),
    *("/in/-1/signed", "/in/1/Signed", "/in/1/outbox", "/in/1/%F0", f"/in/{'9' * 400}/signed"),
]
PROOFS: dict[str, dict[str, str]] = {
    "none": {},
    "signed": {
        "webhook_id": "m1",
        "webhook_timestamp": str(START_MS // 1000),
        "webhook_signature": " ".join(["v1,x"] * 16),
    },
    "static": {"X_Key": "another value, long"},
    "hmac": {"X_Sig": ",".join(["00"] * 16)},
}


def asked() -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Calls by method, proof and body."""
    for proof in PROOFS.values():
        for body in (b"", b"{}", b"x" * 100_000):
            for more in ({}, {"content_encoding": "gzip"}, {"content_type": "a/b"}):
                yield "POST", proof | more, body
    yield "PUT", {}, b"{}"
    yield "GET", {}, b""
    yield "DELETE", {}, b""
    yield "POST", {}, b"x" * (BODY_BYTES_MAX + 1)


async def test_every_call_of_a_stranger_is_answered_the_same_where_a_source_is_and_where_none_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbound, "REFUSED_AFTER_S", 0.0)
    async with service() as s:
        for name, scheme in SCHEMES.items():
            await make(s, name=name, verification=scheme)
        for method, headers, body in asked():
            told = set()
            for path in (*(f"/in/1/{name}" for name in SCHEMES), *UNKNOWN):
                reply = await s.call(method, path, body, auth=None, **headers)
                lengths = reply.headers.pop("content-length")
                reply.headers.pop("x-cap-requestid")
                said = reply.body if reply.status != 405 else b""  # which repeats the path
                told.add((reply.status, said, lengths if said else "", str(reply.headers)))
            assert len(told) == 1, (method, headers, len(body), told)


async def test_a_paused_or_busy_source_says_so_to_its_sender_alone() -> None:
    async with service() as s:
        await make(s)
        live = s.parts.sources.sources.named(s.parts.orgs.all()[0].id, "shop")
        assert live is not None
        s.services.sources.inbound._running[live.stored.number] = RUNNING_MAX
        proof = {"X_Key": "a value that is long"}
        for headers, status in (({}, 401), (proof, 429)):
            assert (
                await s.call("POST", "/in/1/shop", b"{}", auth=None, **headers)
            ).status == status
        await s.call("POST", "/v1/sources/shop/pause")
        s.services.sources.inbound._running.clear()
        for headers, status in (({}, 401), (proof, 503)):
            assert (
                await s.call("POST", "/in/1/shop", b"{}", auth=None, **headers)
            ).status == status
        shown = (await s.call("GET", "/v1/sources/shop")).json
        assert shown["lastHour"]["refused"] == 2 and "X-Key" in str(shown["newest"])


def test_strangers_are_tried_at_every_scheme() -> None:
    assert [scheme["type"] for scheme in SCHEMES.values()] == list(VERIFICATION.kinds)


@pytest.mark.parametrize("name", SCHEMES)
async def test_a_refusal_takes_as_long_whatever_there_was_to_verify(name: str) -> None:
    async with service() as s:
        await make(s, verification=SCHEMES[name])
        for path in ("/in/1/shop", "/in/1/none"):
            began_s = time.monotonic()
            reply = await s.call("POST", path, b"x" * BODY_BYTES_MAX, auth=None, **PROOFS[name])
            assert reply.status == 401 and time.monotonic() - began_s >= REFUSED_AFTER_S


@pytest.mark.parametrize("name", SCHEMES)
def test_the_largest_message_is_verified_within_that_time(name: str) -> None:
    scheme: Any = VERIFICATION.kinds[SCHEMES[name]["type"]]
    fields = {key: value for key, value in SCHEMES[name].items() if key != "type"}
    headers = [(key.replace("_", "-"), value) for key, value in PROOFS[name].items()]
    message = ForeignMessage("", headers, b"x" * BODY_BYTES_MAX)
    took_s = []
    for _ in range(5):
        began_s = time.thread_time()
        assert refusal_of(scheme(**fields), message, START_MS // 1000) is not None
        took_s.append(time.thread_time() - began_s)
    assert min(took_s) < REFUSED_AFTER_S


SIGNATURE = "v1," + "A" * 43 + "="
PLAUSIBLE: dict[str, dict[str, str]] = {
    "signed": PROOFS["signed"] | {"webhook_signature": f"v2,x {SIGNATURE}"},
    "hmac": {"X_Sig": "0" * 128},
    "timed": {"X_Sig": "t=" + "0" * 64, "X_At": str(START_MS // 1000)},
}
"""Heads of which only the body can show that they are not a sender's."""
TIMED = HMAC | {"hash": "sha256", "prefix": "t=", "timestampHeader": "X-At"}
IMPOSSIBLE: dict[str, list[dict[str, str]]] = {
    "signed": [
        {},
        *({k: v for k, v in PLAUSIBLE["signed"].items() if k != left} for left in PROOFS["signed"]),
        PLAUSIBLE["signed"] | {"webhook_timestamp": str(START_MS // 1000 - 301)},
        PLAUSIBLE["signed"] | {"webhook_timestamp": "soon"},
        PLAUSIBLE["signed"] | {"webhook_signature": "v1,x"},
        PLAUSIBLE["signed"] | {"webhook_signature": " ".join(["v1,x"] * 16 + [SIGNATURE])},
    ],
    "static": [{}, PROOFS["static"], {"X_Key": ""}],
    "hmac": [{}, {"X_Sig": "0" * 127}, {"X_Sig": ",".join(["00"] * 16)}, {"X_Other": "0" * 128}],
    "timed": [
        {},
        PLAUSIBLE["timed"] | {"X_Sig": "0" * 64},
        PLAUSIBLE["timed"] | {"X_At": str(START_MS // 1000 + 301)},
        PLAUSIBLE["timed"] | {"X_At": "-1"},
        {"X_Sig": PLAUSIBLE["timed"]["X_Sig"]},
    ],
}
KINDS = SCHEMES | {"timed": TIMED}


def test_every_scheme_that_there_is_is_tried() -> None:
    assert {scheme["type"] for scheme in KINDS.values()} == set(VERIFICATION.kinds)
    assert IMPOSSIBLE.keys() == KINDS.keys()


async def asked_for_body(s: Any, path: str, head: dict[str, str], length: int) -> tuple[int, int]:
    """The status of a call to a source, and how often its body was asked for."""
    more = [(name.replace("_", "-").lower().encode(), v.encode()) for name, v in head.items()]
    return await unread(s, path, None, length=length, key=None, more=more)


@pytest.mark.parametrize("name", KINDS)
async def test_who_cannot_be_the_sender_is_refused_before_the_body(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "REFUSED_AFTER_S", 0.0)
    async with service() as s:
        await make(s, name=name, verification=KINDS[name])
        for head in IMPOSSIBLE[name]:
            assert await asked_for_body(s, f"/in/1/{name}", head, 900_000) == (401, 0), head
        shown = (await s.call("GET", f"/v1/sources/{name}")).json
        assert shown["lastHour"]["refused"] == len(IMPOSSIBLE[name]), "each with its reason"
        if name in PLAUSIBLE:
            status, asked = await asked_for_body(s, f"/in/1/{name}", PLAUSIBLE[name], 900_000)
            assert (status, asked > 0) == (401, True), "only the body shows it"
        whole = await asked_for_body(s, f"/in/1/{name}", {}, BODY_BYTES_MAX + 1)
        assert whole == (413, 0), "the length comes first, as where no source is"


async def test_addresses_without_a_source_are_refused_before_the_body_as_those_with_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that waits for the body of a signed head may be a source that signs, or none; one that
    does not may be a source of another scheme, or none. An address stays what it is."""
    monkeypatch.setattr(inbound, "REFUSED_AFTER_S", 0.0)
    async with service() as s:
        seen: dict[str, set[tuple[int, int]]] = {}
        for _ in range(2):
            for number in range(40):
                path = f"/in/1/none-{number}"
                assert await asked_for_body(s, path, {}, 900_000) == (401, 0)
                asked = await asked_for_body(s, path, PLAUSIBLE["signed"], 900_000)
                seen.setdefault(path, set()).add(asked)
        assert all(len(answers) == 1 for answers in seen.values()), "always the same"
        assert {status for answers in seen.values() for status, _ in answers} == {401}
        waiting = sum(asked > 0 for answers in seen.values() for _, asked in answers)
        assert 0 < waiting < 40, "some do, some do not"
