"""Requests that somebody has tampered with, by kinds, and an oracle that knows which are right.

The oracle is written from the specification of Standard Webhooks and RFC 2104 and shares no code
with the library: it has its own HMAC, its own reading of names, digits and base64.
"""

import base64
import hashlib
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

NOW = 1_800_000_000
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
STATIC = "x-api-key"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_OF_IDS = frozenset(string.ascii_letters + string.digits + "_:~-")
_OF_BASE64 = frozenset(string.ascii_letters + string.digits + "+/")


def mac(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA256 by its definition; keys of at most a block."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + text).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()


def signature(key: bytes, id: str, at: object, body: bytes) -> str:
    """One entry of `webhook-signature`."""
    text = f"{id}.{at}.".encode("utf-8", "surrogatepass") + body
    return "v1," + base64.b64encode(mac(key, text)).decode()


def shown(key: bytes) -> str:
    """A secret as it is configured."""
    return "whsec_" + base64.b64encode(key).decode()


@dataclass(frozen=True)
class Request:
    """A request as it reaches the library, and what the receiver has configured."""

    key: bytes
    """What the sender signs with."""
    id: str
    at: Any
    body: bytes
    secrets: tuple[str, ...]
    now_s: float
    signature: str
    headers: Any = None
    """Instead of the three, where a kind changes their form."""
    static: str | None = None
    """The value that is configured for a static header."""
    is_event: bool = True
    """Whether the body is one that is to be understood."""

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        return list(zip(SIGNED, (self.id, str(self.at), self.signature), strict=True))

    @property
    def shape(self) -> Any:
        return self.pairs if self.headers is None else self.headers

    def signed(self, **changes: Any) -> "Request":
        """With these changes, and a signature over them."""
        other = replace(self, **changes)
        return replace(other, signature=signature(other.key, other.id, other.at, other.body))


def genuine(rng: random.Random) -> Request:
    """A request of the sender."""
    key, id, at = rng.randbytes(rng.randint(24, 64)), f"evt_{rng.getrandbits(64):x}", NOW
    at += rng.randint(-250, 250)
    event = {"eventName": "pointsIssued", "orgId": 7, "data": {"n": rng.random(), "t": "Zoë."}}
    body = json.dumps(event, ensure_ascii=rng.random() < 0.5).encode()
    secrets = [shown(key), shown(rng.randbytes(32))][: rng.randint(1, 2)]
    rng.shuffle(secrets)
    return Request(key, id, at, body, tuple(secrets), NOW, signature(key, id, at, body))


# -- the oracle ------------------------------------------------------------------------------------


def fitting(request: Request) -> str | None:
    """The entry of `webhook-signature` by which a request is right; "" where a static header makes
    it so; None where it is wrong."""
    values = _values(request.shape, (*SIGNED, STATIC) if request.static else SIGNED)
    if values is None:
        return None
    if request.static is not None:
        return "" if values.get(STATIC) == request.static != "" else None
    if any(not values.get(name) for name in SIGNED):
        return None
    id, at, given = (values[name] for name in SIGNED)
    if len(id) > 256 or not set(id) <= _OF_IDS:
        return None
    if len(at) > 12 or not set(at) <= set("0123456789") or at.startswith("0"):
        return None
    if not abs(request.now_s - int(at)) <= 300:
        return None
    entries = [text for text in given.split(" ") if text[:3] == "v1,"]
    ours = {
        signature(key, id, at, request.body)
        for key in map(key_of, request.secrets)
        if key is not None
    }
    return next((text for text in entries if text in ours), None) if len(entries) <= 32 else None


def key_of(secret: str) -> bytes | None:
    """The bytes of a secret that is written as it should be."""
    text = secret[6:].rstrip("=")
    if secret[:6] != "whsec_" or not set(text) <= _OF_BASE64:
        return None
    bits = "".join(f"{_index(char):06b}" for char in text)
    key = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) // 8 * 8, 8))
    whole = len(secret[6:]) == -(-len(key) // 3) * 4
    return key if whole and 24 <= len(key) <= 64 else None


def _index(char: str) -> int:
    return (string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/").index(char)


def _values(shape: Any, wanted: tuple[str, ...]) -> dict[str, str] | None:
    """The headers that are asked for; None where one is there twice, or what came are none."""
    values: dict[str, str] = {}
    try:
        pairs = list(shape.items() if isinstance(shape, dict) else shape)
    except TypeError:
        return None
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            return None
        name, value = (part.decode("latin-1") if isinstance(part, bytes) else part for part in pair)
        if not isinstance(name, str):
            return None
        name = name.translate(_LOWER)
        if name not in wanted:
            continue
        if name in values or not isinstance(value, str):
            return None
        if len(value) > 8192:
            return None
        value = value.strip(" \t")
        if any(not " " <= char <= "~" for char in value):
            return None
        values[name] = value
    return values


# -- the kinds -------------------------------------------------------------------------------------

Kind = Callable[[random.Random, Request], Request]
KINDS: dict[str, Kind] = {}


def kind(make: Kind) -> Kind:
    """Count it among the kinds."""
    KINDS[make.__name__] = make
    return make


def _changed(rng: random.Random, request: Request, change: Callable[[str], Any]) -> Request:
    """With the value of one of the three headers changed."""
    pairs = request.pairs
    index = rng.randrange(3)
    pairs[index] = (pairs[index][0], change(pairs[index][1]))
    return replace(request, headers=pairs)


def _flipped(rng: random.Random, data: bytes) -> bytes:
    bit = rng.randrange(len(data) * 8)
    made = bytearray(data)
    made[bit // 8] ^= 1 << bit % 8
    return bytes(made)


@kind
def untouched(rng: random.Random, request: Request) -> Request:
    pairs = request.pairs + [("content-type", "application/json"), ("x-other", "é\n")]
    rng.shuffle(pairs)
    forms: list[Any] = [
        pairs,
        dict(pairs),
        [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        {name.upper(): f" \t{value}  " for name, value in pairs},
        [("".join(rng.choice((char, char.upper())) for char in name), v) for name, v in pairs],
    ]
    return replace(request, headers=rng.choice(forms))


@kind
def missing(rng: random.Random, request: Request) -> Request:
    pairs = request.pairs
    name, _ = pairs.pop(rng.randrange(3))
    if rng.random() < 0.5:
        pairs.append((name, rng.choice(("", " ", "\t", " \t "))))
    return replace(request, headers=rng.choice((pairs, dict(pairs))))


@kind
def doubled(rng: random.Random, request: Request) -> Request:
    name, value = rng.choice(request.pairs)
    again = (rng.choice((name, name.title(), name.upper())), rng.choice((value, "", "x")))
    pairs = request.pairs
    pairs.insert(rng.randrange(4), again)
    if rng.random() < 0.3:
        return replace(request, headers=dict(pairs))
    if rng.random() < 0.5:
        pairs = [(name.encode(), value.encode()) for name, value in pairs]
    return replace(request, headers=pairs)


@kind
def folded(rng: random.Random, request: Request) -> Request:
    fold = rng.choice(("\r\n ", "\n\t", "\r", "\x00", "\x0b", "\x1c", "\x85", "\u2028", "\x7f"))

    def change(value: str) -> str:
        at = rng.randrange(len(value) + 1)
        return value[:at] + fold + value[at:]

    return _changed(rng, request, change)


@kind
def joined(rng: random.Random, request: Request) -> Request:
    comma = rng.choice((", ", ",", " ", ";"))
    return _changed(rng, request, lambda value: value + comma + rng.choice((value, "")))


@kind
def odd_space(rng: random.Random, request: Request) -> Request:
    space = rng.choice(" \t\n\x0c\x1f\xa0\u2003\u3000\ufeff\u200b")
    return _changed(rng, request, lambda value: rng.choice((space + value, value + space)))


@kind
def odd_name(rng: random.Random, request: Request) -> Request:
    """Of these `K` is the sign for kelvin, whose lower case is a k."""
    pairs = request.pairs
    index = rng.randrange(3)
    name, value = pairs[index]
    odd: list[Any] = [
        name.replace("k", "\u212a"),
        name.replace("i", "\u0131"),
        name.replace("-", "_"),
        name.replace("-", "\u2010"),
        name + " ",
        name + ":",
        name + "\0",
        "x-" + name,
        "\ufeff" + name,
        name * 500,
        "",
        name.encode("utf-16"),
        "\ud800",
    ]
    pairs[index] = (rng.choice(odd), value)
    return replace(request, headers=pairs)


@kind
def odd_value(rng: random.Random, request: Request) -> Request:
    odds: list[Any] = [None, 5, 1.5, True, [], ["x"], {}, object(), float("nan"), "\ud800", b"\xff"]
    odds += [10**5000, ("x",), lambda value: value, "x" * 8193, b"x" * 100_000]
    return _changed(rng, request, lambda _: rng.choice(odds))


@kind
def odd_headers(rng: random.Random, request: Request) -> Request:
    pairs = request.pairs
    odds: list[Any] = [
        None,
        5,
        [],
        {},
        (),
        "webhook-id",
        b"webhook-id",
        [None],
        [5],
        [()],
        object(),
    ]
    odds += [[("webhook-id",)], [pair + ("x",) for pair in pairs], [*pairs, (5, "x")]]
    odds += [[*pairs, (None, None)], {name: [value] for name, value in pairs}, [pairs], {5: "x"}]
    odds += [{(): ()}, [*pairs, ((), ())], [*pairs, ([], "x")]]
    return replace(request, headers=rng.choice(odds))


@kind
def another_id(rng: random.Random, request: Request) -> Request:
    ids = (request.id + "0", request.id[:-1], request.id.upper(), "evt_", "~" + request.id, "é")
    return replace(request, id=rng.choice(ids))


@kind
def odd_id(rng: random.Random, request: Request) -> Request:
    """Signed as it is."""
    ids = (
        "a.b",
        ".",
        "a/b",
        "a b",
        "%00",
        "../x",
        "e" * 256,
        "e" * 257,
        "a:b~c-d_e",
        "'",
        "à",
        "٣",
    )
    return request.signed(id=rng.choice(ids))


@kind
def another_time(rng: random.Random, request: Request) -> Request:
    return replace(request, at=request.at + rng.choice((-1, 1, 10, -10, rng.randint(-40, 40))))


@kind
def odd_time(rng: random.Random, request: Request) -> Request:
    """Signed as it is: the form alone is wrong, where it is."""
    at = str(request.at)
    odds = [f"+{at}", f"-{at}", f"{at}.0", f"{at[:4]}_{at[4:]}", "1.8e9", "18e8", hex(request.at)]
    odds += [at.translate({48 + n: zero + n for n in range(10)}) for zero in (0x660, 0x966, 0xFF10)]
    odds += [f"0{at}", f"00{at}", at + "000", at[:-1] + "²", at + "\0", "NaN", "inf", "9" * 5000]
    odds += [f" {at} ", at[:-1], at + ".", "0", "-0", "", at + " ", "1" * 12, "1" * 13, f"'{at}'"]
    return request.signed(at=rng.choice(odds))


@kind
def moved_bytes(rng: random.Random, request: Request) -> Request:
    """The signed text stays what it was; id, time and body are cut out of it elsewhere."""
    if rng.random() < 0.5:
        request = request.signed(body=f"{rng.choice((NOW, 'a', ''))}.".encode() + request.body)
    text = f"{request.id}.{request.at}.".encode() + request.body
    if rng.random() < 0.5:
        dots = [at for at, byte in enumerate(text) if byte == ord(".")]
        one, two = sorted(rng.sample(dots, 2))
    else:
        one = max(0, len(request.id) + rng.randint(-2, 2))
        two = one + 1 + len(str(request.at)) + rng.randint(-2, 2)
    id, at, body = text[:one], text[one + 1 : two], text[two + 1 :]
    return replace(request, id=id.decode("latin-1"), at=at.decode("latin-1"), body=body)


@kind
def odd_signature(rng: random.Random, request: Request) -> Request:
    good = request.signature
    text = good[3:]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    odds = [good[: rng.randrange(len(good))], good + "=", good + "==", good.rstrip("=")]
    odds += [good.replace("+", "-").replace("/", "_"), good.lower(), good.upper(), text]
    odds += [good[:-2] + last[last.index(good[-2]) ^ rng.choice((1, 2, 3))] + "="]
    odds += [f'"{good}"', f"v1={text}", f"v1,,{text}", f"v1a,{text}", f"v2,{text}", f"v1, {text}"]
    odds += [f"V1,{text}", "v1," + base64.b64decode(text).hex(), f"v1,{text[:20]} {text[20:]}"]
    odds += ["v1,", "v1, v1,", ",", "v1", f"v1,{text},{text}", f"x{good}", f"{good};", f"{good},"]
    odds += [f"v1a,AAAA {good}", f"{good} v9", f"junk,,, {good}", f"  {good}", f"{good} {good}"]
    odds += ["v1," + base64.b64encode(base64.b64decode(text)[:16]).decode(), "v1," + "=" * 44]
    return replace(request, signature=rng.choice(odds))


@kind
def many_signatures(rng: random.Random, request: Request) -> Request:
    count = rng.choice((1, 2, 30, 31, 32, 33, 60, 170, 10_000))
    wrong = rng.choice(("v1,", "v1,AAAA", "v2,AAAA", "", "v1a,", "v1," + "A" * 43 + "="))
    entries = [wrong] * count
    entries.insert(rng.randrange(count + 1), request.signature)
    return replace(request, signature=" ".join(entries))


@kind
def a_bit_of_the_body(rng: random.Random, request: Request) -> Request:
    return replace(request, body=_flipped(rng, request.body))


@kind
def a_bit_of_a_header(rng: random.Random, request: Request) -> Request:
    return _changed(rng, request, lambda value: _flipped(rng, value.encode()).decode("latin-1"))


@kind
def more_or_less_body(rng: random.Random, request: Request) -> Request:
    body = request.body
    odds = (
        body[:-1],
        body + b" ",
        b"",
        b"\n" + body,
        body * 2,
        body + b"\0",
        body[1:],
        b"\xef\xbb\xbf" + body,
    )
    return replace(request, body=rng.choice(odds))


@kind
def another_clock(rng: random.Random, request: Request) -> Request:
    edges = (300, 299.999, 300.001, 301, 299, 0, 0.5, 1e9, 1e18, float("inf"), float("nan"))
    return replace(request, now_s=request.at + rng.choice((-1, 1)) * rng.choice(edges))


@kind
def another_secret(rng: random.Random, request: Request) -> Request:
    other = rng.choice((rng.randbytes(32), request.key[:-1] + b"\0", _flipped(rng, request.key)))
    return replace(request, secrets=(shown(other),))


@kind
def odd_secret(rng: random.Random, request: Request) -> Request:
    secret = shown(request.key)
    text = secret[6:]
    odds: list[str] = [secret[:-1], secret + "=", secret + "====", text, secret.rstrip("=")]
    odds += [
        secret.replace("+", "-").replace("/", "_"),
        secret.lower(),
        f" {secret}",
        f"{secret}\n",
    ]
    odds += [
        "whsec_",
        "",
        "WHSEC_" + text,
        f"whsec_whsec_{text}",
        secret[:20],
        secret * 2,
        "whsec_é",
    ]
    odds += [f"{secret[:12]}\n{secret[12:]}", f"{secret[:12]}={secret[12:]}", shown(b"k" * 23)]
    odds += [shown(b"k" * 65), shown(b""), "whsec_" + "=" * 40, "whsec_\ud800"]
    return replace(request, secrets=(rng.choice(odds),))


@kind
def odd_body(rng: random.Random, request: Request) -> Request:
    """Signed as it is: who signs may be mistaken."""
    body, is_event = rng.choice(BODIES)
    return request.signed(body=body, is_event=is_event)


@kind
def static_header(rng: random.Random, request: Request) -> Request:
    value = "".join(rng.choices(string.ascii_letters, k=12))
    odds: list[Any] = [
        value,
        value[:-1],
        value + "x",
        value.swapcase(),
        "",
        " ",
        f" {value}\t",
        None,
    ]
    odds += [f"{value}, {value}", f"{value}\n", "\ud800", "é", b"\xff", value.encode(), [value], 5]
    headers: list[tuple[Any, Any]] = [
        (rng.choice((STATIC, "X-API-Key", "x-api-key ")), rng.choice(odds))
    ]
    headers = rng.choice((headers, [], headers * 2, [*headers, *request.pairs], request.pairs))
    return replace(request, secrets=(), static=value, headers=headers)


def _event(text: str, name: str = '"pointsIssued"') -> bytes:
    return f'{{"eventName":{name},"data":{text}}}'.encode("utf-8", "surrogatepass")


BODIES: list[tuple[bytes, bool]] = [
    (_event("[" * 100 + "]" * 100), True),
    (_event("[" * 20_000 + "]" * 20_000), False),
    (_event("[" * 20_000), False),
    (_event('{"a":' * 20_000 + "1" + "}" * 20_000), False),
    (b"[" * 60_000, False),
    (b'{"a":' * 10_000, False),
    (_event("9" * 4_000), True),
    (_event("9" * 5_000), False),
    (_event("-" + "9" * 60_000), False),
    (_event("1e999999"), True),
    (_event("0." + "1" * 60_000), True),
    (_event("1E-400"), True),
    (_event("NaN"), False),
    (_event("-Infinity"), False),
    (_event("Infinity"), False),
    (_event("0x10"), False),
    (_event("01"), False),
    (_event("+1"), False),
    (_event("1_000"), False),
    (b'{"eventName":"a","eventName":"b","data":1,"data":2}', True),
    (b'{"eventName":"a","eventName":5}', False),
    (b'{"eventName":5,"eventName":"a"}', True),
    (b"\xef\xbb\xbf" + _event("1"), False),
    (_event("1").decode().encode("utf-16"), False),
    (_event("1").decode().encode("utf-16-be"), False),
    (_event("1").decode().encode("utf-32"), False),
    (_event('"\\ud800"'), True),
    (_event('"\ud800"'), False),
    (_event("1", '"\\ud800"'), False),
    (_event("1", '"a\\u0000b"'), False),
    (_event("1", '"a\\nb"'), False),
    (_event("1", '"' + "a" * 128 + '"'), True),
    (_event("1", '"' + "a" * 129 + '"'), False),
    (_event("1", '""'), False),
    (_event("1", "null"), False),
    (_event("1", "true"), False),
    (_event("1", '["pointsIssued"]'), False),
    (_event('"\\u0000"'), True),
    (_event('"\0"'), False),
    (_event("1") + b"\0", False),
    (b"\0" + _event("1"), False),
    (b"\0" * 60_000, False),
    (b"", False),
    (b" ", False),
    (b"null", False),
    (b"[]", False),
    (b'"eventName"', False),
    (b"{'eventName':'a'}", False),
    (b'{"eventName":"a",}', False),
    (b'{"eventName":"a"}{"eventName":"a"}', False),
    (b'{"eventName":"a"}//', False),
    (b'{"EventName":"a"}', False),
    (b' \t\r\n{"eventName":"a"}\n', True),
    (b'{"eventName":"\xff"}', False),
    (b'{"eventName":"\xc0\xaf"}', False),
    (b'{"eventName":"a","orgId":' + b"[" * 500 + b"]" * 500 + b',"eventId":"x"}', True),
    (_event("[" + ",".join(["{}"] * 20_000) + "]"), True),
    (_event("{" + ",".join(f'"{number}":""' for number in range(5_000)) + "}"), True),
    (_event('"' + "\\u00e9" * 10_000 + '"'), True),
]
"""Bodies, and whether each is an event that a receiver can understand."""
