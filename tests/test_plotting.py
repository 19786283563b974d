"""The figure and the plot writer, without a stream.

Values are taken from the drawn artists.
"""

import itertools
import os
import shutil
import signal
import threading
from pathlib import Path

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
import psutil
import pytest
from PIL import Image
from plot_jobs import MHZ, START_S, Writer, job, picture_size
from recordings import recording
from waiting import poll_until

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.retention import RetentionPolicy, plot_time_s
from sunspec_tui.core.row_spans import GAP
from sunspec_tui.files.atomic_write import temporary_path
from sunspec_tui.plots.figure import SpectrumFigure, bin_edges, column_image
from sunspec_tui.plots.job import next_interval
from sunspec_tui.plots.plot_window import plot_window
from sunspec_tui.plots.text_figure import text_figure


@pytest.fixture(scope="module")
def figure():
    return SpectrumFigure()


@pytest.mark.parametrize(("product", "limits"), [("XX", (1 / 1.5, 15)), ("V/I", (-1.2, 1.2))])
def test_a_spectrum_without_a_number_says_so_and_keeps_no_limits_of_the_figure_before(figure, product, limits):
    figure.draw(job())
    none = np.full((40, len(MHZ)), np.nan, np.float32)
    figure.draw(job(data=none, product=product, spectra={product: none[-1]}))
    assert figure.spectrum.get_ylim() == pytest.approx(limits)
    assert figure.spectrum.get_title().endswith("no numbers")


def test_the_waterfall_is_the_data_with_time_on_x_and_its_true_limits(figure):
    drawn = job()
    figure.draw(drawn)
    np.testing.assert_allclose(figure.waterfall.get_array().filled(np.nan), 10 * np.log10(drawn.data.T), rtol=1e-5)
    left, right, low, high = figure.waterfall.get_extent()
    assert left * 86400 == pytest.approx(START_S, abs=1e-3)
    assert right * 86400 == pytest.approx(START_S + 10, abs=1e-3)
    half = (MHZ[1] - MHZ[0]) / 2
    assert (low, high) == pytest.approx((MHZ[0] - half, MHZ[-1] + half))
    assert figure.time_axes.get_xlim() == pytest.approx((left, right))
    assert "UTC" in figure.time_axes.get_xlabel()
    assert "MHz" in figure.time_axes.get_ylabel()


def test_missing_rows_and_bad_values_are_masked(figure):
    drawn = job(gap_at=30)
    drawn.data[5, 7], drawn.data[6, 8], drawn.data[7, 9] = np.nan, -1, 0
    figure.draw(drawn)
    mask = np.ma.getmaskarray(figure.waterfall.get_array())
    assert mask.shape == (96, 41)
    assert mask[:, 30].all()
    assert [bool(mask[at]) for at in ((7, 5), (8, 6), (9, 7))] == [True] * 3
    assert mask.sum() == 96 + 3
    _, columns, _ = column_image(drawn)
    np.testing.assert_allclose(columns.edges_s[30:32], [drawn.times_s[29], drawn.times_s[30] - 0.25], atol=1e-6, rtol=0)


def test_a_long_silence_leaves_out_the_oldest_rows_but_keeps_times_true():
    slots = np.array([0, 1, 2, 100_000, 100_001], np.int64)
    drawn = job(5, slots=slots, times_s=START_S + slots * 0.25, data=np.ones((5, 96), np.float32))
    image, columns, timed = column_image(drawn)
    assert timed
    assert image.shape == (96, 2)
    assert columns.rows.tolist() == [3, 4]
    np.testing.assert_allclose(columns.edges_s, START_S + 25_000 + np.array([-0.25, 0, 0.25]), atol=1e-6, rtol=0)


def test_the_title_says_how_many_rows_are_left_out(figure):
    slots = np.array([0, 1, 2, 100_000, 100_001], np.int64)
    figure.draw(job(5, slots=slots, times_s=START_S + slots * 0.25, data=np.ones((5, 96), np.float32)))
    assert "5 rows, 3 not shown" in figure.time_axes.get_title()
    figure.draw(job())
    assert "40 rows," in figure.time_axes.get_title()
    assert "not shown" not in figure.time_axes.get_title()


