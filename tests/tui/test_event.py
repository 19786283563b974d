"""The flare of 2017-09-06, from the file to the figure.

The data pass through the replay, the producer, the wire and the receiver.
"""

import logging
import threading
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from solar_event import FLARE_FILE, FLARE_START_S, FLARE_STATION

from sunspec_tui import AvgStreamingOp, StreamReceiver
from sunspec_tui.files.callisto_digits import DB_PER_DIGIT
from sunspec_tui.files.read import read_recording
from sunspec_tui.plots.figure import SpectrumFigure
from sunspec_tui.producer.memory_ring import MemoryRing
from sunspec_tui.producer.replay import open_replay
from sunspec_tui.producer.ring_feeder import RingFeeder
from sunspec_tui.tui.display.readouts import readout_of
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import Cursor, View


@pytest.fixture(scope="module")
def received():
    """Receiver that has received the whole file, and its figure."""
    ring = MemoryRing()
    feed = RingFeeder(ring, open_replay(FLARE_FILE, 560), speed=0)
    op = AvgStreamingOp(logging.getLogger("test"), ring, ntime_gulp=1, stream_port=0, wait=True, lossless=True)
    port = op.bind()
    producer = threading.Thread(target=op.main)
    feed.start()
    producer.start()
    with StreamReceiver(stream_port=port, buffer_length=3600, plot_interval=0, gc_interval=0) as receiver:
        assert receiver.wait_for_frames(3600, 60)
        producer.join()
        feed.stop()
        figure = SpectrumFigure()
        figure.draw(receiver.plot_job())
        yield receiver, figure


def test_all_3600_frames_arrive_in_order_a_quarter_of_a_second_apart(received):
    rows = received[0].get_rows()
    health = received[0].snapshot().health
    assert (health.frames_received, health.frames_rejected, health.frames_missing) == (3600, 0, 0)
    np.testing.assert_allclose(rows.times_s, FLARE_START_S + 0.25 * np.arange(1, 3601), atol=1e-5)
    assert np.diff(rows.slots).tolist() == [1] * 3599


def test_the_axes_of_the_figure_are_the_times_and_channels_of_the_file(received):
    left, right, low, high = received[1].waterfall.get_extent()
    assert left * 86400 == pytest.approx(FLARE_START_S, abs=1e-3)
    assert right * 86400 == pytest.approx(FLARE_START_S + 900, abs=1e-3)
    assert (low, high) == pytest.approx((13.386, 86.886), abs=0.06)
    assert received[1].spectrum.get_xlim() == pytest.approx((13.434, 86.838), abs=0.05)


def test_the_image_of_the_figure_equals_the_file(received):
    image = received[1].waterfall.get_array()
    mhz = received[0].snapshot().axis.frequencies_mhz
    with fits.open(FLARE_FILE) as units:
        digits = units[0].data.astype(float)
        file_mhz = units[1].data["FREQUENCY"][0]
    assert image.shape == (768, 3600)
    assert not np.ma.getmaskarray(image).any()
    for wanted in (31.0, 52.0, 76.0):
        j = int(np.abs(mhz - wanted).argmin())
        i = int(np.abs(file_mhz - mhz[j]).argmin())
        ours_db = image[j].filled(np.nan)
        correlation = np.corrcoef(ours_db, digits[i])[0, 1]
        assert correlation > 0.98
        assert np.median(ours_db) == pytest.approx(np.median(digits[i]) * DB_PER_DIGIT, abs=1.5)


def test_the_type_ii_and_iv_emission_is_bright_in_the_image(received):
    image_db = received[1].waterfall.get_array().filled(np.nan)
    mhz = received[0].snapshot().axis.frequencies_mhz
    band = (mhz > 48) & (mhz < 60)
    quiet = np.nanmedian(image_db[band][:, :240])  # the first minute
    burst = np.nanmedian(image_db[band][:, 2400:2640])  # 12:05 to 12:06
    assert burst - quiet > 10


RISE_DB = 5.0
# After the type III bursts, before the type II burst.
LANE_FROM_ROW = 1800
# Frequencies at which the lane begins within a second.
LANE_MHZ = (62.75, 57.063, 54.5)


def onset_in_file_s(mhz):
    """Return the time at which the type II lane reaches a frequency.

    This is the first second after the type III bursts that is 5 dB above the first minute.
    """
    with fits.open(FLARE_FILE) as file:
        digits, table = file[0].data.astype(float), file[1].data
    channel = int(np.argmin(np.abs(table["FREQUENCY"][0] - mhz)))
    above_db = (digits[channel] - np.median(digits[channel, :240])) * DB_PER_DIGIT
    seconds = np.convolve(above_db, np.full(4, 0.25), "valid")
    return FLARE_START_S + 0.25 * (LANE_FROM_ROW + int(np.argmax(seconds[LANE_FROM_ROW:] > RISE_DB)))


@pytest.mark.parametrize("mhz", LANE_MHZ)
@pytest.mark.parametrize(("rows_per_column", "size"), [(4, (68, 22)), (16, (68, 22)), (54, (66, 10))])
def test_the_cursor_finds_the_type_ii_lane_of_the_file_within_a_cell(received, mhz, rows_per_column, size):
    """Search for the lane as an observer does.

    Pause the picture near the time, then move the cursor along the row of the frequency. The power rises at the lane.
    """
    truth_s = onset_in_file_s(mhz)
    paused_at_slot = min(3599, round((truth_s - FLARE_START_S + 20) * 4))
    scene = Scene(View(rows_per_column=rows_per_column, paused_at_slot=paused_at_slot), received[0])
    scene.fit(*size, 2)
    for _ in range(100):
        scene.update()
    scene.draw()
    nearest = int(np.argmin(np.abs(received[0].position().axis.frequencies_mhz - mhz)))
    values = []
    for number in scene.shown.time_axis.numbers:
        scene.view = replace(scene.view, cursor=Cursor(number, nearest))
        found = readout_of(scene)
        values.append((found.begin_s, found.end_s, found.shown))
    reach_s = 5 * 0.25 * rows_per_column
    # Columns that end before the rise (whose second is the mean of four rows), and columns that begin after it.
    before_db = [shown for _, end_s, shown in values if truth_s - reach_s < end_s <= truth_s + 0.5]
    after_db = [shown for begin_s, _, shown in values if truth_s <= begin_s < truth_s + reach_s]
    assert min(after_db) > np.median(before_db) + 0.6 * RISE_DB
    cell_mhz = (86.875 - 13.398) / size[1]
    assert found.low_mhz - cell_mhz <= mhz <= found.high_mhz + cell_mhz
    assert found.high_mhz - found.low_mhz <= cell_mhz


def test_a_replay_keeps_the_station_of_its_file(received, tmp_path):
    receiver, figure = received
    snapshot = receiver.snapshot()
    assert (receiver.station, snapshot.station) == (FLARE_STATION, FLARE_STATION)
    assert receiver.recording().station == FLARE_STATION
    assert figure.figure.texts[0].get_text().startswith(f"{FLARE_STATION} (")
    receiver.export(tmp_path / "again.fits")
    with fits.open(tmp_path / "again.fits") as units:
        assert not {"OBS_LAT", "OBS_LON", "OBS_ALT"} & set(units[0].header)
    assert read_recording(tmp_path / "again.fits").station == FLARE_STATION
    assert snapshot.alarms == snapshot.warnings == snapshot.notes == ()
