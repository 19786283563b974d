"""Delay, health and what panels say of them, as tables."""

import itertools
import math

import numpy as np
import pytest
from publishers import block_time, message

from sunspec_tui.core.errors import RejectCause
from sunspec_tui.core.frame import Frame, decode
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.files.archive.status import ArchiveStatus
from sunspec_tui.monitoring.sun_reading import SunReader, SunReading
from sunspec_tui.plots.job import PlotStatus
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState
from sunspec_tui.stream.message_delay import (
    DelayHistory,
    DelayMethod,
    DelayReading,
    DelayStatistics,
    buffer_delay_s,
    delay_statistics,
    message_delay,
)
from sunspec_tui.stream.stream_health import StreamHealth
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.view_state import View
from sunspec_tui.tui.display.waterfall_image import CellValue, ColumnContent, Readout
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality
from sunspec_tui.tui.widgets.caption import ShownPicture, caption_text
from sunspec_tui.tui.widgets.delay_panel import chart_limits, delay_chart, tick_texts
from sunspec_tui.tui.widgets.fitting import wrap_lines
from sunspec_tui.tui.widgets.line_text import status_text
from sunspec_tui.tui.widgets.panel_text import (
    delay_text,
    duration,
    health_text,
    labelled_lines,
    waiting_advice,
    waiting_text,
)
from sunspec_tui.tui.widgets.plots_panel_text import plots_text

EMPTY = np.empty((1, 1, 1), np.float32)


@pytest.mark.parametrize(
    ("sent_s", "value_s", "used", "note"),
    [
        (99.0, 1.0, "auto", ""),
        (100.2, -0.2, "auto", "clock skew"),
        (159.0, -59.0, "auto", "clock skew"),
        (161.0, 7.0, "buffer", "timestamp is 61 s in the future"),
        (100 - 3601.0, 3601.0, "auto", "recorded data"),
        (math.nan, 7.0, "buffer", "unreadable"),
    ],
)
def test_auto_delay_is_used_or_replaced_with_a_reason(sent_s, value_s, used, note):
    found = message_delay(
        DelayMethod.AUTO, now_s=100.0, sent_s=sent_s, time_problem="unreadable", buffer_s=7.0, manual_s=1.0
    )
    assert found == DelayReading(pytest.approx(value_s), DelayMethod.AUTO, DelayMethod(used), note)


def test_buffer_delay_has_the_formula_of_the_older_receiver():
    assert buffer_delay_s(1200, 200, 0.25) == 250.0


def test_delay_history_drops_values_older_than_its_span():
    history = DelayHistory(span_s=10)
    for n in range(30):
        history.add(float(n), n / 10)
    assert [29.0 - ago for ago, _ in history.before(29.0)] == [float(n) for n in range(19, 30)]
    assert [ago for ago, _ in history.before(35.0)] == [float(n) for n in range(10, 5, -1)]
    assert history.before(1000.0) == ()


def frame(n, *, cadence=0.25, seq=None, tag=1, block=True, interval=None, sent_s=math.nan):
    time_tag, end_s = 351_963_334_208_787_952 + tag, n * cadence if block else math.nan
    return Frame(EMPTY, end_s, sent_s, time_tag=time_tag, seq=seq, interval_s=interval)


def assigned(frames, cadence=0.25):
    health = StreamHealth()
    found = [health.assign_slot(each, 1e9 + i * cadence, i * cadence) for i, each in enumerate(frames)]
    return health, found


def test_steps_of_data_time_give_cadence_gaps_and_slots():
    health, found = assigned([frame(n) for n in (1, 2, 3, 6, 7)])
    assert [place.slot for place in found] == [0, 1, 2, 5, 6]
    assert (health.cadence_s, health.frames_missing) == (0.25, 2)
    assert found[3].mark == Mark.GAP_BEFORE


def test_a_gap_at_the_very_beginning_does_not_become_the_cadence_when_the_header_states_one():
    health, found = assigned([frame(n, interval=0.25) for n in (1, 4, 5)])
    assert (found[1].slot, health.frames_missing) == (3, 2)


def test_the_producers_own_numbers_count_losses_exactly():
    health, _ = assigned([frame(n, seq=n) for n in (1, 2, 9, 10)])
    assert health.frames_missing == 6


def test_a_restart_counts_as_a_gap_without_loss():
    health, found = assigned([frame(1, seq=8), frame(2, seq=9), frame(10, seq=0, tag=2)])
    assert (health.frames_missing, health.restarts) == (0, 1)
    assert found[2].mark == Mark.RESTART | Mark.GAP_BEFORE
    assert found[2].slot == 9


