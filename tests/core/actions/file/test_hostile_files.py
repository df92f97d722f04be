"""Files that are made to hurt whoever reads them: each is refused, soon, and with a place."""

import time
import tomllib

import pytest

from tests.core.actions.file.read_file import FILES, WHOLE, faults, read_file
from tests.depth import share
from tidings.core.actions.file.document import FILE_BYTES_MAX
from tidings.core.actions.file.faults import FAULTS_MAX

START = 'org = 1\n[actions.a]\ntypes = ["customerAdded"]\ncall = {url = "https://a.example/"}\n'
SECONDS = 15.0
MANY = ",".join(f"k{at} = '1'" for at in range(70_000))


def within(document: str) -> list[str]:
    """All that is wrong with it, which is not long in coming."""
    began_s = time.process_time()
    found = faults(document)
    assert time.process_time() - began_s < SECONDS
    assert found and len(found) <= FAULTS_MAX
    assert sum(map(len, found)) < 500_000
    return found


DOCUMENTS = [
    ("#" * 10_000_000, "too_large"),
    ("a" * (FILE_BYTES_MAX + 1), "too_large"),
    (START + "x = " + "[" * 500_000, "too_deep"),
    (START + "x = " + "{a=" * 300_000, "too_deep"),
    (START + "x" + ".a" * 500_000 + " = 1", "too_deep"),
    (START + "[" + "a." * 500_000 + "a]", "too_deep"),
    (START + f"x = {'9' * 5_000}", "bad_toml"),
    (START + f"x = {'9' * 1_000_000}", "bad_toml"),
    (START + "x = 1\x00", "bad_toml"),
    (START + 'x = "\x00"', "bad_toml"),
    (START + 'x = "a', "bad_toml"),
    (START + "[actions.a]", "bad_toml"),
    ("\x00" * 1000, "bad_toml"),
    ("", "field_missing"),
    (START + "".join(f"k{at} = {at}\n" for at in range(50_000)), "unknown_field"),
    ("".join(f"k{at} = {at}\n" for at in range(60_000)) + START, "unknown_field"),
    (START + "".join(f"[actions.a{at}]\n" for at in range(40_000)), "too_many"),
    (START + "".join(f"[lookups.a{at}]\n" for at in range(40_000)), "too_many"),
    (START + "".join(f"[credentials.a{at}]\n" for at in range(30_000)), "too_many"),
    (START + "".join(f"[connections.a{at}]\n" for at in range(30_000)), "too_many"),
    (START.replace('"customerAdded"', '"a",' * 200_000), "bad_type"),
    (START + "lookups = [" + '"a",' * 200_000 + "]", "bad_type"),
    (START + "unless = [" + "{}," * 200_000 + "]", "bad_type"),
    (START.replace('/"}', '/", json = {a = [' + "1," * 300_000 + "]}}"), "too_many"),
    (START.replace('/"}', '/", json = {' + MANY + "}}"), "too_many"),
    (START.replace('/"}', '/", form = {' + MANY + "}}"), "too_many"),
    (START.replace('/"}', '/", headers = {' + MANY + "}}"), "headers_too_large"),
    (START.replace('/"}', '/", text = "' + "{{ a }}" * 4_000 + '"}'), "unknown_name"),
    (START.replace('/"}', '/", text = "' + "{{ a" * 8_000 + '"}'), "bad_template"),
    (START.replace('/"}', '/", text = "{{ ' + "(" * 30_000 + '"}'), "bad_template"),
    (START.replace('/"}', '/' + "{a}" * 200_000 + '"}'), "bad_url"),
    (START + 'filter = {path = "a", matches = "' + "(a+)+" * 90_000 + '"}', "filter_too_large"),
    (START + 'filter = {path = "a", matches = "' + "(a+)+" * 100 + '"}', "bad_pattern"),
    (START + "filter = {all = [" + '{path="a",eq=1},' * 50_000 + "]}", "filter_too_large"),
    (START + "".join(f"[actions.a.languages.de-{at}]\n" for at in range(20_000)), "too_many"),
    (f"org = {2**62}\n" + START[8:], "bad_org_id"),
    (START + 'after = "' + "9" * 500_000 + 'd"', "bad_duration"),
]  # fmt: skip


# Every third one, which are of several ways to be large; the deep run takes all.
@pytest.mark.parametrize(
    ("document", "code"),
    share(DOCUMENTS, 0, 3),
    ids=lambda one: one if len(str(one)) < 40 else f"{str(one)[:20]}…",
)
def test_it_is_refused_within_its_time(document: str, code: str) -> None:
    found = within(document)
    assert any(f" ({code}" in text for text in found), found[:5]
    assert all(text.startswith("actions.toml:") for text in found)


def test_a_ring_of_needs_is_told_once_however_long_it_is() -> None:
    text = "org = 1\n" + "".join(
        f'[actions.a{at}]\ntypes = ["customerAdded"]\nneeds = "a{(at + 1) % 200}"\n'
        'call = {url = "https://a.example/"}\n'
        for at in range(200)
    )
    [said] = within(text)
    assert " (needs_ring, field actions.a0.needs)" in said
    assert isinstance(read_file(text.replace('needs = "a0"\n', "")), object)


def test_each_file_that_is_named_has_its_bound_and_what_it_holds_is_judged_alike() -> None:
    name = "/etc/actions/templates/welcome.html"
    [said] = faults(WHOLE, files=FILES | {name: "x" * 200_000})
    assert "(bad_file, field actions.welcome.mail.html.file)" in said
    [said] = faults(WHOLE, files=FILES | {name: "x" * 40_000})
    assert "got 40000 characters" in said and "(bad_template, field" in said
    [said] = faults(WHOLE, files=FILES | {name: "{{ contat.name }}"})
    assert "Did you mean contact? (unknown_name, field actions.welcome.mail.html)" in said


def test_any_part_of_a_file_is_read_to_its_end() -> None:
    """Whatever is cut off, or stands twice: a refusal with places, or a file; nothing else."""
    for at in range(0, len(WHOLE), 37):
        for text in (
            WHOLE[:at],
            WHOLE[at:],
            WHOLE[:at] + "\n" + WHOLE[at:],
            WHOLE[:at] + "}" + WHOLE[at:],
        ):
            made = read_file(text)
            if isinstance(made, list):
                assert made and all(fault.line >= 1 and fault.column >= 1 for fault in made)


VALUES = ["1", '"x"', "[]", "{}", "true", "1979-05-27", "1.5", "inf", '[""]', '{"" = ""}', "[[1]]"]


@pytest.mark.parametrize("value", VALUES)
def test_any_field_may_hold_anything_and_it_is_told(value: str) -> None:
    """Each key of a whole file in turn has another value: no exception, and places of the file."""
    lines = WHOLE.split("\n")
    for number, line in share(list(enumerate(lines)), VALUES.index(value), 6):
        name, equals, _ = line.partition(" = ")
        if not equals:
            continue
        text = "\n".join([*lines[:number], f"{name} = {value}", *lines[number + 1 :]])
        tomllib.loads(text)
        made = read_file(text)
        for warning in made if isinstance(made, list) else made.warnings:
            assert warning.line <= len(lines) and warning.said and warning.code, warning
