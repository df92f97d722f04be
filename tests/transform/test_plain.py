"""Templates reach an event's fields and items, and no method of Python, by no way."""

import msgspec
import pytest

from tidings.transform.sandbox import Sandbox, Unrenderable

METHODS = sorted(
    {*dir(dict), *dir(list), *dir(str), *dir(int), *dir(float), "__dict__", "gi_frame"}
)
EVENT = {
    "eventId": "e-1",
    "data": {"obj": {"b": 1, "a": [2]}, "list": [3, 1, 2], "name": "bob", "n": 4, "f": 1.5},
}
WAYS = (
    "data.obj.{}", "data['obj']['{}']", "data.obj|attr('{}')", "data.list.{}",
    "data.list|attr('{}')", "event.{}", "data.{}", "data.name.{}", "data.n.{}", "data.f.{}",
    "([data.obj]|first).{}", "(data.obj|default(1)).{}", "data.obj.a.{}",
    "(data.list|list).{}", "(data.obj|items|first|last).{}", "(data|items|list)[0][1].{}",
    "(data.list|batch(2)|first).{}", "dict(data.obj).{}", "namespace(x=data.obj).x.{}",
)  # fmt: skip


def printed(expression: str) -> str:
    return "{{ " + expression + " }}"


def prints(template: str, event: object = EVENT) -> object:
    raw = Sandbox().render(f'{{"r": {template}}}', msgspec.json.encode(event))
    return msgspec.json.decode(raw)["r"]


@pytest.mark.parametrize("way", WAYS)
def test_no_attribute_of_python_is_found(way: str) -> None:
    """As if it were not there: also |default(…) and `is defined` say so."""
    fields = ("obj", "list", "name", "n", "f", "a", "b")
    names = [name for name in METHODS if name not in fields]
    tests = ",".join(printed(f"({way.format(name)}) is defined") for name in names)
    found = [name for name, row in zip(names, prints(f"[{tests}]"), strict=True) if row]  # type: ignore[call-overload]
    assert found == []
    assert prints(printed(way.format("items") + "|default(7)")) == 7


@pytest.mark.parametrize(
    "call",
    [
        "data.obj.items()", "data.obj.keys()", "data.obj.get('b')", "data.obj.pop('b')",
        "data.obj.update({'x': 1})", "data.obj.clear()", "data.list.append(9)", "data.list.sort()",
        "data.list.pop()", "data.list.count(3)", "event.copy()", "data.name.upper()",
        "data.name.format(1)", "(data.obj|attr('pop'))('b')", "data.obj['pop']('b')",
    ],
)  # fmt: skip
def test_no_method_can_be_called(call: str) -> None:
    with pytest.raises(Unrenderable) as refused:
        prints(printed(call))
    assert "Python" not in str(refused.value) and "built-in" not in str(refused.value)


def test_a_method_that_is_called_is_told_in_words() -> None:
    with pytest.raises(Unrenderable, match="calls a method, items; values have none"):
        prints("{{ data.obj.items() }}")


def test_fields_of_such_names_are_reached() -> None:
    names = [name for name in METHODS if not name.startswith("_")] + ["__class__", "__dict__"]
    event = {"data": {name: f"my {name}" for name in names}}
    for shape in ("data.{}", "event.data['{}']", "data|attr('{}')"):
        all_of_them = ",".join(printed(shape.format(name)) for name in names)
        assert prints(f"[{all_of_them}]", event) == [f"my {name}" for name in names], shape


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("data", EVENT["data"]),
        ("event.data.obj", {"b": 1, "a": [2]}),
        ("data.obj|items|list", [["b", 1], ["a", [2]]]),
        ("data.obj|dictsort", [["a", [2]], ["b", 1]]),
        ("data.obj|list", ["b", "a"]),
        ("data.obj|length", 2),
        ("data.obj is mapping", True),
        ("data.list is sequence", True),
        ("data.list is mapping", False),
        ("data.obj == {'b': 1, 'a': [2]}", True),
        ("data.list == [3, 1, 2]", True),
        ("'b' in data.obj", True),
        ("2 in data.list", True),
        ("data.list|sort", [1, 2, 3]),
        ("data.list|sum", 6),
        ("data.list|map('string')|list", ["3", "1", "2"]),
        ("data.list[1:]", [1, 2]),
        ("data.list + [4]", [3, 1, 2, 4]),
        ("data.list|first", 3),
        ("data.list|join('-')", "3-1-2"),
        ("data.name|upper", "BOB"),
        ("dict(data.obj, c=2)", {"b": 1, "a": [2], "c": 2}),
        ("data.nothing.deeper", None),
        ("[data.obj]|map(attribute='b')|list", [1]),
        ("[data.obj]|groupby('b')|list", [[1, [{"b": 1, "a": [2]}]]]),
    ],
)
def test_everything_else_works_as_with_plain_values(expression: str, value: object) -> None:
    assert prints(printed(expression)) == value


def test_loops_and_macros_see_plain_values() -> None:
    template = (
        "[{% macro m(x) %}{{ x.pop|default(0) }}{% endmacro %}"
        "{% for k, v in data.obj|items %}{{ k }},{{ v.items|default(1) }},{% endfor %}"
        "{% for k in data.obj %}{{ data.obj[k] }},{% endfor %}{{ m(data.obj) }}]"
    )
    assert prints(template) == ["b", 1, "a", 1, 1, [2], 0]
