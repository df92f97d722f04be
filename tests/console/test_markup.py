"""Nothing that strangers write is markup: how the templates and the code may print it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from tests.console.access.visitor import BODY, Visitor, link, open_it
from tests.console.webhook_client import pages
from tidings.console import frame, words

SOURCE = Path(frame.__file__).parents[1]
TEMPLATES = SOURCE / "console" / "templates"
UNESCAPED = {"safe", "forceescape", "tojson", "xmlattr", "urlize"}
# Markup from f-strings, of numbers and times alone.
VETTED = {
    ("words.py", "moment"),
    ("words.py", "countdown"),
    ("charts.py", "rows"),
    ("drawing.py", "draw"),
}
STRANGE = "\"'><img src=x onerror=alert(1)>&{{7*7}}</script>"


def faults_of_template(name: str, text: str) -> Iterator[str]:
    """Where a template could print something unescaped, or where escaping does not help."""
    tree = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.do"]).parse(text)
    for found in tree.find_all((nodes.Filter, nodes.EvalContextModifier, nodes.MarkSafe)):
        if isinstance(found, nodes.Filter) and found.name not in UNESCAPED:
            continue
        yield f"{name}:{found.lineno}: unescaped output"
    for call in tree.find_all(nodes.Name):
        if call.name == "Markup":
            yield f"{name}:{call.lineno}: Markup"
    # Without comments and statements; what is printed stands as a mark in the page around it.
    page = re.sub(r"{#.*?#}|{%.*?%}", "", text, flags=re.DOTALL)
    page = re.sub(r"{{.*?}}", "\0", page, flags=re.DOTALL)
    for script in re.findall(r"<(?:script|style)\b[^>]*>(.*?)</(?:script|style)>", page, re.DOTALL):
        if "\0" in script:
            yield f"{name}: output inside a script or style"
    if re.search(r"<[a-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*\s[\w:-]+\s*=\s*\0", page):
        yield f"{name}: output in an attribute without quotes"
    if re.search(r"\s(?:on\w+|style|srcdoc)\s*=\s*(\"[^\"]*\0|'[^']*\0)", page):
        yield f"{name}: output in an attribute that runs or styles"


def faults_of_code(name: str, text: str) -> Iterator[str]:
    """Where code makes markup of something that is not written down in it."""
    tree = ast.parse(text)
    inside = {
        child: function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for child in ast.walk(function)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Attribute) and call.attr in {"unescape", "__html__"}:
            yield f"{name}:{call.lineno}: {call.attr}"
        if isinstance(call, ast.FunctionDef) and call.name == "__html__":
            yield f"{name}:{call.lineno}: __html__"
        if isinstance(call, ast.keyword) and call.arg == "autoescape":
            if not (isinstance(call.value, ast.Constant) and call.value.value is True):
                yield f"{name}:{call.value.lineno}: autoescape is not True"
        if not isinstance(call, ast.Call):
            continue
        called = ast.unparse(call.func).rpartition(".")[2]
        if called == "Environment" and "jinja2" in ast.unparse(call.func):
            if "autoescape" not in {keyword.arg for keyword in call.keywords}:
                yield f"{name}:{call.lineno}: an environment without autoescape"
        if called == "Markup" and not isinstance(call.args[0], ast.Constant):
            if (name, inside.get(call, "")) not in VETTED:
                yield f"{name}:{call.lineno}: Markup of what is not written down here"


def test_no_template_prints_anything_unescaped() -> None:
    paths = [path for path in sorted(TEMPLATES.rglob("*")) if path.is_file()]
    assert len(paths) > 40
    for path in paths:
        assert not list(faults_of_template(path.name, path.read_text("utf-8")))


def test_no_code_of_the_console_makes_markup_of_a_value() -> None:
    paths = sorted((SOURCE / "console").rglob("*.py"))
    for path in paths:
        assert not list(faults_of_code(path.name, path.read_text("utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        "<p>{{ name | safe }}</p>",
        "<p>{{ (name | safe) if name else '' }}</p>",
        "{% set x = name|safe %}{{ x }}",
        "{% filter safe %}{{ name }}{% endfilter %}",
        "{% autoescape false %}{{ name }}{% endautoescape %}",
        "<p>{{ Markup(name) }}</p>",
        "<a href={{ name }}>x</a>",
        "<script>let a = '{{ name }}'</script>",
        '<p onclick="f({{ name }})">',
        '<p style="color: {{ name }}">',
    ],
)
def test_the_rule_for_templates_sees_it(text: str) -> None:
    assert list(faults_of_template("x", text))


@pytest.mark.parametrize(
    "text",
    [
        "Markup(name)",
        "markupsafe.Markup(f'<b>{name}</b>')",
        "Markup('<b>' + name)",
        "jinja2.Environment()",
        "jinja2.Environment(autoescape=False)",
        "jinja2.Environment(autoescape=select())",
        "html.unescape(name)",
    ],
)
def test_the_rule_for_code_sees_it(text: str) -> None:
    assert list(faults_of_code("x.py", text))


@pytest.mark.parametrize("name", sorted(words.FILTERS))
def test_what_the_filters_print_of_a_strange_text_is_text(name: str) -> None:
    environment = jinja2.Environment(autoescape=True)
    environment.filters.update(words.FILTERS)
    try:
        shown = environment.from_string("{{ text | " + name + " }}").render(text=STRANGE)
    except (AttributeError, TypeError, ValueError):
        return  # it prints numbers, or what is no text, alone
    assert "<img" not in shown and "\"'>" not in shown and "</script>" not in shown


async def test_the_whole_policy_is_what_it_was() -> None:
    """Each word of it: a policy that only looks like it lets in what it should keep out."""
    whole = (
        "default-src 'self'; img-src 'self' data:{}; object-src 'none'; worker-src 'none'; "
        "manifest-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {}"
    )
    async with pages() as p:
        browser = await p.browser()
        for path in ("/console/o/7", "/console/o/7/events", "/console/nowhere"):
            page = await browser.get(path)
            assert page.headers["content-security-policy"] == whole.format("", "'none'")
        opened = await open_it(p, made := await link(p))
        page = await Visitor(p, opened).get("/console/portal/o/7/webhooks")
        held = whole.format(" https://cdn.acme.example:8443", " ".join(BODY["embedIn"]))
        assert page.headers["content-security-policy"] == held
        ended = await open_it(p, made)
        assert ended.headers["content-security-policy"] == whole.format("", "*")
        alone = await open_it(p, await link(p, embedIn=[], logo=None))
        page = await Visitor(p, alone).get("/console/portal/o/7/webhooks")
        assert page.headers["content-security-policy"] == whole.format("", "'none'")
