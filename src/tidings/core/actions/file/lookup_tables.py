"""Look-ups as a file of actions declares them: `[lookups.NAME]`, by URL, by SQL or in a CSV.
Pure."""

import re

from tidings.core.actions.action import (
    ANSWER_KIB,
    EVENT,
    ActionLookup,
    CsvLookup,
    HttpLookup,
    SqlLookup,
)
from tidings.core.actions.file.calls import credential_in, headers_in, url_in, values_in
from tidings.core.actions.file.connected import DeclaredNames, connection_in
from tidings.core.actions.file.table import Table, View
from tidings.core.actions.file.templates import absolute
from tidings.core.actions.questions import paths_of
from tidings.core.picks import PATH_MAX, is_path, steps_of
from tidings.core.webhooks.targets.mailing import is_template
from tidings.values import describe_value

LOOKUPS_MAX = 100
NAME = re.compile(r"(?!(?:event|data|each)$)[a-z][a-z0-9_]{0,62}")
NAME_MUST = "1 to 63 of a-z, 0-9 and _, beginning with a letter, and not event, data or each"
STATEMENT_MAX = 8192
CACHE_MAX_S, DEADLINE_MIN_S, DEADLINE_MAX_S = 86_400.0, 0.1, 30.0
RATE_MAX_PER_S, AT_ONCE_MAX = 10_000, 100
ANSWER_KIB_MAX = 256
AT_ONCE_USUAL = 10
UNDER_WAY_KIB_MAX = AT_ONCE_USUAL * ANSWER_KIB_MAX  # of one look-up: larger ones, fewer at once
COLUMN_MAX = 200
PATHS_MAX = 10  # of one value
_KINDS = ("url", "sql", "csv")
_OWN = {
    "url": ("url", "values", "headers", "credential", "take", "answer_kib"),
    "sql": ("sql", "connection", "values"),
    "csv": ("csv", "key", "by"),
}
_COMMON = ("missing", "failing", "cache", "deadline", "rate", "at_once")
_READS = re.compile(r"(?is)\s*(?:select|with|values|table)\b")
_PARAMETER = re.compile(r"%%|%\(([A-Za-z_][A-Za-z0-9_]{0,63})\)s")
_WORDS = frozenset("true false none not and or in is if else loop self super".split())


def lookup_of(
    name: str,
    table: Table,
    names: tuple[str, ...],
    declared: DeclaredNames,
) -> ActionLookup | None:
    """Read the look-up that a table declares. What is wrong is reported; None comes back if it is
    none. `names` are those of all look-ups: it may use the others."""
    kinds = [kind for kind in _KINDS if kind in table.body]
    if name in _WORDS:
        table.refuse(
            "bad_name",
            "",
            "The name of a look-up must not be a keyword of templates; got "
            f"{describe_value(name)}. Rename it.",
        )
    if len(kinds) != 1:
        table.refuse(
            "bad_lookup",
            "",
            f"A look-up must have one of url, sql and csv; got {' and '.join(kinds) or 'none'}. "
            'Write url = "https://…", sql = "SELECT …" or csv = "contacts.csv".',
        )
        return None
    (kind,) = kinds
    table.refuse_unknown((*_OWN[kind], *_COMMON))
    view = View(tuple(other for other in names if other != name))
    table, others = _with_first_paths(table, view)
    where: HttpLookup | SqlLookup | CsvLookup | None
    if kind == "url":
        where = _http(table, view, declared)
    elif kind == "sql":
        where = _sql(table, view, declared)
    else:
        where = _csv(table, view)
    rate = table.number("rate", 0.01, RATE_MAX_PER_S, None)
    return (
        None
        if where is None
        else ActionLookup(
            name,
            where,
            others=others,
            missing=table.one_of("missing", ("skip", "fail", "empty"), "skip"),
            failing=table.one_of("failing", ("wait", "empty"), "wait"),
            cache_s=table.duration("cache", 0.0, CACHE_MAX_S, 0.0),
            deadline_s=table.duration("deadline", DEADLINE_MIN_S, DEADLINE_MAX_S, 5.0),
            rate_per_s=rate,
            at_once=table.count("at_once", 1, AT_ONCE_MAX, AT_ONCE_USUAL),
        )
    )