def test_estimated_times_count_no_losses():
    health, found = assigned([frame(n, block=False) for n in (1, 2, 9)])
    assert health.frames_missing == 0
    assert [place.slot for place in found] == [0, 1, 2]


def test_bursty_delivery_is_live_and_has_the_cadence_of_its_data():
    health, now_s = StreamHealth(), 0.0
    for n in range(20):
        now_s += 0.15 if n % 2 else 0.88
        health.assign_slot(frame(n, cadence=0.5136), 1e9, now_s)
        assert health.state(now_s + 0.88) is StreamState.LIVE
    assert health.cadence_s == pytest.approx(0.5136)


def test_silence_changes_the_state():
    health = StreamHealth()
    assert health.state(0) is StreamState.CONNECTING
    for n in range(4):
        health.assign_slot(frame(n), 1e9, n * 0.25)
    assert health.state(0.75 + 0.74) is StreamState.LIVE
    assert health.state(0.75 + 0.76) is StreamState.STALLED


@pytest.mark.parametrize(("frames_a_gulp", "gulp_s"), [(1, 1.0272), (2, 1.0272), (4, 1.0)])
def test_three_gulps_of_silence_are_a_stall_for_any_size_of_gulp(frames_a_gulp, gulp_s):
    health = StreamHealth()
    for n in range(4 * frames_a_gulp):
        gulp, sent_s = n // frames_a_gulp, 1e9 + n // frames_a_gulp * gulp_s
        health.assign_slot(frame(n, cadence=gulp_s / frames_a_gulp, sent_s=sent_s), 1e9, gulp * gulp_s)
    assert health.stall_after_s() == pytest.approx(3 * gulp_s)


def test_a_sender_with_a_stopped_clock_is_stalled_after_ten_seconds():
    health = StreamHealth()
    for n in range(100):
        health.assign_slot(frame(n, sent_s=5e8), 1e9, n * 0.25)
    assert health.stall_after_s() == pytest.approx(10)


def test_a_stream_slower_than_ten_seconds_a_frame_is_not_stalled_between_its_frames():
    health = StreamHealth()
    for n in range(3):
        health.assign_slot(frame(n, cadence=12.0, interval=12.0), 1e9, n * 12.0)
        assert health.state(n * 12.0 + 11.9) is StreamState.LIVE
    assert health.state(24.0 + 18.1) is StreamState.STALLED


@pytest.mark.parametrize("keys", [{}, {"interval": 1.0272}, {"seq": True}])
def test_a_restart_with_another_cadence_loses_nothing_and_leaves_no_gaps(keys):
    numbered = keys.pop("seq", False)
    frames = [frame(n, seq=n if numbered else None) for n in range(40)]
    frames += [frame(n, cadence=1.0272, tag=2, seq=n - 100 if numbered else None, **keys) for n in range(100, 120)]
    health, found = assigned(frames)
    assert health.frames_missing == 0
    assert [place.slot - before.slot for before, place in itertools.pairwise(found[40:])] == [1] * 19
    assert health.cadence_s == pytest.approx(1.0272)


def test_each_stall_is_counted_once_including_the_present_one():
    health = StreamHealth()
    for at_s in (0.0, 0.25, 0.5, 9.0, 9.25):
        placement = health.assign_slot(frame(at_s * 4), 1e9, at_s)
        assert placement.silence_s == (8.5 if at_s == 9.0 else 0)
    assert [health.reading(at_s).stalls for at_s in (9.5, 12.0, 13.0)] == [1, 2, 2]


def test_before_the_cadence_is_known_silence_is_measured_by_the_longest_gulp():
    health = StreamHealth()
    health.assign_slot(frame(0), 1e9, 0.0)
    assert health.stall_after_s() == pytest.approx(3 * 1.0272)


def test_the_rate_after_a_stall_is_that_of_the_frames_since():
    health = StreamHealth()
    for n in (*range(10), *range(400, 405)):
        health.assign_slot(frame(n), 1e9, n * 0.25)
    assert health.reading(101.0).rate_hz == pytest.approx(4)


