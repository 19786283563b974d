"""Notes on the waterfall's time axis, and the key that writes them."""

import json
import math
from dataclasses import replace

import pytest
from monitors import CADENCE_S, START_S, Screen, StillReceiver
from scenes import feed, scene_of
from waiting import poll_until

from sunspec_tui.core.notes import Note, NoteList
from sunspec_tui.core.settings import Settings
from sunspec_tui.files.notes import append_note
from sunspec_tui.tui.display.day_signs import Sign, SignKind
from sunspec_tui.tui.display.note_marks import NoteMark, nearest_mark, note_marks, note_signs, place_beside
from sunspec_tui.tui.display.note_subject import note_subject
from sunspec_tui.tui.display.view_state import Cursor
from sunspec_tui.tui.widget_data import mark_signs

NAN = math.nan


def marks_of(notes, times_s, cells=None):
    found = note_marks(NoteList(notes), times_s, cells or list(range(len(times_s))))
    return [(mark.cell, mark.last_cell, [note.text for note in mark.notes]) for mark in found]


@pytest.mark.parametrize(
    ("time_s", "end_s", "cells"),
    [
        (10.0, None, None),  # at the begin of the first column, which excludes it
        (10.5, None, (0, 0)),
        (11.0, None, (0, 0)),
        (11.1, None, (1, 1)),
        (15.0, None, (4, 4)),
        (15.1, None, None),
        (5.0, 9.0, None),
        (5.0, 12.5, (0, 2)),
        (12.5, 99.0, (2, 4)),
        (16.0, 99.0, None),
    ],
)
def test_a_note_has_the_cell_of_the_column_that_contains_its_time(time_s, end_s, cells):
    found = marks_of([Note(time_s, "a", end_s)], [11.0, 12.0, 13.0, 14.0, 15.0])
    assert [mark[:2] for mark in found] == ([] if cells is None else [cells])


@pytest.mark.parametrize(("time_s", "cell"), [(11.0, 0), (11.4, 1), (13.0, 2), (14.9, 4), (15.0, 4), (15.5, 5)])
def test_a_note_within_a_gap_has_its_share_of_the_gap(time_s, cell):
    assert marks_of([Note(time_s, "a")], [11.0, NAN, NAN, NAN, 15.0, 16.0])[0][0] == cell


def test_notes_of_a_sweeping_picture_follow_the_columns():
    assert marks_of([Note(12.0, "a")], [11.0, 12.0, 13.0], [2, 0, 1])[0][0] == 0


def test_notes_of_one_cell_share_a_mark():
    notes = [Note(11.5, "a"), Note(11.6, "b", 12.9), Note(12.5, "c")]
    assert marks_of(notes, [11.0, 12.0, 13.0]) == [(1, 2, ["a", "b"]), (2, 2, ["c"])]


@pytest.mark.parametrize("times_s", [[], [NAN, NAN]])
def test_a_picture_without_rows_has_no_marks(times_s):
    assert marks_of([Note(11.0, "a")], times_s) == []


def test_times_that_go_back_keep_marks_in_the_picture():
    assert marks_of([Note(13.0, "a")], [11.0, 14.0, 12.0, 13.0, 15.0])[0][0] == 1


def test_ten_thousand_notes_are_placed_at_little_cost():
    notes = NoteList(Note(float(i), "a") for i in range(10_000))
    marks = note_marks(notes, [100.0 * i for i in range(1, 101)], list(range(100)))
    assert [mark.total for mark in marks] == [100] * 99 + [99]


A, B = NoteMark(5, 5, (Note(0.0, "a"),), 1), NoteMark(10, 20, (Note(0.0, "b"),), 1)


@pytest.mark.parametrize(
    ("cell", "mark"), [(3, None), (4, A), (5, A), (6, A), (7, None), (9, B), (11, B), (20, B), (21, None)]
)
def test_the_nearest_mark_is_beside_the_cursor_or_around_it(cell, mark):
    assert nearest_mark([A, B], cell) is mark


