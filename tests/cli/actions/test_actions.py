"""`tidings actions`: a file of them is begun, and looked through without a service."""

import os
from pathlib import Path

import pytest

from tests.cli.command import Command

FILE = """\
org = 2001
[lookups.contact]
csv = "contacts.csv"
key = "id"
by = "event.data.customerIdentifiers.customerId"
[actions.tell]
types = ["customerAdded"]
lookups = ["contact"]
after = "2h"
call = {url = "https://api.brand.example/v1/told", json = {name = "{{ contact.name }}"}}
"""
SECRET = "hush-hush-hush"


@pytest.fixture
def tidings(tmp_path: Path) -> Command:
    return Command(tmp_path)


def written(tidings: Command, text: str, name: str = "actions.toml") -> str:
    (tidings.home / "contacts.csv").write_text("id,name,mail\n7,Asha,asha@brand.example\n")
    path = tidings.home / name
    path.write_text(text, "utf-8")
    return str(path)


def test_a_file_without_a_fault_is_shown_action_by_action(tidings: Command) -> None:
    path = written(tidings, FILE)
    done = tidings("actions", "check", path).must()
    heads, row = done.out.splitlines()[:2]
    assert heads.split() == ["Name", "When", "Looks", "up", "Does", "Over"]
    for element in ("tell", "customerAdded, 2h later", "contact (contacts.csv)", "POST /v1/told"):
        assert element in row
    assert row.rstrip().endswith("api.brand.example")
    assert done.err.splitlines() == [
        f"{path} declares 1 action of org 2001.",
        f"Next: tidings actions run {path}",
    ]
    shown = tidings("actions", "check", "--json", TIDINGS_ACTIONS=path).must().row
    assert shown["actions"] == [
        {
            "name": "tell",
            "when": "customerAdded, 2h later",
            "does": "POST /v1/told",
            "over": "api.brand.example",
            "lookups": ["contact"],
        }
    ]


def test_all_faults_are_told_with_their_places(tidings: Command) -> None:
    path = written(
        tidings,
        FILE.replace("customerAdded", "customerAded").replace('"2h"', "2") + 'maney = "a"\n',
    )
    done = tidings("actions", "check", path).must(1)
    lines = done.out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{path}:{at}" for at in ("7:10", "9:1", "11:1")
    ]
    assert (
        "Did you mean customerAdded? (unknown_event_name, field actions.tell.types[0])" in lines[0]
    )
    assert done.err.splitlines() == [f"{path} has 3 faults.", "Next: tidings actions check --help"]
    found = tidings("actions", "check", path, "--json").must(1).row
    assert found["valid"] is False
    assert [(row["line"], row["column"], row["code"]) for row in found["faults"]] == [
        (7, 10, "unknown_event_name"),
        (9, 1, "bad_duration"),
        (11, 1, "unknown_field"),
    ]


def test_what_is_odd_is_said_and_is_no_fault(tidings: Command) -> None:
    path = written(tidings, FILE.replace('["customerAdded"]', '["customerAdded", "ours.of.today"]'))
    done = tidings("actions", "check", path).must()
    assert f'{path}:7:27: types should contain names of known event types; got "ours.of' in done.err


def test_no_secret_is_shown(tidings: Command) -> None:
    (tidings.home / "secret").write_text(SECRET + "\n")
    text = FILE.replace(
        "[actions.tell]",
        '[credentials.us]\ntype = "bearer"\ntoken = "${file:secret}"\n[actions.tell]',
    )
    good = written(tidings, text.replace("json =", 'credential = "us", json ='))
    bad = written(
        tidings, text.replace("call = {", 'call = {method = "${S}", ') + "x = 1", "bad.toml"
    )
    for path, code in ((good, 0), (bad, 1)):
        for more in ((), ("--json",)):
            done = tidings("actions", "check", path, *more, S=SECRET).must(code)
            assert SECRET not in done.out + done.err