def test_rejections_are_counted_by_cause():
    health = StreamHealth()
    for cause in (RejectCause.TOPIC, RejectCause.SHAPE, RejectCause.TOPIC):
        health.reject(cause)
    reading = health.reading(0.0)
    assert (reading.frames_rejected, reading.rejected) == (3, {"shape": 1, "topic": 2})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (-0.25, "-0.25 s"),
        (12.34, "12.3 s"),
        (200, "3 min 20 s"),
        (9.996, "10.0 s"),
        (99.96, "1 min 40 s"),
        (119.7, "2 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.7, "1 h 00 min"),
        (7199.9, "2 h 00 min"),
        (7500, "2 h 05 min"),
        (2 * 86400 - 10, "2 days"),
        (-7500, "-2 h 05 min"),
        (10 * 86400, "10 days"),
        (15.5 * 365.25 * 86400, "15.5 years"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_durations_are_formatted_in_suitable_units(seconds, text):
    assert duration(seconds) == text


def test_panels_name_faults_in_words():
    delay = DelayReading(3.0, DelayMethod.AUTO, DelayMethod.BUFFER, "the header has no timestamp")
    assert "auto → buffer" in delay_text(delay, math.nan).plain
    assert "the header has no timestamp" in delay_text(delay, math.nan).plain
    health = HealthReading(frames_rejected=2, rejected={"header_json": 2}, restarts=1, frames_missing=4)
    assert "2 header json" in health_text(health).plain
    assert "1 restart" in health_text(health).plain
    assert "disk full" in plots_text(PlotStatus(failed=1, last_error="disk full"), ArchiveStatus()).plain
    status = status_text(
        HealthReading(state=StreamState.STALLED, silence_s=5.0),
        "a:1",
        "XX",
        math.nan,
        math.nan,
        paused_s=1_755_542_520.0,
    ).plain
    assert "STALLED" in status
    assert "PAUSED 18:42:00 end goes live" in status
    assert "silent for 5.00 s" in status


def test_a_narrow_status_keeps_state_and_losses():
    health = HealthReading(StreamState.STALLED, LinkState.CONNECTED, frames_missing=14, silence_s=5.0)
    for columns in range(60, 100):
        said = status_text(health, "127.0.0.1:9798", "XX", 0.0, 1.0, paused_s=0.0, columns=columns).plain
        assert len(said) <= columns
        assert "STALLED" in said
        assert "PAUSED" in said
        assert "lost 14" in said


@pytest.mark.parametrize(
    ("columns", "end"),
    [
        (0, " · XX · Sun 29 deg, sets 00:36"),
        (90, " · XX · Sun 29 deg, sets 00:36"),
        (80, " · XX · Sun 29 deg"),
        (60, "XX"),
    ],
)
def test_the_sun_is_in_the_first_line_if_there_is_room_after_all_else(columns, end):
    health, sun = HealthReading(StreamState.LIVE, LinkState.CONNECTED), SunReader().read(1_795_812_500.0)
    said = status_text(health, "127.0.0.1:9798", "XX", 0.0, 0.02, sun=sun, columns=columns).plain
    assert said.endswith(end)
    assert status_text(health, "127.0.0.1:9798", "XX", 0.0, 0.02, sun=SunReading()).plain.endswith(" · XX")


def test_the_health_panel_has_the_suns_position_if_it_is_known():
    sun = SunReader().read(1_795_812_500.0)
    assert "Sun      29.4 deg, az 198 deg, sets 00:36" in health_text(HealthReading(), sun=sun).plain
    assert "Sun" not in health_text(HealthReading(), sun=SunReading()).plain


BAND = FrequencyWindow(0, 768, 13.4, 86.9)
SHOWN = ShownPicture("XX", BAND, Levels(10, 30), 66.0)
READOUT = Readout(44.9, 45.1, CellValue(ColumnContent.ROWS), power=100.0, shown=20.0, begin_s=0.0, end_s=1.0)


@pytest.mark.parametrize(
    ("readout", "options", "said"),
    [
        (READOUT, {}, "▶ 45.00 MHz ±0.10  00:00:00.50 UTC ±0.5 s  XX 20.00 dB (100)"),
        (READOUT, {"columns": 80}, "▶ 45.00 MHz  00:00:00.50 UTC  XX 20.00 dB · 10 to 30 dB auto · 66 s · viridis"),
        (READOUT, {"columns": 50}, "▶ 45.00 MHz 00:00:00.50 XX 20.00 dB"),
        (READOUT._replace(begin_s=math.nan), {}, "▶ 45.00 MHz ±0.10  until 00:00:01.00 UTC  XX 20.00 dB (100)"),
        (READOUT._replace(shown=3.0), {"subtracted": True}, "UTC ±0.5 s  XX +3.00 dB over background (20.00 dB)"),
        (
            READOUT._replace(power=-2.0, shown=-1.5),
            {"subtracted": True, "signed": True},
            "XX -1.5 over background (-2)",
        ),
        (READOUT._replace(power=-2.0, shown=math.nan), {}, "XX -2, which has no decibels"),
        (READOUT._replace(power=math.nan), {}, "XX no valid value"),
        (READOUT._replace(cell=CellValue(ColumnContent.ROWS, missing=1)), {}, "1 row is missing here"),
        (
            READOUT._replace(cell=CellValue(ColumnContent.GAP, gap_s=(0.0, 9.0))),
            {},
            "gap: no rows from 00:00:00 until 00:00:09",
        ),
        (READOUT._replace(cell=CellValue(ColumnContent.BEFORE)), {}, "before the first row that is kept"),
        (READOUT._replace(inside=False), {}, "▶ the cursor is outside the picture"),
    ],
)
def test_the_caption_describes_the_cell_under_the_cursor_beside_the_picture(readout, options, said):
    options = dict(options)
    view = View(product=Product.V if options.pop("signed", False) else Product.XX)
    shown = SHOWN._replace(subtracted=options.pop("subtracted", False))
    text = caption_text(view, shown, LinkReading(), readout=readout, **options).plain
    assert said in text
    assert len(text) <= options.get("columns", 200)


@pytest.mark.parametrize(
    ("confirmed", "left_out"),
    [("", ()), ("time span 5 min 14 s", ("slow link",)), ("x" * 40, ("slow link", "74 rows"))],
)
def test_the_value_under_the_cursor_stays_where_notes_have_no_room(confirmed, left_out):
    link, marked = LinkReading(quality=Quality.SWEEPING), ("74 rows marked, 12:00:00 to 12:00:18 UTC", "74 rows marked")
    text = caption_text(
        View(), SHOWN, link, readout=READOUT, marked=marked, confirmed=confirmed, columns=80,
    ).plain  # fmt: skip
    assert "▶ 45.00 MHz 00:00:00.50 XX 20.00 dB" in text
    assert len(text) <= 80
    assert [words in text for words in ("slow link", "74 rows")] == [
        words not in left_out for words in ("slow link", "74 rows")
    ]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (40, ["link     nobody answers there, retrying"]),
        (34, ["link     nobody answers there,", "         retrying"]),
        (18, ["link     nobody", "         answers", "         there,", "         retrying"]),
        # Beside the label, there is no room for a word.
        (16, ["link     nobody", "answers there,", "retrying"]),
    ],
)
def test_a_long_value_continues_below_its_own_beginning(columns, lines):
    text = labelled_lines(("link", "nobody answers there, retrying"))
    assert [line.plain for line in wrap_lines(text, columns)] == lines