@pytest.mark.parametrize(
    ("cell", "width", "placed"),
    [
        (0, 20, (2, "18:42 text")),
        (8, 20, (10, "18:42 text")),
        (9, 20, (11, "18:42 te…")),
        (12, 20, (1, "18:42 text")),
        (19, 20, (8, "18:42 text")),
        (2, 8, (4, "18:…")),
        (0, 2, (2, "")),
        (1, 3, (3, "")),
    ],
)
def test_the_text_of_a_note_is_beside_its_sign(cell, width, placed):
    start, text = place_beside("18:42 text", cell, width)
    assert (start, text) == placed
    assert start >= 0
    assert start + len(text) <= width
    assert not start <= cell < start + len(text)


def test_the_text_of_many_notes_says_how_many_there_are():
    mark = NoteMark(0, 0, tuple(Note(float(i), f"n{i}") for i in range(3)), 5)
    assert mark.text == "00:00:00 n0; 00:00:01 n1; 00:00:02 n2; 2 more"


def test_signs_have_a_text_only_near_the_cursor():
    assert note_signs([A, B], 60, None) == [(5, "◆"), (10, "◆")]
    assert note_signs([A, B], 60, 30) == [(5, "◆"), (10, "◆")]
    assert note_signs([A, B], 60, 15) == [(12, "00:00:00 b"), (5, "◆"), (10, "◆")]


# What a note is about


def test_a_note_without_a_cursor_is_about_now():
    receiver = StillReceiver()
    feed(receiver, 40)
    subject = note_subject(scene_of(receiver), START_S + 5)
    assert (subject.time_s, subject.end_s, subject.frequency_mhz) == (START_S + 5, None, None)
    assert subject.words == "now, 18:41:35 UTC"


def test_a_note_at_the_cursor_has_its_time_and_frequency():
    receiver = StillReceiver()
    feed(receiver, 40)
    scene = scene_of(receiver)
    scene.view = replace(scene.view, cursor=Cursor(scene.shown.time_axis.newest - 3, 4))
    subject = note_subject(scene, START_S)
    slot = scene.shown.grid.middle_slot(scene.shown.time_axis.newest - 3)
    assert subject.time_s == pytest.approx(START_S + slot * CADENCE_S, abs=scene.view.rows_per_column * CADENCE_S)
    low, high = scene.shown.band.edges_mhz(0, scene.shown.band.stop)
    assert low < subject.frequency_mhz < high
    assert f"{subject.frequency_mhz:.2f} MHz" in subject.words


def test_a_note_in_a_gap_has_the_time_of_its_column():
    receiver = StillReceiver()
    feed(receiver, 20)
    receiver.skip(20)
    feed(receiver, 20)
    scene = scene_of(receiver, columns=60)
    number = scene.shown.grid.number_of(30)
    scene.view = replace(scene.view, cursor=Cursor(number, 4))
    scene.draw()
    subject = note_subject(scene, 0.0)
    assert subject.time_s == pytest.approx(START_S + 30 * CADENCE_S, abs=scene.view.rows_per_column * CADENCE_S)


# The key


@pytest.fixture
def receiver(tmp_path):
    found = StillReceiver(notes_path=tmp_path / "notes.jsonl")
    feed(found, 200)
    return found


@pytest.fixture
def screen(receiver):
    opened = Screen(80, 24, receiver, settings=Settings(author="WS"))
    opened.tick()
    opened.settle()
    yield opened
    opened.close()


def lines_of(screen):
    screen.tick()
    screen.settle()
    return screen.terminal.display


