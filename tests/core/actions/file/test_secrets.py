"""Secrets of a file of actions: they come from elsewhere, and nothing that is said shows one."""

import json

import pytest

from tests.core.actions.file.read_file import (
    ENVIRONMENT,
    FILES,
    WHOLE,
    declared,
    faults,
    read_file,
)
from tidings.core.actions.action import Each, HttpCall, OperatorSecret, Plain

SECRET = "hunter22-hunter22"
SMALL = """\
org = 7
[credentials.us]
type = "apiKey"
header = "X-Key"
value = "${KEY}"
[lookups.who]
url = "https://api.example/{id}"
values = {id = "event.eventId"}
credential = "us"
[actions.a]
types = ["customerAdded"]
lookups = ["who"]
call = {url = "https://api.example/", credential = "us", json = {key = "${KEY}", a = {b = ["${KEY}"]}}}
"""  # noqa: E501


def test_no_representation_holds_one() -> None:
    made = declared(WHOLE)
    shown = [repr(made), *map(repr, made.actions.values()), *map(repr, made.lookups.values())]
    shown += [*map(repr, made.connections.values()), *map(str, made.warnings)]
    secrets = [*ENVIRONMENT.values(), "the-password-of-the-crm"]
    assert [secret for secret in secrets if secret in "".join(shown)] == []
    assert "the-key" not in repr(declared(SMALL, environment={"KEY": "the-key"}).actions)
    hook = 'url = "https://api.example/'
    secret = declared(
        SMALL.replace(
            f'{hook}{{id}}"\nvalues = {{id = "event.eventId"}}', 'url = "${HOOK}"'
        ).replace(f'{hook}"', 'url = "${HOOK}"'),
        environment={"KEY": "the-key", "HOOK": "https://hooks.example/the-key"},
    )
    assert "the-key" not in repr([*secret.actions.values(), *secret.lookups.values()])
    assert "hooks.example" in repr(secret.actions["a"].act)


def test_one_may_stand_in_json_and_form_of_a_call_and_in_nothing_else_that_is_kept() -> None:
    declared(SMALL, environment={"KEY": SECRET})
    for act, place in (
        ('call = {url = "https://a.example/", headers = {X-A = "${KEY}"}}', "headers.X-A"),
        ('call = {url = "https://a.example/", text = "${KEY}"}', "text"),
        ('record = {connection = "bus", topic = "crm.a", text = "${KEY}"}', "text"),
        ('record = {connection = "bus", topic = "crm.a", json = {a = "${KEY}"}}', "json.a"),
        ('record = {connection = "bus", topic = "crm.a", key = "${KEY}"}', "key"),
        ('call = {url = "https://a.example/", json = {constant = "${KEY}"}}', "json.constant"),
        (
            'call = {url = "https://a.example/", form = {a = {constant = "${KEY}"}}}',
            "form.a.constant",
        ),
        (
            'call = {url = "https://a.example/", json = {a = [{constant = {b = ["${KEY}"]}}]}}',
            "json.a[0].constant",
        ),
        ('call = {url = "https://a.example/", idempotency = "${KEY}"}', "idempotency"),
        (
            'call = {url = "https://a.example/", text = "a", content_type = "${KEY}"}',
            "content_type",
        ),
        ('call = {url = "https://a.example/", taken = {path = "a", eq = "${KEY}"}}', "taken"),
        (
            'call = {url = "https://a.example/", taken = {not = {path = "a", in = ["${KEY}"]}}}',
            "taken",
        ),
        ('mail = {connection = "mail", to = ["${KEY}"], subject = "a", text = "a"}', "to"),
        ('mail = {connection = "mail", to = "${KEY}", subject = "a", text = "a"}', "to"),
        (
            'row = {connection = "crm", table = "customer_state", values = '
            '{customer_id = "1", tier = {constant = "${KEY}"}}}',
            "values.tier.constant",
        ),
        (
            'row = {connection = "crm", table = "customer_state", values = '
            '{customer_id = "1", tier = "${KEY}"}}',
            "values.tier",
        ),
        (
            'mail = {connection = "mail", to = "a@b.example", subject = "${KEY}", text = "a"}',
            "subject",
        ),
    ):
        text = WHOLE + f'[actions.z]\ntypes = ["customerAdded"]\n{act}\n'
        [said] = faults(text, environment=ENVIRONMENT | {"KEY": SECRET})
        kind = act.partition(" ")[0]
        assert said.endswith(f"(secret_kept, field actions.z.{kind}.{place})"), said


