"""Plot jobs, and a plot service that notes its events."""

import itertools
from pathlib import Path

import numpy as np
from PIL import Image
from waiting import poll_until

from sunspec_tui.core.row_spans import row_starts_s
from sunspec_tui.plots.job import PlotEvent, PlotJob
from sunspec_tui.plots.plot_service import PlotService

START_S = 1_755_552_894.0


MHZ = np.linspace(13.4, 86.8, 96)


def job(nrows=40, *, gap_at=None, directory="figs", **keys):
    rng = np.random.default_rng(5)
    slots = np.arange(nrows, dtype=np.int64)
    if gap_at is not None:
        slots[gap_at:] += 10
    data = rng.uniform(1, 100, (nrows, len(MHZ))).astype(np.float32)
    fields = {
        "data": data,
        "spectra": {"XX": data[-1], "YY": data[-1] * 2},
        "times_s": START_S + (slots + 1) * 0.25,
        "cadence_s": 0.25,
        "frequencies_mhz": MHZ,
        "product": "XX",
        "lag_s": 0.125,
        "station": "127.0.0.1:9798",
        "frames_missing": 3,
        "directory": str(directory),
        "now_s": START_S,
    } | keys
    # Rows that follow each other, unless a test says otherwise.
    places = fields.pop("slots", slots)
    begins = {"begins_s": row_starts_s(fields["times_s"], places, fields["cadence_s"])}
    return PlotJob(**(begins | fields))


def picture_size(path):
    with Image.open(path) as picture:
        picture.load()
        return picture.size


class Writer:
    """Plot writer under test, with its reported events."""

    def __init__(self, directory, interval_s=0.0, make_job=None):
        self.events: list[PlotEvent] = []
        rows = itertools.count(1)
        make = make_job or (lambda: job(directory=directory, number=next(rows)))
        self.writer = PlotService(Path(directory), interval_s, make, on_event=self.events.append)
        self.writer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.stop()

    def plot(self):
        count = len(self.events)
        self.writer.plot_now()
        return poll_until(lambda: self.events[count:], 60, "the plot")[0]
