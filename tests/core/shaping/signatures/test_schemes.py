"""Several schemes in one header: each judged by its prefix; and what a new one takes."""

import ast
import base64
import hashlib
from pathlib import Path

import pytest

import tidings
import tidings_consumer
from tests.core.shaping.signatures.signing import default_signer, secret_keys
from tests.syntax import walk
from tidings.core.shaping.signatures import schemes
from tidings.core.shaping.signatures.scheme import Scheme, SignatureVerdict
from tidings.core.shaping.signatures.schemes import (
    DEFAULT,
    SCHEMES,
    KeyPair,
    VerificationKey,
    chosen,
    key_pair,
    read_verification_keys,
    verification_keys,
)
from tidings.core.shaping.signatures.standard_webhooks import (
    SIGNATURES_MAX,
    TRIED_MAX,
    MessageSigner,
    head_fault,
    judge,
)

SECRETS = (b"n" * 32, b"o" * 32)
PAIRS = tuple(key_pair(SCHEMES["v1a"], bytes([number]) * 32) for number in (1, 2))
BODY, NOW_S = b'{"a":1}', 1_770_000_000
ALL = tuple(SCHEMES)
VALID, WRONG = SignatureVerdict.VALID, SignatureVerdict.WRONG


def headers(signature: str, at_s: int = NOW_S) -> list[tuple[str, str]]:
    return [
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", str(at_s)),
        ("webhook-signature", signature),
    ]


def signed(*signatures: str, pairs: tuple[KeyPair, ...] = PAIRS) -> str:
    return MessageSigner(signatures, SECRETS, pairs).sign("evt_1", NOW_S, BODY)


def test_each_key_of_each_chosen_scheme_signs_the_default_first() -> None:
    parts = signed("v1a", "v1").split(" ")
    assert [part.partition(",")[0] for part in parts] == ["v1", "v1", "v1a", "v1a"]
    assert " ".join(parts[:2]) == default_signer(SECRETS).sign("evt_1", NOW_S, BODY)
    assert signed("v1a").split(" ") == parts[2:] and len(base64.b64decode(parts[2][4:])) == 64


def test_who_chose_nothing_is_signed_as_before() -> None:
    assert DEFAULT == ("v1",) and signed(*DEFAULT).split(" ") == signed(*ALL).split(" ")[:2]


def test_a_scheme_without_a_key_signs_nothing() -> None:
    assert not MessageSigner(("v1a",), SECRETS, ()) and not MessageSigner(ALL, (), ())
    assert MessageSigner(ALL, SECRETS, ())


@pytest.mark.parametrize("scheme", ALL)
def test_one_signature_of_one_known_key_is_enough(scheme: str) -> None:
    keys = verification_keys(ALL, SECRETS, PAIRS)
    assert len(keys) == 4
    for key in [key for key in keys if key.scheme == scheme]:
        assert judge(headers(signed(*ALL)), BODY, [key], NOW_S).verdict is VALID
        assert judge(headers(signed(scheme)), BODY, keys, NOW_S).verdict is VALID
        assert judge(headers(signed(*ALL)), BODY + b" ", keys, NOW_S).verdict is WRONG


def test_a_signature_is_judged_by_its_prefix_alone() -> None:
    keys = verification_keys(ALL, SECRETS, PAIRS)
    swapped = signed(*ALL).replace("v1,", "v9,").replace("v1a,", "v1,").replace("v9,", "v1a,")
    assert judge(headers(swapped), BODY, keys, NOW_S).verdict is WRONG
    assert judge(headers(signed("v1a")), BODY, secret_keys(SECRETS), NOW_S).verdict is WRONG
    public_as_secret = [VerificationKey("v1", PAIRS[0].public)]
    assert judge(headers(signed("v1a")), BODY, public_as_secret, NOW_S).verdict is WRONG


def test_who_knows_the_public_key_alone_cannot_sign() -> None:
    forged = MessageSigner(ALL, [PAIRS[0].public]).sign("evt_1", NOW_S, BODY)
    keys = verification_keys(("v1a",), SECRETS, PAIRS)
    assert judge(headers(forged), BODY, keys, NOW_S).verdict is WRONG


@pytest.mark.parametrize(
    "part",
    [
        "v1a,",
        "v1a",
        "v1a," + "A" * 88,
        "v1a," + "A" * 86 + "==",
        "v1a," + "A" * 85 + "B==",
        "v1a," + "é" * 88,
        "v1a," + "A" * 43 + "=",
        "v1," + "A" * 86 + "==",
        "v1a,A " * 5000,
        ",",
    ],
)
def test_a_malformed_signature_is_wrong_and_raises_nothing(part: str) -> None:
    keys = verification_keys(ALL, SECRETS, PAIRS)
    assert judge(headers(part), BODY, keys, NOW_S).verdict is WRONG
    assert judge(headers(f"{part.strip()} {signed('v1a')}"[:4000]), BODY, keys, NOW_S).verdict in (
        VALID,
        WRONG,
    )


