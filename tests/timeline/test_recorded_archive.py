"""Station and notes of an archive that is viewed."""

from dataclasses import replace

import pytest
from archive_runs import Following
from recordings import START_S, recording

from sunspec_tui.core.notes import Note
from sunspec_tui.files.notes import notes_path
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.playback import Playback
from sunspec_tui.timeline.recorded import open_timeline


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Archive of two days, each of another station."""
    directory = tmp_path_factory.mktemp("stations") / "archive"
    for days, station in ((0, "FIRST"), (1, "SECOND\x1b[2J")):
        rows = recording(48, nchan=64)
        with Following(directory) as following:
            following.change(replace(following.about, station=station))
            following.add(replace(rows, times_s=rows.times_s + 86_400 * days))
            following.wait_for(len(rows))
    return directory


def opened(archive, **options):
    return Playback(open_timeline([archive], RowSelection()), 1.0, **options)


def test_the_station_of_an_archive_is_shown_and_exported(archive, tmp_path):
    playback = opened(archive)
    assert playback.station == playback.snapshot(memory=False).station == r"SECOND\x1b[2J"
    playback.play_from(START_S + 5)
    playback.read_station()
    assert playback.station == "FIRST"
    playback.stop_playing()
    playback.export_times(tmp_path / "out.npz", START_S, START_S + 60)
    assert read_recording(tmp_path / "out.npz").station == "FIRST"


def test_exports_of_an_archive_have_its_notes(archive, tmp_path):
    playback = opened(archive, notes_path=notes_path(archive, None))
    playback.notes.add(Note(START_S + 3, "a burst"))
    playback.export_times(tmp_path / "out.npz", START_S, START_S + 60)
    assert [each.text for each in read_recording(tmp_path / "out.npz").notes] == ["a burst"]
