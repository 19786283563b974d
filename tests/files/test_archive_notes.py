"""Notes beside an archive, also in a hostile file."""

import json
import os

import pytest

from sunspec_tui.files.archive_notes import PrintableNote, read_archive_notes
from sunspec_tui.files.notes import MAX_NOTES
from sunspec_tui.files.notes import NOTES_NAME as NAME

TIME, END = "2026-11-25T18:41:00Z", "2026-11-25T18:45:30.5Z"
TIME_S, END_S = 1_795_632_060.0, 1_795_632_330.5


def read(tmp_path, *lines):
    (tmp_path / NAME).write_bytes(b"".join(line.encode() + b"\n" for line in lines))
    return read_archive_notes(tmp_path)


def test_notes_are_sorted_by_time(tmp_path):
    found = read(
        tmp_path,
        json.dumps({"time_utc": END, "text": "later"}),
        json.dumps({"time_utc": TIME, "end_utc": END, "text": "type III", "author": "PC", "other": [1]}),
        "",
    )
    assert found.notes == (
        PrintableNote(TIME_S, END_S, "type III", "PC"),
        PrintableNote(END_S, None, "later", ""),
    )
    assert found.problem == ""


def test_an_archive_without_the_file_has_no_notes(tmp_path):
    assert read_archive_notes(tmp_path) == ((), "")


@pytest.mark.parametrize(
    "line",
    [
        "not json", "[]", "{}", "null", "3", "[" * 5000, '{"time_utc": 3, "text": "a"}',
        '{"time_utc": "yesterday", "text": "a"}', '{"time_utc": "1969-01-01", "text": "a"}',
        f'{{"time_utc": "{TIME}"}}', f'{{"time_utc": "{TIME}", "text": 3}}',
        f'{{"time_utc": "{END}", "end_utc": "{TIME}", "text": "ends before it begins"}}',
        f'{{"time_utc": "{TIME}", "text": "{"a" * 20_000}"}}',
    ],
)  # fmt: skip
def test_a_line_that_is_not_valid_is_left_out_and_counted(tmp_path, line):
    found = read(tmp_path, line, json.dumps({"time_utc": TIME, "text": "valid"}))
    assert [note.text for note in found.notes] == ["valid"]
    assert "1 lines are not valid" in found.problem


def test_the_last_line_may_be_incomplete(tmp_path):
    (tmp_path / NAME).write_text(json.dumps({"time_utc": TIME, "text": "a"}) + '\n{"time_utc": "2026')
    found = read_archive_notes(tmp_path)
    assert (len(found.notes), found.problem) == (1, "")


def test_texts_have_no_invisible_characters(tmp_path):
    (note,) = read(tmp_path, json.dumps({"time_utc": TIME, "text": "a\x1b[2J\u202eb", "author": "c\n"})).notes
    assert note.text == "a\\x1b[2J\\u202eb"
    assert note.author == "c\\n"


def test_a_file_of_any_size_has_a_limit(tmp_path):
    line = json.dumps({"time_utc": TIME, "text": "a"})
    assert len(read(tmp_path, *([line] * (MAX_NOTES + 5))).notes) == MAX_NOTES


def test_what_is_not_a_file_is_reported(tmp_path):
    (tmp_path / NAME).mkdir()
    assert "cannot be read" in read_archive_notes(tmp_path).problem
    (tmp_path / NAME).rmdir()
    (tmp_path / NAME).symlink_to(tmp_path / "missing")
    assert "it is a symbolic link" in read_archive_notes(tmp_path).problem
    (tmp_path / NAME).unlink()
    os.mkfifo(tmp_path / NAME)
    assert "it is a named pipe" in read_archive_notes(tmp_path).problem
