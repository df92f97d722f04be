"""From an act to what is done: text stays text, numbers keep their digits, nothing grows."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.actions.rendering_calls import NAME, URL, call, make
from tidings.core.actions.action import (
    Act,
    Compared,
    Each,
    HttpCall,
    KafkaRecordAct,
    MailAct,
    Merged,
    NewEvents,
    OperatorSecret,
    PathValue,
    Plain,
    TableRowAct,
    TemplatedText,
)
from tidings.core.actions.bounds import MADE_BYTES_MAX
from tidings.core.actions.context import Unmade
from tidings.core.actions.rendered_act import (
    Made,
    MadeCall,
    MadeEvents,
    MadeMail,
    MadeRecord,
    MadeRow,
    bytes_of,
    made_in,
)
from tidings.core.actions.rendering import made_of, templates_of
from tidings.core.actions.secrets import whole
from tidings.core.exact_json import read_exactly


def mail(**more: Any) -> MailAct:
    fields: dict[str, Any] = {"to": (Plain("ops@brand.example"),), "subject": NAME}
    return MailAct("mail", **fields | more)


# -- templates ------------------------------------------------------------------------------------


def test_each_template_is_run_once_and_its_text_goes_wherever_it_is_named() -> None:
    html = TemplatedText("{{ name }}", html=True)
    act = mail(text=NAME, html=html)
    assert templates_of(act) == [NAME, html]
    made = make(act, lambda text: "<b>" if text.html else "plain")
    assert made.mail.subject == made.mail.text == "plain" and made.mail.html == "<b>"


def test_templates_of_all_depths_are_found() -> None:
    part = Each(
        {
            "a": Each([TemplatedText("1"), Plain(2)]),
            "b": TemplatedText("3"),
            "c": PathValue("event"),
        }
    )
    act = call(headers=(("X-A", TemplatedText("0")),), json=part)
    assert [template.template for template in templates_of(act)] == ["0", "1", "3"]
    act = call(form=(("a", TemplatedText("4")), ("b", TemplatedText("5"))))
    assert [template.template for template in templates_of(act)] == ["4", "5"]


# -- calls ----------------------------------------------------------------------------------------


def test_json_is_exact_and_a_text_in_it_is_a_text() -> None:
    part = Each(
        {
            "amount": PathValue("event.data.amount"),
            "big": PathValue("event.data.big"),
            "card": PathValue("event.data.card"),
            "none": PathValue("event.data.nothing"),
            "lost": PathValue("event.data.lost.far"),
            "items": Each([NAME, Plain("EUR")]),
        }
    )
    made = make(call(json=part), lambda _: '", "admin": true, "x": "')
    assert isinstance(made, MadeCall) and made.url == "https://api.example/v1/t-1"
    assert '"amount":10.50,"big":1E+2,"card":{"no":1.10},"none":null,"lost":null' in made.body
    assert json.loads(made.body)["items"] == ['", "admin": true, "x": "', "EUR"]
    assert made.headers == (("content-type", "application/json"),)


def test_a_form_is_urlencoded_and_leaves_out_what_is_not_there() -> None:
    form = (
        ("name", NAME),
        ("amount", PathValue("event.data.amount")),
        ("tag", PathValue("event.data.tags")),
        ("lost", PathValue("event.data.lost")),
        ("flag", Plain(True)),
    )
    made = make(call(form=form), lambda _: "Zoë & Co = 1\r\n")
    assert made.headers == (("content-type", "application/x-www-form-urlencoded"),)
    assert parse_qsl(made.body, keep_blank_values=True) == [
        ("name", "Zoë & Co = 1\r\n"), ("amount", "10.50"), ("tag", "a"), ("tag", "b"),
        ("flag", "true"),
    ]  # fmt: skip
    with pytest.raises(Unmade):
        make(call(form=(("card", PathValue("event.data.card")),)))


def test_a_text_has_the_type_that_is_said_or_is_plain() -> None:
    made = make(call(text=NAME, content_type="application/xml"), lambda _: "<a/>")
    assert made.body == "<a/>" and made.headers == (("content-type", "application/xml"),)
    assert make(call(text=NAME)).headers == (("content-type", "text/plain; charset=utf-8"),)
    own = call(text=NAME, headers=(("Content-Type", TemplatedText("text/csv")),))
    assert make(own).headers == (("Content-Type", "text/csv"),)
    assert make(call()) == MadeCall("POST", "https://api.example/v1/t-1")


def test_a_header_that_is_always_the_same_is_not_kept_with_what_is_made() -> None:
    made = make(call(headers=(("X-Key", Plain("secret-0123456789")), ("X-Name", NAME))))
    assert made.headers == (("X-Name", "{{ name }}"),)


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\0b", "Zoë", "\x7f", "x" * 5000])
def test_no_value_ends_a_header(value: str) -> None:
    with pytest.raises(Unmade, match="X-Name") as refused:
        make(call(headers=(("X-Name", NAME),)), lambda _: value)
    assert value not in refused.value.reason


@pytest.mark.parametrize("path", ["event.data.lost", "event.data.card", "event.data.nothing"])
def test_a_url_without_its_value_is_no_call(path: str) -> None:
    with pytest.raises(Unmade, match="id"):
        make(HttpCall("POST", URL, {"id": path}))


@pytest.mark.parametrize(
    "act",
    [
        call(text=NAME),
        call(json=NAME),
        call(form=(("a", NAME),)),
        mail(text=NAME),
        TableRowAct("crm", "t", {"a": NAME}),
        KafkaRecordAct("main", "t", text=NAME),
        KafkaRecordAct("main", "t", json=Each([NAME])),
    ],
)
def test_what_is_larger_than_may_be_is_refused(act: Act) -> None:
    with pytest.raises(Unmade, match="KiB"):
        make(act, lambda _: "ë" * (MADE_BYTES_MAX // 2 + 1))


# -- mails, rows, records -------------------------------------------------------------------------


def test_a_mail_goes_to_the_address_that_its_template_becomes() -> None:
    act = mail(to=(NAME, Plain("ops@brand.example")), text=Plain("Hello"))
    made = make(act, lambda _: " Asha@Brand.example\n")
    assert isinstance(made, MadeMail)
    assert made.mail.to == ("Asha@brand.example", "ops@brand.example")
    assert made.mail.text == "Hello" and made.mail.html is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nobody",
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "A <a@b.example>",
    ],
)
def test_what_is_no_one_address_is_no_mail(value: str) -> None:
    with pytest.raises(Unmade, match="place 1") as refused:
        make(mail(to=(NAME,)), lambda _: value)
    assert not value or value not in refused.value.reason


def test_a_subject_is_one_line_of_what_can_be_seen() -> None:
    assert make(mail(), lambda _: "a\r\nBcc: b\u202ec").mail.subject == "a Bcc: bc"


def test_a_row_keeps_digits_and_structure_until_it_is_sent() -> None:
    row = TableRowAct(
        "crm",
        "points",
        {
            "amount": PathValue("event.data.amount"),
            "card": PathValue("event.data.card"),
            "nothing": PathValue("event.data.lost"),
            "unit": Plain("EUR"),
            "name": NAME,
        },
    )
    kept = bytes_of(Made(make(row), language="de"))
    again = made_in(kept)
    assert again is not None and isinstance(again.act, MadeRow) and again.language == "de"
    assert bytes_of(again) == kept and b'"amount":10.50' in kept and b'"no":1.10' in kept


def test_a_record_is_the_event_unless_something_else_is_said() -> None:
    made = make(KafkaRecordAct("main", "crm"))
    assert isinstance(made, MadeRecord) and made.key == ""
    assert read_exactly(made.value.encode())["eventName"] == "pointsIssued"
    assert "10.50" in made.value and "1E+2" in made.value
    made = make(KafkaRecordAct("main", "crm", key=NAME, json=Each({"n": NAME})), lambda _: "k-1")
    assert made == MadeRecord('{"n":"k-1"}', "k-1")


@pytest.mark.parametrize("key", ["", "x" * 1025])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(Unmade, match="key"):
        make(KafkaRecordAct("main", "crm", key=NAME), lambda _: key)


# -- whatever comes -------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON, text=st.text())
def test_any_value_makes_what_can_be_kept_or_is_refused(value: Any, text: str) -> None:
    try:
        written = json.dumps({"v": value}, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    seen = {"event": read_exactly(written)}
    found = PathValue("event.v")
    acts: list[Act] = [
        HttpCall(
            "POST", "https://h.example/{v}", {"v": "event.v"}, json=Each({"v": found, "t": NAME})
        ),
        HttpCall("POST", "https://h.example/", {}, form=(("v", found), ("t", NAME))),
        HttpCall("POST", "https://h.example/", {}, headers=(("X", NAME),)),
        mail(text=NAME, html=NAME),
        TableRowAct("crm", "t", {"v": found, "t": NAME}),
        KafkaRecordAct("main", "t", key=NAME, json=found),
    ]
    for act in acts:
        try:
            made = made_of(act, [text], seen) if templates_of(act) else made_of(act, [], seen)
        except Unmade:
            continue
        again = made_in(bytes_of(Made(made)))
        assert again is not None and bytes_of(again) == bytes_of(Made(made))
        if isinstance(made, MadeCall) and made.body.startswith("{"):
            assert json.loads(made.body) == {"v": value, "t": text}
        for _, header in getattr(made, "headers", ()):
            assert header.replace("\t", "").isprintable() and header.isascii()


def test_what_is_no_made_act_is_known_as_none() -> None:
    for body in (b"", b"{}", b"[" * 100_000, b'{"act": {"type": "other"}}', b"\xff"):
        assert made_in(body) is None


# -- what was found, with some of it other ---------------------------------------------------------

SHOP = read_exactly(
    b"""{"shop": {"id": 7, "email": "asha@brand.example", "rate": 1.10, "codes": [
 {"code": "size", "value": "M"}, {"code": "tier", "value": "Bronze"}, 5,
 {"code": "tier", "value": "twice"}]}, "points": {"main": 8500.000}, "event": {}}"""
)


def merge(part: Merged) -> Any:
    made = made_of(call(json=part, values={}, url="https://shop.example/"), [], SHOP)
    assert isinstance(made, MadeCall)
    return made.body


def test_an_object_goes_as_it_was_found_but_for_what_is_named() -> None:
    codes = Merged(
        "shop.codes",
        [
            Each({"code": Plain("points"), "value": PathValue("points.main")}),
            Plain({"code": "tier", "value": "Gold"}),
        ],
        by="code",
    )
    body = merge(Merged("shop", {"codes": codes, "new": Plain(True)}))
    assert body == (
        '{"id":7,"email":"asha@brand.example","rate":1.10,"codes":[{"code":"size","value":"M"},'
        '{"code":"tier","value":"Gold"},5,{"code":"points","value":8500.000}],"new":true}'
    )


def test_where_nothing_was_found_what_is_named_goes_alone() -> None:
    assert merge(Merged("shop.lost", {"a": Plain(1)})) == '{"a":1}'
    assert merge(Merged("shop.lost", [Plain({"code": "a"})], by="code")) == '[{"code":"a"}]'


@pytest.mark.parametrize(
    "part",
    [
        Merged("shop.email", {"a": Plain(1)}),
        Merged("shop.codes", {"a": Plain(1)}),
        Merged("shop", [Plain({"code": "a"})], by="code"),
        Merged("shop.codes", [Each({"code": PathValue("shop.lost")})], by="code"),
    ],
)
def test_what_cannot_be_merged_is_not_made(part: Merged) -> None:
    with pytest.raises(Unmade, match="must"):
        merge(part)


def test_templates_and_secrets_of_a_merge_are_found() -> None:
    part = Merged("shop", {"a": TemplatedText("{{ event }}"), "b": OperatorSecret("s3cret")})
    act = call(json=Each({"customer": part}), values={}, url="https://shop.example/")
    assert [template.template for template in templates_of(act)] == ["{{ event }}"]
    made = made_of(act, ["x"], SHOP)
    assert isinstance(made, MadeCall) and "s3cret" not in made.body
    assert json.loads(whole(act, made) or "")["customer"]["b"] == "s3cret"


# -- new events ------------------------------------------------------------------------------------

MEMBERS = read_exactly(
    b"""{"event": {"data": {"programId": 973}}, "members": {"data": [{"id": 1, "role": "PRIMARY"},
 {"id": 2, "points": 1.10}]}}"""
)
DATA = Each({"programId": PathValue("event.data.programId"), "member": PathValue("each.id")})


def events(act: NewEvents, seen: Any = MEMBERS) -> Any:
    made = made_of(act, [], seen)
    assert isinstance(made, MadeEvents) and made_in(bytes_of(Made(made))) == Made(made)
    return json.loads(made.events)


def test_there_is_an_event_for_each_item_of_a_list() -> None:
    assert events(NewEvents("memberTierDue", DATA, each="members.data")) == [
        {"eventName": "memberTierDue", "data": {"programId": 973, "member": 1}},
        {"eventName": "memberTierDue", "data": {"programId": 973, "member": 2}},
    ]
    whole = NewEvents("memberTierDue", Each({"all": PathValue("each")}), each="members.data")
    made = made_of(whole, [], MEMBERS)
    assert isinstance(made, MadeEvents) and '"points":1.10' in made.events


def test_there_is_one_event_without_a_list_and_none_for_an_empty_one() -> None:
    assert len(events(NewEvents("memberTierDue", DATA))) == 1
    assert events(NewEvents("memberTierDue", DATA, each="members.lost")) == []


@pytest.mark.parametrize("found", [{"data": [{}] * 501}, {"data": {"id": 1}}])
def test_more_events_than_are_made_at_once_or_what_is_no_list_are_none(found: Any) -> None:
    with pytest.raises(Unmade, match="must"):
        events(NewEvents("memberTierDue", DATA, each="members.data"), {"members": found})


# -- comparisons -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(7, "7", True), ("Gold", "Gold", True), ("Gold", "gold", False), (None, None, False),
     ({"a": 1}, {"a": 1}, False), (True, "true", True)],
)  # fmt: skip
def test_two_places_are_the_same_where_the_same_text_or_number_stands(
    one: Any, other: Any, same: bool
) -> None:
    seen = {"a": {"x": one}, "b": {"y": other}}
    assert Compared(("a.x", "b.y"), same=True).accepts(seen) is same
    assert Compared(("a.x", "b.y"), same=False).accepts(seen) is not same


@pytest.mark.parametrize(
    ("way", "is_one"),
    [
        ("https://brand.example/stop?c=7,8", True),
        ("mailto:stop@brand.example?subject=stop", True),
        ("", True),  # left out
        ("http://brand.example/", False),
        ("https://brand.example/>, <https://evil.example/", False),
        ("https://brand.example/\r\nBcc: x@evil.example", False),
        ("javascript:alert(1)", False),
        ("mailto:stop", False),
        ("https://" + "x" * 900, False),
    ],
)
def test_where_a_mail_is_unsubscribed_is_a_url_that_ends_no_header(way: str, is_one: bool) -> None:
    act = mail(text=NAME, unsubscribe=TemplatedText("{{ way }}"))
    if is_one:
        made = make(act, lambda text: way if text.template == "{{ way }}" else "x")
        assert made.mail.unsubscribe == (way or None)
    else:
        with pytest.raises(Unmade, match="unsubscribe must become"):
            make(act, lambda text: way if text.template == "{{ way }}" else "x")
