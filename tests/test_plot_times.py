"""Each column of a figure has the beginning and the end of its row, whatever the stream does."""

import io
import math

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from recordings import recording
from test_plotting import START_S

from sunspec_tui import StreamReceiver
from sunspec_tui.frame import Frame
from sunspec_tui.health import StreamHealth
from sunspec_tui.plot_reduction import MAX_ROWS
from sunspec_tui.ring import RingBuffer
from sunspec_tui.row_spans import GAP
from sunspec_tui.snapshot import Axis
from sunspec_tui.times import unix_to_tag
from sunspec_tui.windows import live_job, recorded_job
from sunspec_tui.writers.figure import SpectrumFigure, column_image

NBINS = 8
EMPTY = np.empty((1, 1, 1), np.float32)
LEFT, RIGHT, MIDDLE = 126, 1638, 1080  # pixels of the waterfall's edges, and of a line through it


def sequence(begin_s, cadence_s, count):
    """Beginnings and ends of rows without a gap."""
    begins_s = begin_s + cadence_s * np.arange(count)
    return np.stack([begins_s, begins_s + cadence_s], axis=1)


# Beginnings and ends of rows, and the numbers of those that begin a new sequence.
STREAMS = {
    "even": (sequence(0, 0.25, 40), []),
    "a shorter cadence": (np.concatenate([sequence(0, 1.0272, 40), sequence(41.088, 0.5136, 40)]), []),
    "a longer cadence": (np.concatenate([sequence(0, 0.5136, 40), sequence(20.544, 1.0272, 40)]), []),
    "a gap": (np.concatenate([sequence(0, 0.5136, 30), sequence(30, 0.5136, 30)]), []),
    "a restart": (np.concatenate([sequence(0, 1.0272, 40), sequence(44.3, 0.5136, 40)]), [40]),
    "half an hour back": (np.concatenate([sequence(1800, 15, 20), sequence(300, 15, 20)]), []),
    "half an hour back at the usual cadence": (np.concatenate([sequence(1800, 0.25, 40), sequence(0, 0.25, 40)]), []),
}


def ring_of(spans, restarts, npol=1):
    """Rows as a receiver places them, alternating between two powers."""
    health, ring = StreamHealth(), RingBuffer(len(spans), NBINS, npol)
    for n, end_s in enumerate(START_S + spans[:, 1]):
        tag = unix_to_tag(START_S) + sum(n >= each for each in restarts)
        placed = health.place(Frame(EMPTY, end_s, math.nan, time_tag=tag), end_s, float(n))
        power = np.full((NBINS, npol), 100.0 if n % 2 else 1.0, np.float32)
        ring.append(power, placed.time_s, placed.slot, placed.mark)
    return ring


def job_of(ring):
    with StreamReceiver(stream_port=9, plot_interval=0) as receiver:
        snapshot = receiver.snapshot()
    return live_job(ring, Axis(560, NBINS, 1, 1, chan0_stated=True), snapshot, "XX")


@pytest.fixture(scope="module")
def figure():
    return SpectrumFigure()


