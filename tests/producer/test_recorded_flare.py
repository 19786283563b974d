"""The package's recorded flare: its file, replay and marks.

Each reader of the stream learns that it is a replay.
"""

import gzip
import json
import math
import re

import numpy as np
import pytest
from astropy.io import fits
from monitors import StillReceiver
from solar_event import DATA, FLARE_FILE, FLARE_START_S, FLARE_STATION

from sunspec_tui.cli.headless import figure, text_line
from sunspec_tui.cli.producer_setup import make_source
from sunspec_tui.core.errors import SourceError, UsageError
from sunspec_tui.core.frame import Frame
from sunspec_tui.core.products import Product
from sunspec_tui.core.settings import StreamSettings
from sunspec_tui.files.read import read_recording
from sunspec_tui.monitoring.status_record import live_record, status_record
from sunspec_tui.monitoring.stream_diagnosis import findings, report
from sunspec_tui.producer.averaging import RingSequence
from sunspec_tui.producer.recorded_flare import REPLAY_BEGIN_S, open_flare, read_flare

NOW_S = 1.8e9
LOOP_S = 791.25
"""From the beginning of the replay to the end of the file."""

MAX_FILE_BYTES = 350_000
ORIGINAL = DATA / "events" / FLARE_FILE.name


def test_the_reader_of_the_flare_agrees_with_astropy():
    own, reference = read_flare(), read_recording(FLARE_FILE)
    assert len(own) == 3600
    for name in ("data", "times_s", "frequencies_hz"):
        np.testing.assert_array_equal(getattr(own, name), getattr(reference, name))
    for name in ("products", "cadence_s", "station", "source"):
        assert getattr(own, name) == getattr(reference, name)


def test_the_file_is_small_and_its_acknowledgement_is_beside_it():
    assert FLARE_FILE.stat().st_size <= MAX_FILE_BYTES
    text = (FLARE_FILE.parent / "README.md").read_text()
    assert FLARE_FILE.name in text
    assert "e-CALLISTO network, Institute for Data Science FHNW" in text


@pytest.mark.skipif(not ORIGINAL.exists(), reason=f"{ORIGINAL.name} is not beside the project")
def test_the_file_is_the_one_that_the_network_published():
    assert FLARE_FILE.read_bytes() == ORIGINAL.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:1000],
        lambda raw: b"no gzip",
        lambda raw: gzip.compress(b"SIMPLE  =" + 71 * b" "),
        lambda raw: gzip.compress(gzip.decompress(raw)[:100_000]),
        lambda raw: gzip.compress(gzip.decompress(raw).replace(b"NAXIS1", b"NAXISX")),
    ],
)
def test_a_damaged_file_is_one_sentence_with_the_remedy(damage, tmp_path):
    path = tmp_path / "flare.fit.gz"
    path.write_bytes(damage(FLARE_FILE.read_bytes()))
    with pytest.raises(SourceError, match=r"flare\.fit\.gz, cannot be read \(.*\); install the package again"):
        read_flare(path)
    with pytest.raises(SourceError, match="install the package again"):
        read_flare(tmp_path / "missing.fit.gz")


def test_the_replay_begins_half_a_minute_before_a_burst():
    rows = open_flare(560).recording
    assert rows.times_s[0] == pytest.approx(REPLAY_BEGIN_S, abs=0.25)
    assert (len(rows) * 0.25, rows.station) == (LOOP_S, FLARE_STATION)
    power_db = 10 * np.log10(rows.data[:120, :, 0])
    band = (rows.frequencies_hz > 40e6) & (rows.frequencies_hz < 85e6)
    rise_db = np.median(power_db[:, band] - np.median(power_db[:40, band], axis=0), axis=1)
    assert rise_db[:40].max() < 1
    assert rise_db.max() > 5


def test_a_shifted_replay_states_its_shift_in_each_loop():
    source = open_flare(560, lambda: NOW_S)
    begin_s = float(source.recording.starts_s[0])
    headers = [header for loop in (0, 1) for _, header, _, _ in source.sequences(loop * LOOP_S)]
    assert [header["time_shift"] for header in headers] == pytest.approx([NOW_S - begin_s, NOW_S + LOOP_S - begin_s])
    # Header time minus shift is the time of the recording, the same in each loop.
    for header in headers:
        sequence = RingSequence.from_header(json.dumps(header))
        assert sequence.time_tag / 196e6 - sequence.origin["time_shift"] == pytest.approx(begin_s, abs=1e-3)
        assert sequence.origin["recorded"] is True


def test_a_replay_with_its_own_times_states_no_shift_before_it_is_repeated():
    source = open_flare(560)
    assert all("time_shift" not in header for _, header, _, _ in source.sequences(0.0))
    assert [header["time_shift"] for _, header, _, _ in source.sequences(LOOP_S)] == pytest.approx([LOOP_S])
    assert "time_shift" not in RingSequence.from_header(source.header()).origin


