"""What a file of the operator's takes from elsewhere: out of the environment, and out of files."""

import os
from pathlib import Path

import pytest

from tidings.app.operator_files.operator_file import FileRefused, FilesIn, OperatorFile
from tidings.core.connections.references import FileUnread

SECRET = "hush-hush"


def tables(folder: Path, text: str, **environment: str) -> dict[str, object]:
    path = folder / "connections.toml"
    path.write_text(text, "utf-8")
    return OperatorFile(path, "connections", environment).tables()


def test_a_text_is_taken_from_a_file_beside_it_or_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "near").write_text(f"{SECRET}\n")
    far = tmp_path / "elsewhere" / "far"
    far.parent.mkdir()
    far.write_text("two\nlines\r\n")
    text = '[a]\nx = "${file:near}"\ny = {z = ["${file:FAR}", "${ONE}", "${file:near} "]}\n'
    text = text.replace("FAR", str(far))
    assert tables(tmp_path, text, ONE="1") == {
        "a": {"x": SECRET, "y": {"z": ["two\nlines", "1", "${file:near} "]}}
    }


def test_a_link_is_followed_as_mounted_secrets_need_it(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "key").write_text(SECRET)
    (tmp_path / "key").symlink_to("..data/key")
    assert tables(tmp_path, '[a]\nx = "${file:key}"') == {"a": {"x": SECRET}}


@pytest.mark.parametrize(
    ("kind", "got"),
    [
        ("none", "none that can be read (No such file or directory)"),
        ("folder", "none that can be read (Is a directory)"),
        ("fifo", "what is no regular file"),
        ("device", "what is no regular file"),
        ("loop", "none that can be read (Too many levels of symbolic links)"),
        ("large", "more than 65536 bytes"),
        ("binary", "bytes that are no UTF-8"),
        ("nul", "text with a NUL in it"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_place_and_nothing_waits(
    tmp_path: Path, kind: str, got: str
) -> None:
    path = tmp_path / "x"
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
        case "large":
            path.write_text("x" * 70_000)
        case "binary":
            path.write_bytes(b"\xff")
        case "nul":
            path.write_bytes(b"a\x00b")
    with pytest.raises(FileRefused) as told:
        tables(tmp_path, '[main]\nserver = {password = "${file:x}"}')
    must = f"{tmp_path / 'connections.toml'}: [main] server.password must be in the file x"
    assert str(told.value) == f"{must}; got {got}. Put it there, and start again."


@pytest.mark.parametrize("name", ["", "\x00", "a" * 5000])
def test_any_name_is_answered(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileUnread):
        FilesIn(tmp_path)(name, 10)