def test_times_that_stand_still_are_row_numbers():
    image, columns, timed = column_image(job(5, times_s=np.full(5, START_S), data=np.ones((5, 96), np.float32)))
    assert not timed
    assert columns.edges_s.tolist() == [-5, -4, -3, -2, -1, 0]
    assert GAP not in columns.rows
    assert np.isfinite(image).all()


@pytest.mark.parametrize(
    ("mhz", "edges"),
    [([10, 12, 14], [9, 11, 13, 15]), ([10, 11, 14], [9, 10.5, 12.5, 15]), ([50, 50], [49.5, 50, 50.5])],
)
def test_bins_meet_halfway_between_their_centres(mhz, edges):
    assert bin_edges(np.array(mhz, float)).tolist() == pytest.approx(edges)


def test_the_spectrum_panel_is_logarithmic_in_mhz_and_names_its_products(figure):
    drawn = job()
    figure.draw(drawn)
    assert figure.spectrum.get_yscale() == "log"
    assert figure.spectrum.get_xlim() == pytest.approx((13.4, 86.8))
    assert [text.get_text() for text in figure.spectrum.get_legend().get_texts()] == ["XX", "YY"]
    np.testing.assert_allclose(figure.lines[1].get_ydata(), drawn.spectra["YY"])


def test_titles_carry_station_product_utc_lag_cadence_and_losses(figure):
    figure.draw(job())
    title = figure.figure.get_suptitle()
    for word in ("127.0.0.1:9798", "XX", "2025-08-18 21:34:54", "lag 0.125 s", "0.2500 s", "3 frames missing"):
        assert word in title
    assert "21:35:04" in figure.spectrum.get_title()
    assert figure.waterfall.get_cmap().name == "viridis"


def test_time_ticks_are_utc_and_inside_the_axis(figure):
    figure.draw(job(1200))
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.time_axes.get_xticklabels()]
    ticks = [mdates.num2date(value).strftime("%H:%M:%S") for value in figure.time_axes.get_xticks()]
    assert labels == ticks
    assert "21:37:00" in labels


def test_levels_ignore_the_edges_of_the_band(figure):
    drawn = job()
    drawn.data[:, :9] = 1e9
    drawn.data[:, -9:] = 1e-9
    figure.draw(drawn)
    low, high = figure.waterfall.get_clim()
    assert -3 < low < 10
    assert 19 < high < 25
    assert "dB" in figure.colour_bar.ax.get_ylabel()


@pytest.mark.parametrize("value", [np.nan, 0, -5])
def test_data_without_a_single_valid_value_are_drawn_as_none(figure, value):
    data = np.full((5, 96), value, np.float32)
    figure.draw(job(5, data=data, spectra={"XX": data[-1]}))
    figure.canvas.draw()
    assert np.ma.getmaskarray(figure.waterfall.get_array()).all()


def test_the_same_artists_serve_every_plot(figure):
    figure.draw(job())
    before = [len(axes.get_children()) for axes in figure.figure.axes]
    for n in range(5):
        figure.draw(job(20 + n))
    assert [len(axes.get_children()) for axes in figure.figure.axes] == before
    assert figure.figure.get_size_inches().tolist() == [12, 10]


def test_a_saved_plot_is_1800_by_1500_and_leaves_no_temporary_file(figure, tmp_path):
    figure.draw(job(1200))
    nbytes = figure.save(tmp_path / "a.png")
    assert picture_size(tmp_path / "a.png") == (1800, 1500)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert nbytes == (tmp_path / "a.png").stat().st_size


def test_a_signed_product_is_linear_and_symmetric_about_zero(figure):
    data = np.random.default_rng(2).normal(0, 5, (40, 96)).astype(np.float32)
    figure.draw(job(data=data, product="V", spectra={"V": data[-1]}))
    low, high = figure.waterfall.get_clim()
    assert low == pytest.approx(-high)
    assert figure.waterfall.get_cmap().name == "diverging"
    np.testing.assert_allclose(figure.waterfall.get_array().filled(np.nan), data.T)
    assert figure.spectrum.get_yscale() == "linear"
    np.testing.assert_allclose(figure.lines[0].get_ydata(), data[-1])
    assert not figure.lines[1].get_visible()
    figure.draw(job())
    assert (figure.spectrum.get_yscale(), figure.waterfall.get_cmap().name) == ("log", "viridis")


