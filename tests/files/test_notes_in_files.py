"""Notes in the headers of exported files."""

import json

import pytest
from archive_runs import Following
from recordings import START_S, recording

from sunspec_tui import export, read_recording, rebinned
from sunspec_tui.core.notes import MAX_NOTE_CHARACTERS, Note
from sunspec_tui.files.notes import append_note

NOTES = (
    Note(START_S + 0.01, "type II begins: fundamental, then harmonic", author="W. S.", frequency_mhz=45.25),
    Note(START_S + 1, '"quotes", commas, = and # signs; λ ☀ \u202e\x1b[2J\n' + "long " * 40, START_S + 3),
    Note(START_S + 2, "x" * MAX_NOTE_CHARACTERS),
)
ELSEWHERE = (Note(START_S - 60, "before"), Note(START_S + 3600, "after"), Note(START_S - 9, "before", START_S - 3))


def rounded(notes):
    return [(round(n.time_s * 1e6), n.end_s and round(n.end_s * 1e6), n.text, n.author, n.frequency_mhz) for n in notes]


@pytest.mark.parametrize("suffix", [".fits", ".fit.gz", ".h5", ".npz", ".csv"])
def test_each_format_keeps_the_notes_of_its_rows(tmp_path, suffix):
    path, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    rows = recording(24, npol=1, nchan=64, notes=(*NOTES, *ELSEWHERE))
    export(rows, path)
    assert rounded(read_recording(path).notes) == rounded(NOTES)
    export(rebinned(read_recording(path), average_time(rows)), again)
    assert rounded(read_recording(again).notes) == rounded(NOTES)


def average_time(rows):
    return 2 * rows.cadence_s


@pytest.mark.parametrize("suffix", [".fits", ".h5", ".npz", ".csv"])
def test_a_part_of_the_rows_has_only_its_notes(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    rows = recording(24, npol=1, nchan=64, notes=(*NOTES, *ELSEWHERE))
    export(rows.between(START_S + 3.5, None), path)
    assert read_recording(path).notes == ()
    export(rows.between(START_S + 2.5, None), path)
    assert rounded(read_recording(path).notes) == rounded(NOTES[1:2])


def test_other_programs_see_notes_in_the_header(tmp_path):
    from astropy.io import fits

    export(recording(24, npol=1, nchan=64, notes=NOTES[:1]), tmp_path / "a.fits")
    text = "2025-08-18T21:34:54.797341Z, 45.25 MHz, W. S.: type II begins: fundamental, then harmonic"
    with fits.open(tmp_path / "a.fits") as file:
        assert file[0].header["NOTE1"] == text
    export(recording(24, npol=1, nchan=64, notes=NOTES[:1]), tmp_path / "a.csv")
    assert f"# note_1={text}\n" in (tmp_path / "a.csv").read_text()


def test_a_file_without_notes_has_no_header_for_them(tmp_path):
    for suffix in (".fits", ".h5", ".npz", ".csv"):
        export(recording(24, npol=1, nchan=64, notes=ELSEWHERE), tmp_path / f"a{suffix}")
        export(recording(24, npol=1, nchan=64), tmp_path / f"b{suffix}")
    for suffix in (".fits", ".npz", ".csv"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_many_notes_fit_into_each_format(tmp_path):
    notes = tuple(Note(START_S + i / 100, "λ" * MAX_NOTE_CHARACTERS) for i in range(150))
    for suffix in (".fits", ".h5", ".npz", ".csv"):
        path = tmp_path / f"a{suffix}"
        export(recording(24, npol=1, nchan=64, notes=notes), path)
        assert len(read_recording(path).notes) == 100


def test_false_notes_of_a_file_are_left_out(tmp_path):
    path = tmp_path / "a.csv"
    export(recording(4, npol=1, nchan=64, notes=NOTES[:1]), path)
    path.write_text(path.read_text().replace("note_1=2025", "note_1=never"))
    assert read_recording(path).notes == ()


def test_rows_of_an_archive_have_its_notes(tmp_path):
    rows = recording(24, nchan=64)
    with Following(tmp_path / "archive") as archive:
        archive.add(rows)
        archive.wait_for(len(rows))
    for note in (*NOTES, *ELSEWHERE):
        append_note(tmp_path / "archive" / "notes.jsonl", note)
    assert rounded(read_recording(tmp_path / "archive").notes) == rounded(NOTES)


def test_a_dataset_has_notes_as_attributes():
    pytest.importorskip("xarray")
    from sunspec_tui.files.xarray_dataset import from_dataset, to_dataset

    dataset = to_dataset(recording(24, npol=1, nchan=64, notes=NOTES))
    assert json.loads(json.dumps(dataset.attrs))["note_3"].endswith("x" * MAX_NOTE_CHARACTERS)
    assert rounded(from_dataset(dataset).notes) == rounded(NOTES)