@pytest.mark.parametrize("stream", STREAMS)
def test_the_edges_of_each_column_are_the_beginning_and_the_end_of_its_row(stream):
    spans, restarts = STREAMS[stream]
    made = job_of(ring_of(spans, restarts))
    image, columns, timed = column_image(made)
    assert timed
    assert sorted(columns.rows[columns.rows != GAP].tolist()) == list(range(len(spans)))
    for n, row in enumerate(columns.rows.tolist()):
        if row == GAP:
            assert np.isnan(image[:, n]).all()
        else:
            np.testing.assert_allclose(columns.edges_s[n : n + 2], START_S + spans[row], atol=2e-6, rtol=0)
            np.testing.assert_allclose(image[:, n], 20.0 * (row % 2), atol=1e-5)
    np.testing.assert_allclose(made.restarts_s, START_S + spans[restarts, 0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("stream", [name for name in STREAMS if "usual" not in name])
def test_each_pixel_shows_the_row_of_its_time_give_or_take_a_pixel(figure, stream):
    spans, restarts = STREAMS[stream]
    figure.draw(job_of(ring_of(spans, restarts)))
    with Image.open(io.BytesIO(figure.png())) as picture:
        line = np.asarray(picture.convert("RGB"), float)[MIDDLE, LEFT:RIGHT] / 255
    left_s, right_s = spans.min(), spans.max()
    centres_s = left_s + (np.arange(len(line)) + 0.5) / len(line) * (right_s - left_s)
    # What is expected: 0 and 1 for the two powers, 2 for a gap.
    within = (centres_s[:, None] >= spans[:, 0]) & (centres_s[:, None] < spans[:, 1])
    expected = np.where(within.any(axis=1), within.argmax(axis=1) % 2, 2)
    palette = figure.waterfall.get_cmap()
    colours = np.array([palette(0.0)[:3], palette(1.0)[:3], to_rgb("#c9c9cf")])
    seen = np.abs(line[:, None] - colours).sum(axis=2).argmin(axis=1)
    near = np.stack([np.roll(expected, shift) for shift in (-1, 0, 1)])
    right = (near == seen).any(axis=0)
    for row in restarts:  # the line of a restart is drawn over its edge
        right |= np.abs(centres_s - spans[row, 0]) < 3 * (right_s - left_s) / len(line)
    assert right.all()
    assert set(seen.tolist()) >= {0, 1}


def test_a_restart_is_a_line_at_the_beginning_of_its_row(figure):
    spans, restarts = STREAMS["a restart"]
    figure.draw(job_of(ring_of(spans, restarts)))
    x, y = figure.restarts.get_data()
    assert np.array(x) * 86_400 == pytest.approx([START_S + 44.3] * 3, abs=1e-3)
    assert y[:2].tolist() == [0, 1]
    figure.draw(job_of(ring_of(*STREAMS["even"])))
    assert len(figure.restarts.get_xdata()) == 0


def test_where_time_goes_back_a_little_the_later_rows_are_shown(figure):
    spans = np.concatenate([sequence(0, 0.25, 40), sequence(5, 0.25, 10)])
    made = job_of(ring_of(spans, []))
    _, columns, _ = column_image(made)
    assert columns.rows.tolist() == [*range(20), *range(40, 50), *range(30, 40)]
    figure.draw(made)
    assert "50 rows, 10 not shown" in figure.time_axes.get_title()


@pytest.mark.parametrize("stream", ["a shorter cadence", "a longer cadence", "a gap"])
def test_a_recording_has_the_same_columns(stream):
    spans, _ = STREAMS[stream]
    rows = recording(len(spans), nchan=32, times_s=START_S + spans[:, 1], cadence_s=0.5136)
    made = recorded_job(rows, "XX")
    np.testing.assert_allclose(made.begins_s, START_S + spans[:, 0], atol=1e-6, rtol=0)
    assert made.frames_missing == (28 if stream == "a gap" else 0)


def test_means_of_many_rows_begin_with_their_first_and_never_join_two_sequences():
    count = MAX_ROWS + 100
    spans = np.concatenate([sequence(0, 0.5, count), sequence(count / 2 + 3.25, 0.25, 101)])
    made = job_of(ring_of(spans, [count]))
    firsts = np.searchsorted(START_S + spans[:, 0], made.begins_s)
    lasts = np.searchsorted(START_S + spans[:, 1], made.times_s)
    np.testing.assert_allclose(made.begins_s, START_S + spans[np.minimum(firsts, len(spans) - 1), 0], atol=1e-6, rtol=0)
    assert made.rows_per_slot == 2
    assert count - 1 in lasts
    assert ((firsts < count) == (lasts < count)).all()
    np.testing.assert_allclose(made.restarts_s, [START_S + spans[count, 0]], atol=1e-6)