def written(tmp_path):
    path = tmp_path / "notes.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_key_writes_a_note_about_now(screen, tmp_path):
    screen.press("N")
    assert "now, 18:42:19 UTC, by WS" in "\n".join(lines_of(screen))
    screen.press(*"type", "space", *"II", "enter")
    poll_until(lambda: written(tmp_path))
    assert written(tmp_path) == [{"time_utc": "2026-06-07T18:42:19.750000Z", "text": "type II", "author": "WS"}]
    poll_until(lambda: "◆" in lines_of(screen)[-2], what=lambda: "\n".join(screen.terminal.display))
    assert "note of 18:42:19: type II (WS)" in "\n".join(line.text for line in screen.app.main_screen.log_history.lines)


def test_a_note_shows_its_text_near_the_cursor(screen, receiver):
    append_note(receiver.notes.path, Note(START_S + 30, "type II\x1b[2J 長", author="WS"))
    receiver.notes.refresh()
    axis = lines_of(screen)[-2]
    cell = axis.index("◆")
    assert "type II" not in axis
    while screen.terminal.display[-2].find("▲") not in (cell - 1, cell):
        screen.press("left")
        screen.settle()
        assert screen.terminal.display[-2].find("▲") > 6
    assert "18:42:00 type II\\x1b[2J ?" in screen.terminal.display[-2]
    assert screen.cells() == screen.full_repaint()


def test_a_note_of_the_marked_interval(screen, tmp_path):
    for key in ("left", "j", "shift+right", "k", "N"):
        screen.press(key)
    screen.settle()
    screen.press(*"ab", "enter")
    poll_until(lambda: written(tmp_path))
    (note,) = written(tmp_path)
    assert note["time_utc"] < note["end_utc"]
    assert "frequency_mhz" not in note


def test_a_note_at_the_cursor(screen, tmp_path):
    screen.press("left", "left", "N")
    screen.settle()
    screen.press(*"ab", "enter")
    poll_until(lambda: written(tmp_path))
    assert 10 < written(tmp_path)[0]["frequency_mhz"] < 90


def test_an_empty_note_asks_for_a_text_and_escape_writes_nothing(screen, tmp_path):
    screen.press("N")
    screen.settle()
    screen.press("space", "enter")
    assert "type a note first" in "\n".join(lines_of(screen))
    screen.press("escape")
    screen.settle()
    assert len(screen.app.screen_stack) == 1
    assert written(tmp_path) == []


def test_a_note_that_cannot_be_written_is_reported(screen, tmp_path):
    (tmp_path / "notes.jsonl").mkdir()
    screen.press("N")
    screen.settle()
    screen.press("a", "enter")
    poll_until(lambda: "is not written" in " ".join(" ".join(lines_of(screen)).split()))


@pytest.mark.parametrize(("columns", "lines"), [(20, 5), (40, 12), (120, 40)])
def test_the_dialog_and_the_marks_fit_any_window(receiver, columns, lines):
    append_note(receiver.notes.path, Note(START_S + 48, "type II " * 30))
    receiver.notes.refresh()
    screen = Screen(columns, lines, receiver)
    try:
        screen.tick()
        screen.press("left", "left", "N")
        screen.settle()
        assert screen.cells() == screen.full_repaint()
        screen.press("escape")
        screen.settle()
        assert screen.cells() == screen.full_repaint()
    finally:
        screen.close()


def test_ascii_terminals_have_a_sign_too(receiver):
    append_note(receiver.notes.path, Note(START_S + 48, "type II"))
    receiver.notes.refresh()
    screen = Screen(80, 24, receiver, ascii_only=True)
    try:
        lines_of(screen)
        assert "*" in lines_of(screen)[-2]
    finally:
        screen.close()


def test_the_day_strip_shows_the_notes_of_its_day():
    receiver = StillReceiver()
    feed(receiver, 20)
    scene = scene_of(receiver)
    scene.notes = NoteList(Note(scene.shown.end_s + hours * 3600, "a") for hours in (-30, -20, 0))
    assert mark_signs(scene) == tuple(Sign(scene.shown.end_s + hours * 3600, SignKind.NOTE) for hours in (-20, 0))