def test_a_scripts_own_style_changes_nothing_and_stays_as_it_was():
    rows = recording(40, nchan=96, channel_average=1)
    plain = plot_window(rows)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        styled = plot_window(rows)
        assert mpl.rcParams["font.size"] == 30
    for figure in (plain, styled):
        figure.canvas.draw()
    np.testing.assert_array_equal(np.asarray(plain.canvas.buffer_rgba()), np.asarray(styled.canvas.buffer_rgba()))


def test_a_window_of_a_recording_is_the_same_figure_with_its_own_times_and_losses():
    rows = recording(60, gaps=(30,))
    drawn = plot_window(rows, "I", start_s=float(rows.times_s[9]), end_s=float(rows.times_s[49]))
    spectrum, time_axes, _ = drawn.axes
    left, right = (86400 * edge for edge in time_axes.get_xlim())
    assert left == pytest.approx(rows.times_s[9], abs=1e-3)
    assert right == pytest.approx(rows.times_s[49], abs=1e-3)
    image = time_axes.images[0].get_array()
    assert image.shape == (192, 41)
    assert np.ma.getmaskarray(image)[:, 20].all()
    title = drawn.get_suptitle()
    for words in ("OVRO-LWA (127.0.0.1:9798)  I", "recorded", "10 frames missing", "cadence 0.2508 s"):
        assert words in title
    assert [line.get_label() for line in spectrum.lines if line.get_visible()] == ["YY", "XX"]


def test_a_window_without_rows_or_product_is_one_sentence():
    with pytest.raises(UsageError, match="no row in that time"):
        plot_window(recording(8), end_s=0.0)
    with pytest.raises(UsageError, match="the recording has no V; choose one of XX"):
        plot_window(recording(8, npol=1), "V")


def test_a_day_that_ends_in_the_title_is_named(figure):
    midnight_s = 1_755_561_600.0
    figure.draw(job(4, times_s=midnight_s + np.array([-2.0, -1.0, 0.0, 1.0]), cadence_s=1.0))
    assert "2025-08-18 23:59:57 to 2025-08-19 00:00:01 UTC" in figure.figure.get_suptitle()


def test_a_short_picture_has_no_label_twice(figure):
    figure.draw(job(8))
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.time_axes.get_xticklabels()]
    assert len(labels) >= 3
    assert len(set(labels)) == len(labels)
    assert all("." in label for label in labels)


def test_the_picture_is_the_one_that_was_looked_at(figure, tmp_path):
    """Places, colours and letters of a figure.

    Other tests compare limits and images as numbers.
    """
    figure.draw(job(400, gap_at=300))
    figure.save(tmp_path / "now.png")
    seen = Path(__file__).parent / "pictures" / "figure.png"
    with Image.open(tmp_path / "now.png") as now, Image.open(seen) as then:
        small = (450, 375)
        ours, theirs = (np.asarray(picture.convert("RGB").resize(small), float) for picture in (now, then))
    differences = np.abs(ours - theirs).mean(axis=2)
    assert differences.mean() < 0.3
    # A title, a legend or a label that is missing is a small place with a large difference.
    assert differences.reshape(25, 15, 30, 15).mean(axis=(1, 3)).max() < 5


def test_a_plot_on_demand_is_written_under_its_utc_name_and_none_is_overwritten(tmp_path):
    with Writer(tmp_path / "new" / "figs") as run:
        assert run.plot().ok
        assert run.plot().ok
        names = sorted(path.name for path in (tmp_path / "new" / "figs").iterdir())
    assert names == ["latest.png", "spectrum_20250818_213454.png", "spectrum_20250818_213454_2.png"]
    assert run.writer.status().written == 2


def test_plots_come_by_themselves_at_their_interval(tmp_path):
    with Writer(tmp_path, 0.05) as run:
        poll_until(lambda: run.writer.status().written >= 3, 60)
        run.writer.set_interval(0)
        assert run.writer.status().interval_s == 0


