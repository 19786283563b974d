"""A fork of the plot process draws each picture.

It ends with its picture, and with the process for which it draws.
"""

import errno
import io
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from lone_plots import ALONE, alone
from plot_jobs import Writer, job, picture_size
from waiting import poll_until

from sunspec_tui.plots import forked_renderer
from sunspec_tui.plots.forked_renderer import DrawingError, ForkedRenderer, can_fork
from sunspec_tui.plots.job import PlotEvent
from sunspec_tui.plots.job_pipe import job_parts, read_job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the plot process draws by itself")


def pipes_of(process: int) -> set[str]:
    names = set()
    for path in list(Path(f"/proc/{process}/fd").iterdir()):
        # It may have been closed meanwhile.
        with suppress(FileNotFoundError):
            names.add(str(path.readlink()))
    return {name for name in names if name.startswith("pipe:")}


def stop_fork(run) -> int:
    """Request a plot, and stop its fork while it draws.

    Return the fork's process id.
    """
    run.writer.plot_now()
    poll_until(lambda: len(run.writer.child_pids) == 2, 60, "the fork")
    fork = run.writer.child_pids[1]
    # It begins to draw when it has closed what belongs to the plot process, except for the pipe to it.
    poll_until(lambda: len(pipes_of(fork)) == 1, 10, "the closed pipes")
    os.kill(fork, signal.SIGSTOP)
    return fork


def next_event(run, count) -> PlotEvent:
    return poll_until(lambda: run.events[count:], 60, "the end of the plot")[0]


def has_ended(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_between_plots_there_is_one_process_with_one_thread_and_no_zombie(tmp_path):
    with Writer(tmp_path) as run:
        for _ in range(2):
            assert run.plot().ok
            assert run.writer.child_pids == (run.writer.child_pid,)
            process = psutil.Process(run.writer.child_pid)
            assert process.num_threads() == 1
            assert process.children() == []


def test_memory_of_large_plots_goes_back_to_the_system(tmp_path):
    large = np.random.default_rng(1).uniform(1, 100, (2000, 2000)).astype(np.float32)
    wide = job(2000, data=large, spectra={"XX": large[-1]}, frequencies_mhz=np.linspace(13, 86, 2000))
    jobs = iter([job(directory=tmp_path), wide, wide])
    with Writer(tmp_path, make_job=lambda: next(jobs)) as run:
        sizes = []
        for _ in range(3):
            assert run.plot().ok
            sizes.append(psutil.Process(run.writer.child_pid).memory_full_info().uss)
    assert max(sizes[1:]) < sizes[0] + large.nbytes / 4


def test_a_fork_that_is_killed_is_reported_with_what_may_be_the_cause_and_the_next_plot_comes(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        os.kill(stop_fork(run), signal.SIGKILL)
        event = next_event(run, 1)
        assert not event.ok
        assert "the plot process has ended (killed, perhaps because memory ran out)" in event.text
        assert run.plot().ok
    assert all(picture_size(path) == (1800, 1500) for path in tmp_path.iterdir())


def test_a_fork_ends_with_the_plot_process(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        fork = stop_fork(run)
        os.kill(run.writer.child_pid, signal.SIGKILL)
        assert not next_event(run, 1).ok
        poll_until(lambda: has_ended(fork), 10, "the end of the fork")
        assert run.plot().ok


def test_a_fork_that_hangs_is_replaced(tmp_path, monkeypatch):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        monkeypatch.setattr("sunspec_tui.plots.plot_service.ANSWER_TIMEOUT_S", 1.5)
        fork = stop_fork(run)
        assert "without an answer" in next_event(run, 1).text
        poll_until(lambda: has_ended(fork), 10, "the end of the fork")
        monkeypatch.undo()
        assert run.plot().ok


def test_stopping_ends_a_fork_that_hangs(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        fork = stop_fork(run)
    poll_until(lambda: has_ended(fork), 10, "the end of the fork")
    assert all(path.suffix == ".png" for path in tmp_path.iterdir())


def test_a_monitor_that_is_killed_takes_a_fork_that_hangs_with_it(tmp_path):
    then = """wait(lambda: writer.status().written and len(writer.child_pids) == 2, 60)
os.kill(writer.child_pids[1], 19)
print(*writer.child_pids, flush=True)
time.sleep(60)"""
    code = ALONE.format(before="", then=then, interval=0.01)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        processes = [int(word) for word in run.stdout.readline().split()]
        run.kill()
    assert len(processes) == 2
    poll_until(lambda: all(has_ended(process) for process in processes), 30, "the end of the processes")


def test_a_monitor_that_ignores_the_end_of_its_children_plots(tmp_path):
    before = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    told = alone(tmp_path, before=before, then="wait(lambda: writer.status().written > 1, 60)")
    assert (told["written"] > 1, told["failed"]) == (True, 0)


def test_a_fork_holds_no_pipe_of_the_monitor_open(tmp_path):
    with Writer(tmp_path) as run:
        assert run.plot().ok
        fork = stop_fork(run)
        assert not pipes_of(os.getpid()) & pipes_of(fork)
        os.kill(fork, signal.SIGCONT)
        assert next_event(run, 1).ok


def test_what_cannot_be_drawn_is_one_sentence_and_the_next_plot_comes(tmp_path):
    jobs = iter([job(directory=tmp_path, spectra=None), job(directory=tmp_path)])
    with Writer(tmp_path, make_job=lambda: next(jobs)) as run:
        event = run.plot()
        assert not event.ok
        assert event.text.startswith("the plot failed: ")
        assert "\n" not in event.text
        assert run.plot().ok


@pytest.fixture
def renderer():
    """Renderer in this process, and the ids of its forks.

    Its monitor is a pipe, which stays open.
    """
    started: list[int] = []
    reading, writing = os.pipe()
    yield ForkedRenderer(started.append, reading), started
    os.close(reading)
    os.close(writing)


def test_beside_other_threads_the_process_draws_by_itself(renderer):
    drawing, started = renderer
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert not can_fork()
        assert drawing.render(job()).startswith(b"\x89PNG")
        with pytest.raises(DrawingError, match="the plot failed"):
            drawing.render(job(spectra=None))
        assert drawing.render(job()).startswith(b"\x89PNG")
    finally:
        release.set()
        thread.join()
    assert started == []


@pytest.mark.parametrize("call", ["fork", "pipe"])
def test_a_system_without_room_for_a_process_is_one_sentence(renderer, monkeypatch, call):
    def refuse() -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(forked_renderer, "can_fork", lambda: True)
    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(DrawingError, match="the plot process cannot be started: Resource temporarily unavailable"):
        renderer[0].render(job())


def test_a_job_is_the_same_behind_the_pipe_and_a_part_of_one_is_none():
    large = np.arange(40_000, dtype=np.float32).reshape(400, 100)
    sent = b"".join(job_parts(job(data=large, second=job())))
    found = read_job(io.BytesIO(sent))
    np.testing.assert_array_equal(found.data, large)
    assert found.data.flags.writeable
    np.testing.assert_array_equal(found.second.times_s, job().times_s)
    for end in (0, 4, 100, len(sent) - 1):
        assert read_job(io.BytesIO(sent[:end])) is None
