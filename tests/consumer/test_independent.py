"""OpenSSL, a program of its own, signs and verifies by Ed25519 as we do, text for text."""

import base64
import random
import subprocess
from pathlib import Path

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import api, new_org, receiver, service
from tests.e2e.harness.receiver import Receiver
from tidings.core.shaping.signatures.schemes import SCHEMES, key_pair

__all__ = ["api", "new_org", "receiver", "service"]
pytestmark = pytest.mark.systems
V1A = SCHEMES["v1a"]
# What stands before the bytes of a key in DER (RFC 8410).
PRIVATE_DER = bytes.fromhex("302e020100300506032b657004220420")
PUBLIC_DER = bytes.fromhex("302a300506032b6570032100")
Vector = tuple[bytes, bytes, bytes, bytes]
"""A private key, its public key, a signature and a text."""


def vectors() -> list[Vector]:
    """Messages of every size, signed by us; the same at every run."""
    rng, made = random.Random(29), []
    for size in (0, 1, 63, 64, 65, 1000, 100_000):
        pair = key_pair(V1A, rng.randbytes(32))
        text = f"evt_{size}.1770000000.".encode() + rng.randbytes(size)
        made.append((pair.private, pair.public, V1A.signer(pair.private)(text), text))
    return made


def touched(vector: Vector) -> list[Vector]:
    """The vector with another text, signature, or key."""
    private, public, signature, text = vector
    other = key_pair(V1A, b"o" * 32).public
    bent = bytes((signature[0] ^ 1,)) + signature[1:]
    return [
        (private, public, signature, text + b" "),
        (private, public, bent, text),
        (private, other, signature, text),
    ]


def by_openssl(vector: Vector, directory: Path) -> tuple[bytes, bool]:
    """Its own signature of a vector, and whether it takes the vector's."""
    private, public, signature, text = vector
    files = {"key": PRIVATE_DER + private, "public": PUBLIC_DER + public, "sig": signature}
    for name, content in (files | {"text": text}).items():
        (directory / name).write_bytes(content)
    rest = ["-keyform", "DER", "-rawin", "-in", str(directory / "text")]
    sign = ["openssl", "pkeyutl", "-sign", "-inkey", str(directory / "key"), *rest]
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(directory / "public"), *rest]
    own = subprocess.run(sign, capture_output=True, check=True, timeout=120).stdout
    verified = subprocess.run(
        [*check, "-sigfile", str(directory / "sig")], capture_output=True, check=False, timeout=120
    )
    return own, verified.returncode == 0


def test_another_implementation_signs_the_same_and_agrees_on_what_is_right(tmp_path: Path) -> None:
    for vector in vectors():
        assert by_openssl(vector, tmp_path) == (vector[2], True)
        for wrong in touched(vector):
            assert not by_openssl(wrong, tmp_path)[1]
            assert not V1A.verifier(wrong[1])(wrong[3], [wrong[2]])


def test_what_leaves_the_service_verifies_by_the_published_key(
    api: Api, receiver: Receiver, tmp_path: Path
) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path), signatures=["v1", "v1a"])
    public = base64.b64decode(hook["publicKeys"][0]["key"].removeprefix("whpk_"))
    api.accept(event(new_id(), api.org, note="ünïcode 🙂"))
    [arrival] = receiver.wait(path, 1)
    [signature] = [
        base64.b64decode(part[4:])
        for part in arrival.headers["webhook-signature"].split(" ")
        if part.startswith("v1a,")
    ]
    text = f"{arrival.message}.{arrival.headers['webhook-timestamp']}.".encode() + arrival.body
    assert by_openssl((b"p" * 32, public, signature, text), tmp_path)[1]
    assert not by_openssl((b"p" * 32, public, signature, text + b" "), tmp_path)[1]
