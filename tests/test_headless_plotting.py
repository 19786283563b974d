"""Plotting needs no display, whatever the environment of a desktop session says."""

import subprocess
import sys

from plot_jobs import Writer, picture_size


def test_plots_are_written_without_a_display_and_against_a_hostile_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Qt5Agg")
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "missing"))
    with Writer(tmp_path / "figs") as run:
        event = run.plot()
    assert event.ok, event.text
    assert picture_size(run.writer.status().last_path) == (1800, 1500)


def test_the_receivers_own_process_never_loads_matplotlib_for_a_plot(tmp_path):
    code = (
        "import sys; from pathlib import Path; from sunspec_tui.plots.plot_service import PlotService; "
        "w = PlotService(Path('figs'), 1, lambda: None, on_event=print); w.start(); w.stop(); "
        "print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "False"
    assert not (tmp_path / "figs").exists()
