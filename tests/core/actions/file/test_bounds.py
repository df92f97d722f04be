"""Each bound of a file of actions: what lies on it is taken, and one past it is told."""

import pytest

from tests.core.actions.file.read_file import WHOLE, read_file
from tidings.core.actions.file.acts.http_calls import FORM_MAX
from tidings.core.actions.file.faults import FAULTS_MAX, Faults
from tidings.core.actions.file.lookup_tables import STATEMENT_MAX
from tidings.core.actions.file.table import in_words, listed
from tidings.core.actions.file.toml_places import find_places
from tidings.core.actions.file.when import UNLESS_MAX
from tidings.core.webhooks.body_reader import URL_MAX
from tidings.core.webhooks.event_name_rules import MORE_NAMES_MAX, PREFIXES_MAX
from tidings.core.webhooks.headers import HEADERS_BYTES_MAX, HEADERS_MAX

ACTION = '\n[actions.z]\ntypes = ["customerAdded"]\n'
CALL = ACTION + '[actions.z.call]\nurl = "https://a.example/"\n'


def names(count: int, form: str) -> str:
    listed = ", ".join(f'"{form.format(at)}"' for at in range(count))
    return f'\n[actions.z]\ntypes = [{listed}]\ncall = {{url = "https://a.example/"}}\n'


def form_of(count: int) -> str:
    return CALL + f"form = {{{', '.join(f'f{at} = 1' for at in range(count))}}}\n"


def headers_of(count: int, size: int | None = None) -> str:
    values = {f"x-h{at}": "v" for at in range(count)}
    if size is not None:
        left = size - sum(len(name) + len(value) + 4 for name, value in values.items())
        each, rest = divmod(left, count)
        values = {name: "v" * (1 + each + (rest if name == "x-h0" else 0)) for name in values}
    return (
        CALL
        + "headers = {"
        + ", ".join(f'{name} = "{value}"' for name, value in values.items())
        + "}\n"
    )


def unless_of(count: int) -> str:
    reason = '{filter = {path = "event.data.a", eq = "b"}, because = "So."}'
    return (
        ACTION
        + f'unless = [{", ".join([reason] * count)}]\ncall = {{url = "https://a.example/"}}\n'
    )


def sql_of(length: int) -> str:
    statement = "SELECT 1 FROM a WHERE b = %(id)s".ljust(length, "-")
    return (
        f'\n[lookups.z]\nsql = "{statement}"\nconnection = "crm"\n'
        'values = {id = "event.data.customerIdentifiers.customerId"}\n'
    )


def url_of(length: int) -> str:
    return ACTION + f'[actions.z.call]\nurl = "{"https://a.example/".ljust(length, "a")}"\n'


def file_of(length: int) -> str:
    return f'\n[lookups.z]\ncsv = "{"c" * length}"\nkey = "id"\nby = "event.eventId"\n'


def codes_of(text: str) -> set[str]:
    """The codes of all that is told of a whole file with a text behind it, by being refused."""
    made = read_file(WHOLE + text, admits_unknown=True)
    return {str(fault.code) for fault in made} if isinstance(made, list) else set()


@pytest.mark.parametrize(
    ("at_bound", "past_bound", "code"),
    [
        (form_of(FORM_MAX), form_of(FORM_MAX + 1), "too_many"),
        (headers_of(HEADERS_MAX), headers_of(HEADERS_MAX + 1), "headers_too_large"),
        (
            headers_of(9, HEADERS_BYTES_MAX),
            headers_of(9, HEADERS_BYTES_MAX + 1),
            "headers_too_large",
        ),
        (unless_of(UNLESS_MAX), unless_of(UNLESS_MAX + 1), "bad_type"),
        (sql_of(STATEMENT_MAX), sql_of(STATEMENT_MAX + 1), "bad_statement"),
        (url_of(URL_MAX), url_of(URL_MAX + 1), "bad_url"),
        (
            names(MORE_NAMES_MAX, "com.a{}"),
            names(MORE_NAMES_MAX + 1, "com.a{}"),
            "too_many_event_names",
        ),
        (
            names(PREFIXES_MAX, "com.a{}.*"),
            names(PREFIXES_MAX + 1, "com.a{}.*"),
            "too_many_event_names",
        ),
    ],
    ids=["form", "headers", "bytes of headers", "unless", "statement", "url", "names", "prefixes"],
)
def test_a_file_is_taken_up_to_its_bounds(at_bound: str, past_bound: str, code: str) -> None:
    assert code not in codes_of(at_bound)
    assert code in codes_of(past_bound)


def test_so_many_faults_and_warnings_are_told() -> None:
    faults = Faults("a.toml", find_places(""), {}, {})
    for at in range(FAULTS_MAX + 1):
        faults.refuse("a", (), str(at))
        faults.warn("a", (), str(at))
    expected = [str(at) for at in range(FAULTS_MAX)]
    assert [fault.said for fault in faults.refused] == expected
    assert [fault.said for fault in faults.odd] == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (86_400, "1d"), (86_399, "86399s"), (3600, "1h"), (3540, "59m"), (60, "1m"), (59, "59s"),
        (1, "1s"), (0.5, "500ms"), (0, "0s"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_the_largest_unit_that_it_fills(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_twelve_names_are_listed_and_of_more_the_rest_is_counted() -> None:
    names = [f"n{at}" for at in range(13)]
    assert listed(names[:12]) == ", ".join(names[:11]) + " or n11"
    assert listed(names) == ", ".join(names[:12]) + " or 1 more"
    assert listed(["a"]) == "a" and listed("ab") == "a or b"
