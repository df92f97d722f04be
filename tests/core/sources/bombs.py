"""Messages and mappings that once took seconds of the event loop, and their kin."""

from tidings.core.picks import Pick
from tidings.core.sources.mapping import Mapping
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_id import MessageId
from tidings.core.sources.message_plan import MessagePlan

NAME = Pick(constant='"a.b"')


def mapping_of_many(count: int, stem: str = "k", each: str | None = "rows") -> MessagePlan:
    """So many picks of the same four fields, or of fields of their own where `stem` says so."""
    fields = {f"data.f{n}": Pick(path=f"{stem}{n % 4}") for n in range(count)}
    return MessagePlan(Mapping(event_name=NAME, fields=fields, each=each))


def _own_fields(count: int, below: str = "") -> MessagePlan:
    fields = {f"data.f{n}": Pick(path=f"a{n}{below}") for n in range(count)}
    return MessagePlan(Mapping(event_name=NAME, fields=fields))


def _message(body: bytes) -> ForeignMessage:
    return ForeignMessage("there", [("X-Topic", "orders/paid")], body)


def _nested(levels: int, inner: bytes) -> bytes:
    return b'{"a":' * levels + inner + b"}" * levels


DOCUMENTED = MessagePlan(
    Mapping(
        event_name=Pick(header="X-Topic", names={"orders/paid": "a.b", "*": None}),
        data=Pick(path="order"),
        fields={"data.customerIdentifiers.customerId": Pick(path="customer.id")},
    )
)
_DEEP = ".".join("a" * 15)

BOMBS: dict[str, tuple[MessagePlan, ForeignMessage]] = {
    "650 KB and a hundred picks": (
        _own_fields(100, ".b.c"),
        _message(
            b"{"
            + b",".join(b'"a%d":{"b":{"c":%d,"x":"%b"}}' % (n, n, b"z" * 6400) for n in range(100))
            + b"}"
        ),
    ),
    "the documented mapping and 979 KB": (
        DOCUMENTED,
        _message(
            b'{"order":{"lines":['
            + b",".join(b'{"sku":"a%d","qty":1}' % n for n in range(40_000))
            + b']},"customer":{"id":7}}'
        ),
    ),
    "a list of many events": (
        mapping_of_many(50),
        _message(
            b'{"rows":[' + b",".join([b'{"k0":1,"k1":"x","k2":null,"k3":[]}'] * 1000) + b"]}"
        ),
    ),
    "a list that is too long": (
        mapping_of_many(10),
        _message(b'{"rows":[' + b"1," * 400_000 + b"1]}"),
    ),
    "objects in objects": (
        MessagePlan(Mapping(event_name=NAME, data=Pick(path=_DEEP))),
        _message(_nested(16, b'"' + b"x" * 900_000 + b'"')),
    ),
    "lists of nothing": (
        MessagePlan(Mapping(event_name=NAME, data=Pick(path="a[3]"))),
        _message(b'{"a":[' + b"[]," * 200_000 + b"1]}"),
    ),
    "many long keys": (
        _own_fields(100),
        _message(b"{" + b",".join(b'"%b%d":1' % (b"k" * 200, n) for n in range(4000)) + b"}"),
    ),
    "the same key again and again": (
        _own_fields(100),
        _message(b"{" + b",".join([b'"a1":1'] * 120_000) + b"}"),
    ),
    "the same large value a hundred times": (
        MessagePlan(
            Mapping(event_name=NAME, fields={f"data.f{n}": Pick(path="a") for n in range(100)})
        ),
        _message(b'{"a":"' + b"x" * 200_000 + b'"}'),
    ),
    "a message id in a large body": (
        MessagePlan(None, MessageId(path="id.x.y")),
        _message(b'{"a":[' + b"{}," * 250_000 + b'1],"id":{"x":{"y":"m"}}}'),
    ),
}  # fmt: skip