@pytest.mark.parametrize("what", ["none", "folder", "fifo", "large", "binary"])
def test_what_is_no_text_is_refused_and_nothing_waits(tidings: Command, what: str) -> None:
    path = tidings.home / "x.toml"
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "large":
        path.write_bytes(b"#" * 10_000_000)
    elif what == "binary":
        path.write_bytes(b"\xff\xfe\x00\x01")
    done = tidings("actions", "check", str(path)).must(2)
    assert done.out == "" and "must be a text of at most 1048576 bytes; got " in done.err
    assert done.err.splitlines()[-1] == "Next: tidings actions init"


def test_connections_of_their_own_file_may_be_named(tidings: Command) -> None:
    others = written(
        tidings,
        '[post]\ntype = "smtp"\nhost = "h"\nsender = "a@brand.example"\nrecipients = "any"\n',
        "connections.toml",
    )
    text = FILE[: FILE.index("call =")] + (
        '[actions.tell.mail]\nconnection = "post"\nto = "{{ contact.mail }}"\nsubject = "Hello"\n'
        'text = "Hello"\n'
    )
    path = written(tidings, text)
    tidings("actions", "check", path, "--connections", others).must()
    tidings("actions", "check", path, TIDINGS_CONNECTIONS=others).must()
    assert "none is declared" in tidings("actions", "check", path).must(1).out


def test_init_lists_recipes_and_changes_no_file_that_is_there(tidings: Command) -> None:
    assert "mail" in tidings("actions", "init").must().out
    folder = tidings.home / "new"
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "welcome.txt").write_text("mine")
    done = tidings("actions", "init", "mail", "--into", str(folder)).must(4)
    assert "got templates/welcome.txt in" in done.err
    assert [path.name for path in folder.iterdir()] == ["templates"]
    (folder / "templates" / "welcome.txt").unlink()
    (folder / "contacts.csv").symlink_to(tidings.home / "elsewhere.csv")  # leads nowhere yet
    tidings("actions", "init", "mail", "--into", str(folder)).must(4)
    assert not (tidings.home / "elsewhere.csv").exists()
    assert "Did you mean mail?" in tidings("actions", "init", "mial").must(2).err


def test_init_prints_recipes_and_written_files_for_programs_too(tidings: Command) -> None:
    recipes = {row["name"]: row for row in tidings("actions", "init", "--json").must().rows}
    assert recipes["mail"]["about"] and recipes["mail"]["files"][0] == "actions.toml"
    folder = tidings.home / "programs"
    done = tidings("actions", "init", "mail", "--into", str(folder), "--json").must()
    files = [str(folder / name) for name in recipes["mail"]["files"]]
    assert [row["file"] for row in done.rows] == files


def test_init_leaves_nothing_half_done(tidings: Command) -> None:
    folder = tidings.home / "new"
    folder.mkdir()
    (folder / "templates").write_text("a file where a folder must be")
    done = tidings("actions", "init", "mail", "--into", str(folder)).must(2)
    assert "must be writable" in done.err
    assert [path.name for path in folder.iterdir()] == ["templates"]


def test_a_file_that_a_lookup_searches_must_be_there_with_its_key(tidings: Command) -> None:
    path = written(tidings, FILE)
    contacts = tidings.home / "contacts.csv"
    contacts.write_text("id,name\n7,Asha\n7,Mei\n")
    done = tidings("actions", "check", path).must()
    assert f"[lookups.contact] {contacts}:3:1: each id should stand on one line; 1 come" in done.err
    contacts.write_text("number,name\n7,Asha\n")
    done = tidings("actions", "check", path, "--json").must(1)
    assert done.row["valid"] is False and "id" in done.row["searchedFiles"]["wrong"][0]
    contacts.unlink()
    assert "got none (No such file or directory)" in tidings("actions", "check", path).must(1).err


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a/b", "a\x07b"])
def test_a_name_that_no_file_can_have_is_refused_in_words(tidings: Command, name: str) -> None:
    for words in (["check", name], ["run", name], ["test", "customerAdded", "--file", name]):
        done = tidings("actions", *words)
        assert done.code in (1, 2) and done.out == "" and "Traceback" not in done.err
        assert len(done.err.splitlines()) <= 2 and "must be a" in done.err