@pytest.mark.parametrize(
    ("settings", "first_s", "is_shifted"),
    [
        (StreamSettings("flare"), REPLAY_BEGIN_S, True),
        (StreamSettings("flare", speed=20.0), REPLAY_BEGIN_S, False),
        (StreamSettings("flare", speed=20.0, now=True), REPLAY_BEGIN_S, True),
        (StreamSettings("flare", start="2017-09-06T11:00"), FLARE_START_S + 0.25, True),
    ],
)
def test_the_times_are_now_at_the_speed_of_the_sun(settings, first_s, is_shifted):
    source = make_source(settings)
    assert source.recording.times_s[0] == pytest.approx(first_s, abs=0.25)
    assert ("time_shift" in source.header()) is is_shifted


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (StreamSettings("flare", burst=True), "--burst is only for the simulated Sun"),
        (StreamSettings("flare", tuning=1), "--tuning and --follow are for a recorder's file"),
        (StreamSettings("flare", start="2018-01-01"), "choose --start and --end from 2017-09-06T11:55"),
    ],
)
def test_an_option_that_does_not_fit_the_flare_is_one_sentence(settings, complaint):
    with pytest.raises((UsageError, SourceError), match=re.escape(complaint)):
        make_source(settings)


@pytest.mark.parametrize(
    ("shift", "expected_s"),
    [
        (1000, 1.7e9 - 1000),
        (-0.5, 1.7e9 + 0.5),
        (0, math.nan),
        (None, math.nan),
        (True, math.nan),
        ("1000", math.nan),
        ([1000], math.nan),
        (math.nan, math.nan),
        (-math.inf, math.nan),
        (1e300, math.nan),
        (10**400, math.nan),
    ],
)
def test_only_a_plausible_shift_gives_a_time_of_recording(shift, expected_s):
    frame = Frame(np.zeros((1, 4, 1)), 1.7e9, 1.7e9, header={"time_shift": shift})
    assert frame.recorded_s == pytest.approx(expected_s, nan_ok=True)
    assert math.isnan(Frame(np.zeros((1, 4, 1)), math.nan, 1.7e9, header={"time_shift": 5}).recorded_s)


@pytest.fixture(scope="module")
def watched():
    """Receiver of one and a half loops, with alarms and warnings.

    They are read in every fifth second.
    """
    receiver, found = StillReceiver(buffer_length=1200), []
    source = open_flare(560, lambda: receiver.now_s)
    receiver.start()
    shift_s = 0.0
    for loop in range(2):
        for _, header, gulps, _ in source.sequences(shift_s):
            origin = RingSequence.from_header(header).origin
            spectra = (spectrum for gulp in gulps for spectrum in gulp)
            for n, spectrum in enumerate(spectra):
                receiver.feed(spectrum, time_tag=header["time_tag"], seq=n, chan0=header["chan0"], **origin)
                if n % 20 == 19:
                    snapshot = receiver.snapshot()
                    found.append((snapshot.alarms, snapshot.warnings, snapshot.notes))
                if loop and n == 1600:
                    break
        shift_s += LOOP_S
    return receiver, found


def test_no_loop_raises_an_alarm_and_each_second_is_marked_as_a_replay(watched):
    receiver, found = watched
    assert {alarms for alarms, _, _ in found} == {()}
    assert {notes for _, _, notes in found} == {()}
    # There is no other warning, such as a lost gain where the loop begins again.
    assert all(len(warnings) == 1 for _, warnings, _ in found)
    minutes = [warnings[0] for _, warnings, _ in found]
    assert minutes[0] == "replay of 2017-09-06 11:56"
    assert all(text.startswith("replay of 2017-09-06 1") for text in minutes)
    health = receiver.snapshot().health
    assert (health.restarts, health.missing, health.frames_rejected) == (1, 0, 0)


def test_status_files_and_plots_say_that_they_show_a_replay(watched, tmp_path):
    receiver, _ = watched
    snapshot = receiver.snapshot()
    said = "replay of 2017-09-06"
    assert status_record(snapshot)["replay_of"].startswith("2017-09-06T12:03:")
    assert live_record(snapshot)["warnings"] == [snapshot.replay]
    assert said in text_line(snapshot)
    assert said in figure(snapshot, Product.XX)
    assert any(f"{said} 12:03" in line for line in report(findings(snapshot, receiver.last_frame(), (), {})))
    assert said in receiver.plot_job().station
    for name in ("a.fits", "a.npz", "a.csv"):
        receiver.export(tmp_path / name)
        assert read_recording(tmp_path / name).source.endswith(f", {said}")
    assert said in fits.getheader(tmp_path / "a.fits")["SOURCE"]


def test_a_live_stream_says_nothing_of_a_replay():
    receiver = StillReceiver()
    receiver.start()
    receiver.feed(np.ones((1, 64, 1), np.float32))
    snapshot = receiver.snapshot()
    assert (snapshot.replay, snapshot.warnings, status_record(snapshot)["replay_of"]) == ("", (), None)
    assert receiver.recording().source == receiver.source