def test_a_killed_plot_process_is_replaced_with_the_next_plot(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        os.kill(run.writer.child_pid, signal.SIGKILL)
        assert not run.plot().ok
        assert run.plot().ok
        status = run.writer.status()
    assert (status.written, status.failed, status.last_error) == (2, 1, "")
    assert all(picture_size(path) == (1800, 1500) for path in tmp_path.glob("*.png"))


def test_a_plot_process_killed_in_the_middle_of_a_plot_leaves_no_broken_file_and_the_next_plot_comes(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        for n in range(3):
            count, pid = len(run.events), run.writer.child_pid
            run.writer.plot_now()
            poll_until(lambda: run.writer.status().busy, 10, "the plot")
            threading.Event().wait(0.03 * n)  # somewhere in the middle: at the figure, the pixels, the file
            os.kill(pid, signal.SIGKILL)
            poll_until(lambda count=count: run.events[count:], 60, "the end of the plot")
            assert run.plot().ok
        names = sorted(path.name for path in tmp_path.iterdir())
    assert all(name == "latest.png" or plot_time_s(name) is not None for name in names)
    assert all(picture_size(tmp_path / name) == (1800, 1500) for name in names)


def test_without_a_new_row_there_is_no_plot_unless_one_is_asked_for(tmp_path):
    with Writer(tmp_path, 0.02, make_job=lambda: job(directory=tmp_path, number=7)) as run:
        poll_until(lambda: run.writer.status().written == 1, 60)
        assert run.plot().ok
        assert run.writer.status().written == 2


def test_a_failure_that_lasts_is_told_once_and_its_end_too(tmp_path):
    (tmp_path / "file").write_text("")
    with Writer(tmp_path / "file" / "figs", 0.02) as run:
        poll_until(lambda: run.writer.status().failed > 3, 10)
        assert [event.ok for event in run.events] == [False]
        assert "Not a directory" in run.events[0].text
        (tmp_path / "file").unlink()
        poll_until(lambda: run.writer.status().written, 60)
        again = next(event for event in run.events if event.ok)
    assert "written again" in again.text
    assert run.writer.status().last_error == ""


def test_the_latest_plot_has_a_name_that_stays(tmp_path):
    with Writer(tmp_path) as run:
        for _ in range(2):
            assert run.plot().ok
            assert (tmp_path / "latest.png").read_bytes() == Path(run.writer.status().last_path).read_bytes()
    assert (tmp_path / "latest.png").stat().st_nlink == 2


def test_a_second_figure_with_v_over_i_goes_to_a_file_beside_the_first(tmp_path):
    ratio = np.random.default_rng(1).uniform(-1, 1, (40, 96)).astype(np.float32)
    second = job(data=ratio, product="V/I", spectra={"V/I": ratio[-1]})
    with Writer(tmp_path, make_job=lambda: job(directory=tmp_path, second=second)) as run:
        assert run.plot().ok
        status = run.writer.status()
    assert sorted(path.name for path in tmp_path.glob("spectrum*")) == [
        "spectrum_20250818_213454.png",
        "spectrum_20250818_213454_VI.png",
    ]
    assert status.kept == 2
    assert status.last_bytes == status.kept_bytes


def test_only_our_own_plots_make_room_for_newer_ones(tmp_path):
    foreign = tmp_path / "spectrum_20200101_000000.png"
    Image.new("P", (4, 4)).save(foreign)
    (tmp_path / "notes.txt").write_text("mine")
    rows = itertools.count(1)

    def make():
        number = next(rows)
        return job(directory=tmp_path, number=number, now_s=START_S + 10 * number, keep=RetentionPolicy(number=2))

    with Writer(tmp_path, make_job=make) as run:
        for _ in range(4):
            assert run.plot().ok
        status = run.writer.status()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "latest.png",
        "notes.txt",
        "spectrum_20200101_000000.png",
        "spectrum_20250818_213524.png",
        "spectrum_20250818_213534.png",
    ]
    assert (status.kept, status.removed) == (2, 2)


def test_plots_of_earlier_runs_count_and_what_a_dead_process_left_is_removed(tmp_path):
    alive = temporary_path(tmp_path / "spectrum_20250818_213454.png")
    alive.write_text("another monitor's")
    with Writer(tmp_path) as run:
        assert run.plot().ok
        dead = run.writer.child_pid
    (tmp_path / alive.name.replace(f".{os.getpid()}.", f".{dead}.")).write_text("half")
    with Writer(tmp_path) as run:
        assert run.plot().ok
        assert run.writer.status().kept == 2
    assert list(tmp_path.glob(".*")) == [alive]


def test_another_programs_latest_picture_stays(tmp_path):
    Image.new("P", (4, 4)).save(tmp_path / "latest.png")
    with Writer(tmp_path) as run:
        assert run.plot().ok
    assert picture_size(tmp_path / "latest.png") == (4, 4)


def test_a_plot_process_that_hangs_is_replaced(tmp_path, monkeypatch):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        monkeypatch.setattr("sunspec_tui.plots.plot_service.ANSWER_TIMEOUT_S", 0.5)
        os.kill(run.writer.child_pid, signal.SIGSTOP)
        event = run.plot()
        assert not event.ok
        assert "without an answer" in event.text
        monkeypatch.undo()
        assert run.plot().ok


def test_data_that_cannot_be_made_are_told_and_the_next_plot_is_tried(tmp_path):
    outcomes = iter([MemoryError("none left"), job(directory=tmp_path)])

    def make():
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with Writer(tmp_path, make_job=make) as run:
        assert "none left" in run.plot().text
        assert run.plot().ok


def test_plots_that_are_put_there_and_taken_away_meanwhile_count(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        other = shutil.copy(tmp_path / "latest.png", tmp_path / "spectrum_20250818_220000.png")
        assert run.plot().ok
        assert run.writer.status().kept == 3
        other.unlink()
        assert run.plot().ok
        assert run.writer.status().kept == 3


def test_a_directory_that_is_removed_is_made_again(tmp_path):
    with Writer(tmp_path / "figs") as run:
        assert run.plot().ok
        shutil.rmtree(tmp_path / "figs")
        assert run.plot().ok
        assert run.writer.status().kept == 1
    assert len(list((tmp_path / "figs").iterdir())) == 2


def test_an_unwritable_directory_is_one_sentence_and_the_next_plot_is_tried(tmp_path):
    (tmp_path / "file").write_text("")
    directory = tmp_path / "file" / "figs"
    with Writer(directory) as run:
        event = run.plot()
        assert not event.ok
        assert "--plot-dir" in event.text
        (tmp_path / "file").unlink()
        assert run.plot().ok


def test_nothing_is_written_before_anything_has_come(tmp_path):
    with Writer(tmp_path, 0.02, make_job=lambda: None) as run:
        assert run.plot().text == "no plot: nothing has been received yet"
    assert list(tmp_path.iterdir()) == []


def test_stopping_in_the_middle_of_a_plot_leaves_neither_process_nor_temporary_file(tmp_path):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with Writer(tmp_path, 0.01) as run:
        poll_until(lambda: run.writer.status().written and run.writer.status().busy, 60)
    after = {child.pid for child in psutil.Process().children(recursive=True)}
    assert after <= before
    assert all(path.suffix == ".png" for path in tmp_path.iterdir())


def test_a_text_figure_shows_the_spectrum_and_never_an_escape_code():
    power = (10 ** np.linspace(1, 3, 96)).astype(np.float32)
    power[40] = np.nan
    text = text_figure(MHZ, {"XX": power}, title="a spectrum")
    assert "a spectrum" in text
    assert "\x1b" not in text
    assert any("\u2800" < letter <= "\u28ff" for letter in text)
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_text_figure_of_no_valid_value_says_so():
    assert "no valid values" in text_figure(MHZ, {"XX": np.full(96, -1, np.float32)}, title="t")


@pytest.mark.parametrize(
    ("seconds", "direction", "found"),
    [(0, -1, 600), (600, 1, 0), (0, 1, 0), (1, -1, 1), (10, 1, 20), (7.5, -1, 5), (7.5, 1, 10), (3600, 1, 0)],
)
def test_keys_go_through_plot_intervals_from_often_to_never(seconds, direction, found):
    assert next_interval(seconds, direction) == found
