"""Extreme options and unusual environments cause no traceback.

The program gives a result or one sentence.
"""

import os
import shutil
import signal
import subprocess

import pytest
from commands import END_S, running
from terminals import PROGRAM
from waiting import poll_until

MONITOR = ["--demo", "--no-ui", "--plot-interval", "0", "--duration", "1"]


@pytest.mark.parametrize(
    ("words", "statuses"),
    [
        ([*MONITOR, "--status-interval", "1e308"], (0,)),
        ([*MONITOR, "--status-interval", "1e-300"], (2,)),
        ([*MONITOR, "--plot-interval", "1e308"], (0,)),
        ([*MONITOR, "--delay", "1e308"], (0,)),
        ([*MONITOR, "--chan0", "1000000"], (0,)),
        ([*MONITOR, "--chan0", "1000001"], (2,)),
        ([*MONITOR, "--gc-interval", "9" * 30], (0,)),
        ([*MONITOR, "--channel-average", "9" * 30], (0, 1, 2)),
        ([*MONITOR, "--duration", "1e-300"], (0, 1)),
        (["doctor", "--port", "1", "--timeout", "1e-300"], (1,)),
        (["stream", "--port", "0", "--interval", "1e308"], (2,)),
        (["stream", "--port", "0", "--interval", "1e-300", "--frames", "2"], (0,)),
        (["stream", "--port", "0", "--speed", "1e308", "--frames", "2"], (0,)),
        (["stream", "--port", "0", "--seed", "9" * 30, "--frames", "2"], (0,)),
        (["stream", "--port", "0", "--frames", "9" * 5000], (2,)),
    ],
    ids=lambda value: "-".join(value[-2:])[:40] if isinstance(value, list) else None,
)
def test_an_extreme_number_is_used_or_refused_in_one_sentence(words, statuses, tmp_path):
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=90, check=False, cwd=tmp_path)
    assert done.returncode in statuses, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "problem" not in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["--demo", "--no-ui", "--plot-interval", "0", "--duration", "1e308"],
        ["doctor", "--port", "1", "--timeout", "1e308"],
        ["snapshot", "--port", "1", "--timeout", "1e308"],
        ["export", "a.npz", "--port", "1", "--timeout", "1e308"],
        ["stream", "--port", "0", "--speed", "1e-300"],
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_a_wait_of_centuries_lasts_until_a_signal(words, tmp_path):
    with running(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        # Its first line is logged when it works, and what a wait ends in would be soon after.
        first = process.stderr.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 130, first + told
    assert "Traceback" not in first + told
    assert "an error, restart" not in first + told


def test_a_working_directory_that_is_gone_a_missing_tmpdir_and_no_stdin_end_nothing(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    words = [*PROGRAM, *MONITOR[:2], "--plot-interval", "0.2", "--status-interval", "0.2"]
    environment = os.environ | {"TMPDIR": str(tmp_path / "nowhere"), "TZ": ":/dev/null/x", "LANG": "xx_YY.nothing"}
    # Where the package is installed, whatever the working directory.
    with running(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=gone,
        env=environment,
    ) as process:  # fmt: skip
        assert process.stdout.readline()
        shutil.rmtree(gone)
        frames = [int(process.stdout.readline().split("  ")[2].split()[0]) for _ in range(15)]
        process.terminate()
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 0, told
    assert frames[-1] > frames[0]
    assert "Traceback" not in told
    poll_until(lambda: not gone.exists())
