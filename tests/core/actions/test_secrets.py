"""Secrets in bodies: kept nowhere, put in as the call leaves, and by nothing that an event says."""

import json
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from tidings.core.actions.action import Each, HttpCall, OperatorSecret, PathValue, Plain
from tidings.core.actions.rendered_act import Made, MadeCall, bytes_of, made_in
from tidings.core.actions.rendering import made_of
from tidings.core.actions.secrets import secrets_of, whole
from tidings.core.webhooks.masks import mask

KEY, OTHER = 'key-"0123456789&=', "other-0123456789"
URL = "https://sms.example/send"
FORM = HttpCall(
    "POST",
    URL,
    {},
    form=(
        ("authkey", OperatorSecret(KEY)),
        ("message", PathValue("event.text")),
        ("again", OperatorSecret(KEY)),
        ("sender", OperatorSecret(OTHER)),
    ),
)
JSON = HttpCall(
    "POST",
    URL,
    {},
    json=Each(
        {
            "text": PathValue("event.text"),
            "in": Each([OperatorSecret(KEY), Plain(1), OperatorSecret(OTHER)]),
        }
    ),
)


def made(call: HttpCall, text: Any) -> MadeCall:
    """As it is kept."""
    found = made_in(bytes_of(Made(made_of(call, [], {"event": {"text": text}}))))
    assert found is not None and isinstance(found.act, MadeCall)
    return found.act


@given(st.text() | st.sampled_from(["secret0x1x", "secret0xsecret1x0x", KEY, "x1x"]))
def test_a_secret_goes_and_is_not_kept_whatever_the_event_says(text: str) -> None:
    form, body = made(FORM, text), made(JSON, text)
    if text not in (KEY, OTHER):
        assert OTHER not in repr((form, body)) and "key-" not in repr((form, body)).replace(
            text, ""
        )
    assert parse_qsl(str(whole(FORM, form)), keep_blank_values=True) == [
        ("authkey", KEY), ("message", text), ("again", KEY), ("sender", OTHER),
    ]  # fmt: skip
    assert json.loads(str(whole(JSON, body))) == {"text": text, "in": [KEY, 1, OTHER]}


def test_of_a_secret_its_end_is_shown() -> None:
    shown = str(whole(JSON, made(JSON, "hello"), mask))
    assert "hello" in shown and "…6789" in shown and OTHER not in shown


def test_an_act_that_has_the_secret_no_more_is_not_done_with_another() -> None:
    less = HttpCall("POST", URL, {}, form=FORM.form[:2])
    assert whole(less, made(FORM, "x")) is None
    first = next(iter(secrets_of(FORM)))
    assert whole(FORM, MadeCall("POST", URL, body="a=1", secrets=((2, first),))) is not None
    for places in (((5, first), (2, first)), ((-1, first),), ((99_999, first),), ((0, -1),)):
        assert whole(FORM, MadeCall("POST", URL, body="a=1", secrets=places)) is None


def test_a_call_without_secrets_is_as_it_was_made() -> None:
    plain = HttpCall("POST", URL, {}, json=PathValue("event.text"))
    assert secrets_of(plain) == {} and whole(plain, made(plain, "x")) == '"x"'


def test_what_a_secret_is_is_not_printed() -> None:
    for act in (FORM, JSON):
        assert (
            KEY in secrets_of(act).values() and "sms.example" in repr(act) and KEY not in repr(act)
        )


def test_a_secret_goes_where_it_belongs_whatever_became_of_the_file_meanwhile() -> None:
    """What was made before a change of the file is sent after it: another order, more secrets, new
    ones in the place of old ones."""
    key, more = ("authkey", OperatorSecret(KEY)), ("more", OperatorSecret("more-0123456789"))
    sender, text = ("sender", OperatorSecret(OTHER)), ("message", PathValue("event.text"))
    before = HttpCall("POST", URL, {}, form=(key, text, sender))
    body = made(before, "hello")
    sent = f"authkey={quote_plus(KEY)}&message=hello&sender={OTHER}"
    assert whole(before, body) == sent
    others: list[Any] = [(sender, text, key), (more, key, text, sender), (text, sender, more, key)]
    for form in others:
        assert whole(HttpCall("POST", URL, {}, form=form), body) == sent
    renewed = HttpCall("POST", URL, {}, form=(("authkey", OperatorSecret(OTHER)), text, sender))
    assert whole(renewed, body) == f"authkey={OTHER}&message=hello&sender={OTHER}"
    for form in [
        (text, sender),
        (("key", OperatorSecret(KEY)), text, sender),
    ]:  # there is none any more
        assert whole(HttpCall("POST", URL, {}, form=form), body) is None
    moved = made(JSON, "hello")
    changed = HttpCall(
        "POST",
        URL,
        {},
        json=Each(
            {
                "in": Each([OperatorSecret(KEY), Plain(1), OperatorSecret(OTHER)]),
                "a": OperatorSecret("more-012345"),
            }
        ),
    )
    assert json.loads(str(whole(changed, moved))) == {"text": "hello", "in": [KEY, 1, OTHER]}
