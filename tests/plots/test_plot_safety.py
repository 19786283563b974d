"""Plots continue, whatever happens.

The plot directory, the machine and the stream may be in any state.
"""

import itertools
import json
import math
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from lone_plots import ALONE, alone
from plot_jobs import MHZ, START_S, Writer, job, picture_size
from publishers import producing
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.products import Product
from sunspec_tui.core.retention import RetentionPolicy
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.plots.figure import SpectrumFigure
from sunspec_tui.plots.job import PlotEvent
from sunspec_tui.plots.job_builder import PlotContext, live_job
from sunspec_tui.plots.plot_service import PlotService

DAY_S = 86400.0
NOBODY = 65534


def test_without_a_working_directory_plots_fail_in_one_sentence_and_the_thread_lives(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    then = "wait(lambda: status_of().failed > 2)"
    before = f"os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); status_of = lambda: writer.status()"
    told = alone("figs", before=before, then=then)
    assert told["running"]
    assert told["failed"] > 2
    assert len(told["events"]) <= 2
    assert "--plot-dir" in told["events"][0]


def test_a_name_that_is_too_long_is_one_sentence_and_the_thread_lives(tmp_path):
    with Writer(tmp_path / ("x" * 300), 0.02) as run:
        poll_until(lambda: run.writer.status().failed > 2, 20, lambda: f"{run.writer.status()}")
        assert run.writer.status().running
        assert [event.ok for event in run.events] == [False]
        assert "File name too long" in run.events[0].text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a process of another user")
def test_a_directory_that_may_not_be_searched_is_one_sentence_and_the_thread_lives():
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        closed = Path(made) / "closed"
        closed.mkdir(mode=0)
        # Python may be in a directory that only root can search, so change the user after its start.
        before = f"job(); os.chdir('/'); os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
        then = "wait(lambda: writer.status().failed > 2)"
        told = alone(closed / "figs", before=before, then=then)
        assert told["running"]
        assert told["failed"] > 2
        assert len(told["events"]) == 1
        assert "Permission denied; choose another with --plot-dir" in told["events"][0]


def test_a_listener_that_fails_does_not_end_the_plots(tmp_path):
    told = []

    def listen(event: PlotEvent):
        told.append(event)
        raise RuntimeError("the screen is gone")

    rows = itertools.count(1)
    writer = PlotService(tmp_path, 0.05, lambda: job(directory=tmp_path, number=next(rows)), on_event=listen)
    writer.start()
    try:
        poll_until(lambda: writer.status().written > 1, 60, lambda: f"{writer.status()}")
    finally:
        writer.stop()


def test_time_for_which_the_monitor_was_stopped_is_no_timeout(tmp_path):
    """Stop of the monitor or the machine during a plot.

    The machine sleeps, or the monitor gets ``kill -STOP``.
    """
    then = """wait(lambda: writer.status().written, 90)
count, png.ANSWER_TIMEOUT_S = len(events), 12.0
wait(lambda: len(events) > count and writer.status().busy, 90)
print(writer.child_pid, flush=True)
count = len(events)
wait(lambda: len(events) > count + 1, 90)"""
    code = ALONE.format(before="", then=then, interval=0.05)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        child = psutil.Process(int(run.stdout.readline()))
        monitor = psutil.Process(run.pid)
        child.suspend()
        monitor.suspend()
        threading.Event().wait(13.0)  # so long the machine sleeps: longer than the timeout
        monitor.resume()
        child.resume()
        told = json.loads(run.communicate(timeout=100)[0].splitlines()[-1])
    assert told["failed"] == 0
    assert told["written"] >= 2


def test_a_child_that_was_killed_is_reported_with_what_may_be_the_cause(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        os.kill(run.writer.child_pid, signal.SIGKILL)
        assert "memory" in run.plot().text
        assert run.plot().ok


def test_nothing_in_the_working_directory_is_run_as_a_program(tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    for name in ("matplotlib", "PIL", "json"):
        (here / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').write({name!r})\nraise ImportError")
    before = f"os.chdir({str(here)!r})"
    told = alone(tmp_path / "figs", before=before, then="wait(lambda: events, 60)")
    assert not (tmp_path / "ran").exists()
    assert told["written"] >= 1


def test_a_monitor_that_is_killed_leaves_no_process_and_no_half_a_plot(tmp_path):
    then = "wait(lambda: writer.status().written and writer.status().busy, 60); print(writer.child_pid, flush=True)\n"
    code = ALONE.format(before="", then=then + "time.sleep(60)", interval=0.01)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        child = int(run.stdout.readline())
        run.kill()
    poll_until(lambda: not psutil.pid_exists(child), 30, "the end of the plot process")
    with Writer(tmp_path) as later:
        assert later.plot().ok
    assert all(picture_size(path) == (1800, 1500) for path in tmp_path.iterdir())


# Files of other programs


@pytest.fixture(scope="module")
def plot_path(tmp_path_factory):
    """A plot of an earlier run."""
    with Writer(tmp_path_factory.mktemp("earlier")) as run:
        assert run.plot().ok
        return run.writer.status().last_path


@pytest.mark.parametrize("kind", ["pipe", "link", "dangling", "directory"])
def test_what_is_no_plot_of_ours_under_the_latest_name_is_left_alone_and_reported_once(tmp_path, plot_path, kind):
    latest, elsewhere = tmp_path / "latest.png", tmp_path / "elsewhere.png"
    shutil.copy(plot_path, elsewhere)
    before = elsewhere.read_bytes()
    if kind == "pipe":
        os.mkfifo(latest)
    elif kind == "directory":
        latest.mkdir()
    else:
        latest.symlink_to(elsewhere if kind == "link" else tmp_path / "nothing")
    mode = stat.S_IFMT(latest.lstat().st_mode)
    with Writer(tmp_path) as run:
        assert run.plot().ok
        assert run.plot().ok
        assert stat.S_IFMT(latest.lstat().st_mode) == mode
        assert elsewhere.read_bytes() == before
        assert not (tmp_path / "nothing").exists()
        assert sum("latest.png" in event.text for event in run.events) == 1
        assert run.writer.status().written == 2


@pytest.mark.parametrize("kind", ["pipe", "dangling"])
def test_what_has_a_plots_name_is_neither_opened_nor_replaced_nor_removed(tmp_path, kind):
    for name in ("spectrum_20250818_213454.png", "spectrum_20250818_210000.png"):
        if kind == "pipe":
            os.mkfifo(tmp_path / name)
        else:
            (tmp_path / name).symlink_to(tmp_path / "nothing")
    rows = itertools.count(1)
    with Writer(
        tmp_path, make_job=lambda: job(directory=tmp_path, number=next(rows), keep=RetentionPolicy(number=1))
    ) as run:
        assert run.plot().ok
        assert run.plot().ok
        assert run.writer.status().kept == 1
    others = [path for path in tmp_path.iterdir() if not stat.S_ISREG(path.lstat().st_mode)]
    assert len(others) == 2
    assert not (tmp_path / "nothing").exists()


def test_temporary_files_of_other_programs_and_machines_stay(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    names = [
        f".{ended.pid}.abc.tmp.notes.txt",
        f".{ended.pid}.0123456789ab.tmp.spectrum_20250818_213454.png",
        f".{ended.pid}.0123456789abcdef.tmp.spectrum_20250818_213454.png",
        ".backup.tmp.latest.png",
    ]
    for name in names:
        (tmp_path / name).write_text("not yours")
    with Writer(tmp_path) as run:
        assert run.plot().ok
    assert sorted(path.name for path in tmp_path.glob(".*")) == sorted(names)


@pytest.mark.timeout(180)
def test_two_monitors_with_one_directory_share_no_file_and_it_is_reported(tmp_path, caplog):
    with (
        producing(speed=4) as first_port,
        producing(speed=4) as second_port,
        StreamReceiver(stream_port=first_port, plot_interval=0, plot_dir=tmp_path) as first,
        StreamReceiver(stream_port=second_port, plot_interval=0, plot_dir=tmp_path) as second,
    ):
        for n in range(1, 3):
            for receiver in (first, second):
                assert receiver.wait_for_frames(4 * n, 30)
                receiver.plot_now()
                poll_until(lambda r=receiver, n=n: r.snapshot().plots.written >= n, 60)
        paths = [Path(receiver.snapshot().plots.last_path) for receiver in (first, second)]
        written = sum(receiver.snapshot().plots.written for receiver in (first, second))
        status = second.snapshot().plots
    # The path of every monitor but the first contains the address of its stream.
    assert f"127.0.0.1_{second_port}" in str(paths[1].relative_to(tmp_path))
    assert len(list(tmp_path.rglob("spectrum_*.png"))) == written == 4
    for path in paths:
        assert path.with_name("latest.png").read_bytes() == path.read_bytes()
    assert status.note.startswith("another monitor writes plots to")
    assert sum("another monitor writes plots to" in record.getMessage() for record in caplog.records) == 1


def test_a_single_monitor_writes_to_the_directory_itself_also_after_one_that_was_killed(tmp_path):
    then = "wait(lambda: writer.status().written, 60); print(1, flush=True); time.sleep(60)"
    code = ALONE.format(before="", then=then, interval=0.05)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline()
        run.kill()
    with Writer(tmp_path) as later:
        assert later.plot().ok
        assert Path(later.writer.status().last_path).parent == tmp_path
        assert later.writer.status().note == ""


# Clocks


class Clocks:
    """Wall clock that can be set, and a monotonic clock."""

    def __init__(self):
        self.wall_s, self.mono_s = START_S, 1000.0

    def pass_s(self, seconds):
        self.wall_s += seconds
        self.mono_s += seconds


class Clocked(Writer):
    def __init__(self, directory, clocks, keep):
        self.events = []
        rows = itertools.count(1)

        def make():
            return job(directory=directory, number=next(rows), now_s=clocks.wall_s, keep=keep)

        self.writer = PlotService(
            Path(directory), 0, make, on_event=self.events.append,
            clock=lambda: clocks.wall_s, monotonic=lambda: clocks.mono_s,
        )  # fmt: skip
        self.writer.start()


def test_a_clock_that_jumps_forward_by_days_removes_no_plot_until_it_has_been_right_for_ten_minutes(tmp_path):
    clocks = Clocks()
    with Clocked(tmp_path, clocks, RetentionPolicy(age_s=7 * DAY_S)) as run:
        for _ in range(3):
            assert run.plot().ok
            clocks.pass_s(10)
        clocks.wall_s += 30 * DAY_S
        for _ in range(3):
            assert run.plot().ok
            clocks.pass_s(10)
        assert run.writer.status().kept == 6
        clocks.wall_s -= 30 * DAY_S
        for _ in range(3):
            assert run.plot().ok
            clocks.pass_s(590)
        assert run.writer.status().kept == 9


def test_plots_that_are_too_old_go_once_the_clock_has_run_right_for_ten_minutes(tmp_path):
    clocks = Clocks()
    with Clocked(tmp_path, clocks, RetentionPolicy(age_s=3600.0)) as run:
        assert run.plot().ok
        clocks.wall_s += 7200
        assert run.plot().ok
        clocks.pass_s(601)
        assert run.plot().ok
        assert run.writer.status().kept == 2


def test_a_clock_that_jumps_back_makes_the_newest_plots_stay(tmp_path):
    clocks = Clocks()
    with Clocked(tmp_path, clocks, RetentionPolicy(number=3)) as run:
        for _ in range(3):
            assert run.plot().ok
            clocks.pass_s(10)
        clocks.wall_s -= DAY_S
        for _ in range(3):
            assert run.plot().ok
            clocks.pass_s(10)
    assert all(path.name.startswith("spectrum_20250817") for path in tmp_path.glob("spectrum*"))


# Contents of the stream


@pytest.fixture(scope="module")
def figure():
    return SpectrumFigure()


@pytest.mark.parametrize("station", ["OVRO $LWA", "$\\frac{$", "a\x00\n\x1b[31mb", "x" * 10_000, "\udcff\ud800"])
def test_no_text_of_a_stream_keeps_a_plot_from_being_drawn(figure, station):
    figure.draw(job(station=station))
    figure.png()
    title = figure.figure.get_suptitle()
    assert title.count("\n") == 1
    assert len(title) < 300


HUGE = np.float32(3e38)
ODD = {
    "one bin": {"data": np.ones((5, 1), np.float32), "frequencies_mhz": MHZ[:1]},
    "one value": {"data": np.ones((1, 1), np.float32), "frequencies_mhz": MHZ[:1]},
    "huge": {"data": np.full((5, 96), HUGE)},
    "huge and signed": {"data": np.where(np.arange(5 * 96).reshape(5, 96) % 2, HUGE, -HUGE), "product": "V"},
    "infinite": {"data": np.full((5, 96), np.inf, np.float32)},
    "tiny": {"data": np.full((5, 96), 1e-45, np.float32)},
    "frequencies beyond any axis": {"frequencies_mhz": MHZ + 1e300},
    "one frequency again and again": {"frequencies_mhz": np.full(96, 50.0)},
    "times beyond any calendar": {"times_s": np.full(5, 1e300)},
    "times before 1970": {"times_s": np.arange(5) - 1e9},
    "no times": {"times_s": np.full(5, np.nan)},
    "a cadence of ages": {"cadence_s": 1e300},
    "a cadence of no time": {"cadence_s": 1e-300},
    "times far apart": {"times_s": START_S + np.array([0, 1, 1e6, 1e8, 1e9])},
    "beginnings after ends": {"begins_s": START_S + np.arange(5) * 0.25 + 9},
    "no beginnings": {"begins_s": np.full(5, np.nan)},
    "a time among others that is none": {"times_s": START_S + np.array([0, np.nan, 2, 1e300, 4])},
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_values_axes_and_times_are_drawn(figure, odd):
    fields = {"data": np.ones((5, 96), np.float32)} | ODD[odd]
    data, product = fields["data"], fields.get("product", "XX")
    fields = {"times_s": START_S + np.arange(len(data)) * 0.25, "slots": np.arange(len(data))} | fields
    figure.draw(job(len(data), spectra={product: data[-1]}, **fields))
    assert figure.png().startswith(b"\x89PNG")


def test_times_that_cannot_be_drawn_are_not_shown_as_times(figure):
    figure.draw(job(5, times_s=np.full(5, 1e300)))
    assert "cannot be drawn" in figure.time_axes.get_xlabel()
    assert "not valid dates" in figure.figure.get_suptitle()
    figure.draw(job())
    assert figure.time_axes.get_xlabel() == "time [UTC]"


def filled_ring(nrows, nbins):
    ring = RingBuffer(nrows, nbins, 1)
    row = np.ones((nbins, 1), np.float32)
    for n in range(nrows):
        ring.append(row * (n + 1), START_S + (n + 1) * 0.25, n)
    return ring


def job_of(ring):
    context = PlotContext(
        now_s=START_S, source="127.0.0.1:9", cadence_s=math.nan, frames_missing=0, lag_s=math.nan, directory="plots"
    )
    return live_job(ring, Axis(560, ring.nbins, 1, 1, chan0_stated=True), context, Product.XX)


def test_a_long_ring_makes_a_figure_of_bounded_size_with_true_means_and_times():
    made = job_of(filled_ring(20_000, 16))
    assert len(made.data) <= 4096
    n = 20_000 // len(made.data) + bool(20_000 % len(made.data))
    np.testing.assert_allclose(made.data[:5, 0], n * np.arange(5) + (n + 1) / 2)
    np.testing.assert_allclose(made.times_s[:5], START_S + 0.25 * n * np.arange(1, 6))
    assert made.times_s[-1] == START_S + 20_000 * 0.25
    np.testing.assert_array_equal(made.begins_s[1:], made.times_s[:-1])
    assert made.begins_s[0] == pytest.approx(START_S, abs=1e-6)
    assert made.spectra["XX"][0] == 20_000


def test_a_frame_of_very_many_channels_makes_a_figure_of_bounded_size():
    made = job_of(filled_ring(4, 100_000))
    assert made.data.shape[1] <= 4096
    assert len(made.frequencies_mhz) == made.data.shape[1] == len(made.spectra["XX"])
    np.testing.assert_allclose(made.data[:, 0], [1, 2, 3, 4])


def test_the_title_of_a_long_picture_says_how_many_rows_it_is_made_of(figure):
    figure.draw(job(rows_per_slot=34, rows_received=1360))
    assert "1360 rows, means of 34" in figure.time_axes.get_title()


def test_a_file_is_never_written_through_a_device_or_a_pipe(tmp_path):
    from recordings import recording

    from sunspec_tui.core.errors import ExportError
    from sunspec_tui.files.write import export

    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(ExportError, match="not a regular file"):
        export(recording(4), tmp_path / "a.csv")
    assert stat.S_ISFIFO((tmp_path / "a.csv").lstat().st_mode)
