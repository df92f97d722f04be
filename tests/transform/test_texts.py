"""Templates of texts: an event's values as people read them, and in HTML no value is markup."""

import json

import pytest

from tests.loops.own_time import own_time
from tidings.transform.port import OUTPUT_MAX, RenderRefused, TextTemplate
from tidings.transform.renderer import ProcessRenderer
from tidings.transform.sandbox import Sandbox, Unrenderable

EVENT = json.dumps(
    {
        "eventName": "pointsIssued",
        "data": {"name": '<b>"A"</b> & co', "points": 66.10, "n": 7, "none": None, "on": True,
                 "items": [{"sku": "<A>"}], "line": "a\r\nBcc: x@y.example"},
    }
).encode().replace(b"66.1", b"66.10")  # fmt: skip


def text(template: str, *, html: bool = False) -> str:
    [made] = Sandbox().texts([TextTemplate(template, html)], EVENT)
    return made


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("Hello {{ data.name }}!", 'Hello <b>"A"</b> & co!'),
        ("{{ data.points }} {{ data.n }} {{ data.on }}", "66.10 7 true"),
        ("[{{ data.none }}{{ data.x.y }}]", "[]"),
        ("{{ data.x|default('?') }}", "?"),
        ("{{ data.items }}", '[{"sku":"<A>"}]'),
        ("{% for one in data.items %}{{ one.sku }}{% endfor %}", "<A>"),
        ("{{ event.eventName }}", "pointsIssued"),
    ],
)
def test_a_text_has_values_as_people_read_them(template: str, made: str) -> None:
    assert text(template) == made


def test_no_value_is_markup_in_html() -> None:
    assert text("<p>{{ data.name }}</p>", html=True) == (
        "<p>&lt;b&gt;&quot;A&quot;&lt;&#x2f;b&gt; &amp; co</p>"
    )
    assert "<A>" not in text("{{ data.items }}", html=True)


@pytest.mark.parametrize(
    "template", ["{{ 1 +", "{{ data.items.pop() }}", "{% include data.name %}", "{{ debug() }}"]
)
def test_what_cannot_be_run_is_refused_in_words_without_values(template: str) -> None:
    with pytest.raises(Unrenderable) as refused:
        text(template)
    assert "co" not in str(refused.value).split("Correct")[0].split()


def test_texts_together_have_a_bound() -> None:
    each = TextTemplate("x" * 100 + "{{ data.n }}" * 20)
    with pytest.raises(Unrenderable, match=str(OUTPUT_MAX)):
        Sandbox().texts([each] * (OUTPUT_MAX // 100), EVENT)


@pytest.mark.parametrize(
    "bomb",
    [
        "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
        "{% set a = 'x' * 1000 %}{% set b = a * 1000 %}{{ b * 1000 }}",
        "{% set l = [1,1,1,1,1,1,1,1] %}" + "{% set l = l + l %}" * 40 + "{{ l }}",
    ],
)
async def test_a_template_that_takes_too_much_is_refused_and_the_next_one_is_run(bomb: str) -> None:
    renderer = ProcessRenderer()
    try:
        with own_time() as took_s:
            with pytest.raises(RenderRefused):
                await renderer.render_texts([TextTemplate(bomb)], EVENT, 1)
            made = await renderer.render_texts(
                [TextTemplate("{{ data.n }}"), TextTemplate("{{ data.name }}", True)], EVENT, 2
            )
        assert made[0] == "7" and "&lt;" in made[1] and took_s() < 20
    finally:
        await renderer.close()
