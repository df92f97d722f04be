"""Lists of the command line are printed from their declaration, column by column."""

import pytest

from tidings import list_columns
from tidings.cli.output import print_list, print_table
from tidings.list_columns import ListColumn, ResourceList, Shown

LISTS = [value for value in vars(list_columns).values() if isinstance(value, ResourceList)]


def test_each_column_of_a_list_of_the_shell_names_its_field_once() -> None:
    columns = [declared.shell for declared in LISTS if declared.shell]
    assert len(columns) > 10
    for shell in columns:
        fields = [column.field for column in shell]
        assert all(fields) and len(set(fields)) == len(fields)
        assert all(column.shown is not Shown.DONE_HERE for column in shell)


def test_values_come_from_the_answer_or_are_made_by_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = (
        ListColumn("Last hour", "count", Shown.NUMBER),
        ListColumn("Why", "error.code"),
        ListColumn("State", "state"),
    )
    rows = [
        {"count": 7, "error": {"code": "gone"}, "paused": True},
        {"count": 1234, "error": {"code": None}, "paused": False},
    ]
    print_list(columns, rows, state=lambda row: "paused" if row["paused"] else "takes messages")
    assert capsys.readouterr().out.splitlines() == [
        "Last hour  Why   State",
        "        7  gone  paused",
        "    1,234  –     takes messages",
    ]


def test_a_time_is_shown_in_the_zone_of_the_reader_and_its_lack_as_a_dash(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidings.cli.output.moment", lambda iso: iso and f"at {iso}")
    print_list((ListColumn("At", "at", Shown.MOMENT),), [{"at": "12:00"}, {"at": None}])
    assert capsys.readouterr().out.splitlines() == ["At", "at 12:00", "–"]


def test_names_are_not_broken_where_a_line_is_too_long(capsys: pytest.CaptureFixture[str]) -> None:
    name, text = "a" * 30 + "-" + "b" * 30, "word " * 30
    print_table((ListColumn("Name", shown=Shown.NAME), "Text"), [(name, text)])
    lines = capsys.readouterr().out.splitlines()
    assert name in lines[1] and len(lines) > 3
