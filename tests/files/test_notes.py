"""The file of observers' notes: appended, followed, damaged, full disks."""

import errno
import logging
import os
import threading

import pytest
from waiting import poll_until

from sunspec_tui.core.errors import NoteError
from sunspec_tui.core.notes import MAX_LINE_BYTES, Note, note_line
from sunspec_tui.files import notes as module
from sunspec_tui.files.note_follower import NoteFollower
from sunspec_tui.files.notes import NoteReader, append_note, notes_path, read_notes

T0 = 1_764_096_130.0


def texts(reader):
    return [note.text for note in reader.notes.between(0, 4e9)]


def test_notes_are_beside_the_archive_or_the_saved_view(tmp_path):
    assert notes_path(tmp_path / "archive", tmp_path) == tmp_path / "archive" / "notes.jsonl"
    assert notes_path(None, tmp_path) == tmp_path / "notes.jsonl"
    assert notes_path(None, None) is None


def test_appended_notes_are_followed_and_read_once(tmp_path, monkeypatch):
    path = tmp_path / "archive" / "notes.jsonl"
    reader = NoteReader(path)
    assert reader.refresh() == ()
    append_note(path, Note(T0, "one"))
    assert [note.text for note in reader.refresh()] == ["one"]
    append_note(path, Note(T0 - 60, "two"))
    append_note(path, Note(T0 + 60, "three"))
    assert [note.text for note in reader.refresh()] == ["two", "three"]
    assert texts(reader) == ["two", "one", "three"]
    monkeypatch.setattr(module, "open_regular", lambda path: pytest.fail("read again without growth"))
    assert reader.refresh() == ()


def test_notes_that_were_there_before_are_not_new(tmp_path):
    path = tmp_path / "notes.jsonl"
    append_note(path, Note(T0, "one"))
    reader = NoteReader(path)
    assert reader.refresh() == ()
    assert texts(reader) == ["one"]


def test_many_writers_at_once_damage_no_line(tmp_path):
    path = tmp_path / "notes.jsonl"
    writers = [
        threading.Thread(target=lambda n=n: [append_note(path, Note(T0 + i, f"{n} {i}")) for i in range(20)])
        for n in range(4)
    ]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    reader = NoteReader(path)
    reader.refresh()
    assert (len(reader.notes), reader.damaged) == (80, 0)


@pytest.mark.parametrize(
    ("content", "found", "damaged"),
    [
        (b"", [], 0),
        (b"\n\n", [], 0),
        (b"garbage\n", [], 1),
        (b"\x00\xff\n" + note_line(Note(T0, "a")), ["a"], 1),
        (note_line(Note(T0, "a")) + b'{"time_utc": "2025', ["a"], 0),
        (note_line(Note(T0, "a")) + b'{"time_utc": "2025\n' + note_line(Note(T0, "b")), ["a", "b"], 1),
        (note_line(Note(T0, "a"))[:-1], ["a"], 0),
        (b"x" * (MAX_LINE_BYTES + 1) + b"\n" + note_line(Note(T0, "a")), ["a"], 1),
        (note_line(Note(T0, "a")) + b"x" * 3_000_000, ["a"], 1),
        (b"x" * 3_000_000 + b"\n" + note_line(Note(T0, "a")), ["a"], 1),
        (b"[" * 5000 + b"\n", [], 1),
    ],
)
def test_damaged_lines_are_counted_and_skipped(tmp_path, content, found, damaged):
    path = tmp_path / "notes.jsonl"
    path.write_bytes(content)
    reader = NoteReader(path)
    reader.refresh()
    assert (texts(reader), reader.damaged) == (found, damaged)


