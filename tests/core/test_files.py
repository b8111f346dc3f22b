from __future__ import annotations

import pytest

from ltvkit.core import files


def test_a_file_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "below" / "a.txt"
    for text in ("first", "second"):
        with files.replacing(path) as part:
            part.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("make", [lambda p: p.write_text("half"), lambda p: p.mkdir()])
def test_what_fails_leaves_nothing_and_changes_nothing(tmp_path, make):
    path = tmp_path / "a"
    path.write_text("good")

    def fail():
        with files.replacing(path) as part:
            make(part)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "good")]


def test_a_folder_comes_whole_and_replaces_none(tmp_path):
    for name in ("one", "two"):
        path = tmp_path / "folder"
        if path.exists():
            with pytest.raises(OSError, match="folder"), files.replacing(path) as part:
                part.mkdir()
        else:
            with files.replacing(path) as part:
                part.mkdir()
                (part / name).touch()
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    assert [p.name for p in path.iterdir()] == ["one"]


@pytest.mark.parametrize("text", [None, "", "{", "[1]", "3", b"\xff", "[" * 99_999])
def test_json_that_holds_no_object_is_none(tmp_path, text):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert files.read_json(path) is None
    path.write_text('{"a": 1}')
    assert files.read_json(path) == {"a": 1}
