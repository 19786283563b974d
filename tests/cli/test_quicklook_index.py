"""Command ``quicklook --index`` and ``--follow``."""

import signal
import subprocess
import sys

import pytest
from day_archives import DAY_S, add_rows
from PIL import Image
from recordings import recording
from waiting import poll_until

from sunspec_tui.cli.main import main
from sunspec_tui.cli.progress_line import ProgressLine
from sunspec_tui.cli.quicklook_index import follow
from sunspec_tui.cli.signals import EndRequested
from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.exit_status import EXIT_INTERRUPTED
from sunspec_tui.core.quicklook_settings import QuicklookSettings
from sunspec_tui.files.write import export
from sunspec_tui.plots.process_pool import run_here

NOON_S = DAY_S + 12 * 3600


def quicklook(*words):
    return main(["quicklook", *map(str, words)])


@pytest.fixture
def one_process(monkeypatch):
    """Draw in this process: others load the libraries anew."""
    for module in ("cli.quicklook_index", "plots.archive_quicklook"):
        monkeypatch.setattr(f"sunspec_tui.{module}.run_tasks", lambda tasks, *_, **__: run_here(tasks))


@pytest.mark.usefixtures("one_process")
def test_standard_output_has_the_paths_of_new_files_alone(tmp_path, capsys):
    archive, out = tmp_path / "archive", tmp_path / "out"
    add_rows(archive, NOON_S)
    assert quicklook(archive, "--out", out, "--index") == 0
    told = capsys.readouterr()
    paths = told.out.splitlines()
    assert paths[-1] == str(out / "index.html")
    assert len(paths) == 4
    assert all(path.startswith(str(out)) for path in paths)
    assert "4 files written" in told.err
    assert quicklook(archive, "--out", out, "--index") == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "0 files written" in told.err
    assert "1 of 1 days unchanged" in told.err


@pytest.mark.usefixtures("one_process")
def test_figures_for_publishing_without_an_index(tmp_path, capsys):
    archive, out = tmp_path / "archive", tmp_path / "out"
    add_rows(archive, NOON_S, nrows=2000, cadence_s=1.0)
    assert quicklook(archive, "--out", out, "--panels", "highest,mean", "--per", "both") == 0
    names = [path.rpartition("/")[2] for path in capsys.readouterr().out.splitlines()]
    assert names == ["quicklook_20250818.png", "quicklook_20250818_12.png"]
    with Image.open(out / names[0]) as picture:
        assert picture.size == (1800, 1035)
    export(recording(30, nchan=64), tmp_path / "a.npz")
    assert quicklook(tmp_path / "a.npz", "--out", out, "--panels", "mean,V/I") == 0
    with Image.open(out / "quicklook_a.png") as picture:
        assert picture.size == (1800, 1035)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--panels", "all"], "--panels is 'all', write some of highest,mean,V/I"),
        (["--panels", "mean,mean"], "each at most once"),
        (["--panels", "mean", "--show", "mean"], "--show is for a figure with one waterfall"),
        (["--index", "--show", "highest"], "--show is for a figure with one waterfall"),
        (["--keep-background"], "--keep-background is for a figure for publishing"),
        (["--index", "--keep-background", "--remove-background"], "--keep-background is for"),
        (["--index", "--chan0", "560"], "an archive has one axis"),
        (["--index", "--start", "2030-01-01"], "has no stores in that time"),
        (["--follow", "--update-interval", "1"], "--update-interval is 1.0, it must be at least 5"),
    ],
)
def test_wrong_use_is_one_sentence(tmp_path, capsys, options, said):
    add_rows(tmp_path / "archive", NOON_S, nrows=4)
    assert quicklook(tmp_path / "archive", "--out", tmp_path / "out", *options) in (1, 2)
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("words", [["a.npz"], ["archive", "archive"], ["missing"]])
def test_an_index_is_of_one_archive(tmp_path, capsys, words):
    (tmp_path / "archive").mkdir()
    export(recording(4, nchan=64), tmp_path / "a.npz")
    assert quicklook(*(tmp_path / word for word in words), "--out", tmp_path / "out", "--index") == 2
    assert "an index is of one archive" in capsys.readouterr().err


class FakeUpdate:
    """Updates that succeed, fail or raise in turn; the last one ends."""

    def __init__(self, *results):
        self.results, self.runners = list(results), []

    def __call__(self, run, *, summary):
        self.runners.append((run, summary))
        result = self.results.pop(0)
        if isinstance(result, BaseException):
            raise result
        return result


def followed(update, capsys):
    """Status and messages of a follower, and the times that it waits."""
    waited, times = [], iter(range(1000))
    settings = QuicklookSettings(follow=True, update_interval=60)
    status = follow(update, settings, ProgressLine(lambda text: None, ""), waited.append, lambda: next(times))
    return status, capsys.readouterr().err.splitlines(), waited


def test_a_problem_is_reported_once_and_tried_again(capsys):
    missing = ArchiveError("no archive")
    failures = ["18 12: bad", "18 13: bad"]
    update = FakeUpdate(missing, missing, OSError(28, "no space"), failures, [], [], EndRequested(15))
    status, told, waited = followed(update, capsys)
    assert status == 0
    assert told == [
        "sunspec-tui: no archive; trying again",
        "sunspec-tui: [Errno 28] no space; trying again",
        "sunspec-tui: cannot make 18 12: bad, and 1 more; trying again",
        "sunspec-tui: the index is up to date again",
    ]
    assert waited == [59] * 6
    # Other processes are started for the first update alone.
    assert [run is run_here for run, _ in update.runners] == [False, *[True] * 6]
    assert [summary for _, summary in update.runners] == [True, *[False] * 6]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, EXIT_INTERRUPTED)]
)
def test_a_signal_ends_it_in_order(capsys, number, status):
    assert followed(FakeUpdate([], EndRequested(number)), capsys)[0] == status


def test_an_update_that_takes_long_is_followed_by_a_pause(capsys):
    waited, times = [], iter(range(0, 100_000, 1000))
    update = FakeUpdate([], EndRequested(15))
    settings = QuicklookSettings(follow=True, update_interval=60)
    follow(update, settings, ProgressLine(lambda text: None, ""), waited.append, lambda: next(times))
    assert waited == [30]


@pytest.mark.timeout(240)
def test_a_follower_waits_for_the_archive_crosses_midnight_and_ends(tmp_path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    command = [sys.executable, "-m", "sunspec_tui", "quicklook", str(archive), "--out", str(out), "--follow"]
    with subprocess.Popen(
        [*command, "--update-interval", "5", "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        try:
            poll_until((out / ".quicklooks.lock").exists, 60, "the follower")
            add_rows(archive, DAY_S + 86_400 - 1200, nrows=60)
            poll_until((out / "2025-08-18" / "quicklook_20250818_23.png").exists, 60, "today's pictures")
            add_rows(archive, DAY_S + 86_400, nrows=60)
            poll_until(lambda: "quicklook_20250819_00.png" in page(out), 60, "the next day")
            run.send_signal(signal.SIGTERM)
            said, told = run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 0
    assert str(out / "index.html") in said.splitlines()
    assert len(set(said.splitlines())) == len(said.splitlines())
    assert "ended by" not in told


def page(out):
    path = out / "index.html"
    return path.read_text() if path.exists() else ""
