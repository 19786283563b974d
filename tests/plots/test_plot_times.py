"""Each column of a figure begins and ends with its row.

This must be true for any change of the stream's times.
"""

import math

import numpy as np
import pytest
from extent import some
from pixels import STREAMS, WIDE_ENOUGH, check_pixels, power_of, sequence, tag_of
from plot_jobs import START_S
from recordings import recording

from sunspec_tui.core.frame import Frame
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.ring_copy import ring_recording
from sunspec_tui.core.row_spans import GAP
from sunspec_tui.plots.figure import SpectrumFigure, column_image
from sunspec_tui.plots.job_builder import PlotContext, live_job, recorded_job
from sunspec_tui.plots.plot_reduction import MAX_ROWS
from sunspec_tui.plots.plot_window import plot_window
from sunspec_tui.stream.stream_health import StreamHealth

NBINS = 8
EMPTY = np.empty((1, 1, 1), np.float32)


def ring_of(spans, restarts, npol=1):
    """Rows as a receiver places them, alternating between two powers."""
    health, ring = StreamHealth(), RingBuffer(len(spans), NBINS, npol)
    for n, end_s in enumerate(START_S + spans[:, 1]):
        placed = health.assign_slot(Frame(EMPTY, end_s, math.nan, time_tag=tag_of(n, restarts)), end_s, float(n))
        power = np.full((NBINS, npol), power_of(n), np.float32)
        ring.append(power, placed.time_s, placed.slot, placed.mark)
    return ring


def job_of(ring):
    context = PlotContext(
        now_s=START_S, source="127.0.0.1:9", cadence_s=math.nan, frames_missing=0, lag_s=math.nan, directory="plots"
    )
    return live_job(ring, Axis(560, NBINS, 1, 1, chan0_stated=True), context, "XX")


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


@pytest.mark.parametrize("stream", WIDE_ENOUGH)
def test_each_pixel_shows_the_row_of_its_time_give_or_take_a_pixel(figure, stream):
    spans, restarts = STREAMS[stream]
    figure.draw(job_of(ring_of(spans, restarts)))
    check_pixels(figure.png(), spans, restarts)


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


def recorded(stream):
    spans, restarts = STREAMS[stream]
    axis = Axis(560, NBINS, 1, 1, chan0_stated=True)
    return spans, restarts, ring_recording(ring_of(spans, restarts), axis, math.nan)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_recording_of_the_ring_has_the_columns_and_restarts_of_the_stream(stream):
    spans, restarts, rows = recorded(stream)
    made = recorded_job(rows, "XX")
    _, columns, timed = column_image(made)
    assert timed
    np.testing.assert_allclose(made.begins_s, START_S + spans[:, 0], atol=1e-6, rtol=0)
    np.testing.assert_allclose(made.restarts_s, START_S + spans[restarts, 0], atol=1e-6, rtol=0)
    for n, row in enumerate(columns.rows.tolist()):
        if row != GAP:
            np.testing.assert_allclose(columns.edges_s[n : n + 2], START_S + spans[row], atol=2e-6, rtol=0)


@pytest.mark.parametrize("stream", some(WIDE_ENOUGH, 3))
def test_each_pixel_of_a_window_shows_the_row_of_its_time(tmp_path, stream):
    spans, restarts, rows = recorded(stream)
    plot_window(rows).savefig(tmp_path / "window.png")
    check_pixels((tmp_path / "window.png").read_bytes(), spans, restarts)


def test_a_part_of_a_recording_has_its_own_restarts():
    spans, _, rows = recorded("a restart")
    assert rows.between(START_S + 60).restarts.sum() == 0
    part = rows.between(START_S + 30, START_S + 50)
    assert part.times_s[part.restarts].tolist() == pytest.approx([START_S + spans[40, 1]], abs=1e-6)


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
