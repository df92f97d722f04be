"""`tidings audit list` and `export`, as a user runs them."""

from tests.cli.command import Command
from tests.e2e.harness.api import Api

PAGE = 200  # entries of one call of an export


def change(org: Api, count: int) -> None:
    for number in range(count):
        org.send("PATCH", f"/v1/orgs/{org.org}", {"name": f"Acme {number}"}).must(200)


def test_changes_are_listed_newest_first_and_narrowed(tidings: Command, org: Api) -> None:
    change(org, 2)
    done = tidings("audit", "list").must()
    assert done.out.splitlines()[0].split() == ["At", "Who", "What", "On", "Fields"]
    newest = done.out.splitlines()[1]
    assert "changed the org" in newest and "name" in newest
    assert f"Next: tidings audit list --object {org.org}" in done.err
    last = tidings("audit", "list", "--json", "--limit", "1").must().row
    assert (last["before"], last["after"]) == ({"name": "Acme 0"}, {"name": "Acme 1"})
    made = tidings("audit", "list", "--action", "org.created", "--json").must().rows
    assert [row["action"] for row in made] == ["org.created"]
    for option in (["--actor", last["actor"]["id"]], ["--kind", "org"], ["--since", "1h"]):
        rows = tidings("audit", "list", "--object", str(org.org), *option, "--json").must().rows
        assert last in rows, option
    none = tidings("audit", "list", "--until", "2020-01-01").must()
    assert "No entry matches." in none.err and none.out == ""
    wrong = tidings("audit", "list", "--action", "org.chnged").must(4)
    assert "Did you mean org.changed?" in wrong.err


def test_an_export_is_whole_over_many_pages_and_goes_on_behind_a_number(
    tidings: Command, org: Api
) -> None:
    change(org, PAGE + 5)
    done = tidings("audit", "export").must()
    rows = done.rows
    numbers = [row["number"] for row in rows]
    assert numbers == list(range(1, len(rows) + 1)) and len(rows) > PAGE
    assert all(len(row["mac"]) == 64 and row["orgId"] == org.org for row in rows)
    assert f"Next: tidings audit export --after {numbers[-1]}" in done.err
    change(org, 1)
    later = tidings("audit", "export", "--after", str(numbers[-1])).must().row
    assert later["number"] == numbers[-1] + 1
    assert tidings("audit", "export", "--after", "-1").must(2).out == ""


def test_the_platform_s_own_entries_are_listed_apart(tidings: Command) -> None:
    for command in (["list", "--json"], ["export"]):
        rows = tidings("audit", *command, "--platform").must().rows
        assert all(row["object"]["kind"] != "org" for row in rows)  # may be empty: none is made yet
