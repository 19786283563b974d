"""The command archives by day and pauses at night.

This holds in every year, with ``--archive-elevation``.
"""

import json
import subprocess
from datetime import UTC, datetime

import numpy as np
import pytest
from commands import running
from extent import some
from publishers import producing
from recordings import recording
from terminals import PROGRAM

from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export

ROWS = 24


def counts_of(words):
    """Run the monitor until each row is received.

    It runs as a service. Return its last status; the end writes or refuses all rows that wait.
    """
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert any(json.loads(line)["frames_received"] >= ROWS for line in process.stdout)
        process.terminate()
        *_, last = process.stdout
        assert process.wait(30) == 0
    return json.loads(last)


@pytest.mark.parametrize("year", some([2024, 2026, 2045], 2))
@pytest.mark.parametrize(("hour", "written"), [(20, ROWS), (8, 0)])  # noon and midnight over the site
def test_the_command_archives_while_the_sun_is_high(tmp_path, year, hour, written):
    rows = recording(ROWS, nchan=64, start_s=datetime(year, 11, 26, hour, tzinfo=UTC).timestamp())
    export(rows, tmp_path / "rows.npz")
    with producing(source=str(tmp_path / "rows.npz"), speed=0, wait=True) as port:
        words = ["--no-ui", "--port", str(port), "--plot-interval", "0", "--archive", str(tmp_path / "archive")]
        words += [
            "--archive-elevation",
            "5",
            "--archive-precision",
            "exact",
            "--status-format",
            "json",
            "--status-interval",
            "0.2",
        ]
        status = counts_of([*PROGRAM, *words])
    assert (status["archive_rows"], status["archive_rows_unwanted"]) == (written, ROWS - written)
    assert (status["archive_rows_lost"], status["archive_error"]) == (0, "")
    if written:
        found = read_recording(tmp_path / "archive")
        np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(found.data, rows.data)