def kib_of(lookup: ActionLookup) -> int:
    """Return the bound of a look-up's record, in KiB."""
    return lookup.where.answer_kib if isinstance(lookup.where, HttpLookup) else ANSWER_KIB


def uses(lookup: ActionLookup) -> dict[str, str]:
    """Return, by place, the first name in each path that a look-up is asked by."""
    return {
        f"{name}[{at}]": str(steps_of(path)[0])
        for name, paths in paths_of(lookup).items()
        for at, path in enumerate(paths)
    }


def _with_first_paths(table: Table, view: View) -> tuple[Table, dict[str, tuple[str, ...]]]:
    """Return the table with the first path in place of each list of paths, and the others by the
    values' names; what is wrong with these is reported."""
    others: dict[str, tuple[str, ...]] = {}

    def first(place: str, name: str, value: object) -> object:
        if not isinstance(value, list):
            return value
        if not 0 < len(value) <= PATHS_MAX:
            table.refuse(
                "bad_path",
                place,
                f"{name} must have 1 to {PATHS_MAX} paths; got {len(value)}. Write "
                '["event.data.customerIdentifiers.customerId"].',
            )
            return EVENT
        if all(
            [table.is_seen(f"{place}[{at}]", path, view) for at, path in enumerate(value) if at]
        ):
            others[name] = tuple(value[1:])
        return value[0]

    body = dict(table.body)
    if "by" in body:
        body["by"] = first("by", "by", body["by"])
    if isinstance(values := body.get("values"), dict):
        body["values"] = {
            name: first(f"values.{name}", name, value) for name, value in values.items()
        }
    return Table(table.given, table.faults, table.path, body), others


def _http(table: Table, view: View, declared: DeclaredNames) -> HttpLookup | None:
    url, values = url_in(table, view)
    credential = credential_in(table, declared.credentials)
    headers = headers_in(table, None, credential)
    take = table.body.get("take", "")
    if take != "" and not (isinstance(take, str) and is_path(take)):
        table.refuse(
            "bad_path",
            "take",
            f"take must be a path in the answer, of at most {PATH_MAX} characters; got "
            f"{describe_value(take)}. Write items[0].",
        )
        return None
    plain = tuple((name, str(text.value)) for name, text in headers if hasattr(text, "value"))
    secret = table.is_reference("url")
    kib = table.count("answer_kib", 1, ANSWER_KIB_MAX, ANSWER_KIB)
    most = UNDER_WAY_KIB_MAX // kib
    at_once = table.body.get("at_once", AT_ONCE_USUAL)
    if type(at_once) is int and most < at_once <= AT_ONCE_MAX:
        table.refuse(
            "out_of_range",
            "at_once",
            f"at_once must be at most {most} beside answer_kib = {kib}, so that requests under way "
            f"fit; got {at_once}. Lower one of them.",
        )
    return HttpLookup(
        url, values, plain, credential=credential, take=take, url_secret=secret, answer_kib=kib
    )


def _sql(table: Table, view: View, declared: DeclaredNames) -> SqlLookup | None:
    connection = connection_in(table, declared.connections, "sql")
    statement = table.text(
        "sql",
        f"a statement of at most {STATEMENT_MAX} characters that begins with SELECT or WITH, and "
        "no template",
        _is_statement,
        '"SELECT tier FROM customers WHERE id = %(id)s"',
        "bad_statement",
    )
    if not statement:
        return None
    names = [parameter[1] for parameter in _PARAMETER.finditer(statement) if parameter[1]]
    values = values_in(table, view, names, "a parameter of the statement, as %(id)s")
    return SqlLookup("" if connection is None else connection.name, statement, values)


def _is_statement(text: str) -> bool:
    return (
        len(text) <= STATEMENT_MAX
        and _READS.match(text) is not None
        and "\x00" not in text
        and not is_template(text)
    )


def _csv(table: Table, view: View) -> CsvLookup | None:
    file = table.text(
        "csv",
        "the name of a file",
        lambda text: 0 < len(text) <= 1000 and "\x00" not in text and not is_template(text),
        '"contacts.csv"',
        "bad_file",
    )
    table.need("key", '"customer_id"')
    key = table.line("key", COLUMN_MAX, '"customer_id"')
    table.need("by", '"event.data.customerIdentifiers.customerId"')
    by = table.seen("by", view)
    return CsvLookup(absolute(table, file), key, by) if file and key and by else None
