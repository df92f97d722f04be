"""What a file of actions declares is what actions are made of."""

import pytest

from tests.core.actions.file.read_file import CATALOGUE, WHOLE, declared, faults, read_file
from tidings.core.actions.action import (
    Cap,
    CsvLookup,
    Each,
    HttpCall,
    HttpLookup,
    KafkaRecordAct,
    MailAct,
    OperatorSecret,
    PathValue,
    Plain,
    Quiet,
    SqlLookup,
    TableRowAct,
    TemplatedText,
    TokenCall,
)
from tidings.core.actions.file.reading import ActionsFile
from tidings.core.connections.connection import Connection
from tidings.core.webhooks.authentication import ApiKey, Basic
from tidings.core.webhooks.webhook import Ordering

WHO = "event.data.customerIdentifiers.customerId"
SMALL = """\
org = 7
[actions.a]
types = ["customerAdded"]
call = {url = "https://api.example/"}
"""


def test_a_file_with_a_bit_of_everything() -> None:
    made = declared(WHOLE)
    assert made.warnings == () and made.org == 100458
    assert made.source is not None and made.source.name == "platform" and not made.declares_pause
    assert list(made.actions) == ["welcome", "survey", "form", "row", "record"]
    assert {name: connection.kind for name, connection in made.connections.items()} == {
        "mail": "smtp",
        "crm": "sql",
        "bus": "kafka",
    }
    assert made.connections["crm"].fields["password"] == "the-password-of-the-crm"


def test_look_ups_are_declared_once_and_named_by_actions() -> None:
    made = declared(WHOLE)
    contact, tier, consent = made.actions["survey"].lookups
    assert made.lookups == {"contact": contact, "tier": tier, "consent": consent}
    assert made.actions["welcome"].lookups == (contact,)
    assert contact.where == CsvLookup("/etc/actions/contacts.csv", "customer_id", WHO)
    assert (contact.missing, contact.failing, contact.cache_s) == ("skip", "wait", 0.0)
    assert contact.deadline_s == 5.0 and contact.rate_per_s is None and contact.at_once == 10
    assert isinstance(tier.where, HttpLookup) and isinstance(tier.where.credential, TokenCall)
    assert tier.where.values == {"id": WHO, "name": "contact.name"}
    assert tier.where.headers == (("Accept", "application/json"),)
    assert tier.where.take == "programTiers[0]"
    assert tier.where.credential.body == {
        "key": "the-key-of-the-api",
        "secret": "the-secret-of-the-api",
        "kind": 1,
    }
    assert (tier.missing, tier.failing, tier.cache_s, tier.deadline_s) == (
        "empty",
        "empty",
        30.0,
        0.5,
    )
    assert (tier.rate_per_s, tier.at_once) == (50.0, 7)
    assert isinstance(consent.where, SqlLookup) and consent.where.connection == "crm"
    assert consent.where.values == {"id": WHO}


def test_when_an_action_is_done() -> None:
    one = declared(WHOLE).actions["welcome"]
    assert one.types == ("customerAdded",)
    assert one.filter == {"path": "data.loyaltyType", "eq": "loyalty"}
    [unless] = one.unless
    assert unless.because == "Opted out."
    assert unless.filter.accepts({"contact": {"opted_out": "yes"}})
    assert not unless.filter.accepts({"contact": {}})
    assert one.after_s == 7200.0
    assert one.quiet == Quiet(21 * 60, 8 * 60, "contact.zone", "Asia/Kolkata")
    assert one.cap == Cap(1, 30 * 86_400.0, WHO)
    assert one.ordering is Ordering.KEY and one.at_once == 3 and one.rate_per_s == 20
    assert one.deadline_s == 10.0 and one.again == {409} and one.never == {503}
    other = declared(WHOLE).actions["survey"]
    assert other.needs == "welcome" and other.types == ("customerAdded", "customerUp*")
    assert (other.quiet, other.cap, other.unless, other.after_s) == (None, None, (), 0.0)
    assert other.ordering is Ordering.NONE and other.deadline_s == 30.0


def test_a_mail_and_what_is_other_in_a_language() -> None:
    acts = declared(WHOLE).actions["welcome"].acts
    assert list(acts) == ["", "de"]
    usual, german = acts[""], acts["de"]
    assert isinstance(usual, MailAct) and isinstance(german, MailAct)
    assert usual.to == (TemplatedText("{{ contact.email }}"), Plain("ops@brand.example"))
    assert usual.text == Plain("Hello")
    assert usual.html == TemplatedText("<p>Hello {{ contact.name }}</p>\n", html=True)
    assert german.subject == TemplatedText("Willkommen, {{ contact.name }}")
    assert (german.to, german.html, german.connection) == (usual.to, usual.html, "mail")


