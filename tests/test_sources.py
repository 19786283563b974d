"""The simulated Sun and the replayed file say what the sky and the file say."""

import time

import numpy as np
import pytest
from conftest import EVENT, needs_event

from sunspec_tui.errors import SourceError
from sunspec_tui.sources.feed import Feed
from sunspec_tui.sources.memory_ring import MemoryRing
from sunspec_tui.sources.replay import DB_PER_DIGIT, CallistoFile
from sunspec_tui.sources.simulate import SimulatedSun
from sunspec_tui.sources.sky import galactic_k, plasma_mhz, type_iii_delay_s
from sunspec_tui.times import CHANNEL_WIDTH_HZ, tag_to_unix


def first_gulps(seed, n=2):
    gulps = SimulatedSun(seed).gulps()
    return np.concatenate([next(gulps) for _ in range(n)])


def test_the_same_seed_gives_the_same_sky_and_another_seed_another():
    np.testing.assert_array_equal(first_gulps(3), first_gulps(3))
    assert not np.array_equal(first_gulps(3), first_gulps(4))


def test_noise_has_the_size_of_the_radiometer_equation_on_all_products():
    sun = SimulatedSun(1, ntime_gulp=400)
    gulp = next(sun.gulps())[:, 0]
    mean = gulp.mean(axis=0)
    expected = 1 / np.sqrt(CHANNEL_WIDTH_HZ * sun.spectrum_s)
    scale = np.stack([mean[:, 0], mean[:, 1], *[np.sqrt(mean[:, 0] * mean[:, 1] / 2)] * 2], axis=-1)
    relative = gulp.std(axis=0) / scale
    np.testing.assert_allclose(np.median(relative, axis=0), expected, rtol=0.05)


def test_type_iii_bursts_drift_at_the_published_rate():
    for mhz in (20.0, 40.0, 70.0):
        near = np.array([mhz - 0.01, mhz + 0.01])
        early, late = type_iii_delay_s(near, 100.0)
        assert 0.02 / (late - early) == pytest.approx(-0.01 * mhz**1.84, rel=1e-3)


def test_the_density_model_gives_published_plasma_frequencies():
    # 4.2e4 * 10^4.32 per cubic centimetre at the base: 8.8e8, 266 MHz.
    assert plasma_mhz(np.array([1.0]))[0] == pytest.approx(266, rel=0.01)
    assert galactic_k(np.array([180.0]))[0] == pytest.approx(180)


def test_a_type_iii_burst_is_seen_within_the_first_twenty_seconds():
    for seed in range(5):
        sun = SimulatedSun(seed)
        channel = 1100
        light_curve = [sun.mean_spectrum(t)[channel, 0] for t in np.arange(0, 25, 0.25)]
        assert max(light_curve) > 1.5 * light_curve[0]


@needs_event
def test_the_replayed_event_is_the_file_interpolated_to_our_channels():
    from astropy.io import fits

    source = CallistoFile(EVENT, 560)
    assert (source.nspectra, source.spectrum_s) == (3600, 0.25)
    assert tag_to_unix(source.header()["time_tag"]) == pytest.approx(1307427840.213, abs=1e-3)
    gulps = source.gulps()
    first = next(gulps)[0, 0]
    with fits.open(EVENT) as units:
        digits = units[0].data[:, 0].astype(float)
        mhz = units[1].data["FREQUENCY"][0]
    channel_mhz = (560 + np.arange(3072)) * CHANNEL_WIDTH_HZ / 1e6
    outside = (channel_mhz < 20.0) | (channel_mhz > mhz.max())
    assert np.isnan(first[outside, :2]).all()
    assert np.isfinite(first[~outside, :2]).all()
    assert np.isnan(first[:, 2:]).all()
    for wanted in (30.0, 50.0, 75.0):
        k = int(np.abs(channel_mhz - wanted).argmin())
        order = np.argsort(mhz[:190])
        db = np.interp(channel_mhz[k], mhz[:190][order], digits[:190][order]) * DB_PER_DIGIT
        assert 10 * np.log10(first[k, 0]) == pytest.approx(db, abs=1e-3)


@needs_event
def test_a_replay_can_be_shifted_to_now_and_its_loops_follow_on():
    source = CallistoFile(EVENT, 560, start_s=1.8e9)
    assert tag_to_unix(source.header()["time_tag"]) == pytest.approx(1.8e9)
    assert tag_to_unix(source.header(900.0)["time_tag"]) == pytest.approx(1.8e9 + 900)


def test_what_is_no_such_file_is_one_sentence(tmp_path):
    path = tmp_path / "notes.fit"
    path.write_text("no FITS at all")
    with pytest.raises(SourceError, match=r"notes\.fit cannot be read"):
        CallistoFile(path, 560)
    with pytest.raises(SourceError, match="cannot be read"):
        CallistoFile(tmp_path / "missing.fit", 560)


class Ticks:
    """A source of empty gulps of 20 ms each."""

    ntime_gulp, spectrum_s = 1, 0.02

    def __init__(self, n):
        self.n = n
        self.shifts = []

    def header(self, shift_s):
        self.shifts.append(shift_s)
        return {}

    def gulps(self):
        return iter(np.zeros((self.n, 1, 1, 1, 1), np.float32))


def test_a_feed_keeps_the_pace_of_the_data_neither_bursting_nor_drifting():
    ring = MemoryRing()
    feed = Feed(ring, Ticks(20), speed=1.0)
    feed.start()
    begun_s = time.monotonic()
    arrivals = [time.monotonic() - begun_s for sequence in ring.read() for _ in sequence.read(4)]
    feed.stop()
    early = np.array(arrivals) - 0.02 * np.arange(1, 21)
    assert len(arrivals) == 20
    assert early.min() > -0.01  # none comes before its data are complete


def test_a_looping_feed_never_lets_time_go_back():
    ring, source = MemoryRing(), Ticks(3)
    feed = Feed(ring, source, speed=0, loop=True)
    feed.start()
    sequences = ring.read()
    for _ in range(4):
        assert sum(1 for _ in next(sequences).read(4)) == 3
    feed.stop()
    assert source.shifts[:4] == pytest.approx([0, 0.06, 0.12, 0.18])


def test_a_feed_begins_with_its_reader_and_stops_at_once():
    source = Ticks(5)
    feed = Feed(MemoryRing(), source)
    feed.start()
    assert source.shifts == []
    feed.stop()
