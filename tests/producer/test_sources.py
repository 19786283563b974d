"""Sources agree with the sky model and with the replayed file."""

import gzip
import time

import numpy as np
import pytest
from solar_event import EVENT, FLARE_FILE, needs_event

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.times import tag_to_unix
from sunspec_tui.files.callisto_digits import DB_PER_DIGIT
from sunspec_tui.files.read import read_recording
from sunspec_tui.producer.memory_ring import MemoryRing
from sunspec_tui.producer.replay import open_replay
from sunspec_tui.producer.ring_feeder import RingFeeder, SourceSequence
from sunspec_tui.producer.simulated_sun import SimulatedSun
from sunspec_tui.producer.sky_model import galactic_k, plasma_mhz, type_iii_delay_s


def first_gulps(seed, n=2):
    gulps = SimulatedSun(seed).gulps()
    return np.concatenate([next(gulps) for _ in range(n)])


def test_the_same_seed_gives_the_same_sky_and_another_seed_another():
    np.testing.assert_array_equal(first_gulps(3), first_gulps(3))
    assert not np.array_equal(first_gulps(3), first_gulps(4))


def test_bursts_fade_and_none_is_cut_off_while_it_can_be_seen():
    sun = SimulatedSun(2)
    for time_s in (30.0, 700.0, 1500.0):
        every = [burst for block in range(int(time_s // 60) + 1) for burst in sun.bursts_of_minute(block)]
        seen_k = sum((burst.temperature_k(time_s) for burst in sun.bursts_at(time_s)), np.zeros(3072))
        np.testing.assert_allclose(seen_k, sum(burst.temperature_k(time_s) for burst in every), atol=10)


def test_a_type_ii_burst_comes_every_four_minutes_in_two_lanes():
    sun = SimulatedSun(2)
    lanes = [sum(burst.width_s[0] == 9.0 for burst in sun.bursts_of_minute(block)) for block in range(8)]
    assert lanes == [0, 2, 0, 0, 0, 2, 0, 0]


def test_circular_polarisation_never_exceeds_the_intensity():
    sun = SimulatedSun(5)
    for time_s in range(0, 300, 10):
        xx, yy, _, xy_imag = sun.mean_spectrum(float(time_s)).T
        assert (np.abs(xy_imag) <= (xx + yy) / 2).all()


@pytest.mark.parametrize("chan0", [0, 272, 1234])
def test_any_first_channel_has_a_finite_sky(chan0):
    assert np.isfinite(next(SimulatedSun(1, chan0).gulps())).all()


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

    source = open_replay(EVENT, 560)
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


def test_every_spectrum_of_the_event_is_replayed_and_none_is_made_up():
    source = open_replay(FLARE_FILE, 560)
    assert source.header()["spectrum_ticks"] == 49_000_000
    assert [len(gulp) for gulp in source.gulps()] == [1] * 3600


def test_a_shifted_replay_asks_its_clock_once_when_its_first_sequence_begins():
    asked = iter([1.8e9])
    source = open_replay(FLARE_FILE, 560, start_s=lambda: next(asked))
    assert tag_to_unix(source.header()["time_tag"]) == 1.8e9
    assert tag_to_unix(source.header(10.0)["time_tag"]) == 1.8e9 + 10


def write_callisto(
    path, offsets_s=(0.0, 0.5, 1.0), mhz=(60.0, 40.0, 20.0, 20.0), digits=None, begin=("2011/06/07", "06:24:00.500")
):
    from astropy.io import fits

    if digits is None:
        digits = np.arange(len(mhz) * len(offsets_s), dtype=np.uint8).reshape(len(mhz), len(offsets_s))
    image = fits.PrimaryHDU(digits)
    image.header["DATE-OBS"], image.header["TIME-OBS"] = begin
    columns = [
        fits.Column("TIME", f"{len(offsets_s)}D", array=np.array([offsets_s])),
        fits.Column("FREQUENCY", f"{len(mhz)}D", array=np.array([mhz])),
    ]
    fits.HDUList([image, fits.BinTableHDU.from_columns(columns)]).writeto(path)
    return path


@pytest.mark.parametrize(
    ("begin", "begin_s"),
    [
        (("2016/12/30", "12:00:00.250"), 1_483_056_000 + 43_200.25),
        # A day with a leap second.
        (("2016/12/31", "00:00:00.000"), 1_483_142_400),
        (("2016/12/31", "12:00:00.250"), 1_483_142_400 + 43_200.25),
        (("2016/12/31", "23:59:58.000"), 1_483_142_400 + 86_398),
        (("2016/12/31", "23:59:60.500"), 1_483_142_400 + 86_400.5),
        (("2017/01/01", "00:00:00.500"), 1_483_142_400 + 86_400.5),
        (("2015-06-30", "23:59:59.999"), 1_435_622_400 + 86_399.999),
    ],
)
def test_a_files_time_is_exact_on_each_day(tmp_path, begin, begin_s):
    rows = read_recording(write_callisto(tmp_path / "a.fit", begin=begin))
    np.testing.assert_allclose(rows.times_s - 0.5, begin_s + np.array([0, 0.5, 1]), rtol=0, atol=1e-6)


def test_channels_that_a_file_lists_twice_are_averaged(tmp_path):
    digits = np.array([[30] * 3, [20] * 3, [10] * 3, [14] * 3], np.uint8)
    source = open_replay(write_callisto(tmp_path / "a.fit", digits=digits), 560)
    spectrum = next(source.gulps())[0, 0, :, 0]
    k = int(np.ceil(20e6 / CHANNEL_WIDTH_HZ)) - 560
    assert 10 * np.log10(spectrum[k]) == pytest.approx(12 * DB_PER_DIGIT, rel=1e-3)
    assert np.isnan(spectrum[k - 1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"offsets_s": (0.0,)}, "only one row"),
        ({"mhz": (800.0, 700.0, 600.0)}, "choose another --chan0"),
        ({"mhz": (60.0, 40.0, float("inf"))}, "finite and positive"),
        ({"digits": np.zeros((3, 3), np.uint8), "offsets_s": (0.0, 0.5)}, "does not fit its 2 times"),
        ({"digits": np.zeros((5, 3), np.uint8)}, "does not fit its 4 frequencies"),
    ],
)
def test_a_file_that_would_give_a_false_picture_is_refused_in_one_sentence(tmp_path, options, said):
    with pytest.raises(SourceError, match=said):
        open_replay(write_callisto(tmp_path / "a.fit", **options), 560)


@pytest.mark.parametrize("offsets_s", [(0.0, 0.5, 1.0, 2.5), (0.0, 0.5, 0.5, 1.0)])
def test_uneven_times_of_a_file_begin_new_sequences_and_stay_true(tmp_path, offsets_s):
    source = open_replay(write_callisto(tmp_path / "a.fit", offsets_s=offsets_s), 560)
    times_s = [begin_s + 0.5 * n for begin_s, _, gulps, _ in source.sequences() for n, _ in enumerate(gulps)]
    assert times_s == pytest.approx(offsets_s)


def test_a_gap_is_waited_for_but_never_long():
    class Apart(Ticks):
        def sequences(self, shift_s):
            for begin_s in (0.0, 0.1, 1e6):
                yield self.part(begin_s, shift_s, 1)

    ring, source, now_s = MemoryRing(), Apart(1), [0.0]
    waited = []

    def wait(seconds):
        waited.append(seconds)
        now_s[0] += seconds
        return False

    feed = RingFeeder(ring, source, speed=1.0, monotonic=lambda: now_s[0], wait=wait)
    feed.start()
    assert sum(1 for sequence in ring.read() for _ in sequence.read(4)) == 3
    feed.stop()
    assert waited == pytest.approx([0.02, 0.1, 10.0], abs=0.03)
    assert source.shifts == pytest.approx([0, 0.1, 1e6])


def test_a_file_that_was_cut_off_is_one_sentence_packed_or_not(tmp_path):
    whole = write_callisto(tmp_path / "a.fit").read_bytes()
    packed = gzip.compress(whole)
    for name, content in (("b.fit", whole[:2900]), ("c.fit", whole[:100]), ("d.fit.gz", packed[:-40])):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SourceError, match="cannot be read"):
            open_replay(path, 560)
    (tmp_path / "e.fit.gz").write_bytes(packed)
    assert open_replay(tmp_path / "e.fit.gz", 560).nspectra == 3