@pytest.mark.parametrize("org", ["0", "-5", "9007199254740992", "1" * 40])
def test_a_recipe_is_begun_for_an_org_that_can_be(tidings: Command, org: str) -> None:
    done = tidings(
        "actions", "init", "hello", "--into", str(tidings.home / "x"), "--org", org
    ).must(2)
    assert done.err.startswith("ORG must be a whole number from 1 to 9007199254740991; got ")
    assert not (tidings.home / "x").exists()
    tidings(
        "actions", "init", "hello", "--into", str(tidings.home / "x"), "--org", "9007199254740991"
    ).must()


HEARD_OUT = FILE.replace(
    'after = "2h"',
    'unless = [{filter = {path = "contact.opted_out", eq = "yes"}, because = "Opted out."}]\n'
    'quiet = {from = "21:00", to = "08:00", zone = "contact.zone"}',
)


@pytest.mark.parametrize(
    ("contacts", "why"),
    [
        ("id,name,opted_out,zone\n", "no line beside the names"),
        ("id,name,zone\n7,Asha,UTC\n", "lacks the column opted_out"),
        ("id,name,opted_out,zone\n7,Asha,no,IST\n", "time zones that nobody knows: IST"),
    ],
)
def test_a_list_that_looks_like_a_slip_is_a_fault_until_it_is_accepted(
    tidings: Command, contacts: str, why: str
) -> None:
    path = written(tidings, HEARD_OUT)
    (tidings.home / "contacts.csv").write_text(contacts)
    done = tidings("actions", "check", path)
    assert done.code == 1 and why in done.err and "--accept contact" in done.err
    assert tidings("actions", "check", path, "--accept", "contacts").code == 2
    tidings("actions", "check", path, "--accept", "contact").must()
    tidings("actions", "check", path).must()
    (tidings.home / "contacts.csv").write_text(contacts + "\n")
    assert tidings("actions", "check", path).code == 1  # another state


def test_a_fault_in_a_list_is_told_by_line_and_column(tidings: Command) -> None:
    path = written(tidings, FILE)
    (tidings.home / "contacts.csv").write_text("id,name\n7,Asha\n8,Rosa,x\n")
    done = tidings("actions", "check", path)
    assert done.code == 1 and f"{tidings.home / 'contacts.csv'}:3:8: " in done.err


def test_what_a_new_file_changes_is_shown_without_a_service(tidings: Command) -> None:
    path = written(tidings, FILE)
    new = written(tidings, FILE.replace('"2h"', '"3h"') + FILE[FILE.index("[actions") :].replace(
        "actions.tell", "actions.more"), "new.toml")  # fmt: skip
    done = tidings("actions", "diff", new, TIDINGS_ACTIONS=path).must()
    assert done.out.splitlines() == ["~ actions.tell.after_s: 7200 → 10800", "+ actions.more"]
    assert done.err.splitlines() == ["2 changes", f"Next: tidings actions check {new}"]
    rows = tidings("actions", "diff", path, new, "--json").must().out.splitlines()
    assert len(rows) == 2 and '"- ' not in rows[0]
    assert (
        tidings("actions", "diff", path, path).must().err.startswith("Both files declare the same.")
    )
    broken = written(tidings, "org = 1\n[actions.x]\ntypes = 7\n", "broken.toml")
    assert tidings("actions", "diff", broken, path).code == 2


@pytest.mark.parametrize("faulty", ["actions", "connections", "sources"])
def test_a_faulty_file_ends_a_first_start_with_2_and_leaves_no_directory(
    tidings: Command, faulty: str
) -> None:
    path = written(tidings, "org = 1\n[actions.x]\ntypes = 7\n" if faulty == "actions" else "x = [")
    data = tidings.home / "data"
    named = {f"TIDINGS_{faulty.upper()}": path}
    done = tidings("serve", "--data", str(data), "--port", "18080", **named)
    assert done.code == 2 and path in done.err
    assert not data.exists()
