"""Observers' notes as values, lines of JSON and texts of files."""

import json

import pytest

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.notes import (
    MAX_EXPORTED_NOTES,
    MAX_NOTE_CHARACTERS,
    Note,
    NoteList,
    note_line,
    note_metadata,
    note_text,
    notes_in_metadata,
    parse_note_line,
    parse_note_text,
    utc_text,
)

T0 = 1_764_096_130.25
NOTES = [
    (Note(T0, "type II begins"), '{"time_utc": "2025-11-25T18:42:10.250000Z", "text": "type II begins"}'),
    (
        Note(T0, "fundamental: 40 MHz", T0 + 60, "W. S.", 45.2),
        '{"time_utc": "2025-11-25T18:42:10.250000Z", "text": "fundamental: 40 MHz", '
        '"end_utc": "2025-11-25T18:43:10.250000Z", "author": "W. S.", "frequency_mhz": 45.2}',
    ),
    (Note(T0, "Ausbruch, λ \u202e\x1b[2J"), r'"Ausbruch, \u03bb \u202e\u001b[2J"'),
]


@pytest.mark.parametrize(("note", "line"), NOTES, ids=["plain", "all values", "odd characters"])
def test_a_note_is_one_line_of_ascii_and_reads_back(note, line):
    written = note_line(note)
    assert line in written.decode("ascii")
    assert written.count(b"\n") == 1
    assert parse_note_line(written) == note
    assert parse_note_text(note_text(note)) == note


def test_the_text_of_a_file_header_is_readable():
    assert note_text(NOTES[0][0]) == "2025-11-25T18:42:10.250000Z: type II begins"
    assert note_text(NOTES[1][0]) == (
        "2025-11-25T18:42:10.250000Z/2025-11-25T18:43:10.250000Z, 45.2 MHz, W. S.: fundamental: 40 MHz"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (T0 + 0.0000004, "2025-11-25T18:42:10.250000Z"),
        (T0 + 0.000001, "2025-11-25T18:42:10.250001Z"),
        (1_764_028_799.9999996, "2025-11-25T00:00:00.000000Z"),
    ],
)
def test_times_have_microseconds(seconds, text):
    assert utc_text(seconds) == text


def line_with(**changes):
    return json.dumps({"time_utc": "2025-11-25T18:42:10Z", "text": "a note"} | changes).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"7", b"null", b'"text"', b"[" * 5000, b"\xff\xfe", line_with(text=""), line_with(text="  "),
        line_with(text=7), line_with(text="x" * (MAX_NOTE_CHARACTERS + 1)), line_with(time_utc="yesterday"),
        line_with(time_utc=1764096130), line_with(time_utc=None), line_with(time_utc="2125-11-25T18:42:10Z"),
        line_with(time_utc="1925-11-25T18:42:10Z"), line_with(end_utc="2025-11-25T18:42:09Z"), line_with(end_utc=5),
        line_with(author=["WS"]), line_with(author="a: b"), line_with(author="x" * 61), line_with(frequency_mhz="45"),
        line_with(frequency_mhz=True), line_with(frequency_mhz=-1), line_with(frequency_mhz=float("nan")),
        line_with(frequency_mhz=10**400), b'{"time_utc": "2025-11-25T18:42:10Z", "text": "x"',
    ],
    ids=lambda line: line[:60].decode(errors="replace"),
)  # fmt: skip
def test_a_line_that_is_no_note_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        parse_note_line(line)


def test_a_line_of_another_program_may_have_other_keys_and_offsets():
    note = parse_note_line(line_with(time_utc="2025-11-25T10:42:10-08:00", author=None, end_utc=None, colour="red"))
    assert note == Note(1_764_096_130.0, "a note")
    assert parse_note_line(line_with(time_utc="2025-11-25 18:42:10")).time_s == 1_764_096_130.0


@pytest.mark.parametrize(
    ("begin_s", "end_s", "texts"),
    [
        (0, 100, "abcd"),
        (10, 10, "ac"),
        (11, 19, "c"),
        (20, 25, "bc"),
        (30, 30, "c"),
        (30.5, 39, ""),
        (40, 50, "d"),
        (41, 50, ""),
    ],
)
def test_notes_between_two_times_touch_them(begin_s, end_s, texts):
    notes = [Note(40, "d"), Note(10, "a"), Note(20, "b"), Note(5, "c", 30)]
    found = NoteList(notes).between(begin_s, end_s)
    assert sorted(note.text for note in found) == list(texts)
    assert [note.time_s for note in found] == sorted(note.time_s for note in found)


def test_no_notes_are_between_any_times():
    assert NoteList().between(0, 1e12) == ()


def test_metadata_have_the_newest_notes():
    notes = [Note(float(i), f"note number {i}") for i in range(MAX_EXPORTED_NOTES + 5)]
    metadata = note_metadata(notes)
    assert len(metadata) == MAX_EXPORTED_NOTES
    assert notes_in_metadata(metadata) == tuple(notes[5:])


@pytest.mark.parametrize("text", ["", "a", "2025-11-25T18:42:10Z", "yesterday: b", "2025-11-25T18:42:10Z, x MHz: ", 7])
def test_other_metadata_are_no_notes(text):
    assert notes_in_metadata({"note_1": text}) == ()


def test_a_note_is_shown_without_control_characters():
    assert Note(T0, "a\x1b[2Jb", author="W\u202eS").shown_text == "a\\x1b[2Jb (W\\u202eS)"
    assert Note(T0, "a", T0 + 60).clock_text == "18:42:10 to 18:43:10"


def test_a_note_refuses_an_end_before_its_begin():
    with pytest.raises(UsageError):
        Note(T0, "a", T0 - 1)