def test_a_file_read_at_any_growth_has_the_same_notes(tmp_path):
    path = tmp_path / "notes.jsonl"
    content = note_line(Note(T0, "a")) + b"bad\n" + note_line(Note(T0 + 1, "b")) + b"\n" + b"y" * 9000 + b"\n"
    content += note_line(Note(T0 + 2, "c"))
    for size in (1, 7, 100, 5000):
        path.unlink(missing_ok=True)
        reader, added = NoteReader(path), []
        reader.refresh()
        for begin in range(0, len(content), size):
            with path.open("ab") as file:
                file.write(content[begin : begin + size])
            added += [note.text for note in reader.refresh()]
        assert (added, texts(reader), reader.damaged) == (["a", "b", "c"], ["a", "b", "c"], 2), size


def test_a_large_file_is_read_from_near_its_end(tmp_path):
    path = tmp_path / "notes.jsonl"
    lines = [note_line(Note(T0 + i, f"number {i}")) for i in range(1000)]
    path.write_bytes(b"".join(lines))
    reader = NoteReader(path, max_bytes=10 * len(lines[-1]) + 5, max_notes=8)
    reader.refresh()
    assert texts(reader) == [f"number {i}" for i in range(992, 1000)]
    assert reader.skipped_bytes > 0
    assert reader.damaged == 0


@pytest.mark.parametrize("change", ["replaced", "shortened", "edited", "deleted"])
def test_a_changed_file_is_read_again(tmp_path, change):
    path = tmp_path / "notes.jsonl"
    path.write_bytes(note_line(Note(T0, "a")) + note_line(Note(T0 + 1, "b")))
    reader = NoteReader(path)
    reader.refresh()
    if change == "deleted":
        path.unlink()
    elif change == "replaced":
        other = tmp_path / "other"
        other.write_bytes(note_line(Note(T0, "c")))
        other.replace(path)
    else:
        path.write_bytes(note_line(Note(T0, "c")) + (b"" if change == "shortened" else note_line(Note(T0, "d" * 200))))
    assert reader.refresh() == ()
    expected = {"deleted": [], "edited": ["c", "d" * 200]}.get(change, ["c"])
    assert texts(reader) == expected


def test_a_torn_line_is_ended_before_the_next_note(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b'{"time_utc": "20')
    append_note(path, Note(T0, "a"))
    reader = NoteReader(path)
    reader.refresh()
    assert (texts(reader), reader.damaged) == (["a"], 1)


