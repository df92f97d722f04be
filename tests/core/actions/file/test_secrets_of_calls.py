"""Secrets that a file takes from elsewhere are secrets in the calls that it declares."""

from typing import Any

from tidings.core.actions.action import Each, HttpCall, OperatorSecret, Plain
from tidings.core.actions.file.reading import ActionsFile, read_actions
from tidings.core.actions.file.table import Given
from tidings.core.actions.rendered_act import Made, MadeCall, bytes_of
from tidings.core.actions.rendering import made_of
from tidings.core.actions.secrets import whole

KEY = "gateway-0123456789"
FILE = """
org = 1
[actions.sms]
types = ["customerAdded"]
[actions.sms.call]
url = "https://sms.example/send"
form = {authkey = "${SMS_KEY}", pin = "${PIN}", sender = "ACME"}
[actions.json]
types = ["customerAdded"]
[actions.json.call]
url = "https://sms.example/send"
json = {auth = {"a.key" = "${SMS_KEY}", list = ["${SMS_KEY}", "x"]}, to = "all"}
"""


def unread(name: str, most: int) -> str:
    raise AssertionError(name)


def declared() -> dict[str, Any]:
    given = Given(
        folder="/etc",
        environment={"SMS_KEY": KEY, "PIN": "1234"},
        read=unread,
        kinds={},
        connections={},
        check_connection=lambda name, said: [],
        check_template=lambda template: frozenset(),
        check_url=lambda url: None,
        is_key=lambda text: False,
        admits_unknown=True,
    )
    read = read_actions(FILE, "actions.toml", given)
    assert isinstance(read, ActionsFile), read
    return {name: action.act for name, action in read.actions.items()}


def test_what_is_taken_from_elsewhere_is_kept_out_of_what_is_made() -> None:
    acts = declared()
    form, body = acts["sms"], acts["json"]
    assert isinstance(form, HttpCall) and isinstance(body, HttpCall)
    assert form.form == (
        ("authkey", OperatorSecret(KEY)), ("pin", OperatorSecret("1234")), ("sender",
        Plain("ACME")),
    )  # fmt: skip
    assert isinstance(body.json, Each)
    for call in (form, body):
        made = made_of(call, [], {"event": {}})
        assert isinstance(made, MadeCall) and KEY.encode() not in bytes_of(Made(made))
        assert KEY in str(whole(call, made))
    assert KEY not in repr(acts)