@pytest.mark.parametrize(
    ("delays_s", "low_s", "high_s"),
    [([-3.0, -3.0], -3.03, -2.97), ([0.0], -0.001, 0.001), ([1.0, 2.0], 0.9, 2.1), ([math.nan], -0.001, 0.001)],
)
def test_the_delay_axis_contains_all_delays_even_equal_ones(delays_s, low_s, high_s):
    assert chart_limits(delays_s) == (pytest.approx(low_s), pytest.approx(high_s))


def test_the_chart_of_delays_has_the_higher_ones_above():
    chart = delay_chart([(60.0 - n, -3.0 - n / 60) for n in range(60)], 40, 8).splitlines()
    labels = [float(line.split(" s┤")[0]) for line in chart if "┤" in line]
    assert labels == sorted(labels, reverse=True)
    assert all(-4.1 < label < -2.9 for label in labels)
    assert max(len(line) for line in chart) <= 40


@pytest.mark.parametrize("height", [3, 4, 5, 8])
@pytest.mark.parametrize("delays_s", [(2.5, 3.5), (2.3, 3.7), (-3.0, -3.0), (0.0, 0.0), (86400.0, -86400.0)])
def test_the_chart_of_delays_always_has_a_scale_in_seconds(delays_s, height):
    chart = delay_chart([(60.0, delays_s[0]), (30.0, delays_s[1])], 24, height)
    assert chart.count(" s┤") >= 2
    assert ("-60 s" in chart) is (height >= 5)


@pytest.mark.parametrize(
    ("marks", "texts"),
    [
        ([0.0, 0.005, 0.01], ["0.000 s", "0.005 s", "0.010 s"]),
        ([9900.0, 10000.0], ["9900 s", "10000 s"]),
        ([-0.5, 0], ["-0.5 s", "0.0 s"]),
    ],
)
def test_the_numbers_of_an_axis_have_equally_many_decimals(marks, texts):
    assert tick_texts(marks) == texts