def test_a_full_disk_is_one_sentence_and_the_next_note_is_whole(tmp_path, monkeypatch):
    path, write = tmp_path / "notes.jsonl", os.write
    append_note(path, Note(T0, "before"))
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda descriptor, data: write(descriptor, data[:10]))
        with pytest.raises(NoteError, match=r"^the note is not written to .*notes.jsonl: .*; remove the cause"):
            append_note(path, Note(T0, "lost"))

        def refuse(descriptor, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(module.os, "write", refuse)
        with pytest.raises(NoteError, match="No space left on device"):
            append_note(path, Note(T0, "lost"))
    append_note(path, Note(T0 + 1, "after"))
    reader = NoteReader(path)
    reader.refresh()
    assert (texts(reader), reader.damaged) == (["before", "after"], 1)


def test_a_device_that_is_full_is_refused():
    with pytest.raises(NoteError, match="a device, not a regular file"):
        append_note(module.Path("/dev/full"), Note(T0, "a"))


@pytest.mark.parametrize("kind", ["link", "directory", "pipe", "file as directory"])
def test_only_a_regular_file_is_written(tmp_path, kind):
    path, target = tmp_path / "notes.jsonl", tmp_path / "target"
    target.write_text("mine\n")
    if kind == "link":
        path.symlink_to(target)
    elif kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = target / "notes.jsonl"
    with pytest.raises(NoteError, match="the note is not written"):
        append_note(path, Note(T0, "a"))
    assert target.read_text() == "mine\n"
    if kind != "file as directory":
        with pytest.raises(OSError, match="not a regular file"):
            NoteReader(path).refresh()


def test_a_directory_without_permission_is_one_sentence(monkeypatch, tmp_path):
    def refused(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # Root may write everywhere, so the system's answer is invented.
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(NoteError, match="Permission denied; remove the cause"):
        append_note(tmp_path / "notes.jsonl", Note(T0, "a"))


def test_the_notes_of_an_archive_are_also_those_of_its_stores(tmp_path):
    append_note(tmp_path / "notes.jsonl", Note(T0, "a"))
    assert len(read_notes(tmp_path)) == len(read_notes(tmp_path / "2025-11-25.zarr")) == 1
    assert not len(read_notes(tmp_path / "elsewhere"))


# The follower


def followed(path, caplog, **options):
    caplog.set_level(logging.INFO, "sunspec_tui")
    changes = []
    return NoteFollower(path, lambda: changes.append(1), **options), changes


@pytest.mark.parametrize("exists", [False, True])
def test_the_list_is_the_same_until_a_note_is_added(tmp_path, exists):
    path = notes_path(tmp_path, None)
    if exists:
        append_note(path, Note(1e9, "first"))
    changes = []
    follower = NoteFollower(path, lambda: changes.append(1))
    follower.refresh()
    before, called = follower.notes, len(changes)
    follower.refresh()
    assert follower.notes is before
    assert len(changes) == called
    append_note(path, Note(1e9, "second"))
    follower.refresh()
    assert follower.notes is not before
    assert len(changes) == called + 1


def test_the_follower_logs_notes_of_other_programs(tmp_path, caplog):
    path = tmp_path / "notes.jsonl"
    append_note(path, Note(T0, "earlier"))
    follower, changes = followed(path, caplog, follow_s=0.01)
    follower.start()
    try:
        poll_until(lambda: follower.counts.notes == 1)
        append_note(path, Note(T0 + 60, "type II\x1b[2J", T0 + 120, "WS", 45.2))
        poll_until(lambda: len(changes) == 2)
    finally:
        follower.stop()
    assert not [t for t in threading.enumerate() if t.name == "sunspec-notes"]
    events = [record.sunspec_event for record in caplog.records if hasattr(record, "sunspec_event")]
    assert events == [
        {
            "event": "note",
            "time_utc": "2025-11-25T18:43:10.000000Z",
            "end_utc": "2025-11-25T18:44:10.000000Z",
            "note": "type II\x1b[2J",
            "author": "WS",
            "frequency_mhz": 45.2,
        }
    ]
    assert caplog.messages == [r"note of 18:43:10 to 18:44:10: type II\x1b[2J (WS)"]


def test_an_own_note_is_there_at_once(tmp_path, caplog):
    follower, changes = followed(tmp_path / "state" / "notes.jsonl", caplog)
    follower.refresh()
    assert follower.add(Note(T0, "a")) == tmp_path / "state" / "notes.jsonl"
    assert [note.text for note in follower.between(T0, T0)] == ["a"]
    assert caplog.messages == ["note of 18:42:10: a"]
    assert changes


def test_problems_are_reported_once(tmp_path, caplog):
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b"bad\nbad\n" + note_line(Note(T0, "a")))
    follower, _ = followed(path, caplog)
    for i in range(3):
        follower.refresh()
        append_note(path, Note(T0 + i, "b"))
    assert follower.counts.damaged == 2
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.partition(": ")[2] for text in warnings] == [
        "2 lines are damaged in the file of notes and left out; correct or delete them"
    ]


def test_a_flood_of_notes_logs_few_lines(tmp_path, caplog):
    path = tmp_path / "notes.jsonl"
    follower, _ = followed(path, caplog)
    follower.refresh()
    path.write_bytes(b"".join(note_line(Note(T0 + i, "a")) for i in range(500)))
    follower.refresh()
    assert follower.counts.notes == 500
    assert len(caplog.messages) == 21
    assert caplog.messages[-1] == "480 further notes were added"


def test_without_a_place_a_note_is_refused(caplog):
    follower, _ = followed(None, caplog)
    follower.start()
    with pytest.raises(NoteError, match="--archive or XDG_STATE_HOME"):
        follower.add(Note(T0, "a"))
    follower.stop()
