"""One template and one event: JSON comes out, or a sentence that says why not."""

import json

import pytest

from tidings.transform.port import OUTPUT_MAX, TEMPLATE_MAX
from tidings.transform.sandbox import KEPT_MAX, Sandbox, Unrenderable

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


def test_a_template_sees_nothing_but_the_event() -> None:
    for name in ("config", "self", "env", "environ", "request", "data.__class__", "loop"):
        assert render('{"a": {{ NAME }}}'.replace("NAME", name)) == b'{"a":null}'


def test_two_templates_do_not_see_each_other() -> None:
    sandbox = Sandbox()
    sandbox.render("{% set x = 5 %}{}", EVENT)
    assert sandbox.render('{"x": {{ x }}}', EVENT) == b'{"x":null}'


def test_compiled_templates_are_kept_up_to_a_bound() -> None:
    sandbox = Sandbox()
    for n in range(KEPT_MAX + 5):
        sandbox.check(f"{n}")
    assert len(sandbox._kept) == KEPT_MAX


@pytest.mark.parametrize("size", [0, TEMPLATE_MAX + 1])
def test_a_template_is_neither_empty_nor_too_long(size: int) -> None:
    with pytest.raises(Unrenderable, match=f"must have 1 to {TEMPLATE_MAX} characters; got {size}"):
        Sandbox().check("x" * size)
    Sandbox().check("x" * TEMPLATE_MAX)


def test_a_check_compiles_and_does_not_run() -> None:
    Sandbox().check("{{ data.x + 1 }}")
    with pytest.raises(Unrenderable):
        Sandbox().check("{{ data.x + ")
