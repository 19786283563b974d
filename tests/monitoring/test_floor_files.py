"""The quiet floor is stored between runs; invalid files are ignored."""

import json
import math
import os

import numpy as np
import pytest
from monitors import StillReceiver

from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.monitoring.gain_floor_files import MAX_FILES, SAVE_EVERY_S, FloorFiles
from sunspec_tui.monitoring.gain_history import QuietFloor

AXIS = Axis(560, 3072, 4, 4)
FLOORS = tuple(QuietFloor([(1e9 + 60 * n, level_db) for n in range(90)]) for level_db in (40.0, 41.0))


def kept(files, floors=FLOORS, now_s=0.0):
    files.save(AXIS, floors, now_s)
    files.finish()
    return files.path(AXIS)


def test_floors_are_loaded_as_saved(tmp_path):
    kept(FloorFiles(tmp_path / "new", "sun:9798"))
    found = FloorFiles(tmp_path / "new", "sun:9798").load(AXIS)
    assert [floor.minutes for floor in found] == [floor.minutes for floor in FLOORS]
    assert [floor.floor_db() for floor in found] == [40.0, 41.0]


def test_each_source_axis_and_averaging_has_its_own_floor(tmp_path):
    files, other = FloorFiles(tmp_path, "sun:9798"), FloorFiles(tmp_path, "sun:9799")
    axes = [AXIS, Axis(561, 3072, 4, 4), Axis(560, 1536, 4, 4), Axis(560, 3072, 8, 4)]
    assert len({files.path(axis) for axis in axes} | {other.path(AXIS)}) == 5


def test_nothing_is_saved_without_a_directory_or_minutes(tmp_path):
    assert kept(FloorFiles(None, "sun:9798")) is None
    assert FloorFiles(None, "sun:9798").load(AXIS) == ()
    assert not kept(FloorFiles(tmp_path, "sun:9798"), (QuietFloor(), QuietFloor())).exists()


def test_files_are_written_every_few_minutes_and_the_oldest_deleted(tmp_path):
    files = FloorFiles(tmp_path, "sun:9798")
    path = kept(files)
    path.write_text("{}")
    kept(files, now_s=SAVE_EVERY_S - 1)
    assert path.read_text() == "{}"
    kept(files, now_s=SAVE_EVERY_S)
    assert json.loads(path.read_text())["minutes"]
    for n in range(50):
        old = tmp_path / f"quiet-floor-{n:016}.json"
        old.write_text("{}")
        os.utime(old, (n, n))
    kept(FloorFiles(tmp_path, "sun:9798"))
    assert len(list(tmp_path.glob("quiet-floor-*"))) == MAX_FILES - 1
    assert path.exists()


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", "null", "\x00", "[" * 50000, '{"minutes": 3}', '{"minutes": [3, null]}', '{"minutes": [[[1]]]}',
        '{"minutes": [[["a", "b"], [true, 1], [1e999, 1], [NaN, 2]]]}', "x" * 100_000,
    ],
)  # fmt: skip
def test_an_invalid_file_begins_the_floor_anew(tmp_path, content):
    files = FloorFiles(tmp_path, "sun:9798")
    files.path(AXIS).write_text(content)
    assert all(math.isnan(floor.floor_db()) for floor in files.load(AXIS))


def test_a_live_stream_saves_its_floor_and_a_recording_does_not(tmp_path):
    sky = np.random.default_rng(0).gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
    for recorded, expected in ((True, 0), (False, 1)):
        receiver = StillReceiver(floor_dir=tmp_path)
        for _ in range(600):
            receiver.feed(sky, recorded=recorded)
        receiver.snapshot()
        receiver.feed(sky, recorded=recorded)
        receiver.snapshot()
        # Private: only a stop would wait for the file, and this receiver does not run.
        receiver.parts._floor_files.finish()
        assert len(list(tmp_path.glob("*.json"))) == expected