def test_a_call_and_what_its_json_is_made_of() -> None:
    act = declared(WHOLE).actions["survey"].act
    assert isinstance(act, HttpCall) and act.method == "POST"
    assert act.values == {"id": "event.eventId"}
    assert act.headers == (("X-Brand", Plain("acme")), ("X-Tier", TemplatedText("{{ tier.name }}")))
    assert act.credential == ApiKey("Authorization", "Bearer the-key-of-the-api")
    assert act.json == Each(
        {
            "email": TemplatedText("{{ contact.email }}"),
            "tier": PathValue("tier"),
            "as": Plain("{{"),
            "n": Plain([1, {"a": True}]),
        }
    )
    assert act.idempotency == "Idempotency-Key" and act.untaken == "again"
    assert act.taken is not None and act.taken.accepts({"status": "success"})
    form = declared(WHOLE).actions["form"].act
    assert isinstance(form, HttpCall) and form.method == "PUT"
    assert form.credential == Basic("loyalty", "the-secret-of-the-api")
    assert dict(form.form) == {
        "number": PathValue("event.data.transactionId"),
        "key": OperatorSecret("the-key-of-the-api"),
        "kind": Plain("sale"),
    }


def test_a_row_and_a_record() -> None:
    made = declared(WHOLE).actions
    assert made["row"].act == TableRowAct(
        "crm", "customer_state", {"customer_id": PathValue(WHO), "tier": Plain("gold")}
    )
    assert made["record"].act == KafkaRecordAct(
        "bus", "crm.points", key=TemplatedText(f"{{{{ {WHO} }}}}")
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('text = "a"', "text/plain; charset=utf-8"),
        ('text = "<a/>", content_type = "text/xml"', "text/xml"),
        ("json = {a = 1}", ""),
    ],
)
def test_the_type_of_a_text_is_said_beside_it(body: str, content_type: str) -> None:
    act = declared(SMALL.replace('/"}', f'/", {body}}}')).actions["a"].act
    assert isinstance(act, HttpCall) and act.content_type == content_type


def test_a_connection_may_be_declared_elsewhere_and_not_twice() -> None:
    text = SMALL.replace(
        'call = {url = "https://api.example/"}', 'record = {connection = "main", topic = "a"}'
    )
    main = Connection("main", "kafka", {"servers": "x:1"})
    made = declared(text, connections={"main": main})
    assert made.connections == {} and made.actions["a"].act == KafkaRecordAct("main", "a")
    own = text + '[connections.main]\ntype = "kafka"\nservers = "y:1"\n'
    [said] = faults(own, connections={"main": main})
    assert said.startswith("actions.toml:5:14: A connection must have a name of its own")


def test_the_name_of_a_type_is_taken_for_another_name_of_it() -> None:
    other, name = next(iter(CATALOGUE.aliases.items()))
    assert declared(SMALL.replace("customerAdded", other)).actions["a"].types == (name,)


def test_where_the_org_takes_unknown_types_they_may_be_named_and_a_slip_is_still_told() -> None:
    text = SMALL.replace("customerAdded", "com.example.Ours")
    [said] = faults(text)
    assert "(unknown_event_name, field actions.a.types[0])" in said
    made = declared(text, admits_unknown=True)
    assert made.actions["a"].types == ("com.example.Ours",)
    assert [warning.code for warning in made.warnings] == ["unheard_event_name"]
    [said] = faults(text.replace("com.example.Ours", "customerAddd"), admits_unknown=True)
    assert "Did you mean customerAdded?" in said


def test_windows_line_ends_and_a_mark_at_the_begin_change_nothing() -> None:
    assert declared(WHOLE.replace("\n", "\r\n")).actions == declared(WHOLE).actions


