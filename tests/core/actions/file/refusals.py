"""Every way in which a file of actions is refused or warned of, each by one change to a whole file:
`python -m tests.core.actions.file.refusals` writes what is said then, to be read before a commit.
"""

import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.core.actions.file.read_file import WHOLE, read_file
from tidings.core.connections.connection import Connection

KEPT = Path(__file__).with_name("refusals.txt")
_Z = '[actions.z]\ntypes = ["customerAdded"]\n'
_CALL = _Z + 'lookups = ["contact"]\n[actions.z.call]\nurl = "https://a.example/"\n'
_ASKS = _Z + 'lookups = ["z"]\n[actions.z.call]\nurl = "https://a.example/"\n'
_LOOKUP = '\n[lookups.z]\nkey = "id"\nby = "event.eventId"\n'
_HTTP = '\n[lookups.z]\nurl = "https://a.example/"\n'
_TOKEN = (
    '\n[credentials.z]\ntype = "token"\nurl = "https://a.example/"\nbody = {}\n'
    'token = "a"\nheader = "X-A"\n'
)
_TYPE = '\n[types.ours]\ndescription = "Ours."\nschema = {}\n'
_EVENT = _TYPE + _Z + '[actions.z.event]\ntype = "ours"\ndata = {}\n'
_SAME = (
    _Z + 'lookups = ["contact"]\nunless = [{REASON, because = "So."}]\n'
    'call = {url = "https://a.example/"}\n'
)
_ACCOUNT = (
    '[credentials.z]\ntype = "serviceAccount"\nscope = "a"\naccount = '
    '\'{"client_email": "a@b.example", '
    '"token_uri": "https://a.example/", "private_key": "KEY"}\'\n'
)
KEY_OF_NOBODY = json.dumps(
    rsa.generate_private_key(65537, 2048)
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
)[1:-1]
_MANY = ", ".join(f'"ours.{at}"' for at in range(101))
ELSEWHERE = {"shared": Connection("shared", "outbox", {})}
# What is written instead of what; what stands in place of nothing is added at the end.
CHANGES: list[tuple[str, str]] = [
    # -- the file as a whole
    ("[source]", "[source"),
    ("", "x = 1\nx = 2"),
    ("", 'x = "a'),
    ("", f"x = {'9' * 5000}"),
    ("", "x = " + "[" * 40 + "]" * 40),
    ("", "#" * (1 << 20)),
    (WHOLE, "org = 1"),
    ("org = 100458", ""),
    ("org = 100458", "org = 0"),
    ("", "[actoins.x]"),
    ("[lookups.contact]", "[lookups.Contact]"),
    ('[source]\nname = "platform"', "[sauce]"),
    ('type = "sql"\nhost', 'type = "sql"\norgs = "all"\nhost'),
    # -- the source
    ('name = "platform"', "org = 1"),
    ('name = "platform"', 'name = "platform"\nmapping = "{"'),
    ('name = "platform"', 'name = "platform"\nmapping = {data = 1979-05-27}'),
    ("[source]", "source = 1\n[connections.x]"),
    ('type = "standardWebhooks"', 'type = "standard"'),
    ('secret = "${SIGNING}"', 'secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"'),
    # -- connections
    ("[connections.mail]", "[connections.Mail]"),
    ('type = "smtp"', 'type = "imap"'),
    ('host = "mail.brand.example"', "host = 1"),
    ("", "".join(f"[connections.a{at}]\n" for at in range(101))),
    ('password = "${file:/run/secrets/crm}"', 'password = "${file:crm}"'),
    ('"${SIGNING}"', '"${SIGNED}"'),
    ("", '[connections.z]\ntype = "kafka"\nservers = "y:1"'),
    ("[connections.mail]", "[connections.shared]"),
    # -- credentials
    ('type = "bearer"', 'type = "bear"'),
    ('type = "bearer"', ""),
    ('token = "${API_KEY}"', 'token = "two words"'),
    ('username = "loyalty"', 'username = "a:b"'),
    ('username = "loyalty"', 'username = "loyalty"\nrealm = "x"'),
    ("", _TOKEN.replace('"https://a.example/"', "1")),
    ("", _TOKEN.replace('"https://a.example/"', '"ftp://a.example/"')),
    ("", _TOKEN.replace('"X-A"', "1")),
    ("", _TOKEN.replace('"X-A"', '"Host"')),
    ("", _TOKEN.replace("{}", "{a = []}")),
    ("", _TOKEN.replace("{}", '{a = "{{ event }}"}')),
    ("", _TOKEN.replace('"a"', '"a..b"')),
    ("", _TOKEN + 'prefix = "é"'),
    ("", '[credentials.z]\ntype = "token"\n'),
    ("", '[credentials.z]\ntype = "serviceAccount"\n'),
    ("", '[credentials.z]\ntype = "serviceAccount"\naccount = "{}"\nscope = "é"\n'),
    ("", _ACCOUNT.replace("KEY", "no key")),
    ("", _ACCOUNT.replace("KEY", KEY_OF_NOBODY).replace("https:", "ftp:")),
    # -- look-ups
    ("", _LOOKUP.replace('"event.eventId"', "[]") + 'csv = "a"'),
    ("", _LOOKUP),
    ("", _LOOKUP + 'csv = ""'),
    ("", _LOOKUP + 'csv = "a"\nkay = "x"'),
    ("", _LOOKUP.replace('"id"', '"a\\nb"') + 'csv = "a"'),
    ("", _LOOKUP.replace("event.", "evnt.") + 'csv = "a"'),
    ("", _LOOKUP.replace("event.", "event..") + 'csv = "a"'),
    ("", _LOOKUP.replace(".z", ".loop") + 'csv = "a"'),
    ("", _LOOKUP.replace('key = "id"', "") + 'csv = "a"'),
    ("", _LOOKUP + 'csv = "a"\ncache = "2 days"\ndeadline = "31s"\nrate = 0\nat_once = 1.5'),
    ("", _LOOKUP + 'csv = "a"\nanswer_kib = 64'),
    ("", _HTTP + "answer_kib = 257"),
    ("", _HTTP + "answer_kib = 128\nat_once = 21"),
    (
        "",
        _HTTP
        + "answer_kib = 256\n"
        + "".join(f'[lookups.y{at}]\nurl = "https://a.example/"\n' for at in range(5))
        + _CALL.replace('"contact"', '"z", "y0", "y1", "y2", "y3", "y4"'),
    ),
    ("", _LOOKUP + 'csv = "a"\nmissing = "sip"\nfailing = 1'),
    ("", _HTTP.replace("https", "ftp")),
    ("", _HTTP.replace("a.example", "{a}.example")),
    ("", _HTTP.replace("example/", "example/{{ event }}")),
    ("", _HTTP.replace("example/", "example:5432/")),
    ("", _HTTP.replace('"https://a.example/"', "1")),
    ("", _HTTP.replace("example/", "example/{id}")),
    ("", _HTTP + 'values = {id = "event.eventId"}'),
    ("", _HTTP + 'credential = "platfrom"'),
    ("", _HTTP + 'take = "a["'),
    ("", _HTTP + 'headers = {Host = "a", "A B" = "b", A = 1, a = "c"}'),
    ("", _HTTP + 'headers = {X-Access-Token = "a"}\ncredential = "platform"'),
    ("", _HTTP + "headers = {" + f'A = "{"x" * 9000}"' + "}"),
    ('connection = "crm"\nvalues', 'connection = "mail"\nvalues'),
    ('connection = "crm"\nvalues', 'connection = "crn"\nvalues'),
    ('connection = "crm"\nvalues', "values"),
    ('sql = "SELECT', 'sql = "DELETE'),
    ("%(id)s;", "%(id)s AND %(ids)s;"),
    # -- when
    ('types = ["pointsIssued"]', ""),
    ('types = ["pointsIssued"]', 'types = "pointsIssued"'),
    ('types = ["pointsIssued"]', 'types = ["pointIssued", "ours"]'),
    ('types = ["pointsIssued"]', 'types = ["pointsIssued", "ours", "ours.*"]'),
    ("", f'[actions.z]\ntypes = [{_MANY}]\ncall = {{url = "https://a.example/"}}'),
    ('filter = {path = "data.loyaltyType", eq = "loyalty"}', 'filter = "all"'),
    ('eq = "loyalty"', 'eqs = "loyalty"'),
    ('eq = "loyalty"', "gte = 1979-05-27"),
    ('path = "data.loyaltyType"', 'path = "contact.tier"'),
    ('path = "data.loyaltyType"', 'path = "data.loyaltyKind"'),
    ('lookups = ["contact"]\nunless', 'lookups = ["contacts"]\nunless'),
    ('lookups = ["contact", "tier", "consent"]', 'lookups = ["tier", "contact"]'),
    ('unless = [{filter = {path = "contact.opted_out"', 'unless = [{filter = {path = "contct.out"'),
    ('unless = [{filter = {path = "contact.opted_out"', 'unless = [{filter = {path = "event.out"'),
    (', because = "Opted out."}]', "}, 7]"),
    (', because = "Opted out."}]', ', because = ""}]'),
    ("", _Z + 'unless = 1\ncall = {url = "https://a.example/"}'),
    ('after = "2h"', 'after = "8d"'),
    ('from = "21:00"', 'from = "9 p.m."'),
    ('from = "21:00"', 'from = "08:00"'),
    ('from = "21:00", ', ""),
    ('usual = "Asia/Kolkata"', 'usual = "India"'),
    ('within = "30d"', 'within = "1s"'),
    ('within = "30d"', 'within = "a month"'),
    ("most = 1, ", "most = 0, "),
    ('language = "contact.language"', ""),
    ('language = "contact.language"', 'language = "customer.language"'),
    ('needs = "welcome"', 'needs = "welcom"'),
    ("", _Z.replace(".z", ".y") + 'needs = "z"\ncall = {url = "https://a.example/"}\n' + _Z
     + 'needs = "y"\ncall = {url = "https://a.example/"}'),
    ('needs = "welcome"', 'needs = "record"'),
    ("never = [503]", "never = [409]"),
    ("never = [503]", "never = [200]"),
    ('order = "key"', 'order = "keys"'),
    ("rate = 20", 'rate = "20"'),
    # -- what it does
    ("", _Z),
    ("", _CALL + '[actions.z.mail]\nto = "x"'),
    ("", _Z + "call = 1"),
    ("[actions.welcome.languages.de]", "[actions.welcome.languages.german-]"),
    ("[actions.welcome.languages.de]", '[actions.welcome.languages.de]\nconnection = "crm"'),
    ("[actions.welcome.languages.de]", '[actions.welcome.languages.de]\ntext = "{{ tier }}"'),
    ('recipients = "any"', ""),
    ('recipients = "any"', 'recipients = "any"\ndomains = ["other.example"]'),
    ('"ops@brand.example"', '"Ops <ops@brand.example>"'),
    ('to = ["{{ contact.email }}", "ops@brand.example"]', "to = []"),
    ('text = "Hello"\nhtml = {file = "templates/welcome.html"}', ""),
    ('subject = "Welcome, {{ contact.name }}"', 'subject = "two\\nlines"'),
    ('subject = "Welcome, {{ contact.name }}"', ""),
    ("templates/welcome.html", "templates/none.html"),
    ("Welcome, {{ contact.name }}", "Welcome, {{ contact.name "),
    ("Welcome, {{ contact.name }}", "Welcome, {{ contct.name }}"),
    ("Welcome, {{ contact.name }}", "Welcome, {{ event.data.nickname }}"),
    ('text = "Hello"', "text = 1"),
    ("", _CALL + 'json = {}\ntext = "a"'),
    ("", _CALL + 'method = "FETCH"'),
    ("", _CALL + f"form = {{{', '.join(f'k{at} = 1' for at in range(101))}}}"),
    ("", _CALL + "form = {a = [1]}"),
    ("", _CALL + 'json = {a = 1}\ncontent_type = "a/b"'),
    ("", _CALL + 'text = "a"\ncontent_type = "text"'),
    ("", _CALL + 'text = "a"\nheaders = {Content-Type = "a/b"}'),
    ("", _CALL + 'text = "${API_KEY}"'),
    ("", _CALL + 'headers = {X-Key = "${API_KEY}"}'),
    ("", _CALL + "idempotency = 1"),
    (
        "",
        '[connections.log]\ntype = "sql"\nhost = "db.brand.example"\nuser = "tidings"\n'
        'tables.log = {columns = ["a"], id = "id"}\n'
        + "".join(
            f'[actions.z{at}]\ntypes = ["customer*"]\nrow = {{connection = "log", table = "log", '
            'values = {a = "b"}}\n'
            for at in range(2)
        ),
    ),
    ("", _CALL + 'idempotency = "webhook-id"'),
    ("", _CALL + 'untaken = "later"\ntaken = 1'),
    ("", _CALL + "json = {a = inf, b = 1979-05-27, c = {constant = inf}}"),
    ("", _CALL + 'json = {a = {constant = ["${API_KEY}"]}}'),
    ("", _CALL + 'json = {a = "${file:/run/secrets/empty}"}'),
    ("", _CALL + '[actions.z.languages.de]\nurl = "https://b.example/"\ncredential = "shop"'),
    ("", _CALL + f"json = [{'1,' * 501}]"),
    ("", _CALL + f"json = {{{'k' * 129} = 1}}"),
    ("", _CALL + 'json = {a = {path = "tier.name"}}'),
    ('table = "customer_state"', 'table = "customer_stats"'),
    ('tier = "gold"}', 'teir = "gold"}'),
    ("customer_id = {path", "event_id = {path"),
    ('topic = "crm.points"', 'topic = "a b"'),
    ('topic = "crm.points"', 'topic = "shop.points"'),
    ('topic = "crm.points"', 'topic = "crm.points"\njson = {}\ntext = "a"'),
    ("", "".join(f"[actions.a{at}]\n" for at in range(201))),
    # -- event types, and the act `event`
    ("org = 100458", "org = 100458\ntypes = 1"),
    ("", "".join(f"[types.a{at}]\n" for at in range(51))),
    ("", "[types]\nz = 1"),
    ("", "[types.customerAdded]\n"),
    ("", "[types.z]\n"),
    ("", _TYPE + 'key = "z"\n'),
    ("", _EVENT.replace("type =", "typo =")),
    ("", _EVENT.replace('= "ours"', '= "our"')),
    ("", _Z + '[actions.z.event]\ntype = "ours"\ndata = {}\n'),
    ("", _EVENT.replace("data = {}", "data = 1")),
    ("", _EVENT.replace("data = {}", 'data = {a = {path = "each.a"}}')),
    ("", _EVENT.replace("data = {}", 'data = {a = ["{{ each.a }}"]}\neach = "event.data"')),
    ("", _EVENT.replace('"customerAdded"', '"customerAdded", "ours"')),
    # -- what was found, with some of it other
    ("", _CALL + 'json = {path = "contact", with = 1}'),
    ("", _CALL + 'json = {path = "contact.a", by = "code", with = [{a = 1}]}'),
    ("", _CALL + 'json = {path = "lost.a", with = {a = 1}}'),
    # -- likely slips
    ("", _CALL + 'json = {a = "x ${KEY} y"}'),
    ("", _CALL + 'json = {a = "{ event.eventId }"}'),
    ("", _CALL + 'headers = {Authorization = "a"}'),
    ('host = "mail.brand.example"', 'host = "mail.brand.example"\nsecurity = "plaintext"'),
    ("", _LOOKUP.replace("event.eventId", "event.data.nowhere") + 'csv = "a.csv"\n' + _ASKS),
    (
        "",
        _LOOKUP.replace("event.eventId", "event.data.coupons[0].code") + 'csv = "a.csv"\n' + _ASKS
        + _ASKS.replace("actions.z", "actions.y").replace("customerAdded", "CouponIssue"),
    ),
    ('subject = "Welcome', 'unsubscribe = "http://brand.example/"\nsubject = "Welcome'),
    # -- comparisons
    ("", _SAME.replace("REASON", 'same = ["contact.a", "contact.b"], filter = {}')),
    ("", _SAME.replace("REASON", 'same = ["contact.a"]')),
    ("", _SAME.replace("REASON", 'differ = ["contact.a", "lost.b"]')),
    ("", _SAME.replace("REASON", 'differ = ["contact.a", "contact.a"]')),
    ("", _SAME.replace("REASON", 'same = ["contact.a", "contact.b"]') + "anew = 1"),
]  # fmt: skip


def said_of(change: tuple[str, str]) -> list[str]:
    """What is said of the file with a change; the change is there."""
    old, new = change
    assert old in WHOLE, old
    made = read_file(
        WHOLE.replace(old, new, 1) if old else f"{WHOLE}\n{new}\n",
        connections=ELSEWHERE,
        admits_unknown=True,
    )
    return [str(warning) for warning in (made if isinstance(made, list) else made.warnings)]


def refusals() -> list[str]:
    """The lines of the list: each change, and what is said of it."""
    found: list[str] = []
    for old, new in CHANGES:
        shown = [f"{element[:70]}…" if len(element) > 70 else element for element in (old, new)]
        found.append(repr(tuple(shown)))
        found += [f"    {text}" for text in said_of((old, new))]
    return found


if __name__ == "__main__":
    KEPT.write_text("".join(f"{line}\n" for line in refusals()), "utf-8")