@pytest.mark.parametrize(
    ("delays_s", "median_s", "p95_s", "most_s"),
    [
        ([0.2], 0.2, 0.2, 0.2),
        ([math.nan, -0.1, 0.1, 0.3], 0.1, 0.3, 0.3),
        ([n / 100 for n in range(1, 101)], 0.505, 0.95, 1.0),
        ([5.0] + [0.1] * 19, 0.1, 0.1, 5.0),
        ([5.0, 4.0] + [0.1] * 18, 0.1, 4.0, 5.0),
        ([math.nan], math.nan, math.nan, math.nan),
        ([], math.nan, math.nan, math.nan),
    ],
)
def test_delay_statistics_are_measured_values(delays_s, median_s, p95_s, most_s):
    found = delay_statistics(delays_s)
    assert (found.median_s, found.p95_s, found.max_s) == pytest.approx((median_s, p95_s, most_s), nan_ok=True)


def test_the_delay_panel_has_the_last_minute_in_a_line_that_fits():
    minute = DelayStatistics(0.06, 0.08, 12.5)
    [line] = [line for line in delay_text(DelayReading(0.05), 2.0, minute).plain.splitlines() if "median" in line]
    assert line == "median   0.06 95% 0.08 max 12.50 s"
    assert len(line) <= 34
    skewed = delay_text(DelayReading(-0.4), 2.0, DelayStatistics(-0.4, -0.4, -0.4)).plain.splitlines()
    assert "median   -0.40 95% -0.40 max -0.40" in skewed
    assert "median   –" in delay_text(DelayReading(), math.nan).plain
    assert "median   15.5 years" in delay_text(DelayReading(), 0.0, DelayStatistics(4.9e8, 4.9e8, 4.9e8)).plain


def test_a_stall_of_ten_seconds_is_worse_than_one_of_three_frames():
    short = HealthReading(StreamState.STALLED, LinkState.CONNECTED, silence_s=9.9)
    long = HealthReading(StreamState.STALLED, LinkState.CONNECTED, silence_s=10.0)
    colours = [status_text(health, "a:1", "XX", 0.0, 0.0).spans[0].style for health in (short, long)]
    assert colours == ["bold black on yellow", "bold white on red"]


def test_a_stalled_stream_has_no_rate():
    health = StreamHealth()
    for n in range(8):
        frame = decode(message(np.ones((1, 8, 4), np.float32), last_block_time=block_time(n)))
        health.assign_slot(frame, 0.0, n / 4)
    assert health.reading(1.8).rate_hz == pytest.approx(4.0)
    assert health.reading(60.0).rate_hz == 0.0


def test_the_waiting_text_has_the_reason():
    assert "nobody answers" in waiting_text(HealthReading(link=LinkState.REFUSED), "a:1")
    rejected = HealthReading(frames_rejected=3, rejected={"topic": 3})
    assert "3 topic" in waiting_text(rejected, "a:1")


@pytest.mark.parametrize(
    ("health", "advice"),
    [
        (HealthReading(link=LinkState.REFUSED), "--addr and --port"),
        (HealthReading(link=LinkState.UNRESOLVED), "--addr"),
        (HealthReading(link=LinkState.CONNECTED), "recorder"),
        (HealthReading(link=LinkState.FOREIGN), "--port"),
        (HealthReading(link=LinkState.CONNECTED, frames_rejected=3, rejected={"topic": 3}), "sunspec-tui doctor"),
        (HealthReading(), ""),
    ],
)
def test_a_screen_without_frames_says_what_to_do(health, advice):
    assert advice in waiting_advice(health)
    assert bool(advice) is bool(waiting_advice(health))


def test_unknown_counts_are_shown_as_unknown_not_as_zero():
    health = HealthReading(losses_known=False)
    assert "missing  unknown" in health_text(health).plain
    assert health.missing is None


@pytest.mark.parametrize("numbered", [True, False])
def test_a_rejected_message_is_not_also_missing(numbered):
    health, sent = StreamHealth(), 20
    for n in range(sent):
        if n in (3, 11):
            continue
        if n in (5, 6, 12):
            health.reject(RejectCause.PAYLOAD_LENGTH, "cut short")
        else:
            health.assign_slot(frame(n, seq=n if numbered else None), 1.7e9 + n, n * 0.25)
    assert health.frames_received + health.rejected.total() + health.frames_missing == sent
    assert (health.rejected.total(), health.frames_missing) == (3, 2)


def test_a_stray_rejected_message_hides_no_loss():
    health = StreamHealth()
    health.assign_slot(frame(100, seq=100), 1.7e9, 0.0)
    health.reject(RejectCause.SHAPE, "a stray of another sequence", seq=5)
    health.assign_slot(frame(102, seq=102), 1.7e9, 0.5)
    assert health.frames_missing == 1
