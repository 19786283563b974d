"""Figures of a live stream: each pixel shows its row.

This must be true for each way to request a figure.
"""

import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
from pixels import STREAMS, check_pixels, power_of, tag_of
from publishers import message
from webs import served

from sunspec_tui import plot_window
from sunspec_tui.cli import snapshot
from sunspec_tui.core.settings import ProbeSettings

START = np.datetime64("2025-08-18T21:34:54")
NAMED = ["a shorter cadence", "a restart", "half an hour back"]
NCHAN = 32


def send(publisher, stream):
    """Send rows that end at given times; return spans and restarts."""
    spans, restarts = STREAMS[stream]
    for n, end_s in enumerate(spans[:, 1]):
        data = np.full((1, NCHAN, 4), power_of(n), np.float32)
        end = str(START + np.timedelta64(round(end_s * 1e6), "us"))
        publisher.send(message(data, last_block_time=end, time_tag=tag_of(n, restarts)))
    return spans, restarts


@pytest.mark.parametrize("stream", NAMED)
def test_plots_windows_and_the_figure_of_the_web_view(publisher, tmp_path, stream):
    options = {"plot_interval": 1000, "plot_dir": tmp_path / "figs"}
    with served(publisher.port, **options) as (receiver, url):
        publisher.wait_for_subscriber()
        spans, restarts = send(publisher, stream)
        assert receiver.wait_for_frames(len(spans), 20)
        web = httpx.get(f"{url}plot", timeout=60).content
        plot_window(receiver.recording()).savefig(tmp_path / "window.png")
        path = receiver.create_plot()
    check_pixels(web, spans, restarts)
    check_pixels((tmp_path / "window.png").read_bytes(), spans, restarts)
    check_pixels(Path(path).read_bytes(), spans, restarts)


@pytest.mark.parametrize("stream", NAMED)
def test_the_png_of_a_snapshot(publisher, tmp_path, stream):
    count, said = len(STREAMS[stream][0]), []
    settings = ProbeSettings(port=publisher.port, frames=count, timeout=30, png=tmp_path / "snapshot.png")
    looking = threading.Thread(target=snapshot.run, args=(settings, said.append))
    looking.start()
    try:
        publisher.wait_for_subscriber()
        spans, restarts = send(publisher, stream)
    finally:
        looking.join(60)
    check_pixels((tmp_path / "snapshot.png").read_bytes(), spans, restarts)
    assert f"{count} frames" in said[-1] or said