def test_a_replay_can_be_shifted_to_now_and_its_loops_follow_on():
    source = open_replay(FLARE_FILE, 560, start_s=1.8e9)
    assert tag_to_unix(source.header()["time_tag"]) == pytest.approx(1.8e9)
    assert tag_to_unix(source.header(900.0)["time_tag"]) == pytest.approx(1.8e9 + 900)


def test_what_is_no_such_file_is_one_sentence(tmp_path):
    path = tmp_path / "notes.fit"
    path.write_text("no FITS at all")
    with pytest.raises(SourceError, match=r"notes\.fit cannot be read"):
        open_replay(path, 560)
    with pytest.raises(SourceError, match="cannot be read"):
        open_replay(tmp_path / "missing.fit", 560)


class Ticks:
    """A source of empty gulps of 20 ms each."""

    ntime_gulp, spectrum_s = 1, 0.02

    def __init__(self, n):
        self.n = n
        self.shifts = []

    def part(self, begin_s, shift_s, n):
        self.shifts.append(shift_s + begin_s)
        return SourceSequence(begin_s, {}, iter(np.zeros((n, 1, 1, 1, 1), np.float32)), self.spectrum_s)

    def sequences(self, shift_s):
        yield self.part(0.0, shift_s, self.n)


def test_a_feed_keeps_the_pace_of_the_data_neither_bursting_nor_drifting():
    ring = MemoryRing()
    feed = RingFeeder(ring, Ticks(20), speed=1.0)
    feed.start()
    begun_s = time.monotonic()
    arrivals = [time.monotonic() - begun_s for sequence in ring.read() for _ in sequence.read(4)]
    feed.stop()
    early = np.array(arrivals) - 0.02 * np.arange(1, 21)
    assert len(arrivals) == 20
    assert early.min() > -0.01  # none comes before its data are complete


def test_a_looping_feed_never_lets_time_go_back():
    ring, source = MemoryRing(), Ticks(3)
    feed = RingFeeder(ring, source, speed=0, loop=True)
    feed.start()
    sequences = ring.read()
    for _ in range(4):
        assert sum(1 for _ in next(sequences).read(4)) == 3
    feed.stop()
    assert source.shifts[:4] == pytest.approx([0, 0.06, 0.12, 0.18])


def test_a_feed_begins_with_its_reader_and_stops_at_once():
    source = Ticks(5)
    feed = RingFeeder(MemoryRing(), source)
    feed.start()
    assert source.shifts == []
    feed.stop()