@pytest.mark.parametrize(
    ("more", "code", "place"),
    [
        ('[lookups.x]\ncsv = "a.csv"\nkey = "id"\nby = "event.eventId"\n', "unused", "5:10"),
        ('[credentials.x]\ntype = "bearer"\ntoken = "${API_KEY}"\n', "unused", "5:14"),
        ('[connections.x]\ntype = "kafka"\nservers = "y:1"\n', "unused", "5:14"),
        (
            '[actions.b]\ntypes = ["pointsIssued"]\nneeds = "a"\ncall = {url = "http://b.example"}',
            "unreached",
            "7:1",
        ),
        (
            '[actions.b]\ntypes = ["pointsIssued"]\nfilter = {path = "data.no", eq = 1}\n'
            'call = {url = "http://b.example"}',
            "unknown_path",
            "7:11",
        ),
        (
            '[actions.b]\ntypes = ["pointsIssued"]\n'
            'call = {url = "http://b.example", text = "{{ event.data.totalPint }}"}',
            "unknown_path",
            "7:35",
        ),
        (
            '[actions.b]\ntypes = ["pointsIssued"]\n'
            'unless = [{filter = {path = "event.data.no", eq = 1}, because = "So."}]\n'
            'call = {url = "http://b.example"}',
            "unknown_path",
            "7:22",
        ),
    ],
)
def test_what_is_odd_is_told_and_the_file_is_used(more: str, code: str, place: str) -> None:
    [warning] = declared(SMALL + more).warnings
    assert (warning.code, f"{warning.line}:{warning.column}") == (code, place), str(warning)


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = WHOLE.replace("100458", "0").replace('"2h"', '"2 h"').replace("PUT", "FETCH")
    found = faults(text.replace('topic = "crm.points"', 'topic = "shop"'))
    assert [text.split(":")[1] for text in found] == sorted(
        (text.split(":")[1] for text in found), key=int
    )
    codes = ["bad_org_id", "bad_duration", "bad_word", "topic_not_admitted"]
    assert [text.rpartition(" (")[2].split(",")[0] for text in found] == codes


def test_what_is_said_of_a_file_shows_nothing_of_it() -> None:
    made = read_file(WHOLE)
    assert isinstance(made, ActionsFile)
    assert repr(made).startswith("ActionsFile(org=100458, actions=['welcome',")


@pytest.mark.parametrize(
    ("act", "language", "field"),
    [
        ('call = {url = "https://a.example/x"}', 'url = "https://b.example/x"', "url"),
        ('call = {url = "https://a.example/x"}', 'url = "http://a.example/x"', "url"),
        ('call = {url = "https://a.example/x"}', 'url = "https://a.example:8443/x"', "url"),
        ('call = {url = "https://a.example/x"}', 'credential = "shop"', "credential"),
        (
            'call = {url = "https://a.example/", credential = "shop"}',
            'credential = "survey"',
            "credential",
        ),
        ('record = {connection = "bus", topic = "crm.a"}', 'topic = "crm.b"', "topic"),
        (
            'row = {connection = "crm", table = "customer_state", values = {customer_id = "1"}}',
            'table = "others"',
            "table",
        ),
    ],
)
def test_a_language_says_other_words_and_goes_where_the_act_goes(
    act: str, language: str, field: str
) -> None:
    """What is done goes to one place as one of us: it is opened once for all languages."""
    text = WHOLE.replace(
        'id = "event_id"',
        'id = "event_id"\n[connections.crm.tables.others]\ncolumns = ["customer_id"]\n'
        'key = ["customer_id"]',
    )
    text += f'[actions.z]\ntypes = ["customerAdded"]\nlanguage = "event.data.loyaltyType"\n{act}\n'
    declared(text + "[actions.z.languages.de]\n[actions.z.languages.fr]\n")
    [said] = faults(f"{text}[actions.z.languages.de]\n{language}\n")
    assert said.endswith(f" (bad_language, field actions.z.languages.de.{field})"), said
    assert int(said.split(":")[1]) == text.count("\n") + 2


def test_a_language_may_call_another_path_of_the_host() -> None:
    text = (
        '[actions.z]\ntypes = ["customerAdded"]\nlanguage = "event.data.loyaltyType"\n'
        'call = {url = "https://a.example/en", credential = "shop"}\n[actions.z.languages.de]\n'
        'url = "https://A.example/de/{id}"\nvalues = {id = "event.eventId"}\ncredential = "shop"\n'
    )
    acts = declared(WHOLE + text).actions["z"].acts
    assert [getattr(act, "url", "") for act in acts.values()] == [
        "https://a.example/en", "https://A.example/de/{id}",
    ]  # fmt: skip


@pytest.mark.parametrize("admits_unknown", [True, False])
def test_a_type_that_cannot_be_used_is_told_once_and_not_by_all_that_name_it(
    admits_unknown: bool,
) -> None:
    text = (
        '[types."a.due"]\nschema = {type = "object"}\n'
        '[actions.y]\ntypes = ["customerAdded"]\nevent = {type = "a.due", data = {}}\n'
        '[actions.z]\ntypes = ["a.due"]\ncall = {url = "https://a.example/"}\n'
    )
    for heard in ("a.due", "a.*"):
        said = faults(
            WHOLE + text.replace('["a.due"]', f'["{heard}"]'), admits_unknown=admits_unknown
        )
        assert [text.rpartition(" (")[2] for text in said] == [
            "bad_description, field types.a.due)"
        ]