def test_thousands_of_signatures_cost_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    v1a = SCHEMES["v1a"]
    foreign, right = signed("v1a", pairs=(key_pair(v1a, b"f" * 32),)), signed("v1a")

    class Counted:
        id, signature_bytes, public = v1a.id, v1a.signature_bytes, v1a.public

        def verifier(self, key: bytes) -> object:
            def verify(text: bytes, signatures: list[bytes]) -> bool:
                tried.extend(signatures)
                return v1a.verifier(key)(text, signatures)

            return verify

    monkeypatch.setitem(SCHEMES, "v1a", Counted())
    keys = verification_keys(("v1a",), (), PAIRS) * 8
    assert judge(headers(" ".join([foreign] * 5000)), BODY, keys, NOW_S).verdict is WRONG
    assert 0 < len(tried) <= TRIED_MAX
    late = " ".join([foreign] * SIGNATURES_MAX + [right])
    assert judge(headers(late), BODY, keys, NOW_S).verdict is WRONG, "beyond what is looked at"


def test_the_head_alone_shows_a_message_without_a_signature_of_a_wanted_scheme() -> None:
    both = headers(signed(*ALL))
    assert head_fault(both, NOW_S, ["v1"]) == head_fault(both, NOW_S, ["v1a"]) == ""
    only = headers(signed("v1a"))
    assert "of version v1; it does not" in head_fault(only, NOW_S, ["v1"])
    assert head_fault(only, NOW_S, ALL) == ""


def test_a_secret_verifies_all_schemes_that_sign_by_it_and_a_public_key_its_own() -> None:
    secret = "whsec_" + base64.b64encode(SECRETS[0]).decode()
    assert read_verification_keys(secret) == [VerificationKey("v1", SECRETS[0])]
    assert read_verification_keys(PAIRS[0].shown) == [VerificationKey("v1a", PAIRS[0].public)]


@pytest.mark.parametrize("value", [[], None, "v1", ["v1", "v1"], ["v2"], ["v1", 5], [["v1"]], {}])
def test_what_is_no_list_of_schemes_is_none(value: object) -> None:
    assert chosen(value) == ()


def test_a_list_of_schemes_is_kept_in_the_order_of_the_header() -> None:
    assert chosen(["v1a", "v1"]) == ("v1", "v1a") and chosen(["v1a"]) == ("v1a",)


# -- what a third one takes ----------------------------------------------------------------------

SRC = Path(tidings.__file__).parent.parent
RECIPE = {  # the four files of the recipe, of which a new scheme adds two and changes two
    "tidings/core/shaping/signatures/ed25519.py",
    "tidings/core/shaping/signatures/schemes.py",
    "tidings_consumer/schemes/ed25519.py",
    "tidings_consumer/schemes/registry.py",
}


def modules() -> list[Path]:
    packages = (tidings.__file__, tidings_consumer.__file__)
    paths = [path for package in packages for path in Path(package).parent.rglob("*.py")]
    return [path for path in paths if "node_modules" not in path.parts]


def naming(path: Path) -> bool:
    """Whether a module imports a scheme, or compares or chooses by the id of the second one."""
    for node in walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and node.value == "v1a":
            return True
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = {alias.name for alias in node.names} | set(node.module.split("."))
            of_ours = node.module.startswith(("tidings.", "tidings_consumer."))
            if of_ours and names & {"ed25519", "hmac_sha256"}:
                return True
    return False


def test_four_files_name_a_scheme_and_nobody_else_does() -> None:
    found = {path.relative_to(SRC).as_posix() for path in modules() if naming(path)}
    assert found - RECIPE == set() and found <= RECIPE and len(found) >= 3


def test_a_third_scheme_is_signed_published_judged_and_chosen_by_its_declaration_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def digest(key: bytes) -> object:
        return lambda text: hashlib.blake2b(text, key=key, digest_size=32).digest()

    third = Scheme(
        id="v9",
        label="a third one",
        signature_bytes=32,
        signer=digest,  # type: ignore[arg-type]
        verifier=lambda key: lambda text, signatures: digest(key)(text) in signatures,  # type: ignore[operator]
    )
    monkeypatch.setitem(schemes.SCHEMES, "v9", third)
    assert chosen(["v9", "v1"]) == ("v1", "v9")
    parts = signed("v1", "v1a", "v9").split(" ")
    assert [part.partition(",")[0] for part in parts[-2:]] == ["v9", "v9"]
    keys = verification_keys(("v9",), SECRETS, ())
    assert judge(headers(" ".join(parts)), BODY, keys, NOW_S).verdict is VALID
