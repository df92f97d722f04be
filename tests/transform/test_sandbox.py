"""One template and one event: JSON comes out, or a sentence that says why not."""

import json

import msgspec
import pytest

from tidings.core.shaping.transformation_rules import TEMPLATE_MAX
from tidings.transform.port import OUTPUT_MAX
from tidings.transform.sandbox import (
    KEPT_CHARACTERS_MAX,
    KEPT_CHARACTERS_MIN,
    Sandbox,
    Unrenderable,
)

EVENT = json.dumps(
    {
        "eventName": "pointsIssued",
        "eventId": "e-1",
        "orgId": 7,
        "data": {"name": 'A "quoted" <b> \\', "points": 66.0, "items": [{"sku": "A"}, {"sku": "B"}],
                 "none": None, "on": True, "big": 12345678901234567890123},
    }
).encode()  # fmt: skip


def render(template: str) -> bytes:
    return Sandbox().render(template, EVENT)


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ('{"id": {{ event.eventId }}}', b'{"id":"e-1"}'),
        ('{"who": {{ data.name }}}', rb'{"who":"A \"quoted\" <b> \\"}'),
        ('{"n": {{ data.points }}, "big": {{ data.big }}}',
         b'{"n":66.0,"big":12345678901234567890123}'),
        ('{"on": {{ data.on }}, "none": {{ data.none }}}', b'{"on":true,"none":null}'),
        ('{"absent": {{ data.x.y.z }}}', b'{"absent":null}'),
        ('{"absent": {{ data.x.y|default("?") }}}', b'{"absent":"?"}'),
        ('{"all": {{ data.items }}}', b'{"all":[{"sku":"A"},{"sku":"B"}]}'),
        ('{"skus": {{ data.items|map(attribute="sku")|list }}}', b'{"skus":["A","B"]}'),
        ('{"text": {{ "Hello " ~ event.eventId }}}', b'{"text":"Hello e-1"}'),
        ('{% if data.points > 50 %}{"big": true}{% else %}{"big": false}{% endif %}',
         b'{"big":true}'),
        ('{ {% for i in data.items %}"{{ loop.index }}": {{ i.sku }}'
         '{% if not loop.last %},{% endif %}{% endfor %} }', b'{"1":"A","2":"B"}'),
        (' {"a"  : 1.10 ,\n "b": [ ] } ', b'{"a":1.10,"b":[]}'),
    ],
)  # fmt: skip
def test_what_comes_out(template: str, output: bytes) -> None:
    assert render(template) == output


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ data.name }}", "got a single value"),
        ("[1]", "got a list"),
        ('{"a": }', "not JSON"),
        ('{"a": "{{ data.name }}"}', "not JSON"),
        ("{} {}", "not JSON"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "not JSON"),
        ('{"a": {{ data.x + 1 }}}', "cannot be run on this event in line 1"),
        ('{"a":\n{{ data.name|round }}}', "in line 2"),
        ("{% for %}", "has a fault in line 1"),
        ("{{ data|nothing }}", "filter nothing is unknown"),
        ("{{ debug() }}", "debug is unknown"),
        ("{% include 'x' %}", "non-existing template"),
        ("{% extends 'transformation' %}", "cannot be run"),
        ("{% for a in range(90000) %}x{% endfor %}", "more than 50000 steps"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "cannot be run"),
        ("{{ 10 ** 1000000 }}", "unable to calculate."),
        ('{"a": {{ "x" * 40000 }}{% for i in range(9) %}, "b{{ i }}": {{ "x" * 40000 }}'
         "{% endfor %}}", f"at most {OUTPUT_MAX} bytes"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_why_nothing_comes_out(template: str, said: str) -> None:
    with pytest.raises(Unrenderable) as why:
        render(template)
    sentence = str(why.value)
    assert said in sentence and sentence.endswith(".")
    assert "invalid" not in sentence and "quoted" not in sentence  # nothing of the event is told


@pytest.mark.parametrize("value", ["Jane", "Jane' or \"Jane`", "Jane\n' Jane", "Jane " * 99])
@pytest.mark.parametrize(
    "template",
    [
        "{% include data.name %}", "{% import data.name as x %}", "{% extends data.name %}",
        "{% from data.name import x %}", "{{ [1]|min(**data.map) }}", "{{ 'a'|upper(**data.map) }}",
        "{{ dict(**data.map)() }}", "{{ data[data.name]() }}", "{{ data.map|attr(data.name)() }}",
        "{{ [1]|map(data.name)|list }}", "{{ [1]|select(data.name)|list }}", "{{ data.name|int }}",
        "{{ data.name|float }}", "{{ range(data.name) }}", "{{ data.name|indent(data.name) }}",
        "{{ '%d'|format(data.name) }}", "{{ data.name|format(1) }}", "{{ data.name + 1 }}",
        "{{ -data.name }}", "{{ data.name() }}", "{{ [2]|sort(attribute=data.map) }}",
        "{{ data.map|dictsort(by=data.name) }}", "{{ data.name }}", '{"a": {{ data.name|safe }} }',
        "{{ data.map|tojson(data.name) }}", "{{ data.name is divisibleby(data.name) }}",
    ],
)  # fmt: skip
def test_a_fault_tells_nothing_of_the_event(template: str, value: str) -> None:
    event = msgspec.json.encode({"data": {"name": value, "map": {value: value}}})
    with pytest.raises(Unrenderable) as why:
        Sandbox().render(template, event)
    assert "Jane" not in str(why.value)


def test_a_fault_tells_the_templates_own_words() -> None:
    for template, word in (("{% include 'x' %}", "'x'"), ("{{ [1]|min(twice=2) }}", "'twice'")):
        with pytest.raises(Unrenderable, match=word):
            render(template)


def test_a_template_sees_nothing_but_the_event() -> None:
    for name in ("config", "self", "env", "environ", "request", "data.__class__", "loop"):
        assert render('{"a": {{ NAME }}}'.replace("NAME", name)) == b'{"a":null}'


def test_two_templates_do_not_see_each_other() -> None:
    sandbox = Sandbox()
    sandbox.render("{% set x = 5 %}{}", EVENT)
    assert sandbox.render('{"x": {{ x }}}', EVENT) == b'{"x":null}'


def test_compiled_templates_are_kept_up_to_a_bound() -> None:
    sandbox = Sandbox()
    most = KEPT_CHARACTERS_MAX // KEPT_CHARACTERS_MIN
    for n in range(most + 5):
        sandbox.check(f"{n}")
    assert len(sandbox._kept) == most


@pytest.mark.parametrize("size", [0, TEMPLATE_MAX + 1])
def test_a_template_is_neither_empty_nor_too_long(size: int) -> None:
    with pytest.raises(Unrenderable, match=f"must have 1 to {TEMPLATE_MAX} characters; got {size}"):
        Sandbox().check("x" * size)
    Sandbox().check("x" * TEMPLATE_MAX)


def test_a_check_compiles_and_does_not_run() -> None:
    Sandbox().check("{{ data.x + 1 }}")
    with pytest.raises(Unrenderable):
        Sandbox().check("{{ data.x + ")


NUMBERS = (
    b'{"eventId":"e-1","data":{"price":1.10,"rate":0.1234567890123456789,"id":9007199254740993,'
    b'"wide":123456789012345678901234567890123456789012345,"exp":1E5,"text":"1.10 \\" 1.1",'
    b'"nested":[{"price":1.10}],"whole":66.0,"twice":[2.50,2.5]}}'
)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("data.price", b"1.10"),
        ("data.rate", b"0.1234567890123456789"),
        ("data.id", b"9007199254740993"),
        ("data.id + 1", b"9007199254740994"),
        ("data.wide", b"123456789012345678901234567890123456789012345"),
        ("data.exp", b"1E5"),
        ("data.text", rb'"1.10 \" 1.1"'),
        ("data.nested", b'[{"price":1.10}]'),
        ("data.whole", b"66.0"),
        ("data.twice", b"[2.5,2.5]"),  # one number in two ways
        ("data.price * 2", b"2.2"),  # calculated: a float
        ('"costs " ~ data.price', b'"costs 1.1"'),  # text: of the float
        ("1.10 + 1", b"2.1"),
    ],
)
def test_numbers_that_are_passed_on_keep_their_characters(value: str, printed: bytes) -> None:
    assert Sandbox().render('{"a": {{ VALUE }}}'.replace("VALUE", value), NUMBERS) == (
        b'{"a":' + printed + b"}"
    )


def test_the_templates_own_numbers_are_its_own() -> None:
    output = Sandbox().render('{"a": 1.100, "b": 0.12345678901234567, "c": "1.1"}', NUMBERS)
    assert output == b'{"a":1.100,"b":0.12345678901234567,"c":"1.1"}'


def test_two_numbers_that_a_float_cannot_tell_apart_are_refused_only_where_printed() -> None:
    event = b'{"data":{"a":0.1234567890123456789,"b":0.1234567890123456788}}'
    assert Sandbox().render('{"n": {{ data|length }}}', event) == b'{"n":2}'
    with pytest.raises(Unrenderable, match="must differ within 17 digits") as why:
        Sandbox().render('{"n": {{ data.a }}}', event)
    assert "0.123" not in str(why.value), "nothing of the event is told"