@pytest.mark.parametrize("name", ["a.b", "a[0]", 'a"b', "a\\b", 'a.\\q"', "", " ", "é\n.", "a]"])
def test_however_a_name_in_json_is_written_a_secret_in_it_is_one(name: str) -> None:
    key = json.dumps(name)
    act = f'{{x = [{{{key} = [0, "${{KEY}}"]}}]}}'
    text = SMALL.replace('{key = "${KEY}", a = {b = ["${KEY}"]}}', act)
    made = declared(text, environment={"KEY": SECRET}).actions["a"].act
    assert isinstance(made, HttpCall)
    assert made.json == Each({"x": Each([Each({name: Each([Plain(0), OperatorSecret(SECRET)])})])})
    record = f'\n[actions.z]\ntypes = ["customerAdded"]\n[actions.z.record]\njson = {act}\n'
    text = WHOLE + record + 'connection = "bus"\ntopic = "crm.a"\n'
    [said] = faults(text, environment=ENVIRONMENT | {"KEY": SECRET})
    assert said.startswith(f"actions.toml:{WHOLE.count(chr(10)) + 5}:") and "(secret_kept, " in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("org = 100458", 'org = "${KEY}"'),
        ('method = "PUT"', 'method = "${KEY}"'),
        ('after = "2h"', 'after = "${KEY}"'),
        ('order = "key"', 'order = "${KEY}"'),
        ("rate = 20", 'rate = "${KEY}"'),
        ("at_once = 3", 'at_once = "${KEY}"'),
        ("again = [409]", 'again = ["${KEY}"]'),
        ('types = ["customerAdded"]', 'types = ["${KEY}"]'),
        ('lookups = ["contact"]', 'lookups = ["${KEY}"]'),
        ('needs = "welcome"', 'needs = "${KEY}"'),
        ('topic = "crm.points"', 'topic = "${KEY}"'),
        ('table = "customer_state"', 'table = "${KEY}"'),
        ('connection = "bus"', 'connection = "${KEY}"'),
        ('credential = "survey"', 'credential = "${KEY}"'),
        ('host = "mail.brand.example"', 'port = "${KEY}"'),
        ('type = "smtp"', 'type = "${KEY}"'),
        ('username = "loyalty"', 'username = "${KEY}:x"\ntoken = "${KEY}"'),
        ('url = "https://shop.example/"', 'url = "${KEY}"'),
        ('because = "Opted out."', 'because = "${KEY}\\n"'),
        ('usual = "Asia/Kolkata"', 'usual = "${KEY}"'),
        ('subject = "event.data.customerIdentifiers.customerId"}', 'subject = "${KEY}"}'),
        ('language = "contact.language"', 'language = "${KEY}"'),
        ('eq = "loyalty"', 'gte = {a = "${KEY}"}'),
        ('path = "data.loyaltyType"', 'path = "${KEY}"'),
        ('secret = "${SIGNING}"', 'secret = "${KEY}"'),
        ('"ops@brand.example"', '"${KEY}"'),
        ('sql = "SELECT', 'sql = "${KEY}"\nsqls = "SELECT'),
        ('take = "programTiers[0]"', 'take = "[${KEY}"\nmissing = "${KEY}"'),
        ("[actions.row]", '[types.a]\nschema = {type = "${KEY}"}\n[actions.row]'),
    ],
)
@pytest.mark.parametrize(
    "secret", [SECRET, f"{SECRET} {'x' * 100}", f"..{SECRET}@", f"{'x' * 50}{SECRET}{'y' * 50}"]
)
def test_no_fault_shows_what_came_from_elsewhere(old: str, new: str, secret: str) -> None:
    assert old in WHOLE
    made = read_file(WHOLE.replace(old, new, 1), environment=ENVIRONMENT | {"KEY": secret})
    said = made if isinstance(made, list) else made.warnings
    assert said and [fault for fault in said if "hunter22" in str(fault)] == []


def test_what_is_not_there_is_told_by_its_name() -> None:
    [said] = faults(SMALL, environment={})[:1]
    assert said == (
        "actions.toml:5:1: value must be set in the environment as KEY; it is not. Set it, and "
        "start again. (missing_reference, field credentials.us.value)"
    )
    said = next(iter(faults(WHOLE, files=FILES | {"/run/secrets/crm": "x" * 70_000})))
    assert said.startswith(
        "actions.toml:16:1: password must be in the file /run/secrets/crm; got more than 65536 "
    )


def test_only_a_whole_text_is_a_reference_and_the_line_end_of_a_file_is_no_part_of_it() -> None:
    made = declared(WHOLE, files=FILES | {"/run/secrets/crm": " two\nlines \r\n"})
    assert made.connections["crm"].fields["password"] == " two\nlines "
    text = WHOLE.replace('user = "tidings"', 'user = "a${API_KEY}"')
    assert declared(text).connections["crm"].fields["user"] == "a${API_KEY}"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"${SIGNING}"', f'"{ENVIRONMENT["SIGNING"]}"', "source.verification.secret"),
        ('"${file:/run/secrets/crm}"', f'"{SECRET}"', "connections.crm.password"),
        ('secret = "${API_SECRET}"', f'secret = "{SECRET}"', "credentials.platform.body.secret"),
        ('key = "${API_KEY}"', f'key = "{SECRET}"', "credentials.platform.body.key"),
        ('token = "${API_KEY}"', f'token = "{SECRET}"', "credentials.survey.token"),
        ('password = "${API_SECRET}"', f'password = "{SECRET}"', "credentials.shop.password"),
    ],
)
def test_one_that_stands_in_the_file_is_worth_a_word(old: str, new: str, field: str) -> None:
    assert old in WHOLE
    [warning] = declared(WHOLE.replace(old, new, 1)).warnings
    assert (warning.code, warning.field) == ("plain_secret", field)
    assert SECRET not in str(warning)


def test_one_that_is_empty_is_told_and_not_sent() -> None:
    """Most often nobody has set it."""
    said = faults(WHOLE, environment=ENVIRONMENT | {"API_KEY": ""})
    for field in ("actions.form.call.form.key", "credentials.platform.body.key"):
        [one] = [text for text in said if text.endswith(f", field {field})")]
        assert (
            ": key must not be empty; the value that it reads is. Set it, and start again." in one
        )
    assert len(said) == 3  # the third is a token
