"""A broken matplotlibrc changes no figure of the program, wherever it lies."""

import json
import os
import subprocess
import sys

import pytest
from commands import SERVICE, published, running
from extent import some
from recordings import recording
from terminals import PROGRAM

from sunspec_tui.files.archive.store import open_store

HOUR_S = 1_755_550_800.0


PLACES = ["working directory", "user's settings", "variable", "FIFO"]


@pytest.fixture(params=PLACES)
def environment(request, tmp_path):
    """Working directory and environment with an invalid `matplotlibrc`."""
    (tmp_path / "config" / "matplotlib").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    place = {"user's settings": tmp_path / "config" / "matplotlib", "variable": tmp_path}.get(
        request.param, tmp_path / "work"
    )
    path = place / "matplotlibrc"
    if request.param == "FIFO":
        os.mkfifo(path)
    else:
        path.write_bytes(b"figure.figsize : 1, 1\nfigure.dpi \xff\xfe")
    variable = {"MATPLOTLIBRC": str(path)} if request.param == "variable" else {}
    os_environment = {key: value for key, value in os.environ.items() if not key.startswith(("MPL", "MATPLOTLIB"))}
    return os_environment | {"XDG_CONFIG_HOME": str(tmp_path / "config")} | variable


def run(words, environment, tmp_path):
    return subprocess.run(
        words, capture_output=True, text=True, timeout=90, check=False, cwd=tmp_path / "work", env=environment
    )


# The last test loads matplotlib with each of them.
@pytest.mark.parametrize("environment", some(PLACES, 2), indirect=True)
def test_snapshot_draws(environment, tmp_path):
    with published() as port:
        done = run([*PROGRAM, "snapshot", "--port", port, "--frames", "1", "--png", "a.png"], environment, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "work" / "a.png").is_file()


# They find their settings as a snapshot does.
@pytest.mark.parametrize("environment", ["working directory", "user's settings"], indirect=True)
def test_plots_are_drawn_into_a_relative_directory(environment, tmp_path):
    words = [*SERVICE[:-1], "1", "--duration", "60", "--status-format", "json", "--status-interval", "0.2"]
    with running(words, cwd=tmp_path / "work", env=environment, stdout=subprocess.PIPE, text=True) as process:
        records = map(json.loads, process.stdout)
        record = next(record for record in records if record["plots_written"] or record["plots_failed"])
    assert (record["plots_written"] > 0, record["plots_failed"]) == (True, 0), record
    assert list((tmp_path / "work" / "figs").glob("spectrum_*.png"))


@pytest.mark.parametrize("environment", ["working directory"], indirect=True)
def test_quicklook_draws(environment, tmp_path):
    rows = recording(20, nchan=64, start_s=HOUR_S)
    open_store(tmp_path / "work" / "archive", rows).append(rows)
    done = run([*PROGRAM, "quicklook", "archive", "--out", "out", "--workers", "1"], environment, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "work" / "out").glob("*.png"))


def test_the_environment_and_the_working_directory_are_as_before(environment, tmp_path):
    code = """
import os
before = os.getcwd(), dict(os.environ)
from sunspec_tui.plots.matplotlib_loader import load_matplotlib
load_matplotlib()
import matplotlib
assert (os.getcwd(), dict(os.environ)) == before
assert matplotlib.rcParams["figure.figsize"] == matplotlib.rcParamsDefault["figure.figsize"]
"""
    done = run([sys.executable, "-c", code], environment, tmp_path)
    assert done.returncode == 0, done.stderr
