"""Texts of the list of bursts."""

import math
from dataclasses import replace

import pytest
from shown_bursts import burst, shown_bursts

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState
from sunspec_tui.tui.widgets.burst_table import (
    burst_layout,
    burst_line,
    detail_lines,
    heading_line,
    length_words,
    why_no_bursts,
)
from sunspec_tui.tui.widgets.line_text import status_text

BURSTS = shown_bursts()


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (76, "begin type sure MHz dB MHz/s lasts lanes V/I state"),
        (60, "begin type sure MHz dB MHz/s lasts state"),
        (40, "begin type sure MHz dB state"),
        (20, "begin type"),
        (1, "begin"),
        (160, "begin type sure MHz dB MHz/s lasts lanes V/I state reason"),
    ],
)
def test_a_narrow_list_leaves_out_columns(width, titles):
    assert heading_line(burst_layout(BURSTS, width)).plain.split() == titles.split()


@pytest.mark.parametrize("width", [1, 8, 20, 47, 76, 78, 160, 198])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_row_has_the_width_of_the_list(width, ascii_only):
    layout = burst_layout(BURSTS, width)
    for each in BURSTS:
        line = burst_line(each, layout, width, is_selected=True, ascii_only=ascii_only)
        assert len(line.plain) == width
        assert "reverse" in str(line.spans[0].style)


def test_a_row_has_the_measured_numbers():
    layout = burst_layout(BURSTS, 76)
    first, second, third = (burst_line(each, layout, 76, is_selected=False).plain.split() for each in BURSTS[:3])
    assert first == ["18:41:40", "III", "90%", "40-75", "8.2", "-9.3±0.4", "8.0", "s", "1", "+0.12"]
    assert second == ["18:42:05", "II", "70%", "20-50", "12.2", "-0.11±0.02", "25", "s", "2", "1.94", "-0.02"]
    assert third == ["18:42:22", "?", "30%", "70-86", "2.2", "–", "2.0", "s", "1", "–"]


def test_begins_of_several_days_have_their_dates():
    layout = burst_layout([BURSTS[0], burst("old", -86400, -86390)], 76)
    assert burst_line(BURSTS[0], layout, 76, is_selected=False).plain.startswith("06-07 18:41:40 III")


@pytest.mark.parametrize(
    ("given", "state", "style"),
    [
        (BURSTS[0], "", ""),
        (BURSTS[4], "open", "bold"),
        (replace(BURSTS[4], is_wrong=True), "wrong", "dim"),
        (BURSTS[3], "", "dim"),
    ],
)
def test_the_state_of_a_burst_is_a_word_and_a_style(given, state, style):
    line = burst_line(given, burst_layout(BURSTS, 76), 76, is_selected=False)
    assert line.plain.rstrip().endswith(state or ("–" if not math.isfinite(given.circular) else "+0.12"))
    assert [str(span.style) for span in line.spans] == ([style] if style else [])


@pytest.mark.parametrize("width", [20, 76, 150])
def test_the_details_have_all_that_is_known(width):
    text = " ".join(line.plain for line in detail_lines(BURSTS[1], width))
    for words in ("type II, 70 % sure", "begin 2026-06-07 18:42:05.00", "20.0 to 50.0 MHz", "drift -0.11 ± 0.02 MHz/s",
                  "2 lanes with the ratio 1.94", "V/I -0.02", "because two lanes drift together"):  # fmt: skip
        assert words in text
    assert max(len(line.plain) for line in detail_lines(BURSTS[1], width)) <= width
    half_power = " ".join(line.plain for line in detail_lines(BURSTS[0], width))
    assert "duration at half power: 2.1 s at 60.0 MHz, 3.4 s at 45.0 MHz" in half_power


def test_what_was_not_measured_is_said():
    bare = burst("bare", 0, 1, math.nan, math.nan, BurstType.UNKNOWN, is_saturated=True, is_wrong=True)
    text = " ".join(line.plain for line in detail_lines(bare, 200))
    for words in ("unknown, 0 % sure · wrong · the receiver was saturated", "– to – MHz", "peak not measured",
                  "drift not measured", "V/I not measured"):  # fmt: skip
        assert words in text


def test_texts_from_outside_are_visible():
    bad = burst("bad", 0, 1, reason="a\x1b[2Jb", source="c\x1b]0;d")
    assert "\x1b" not in "".join(line.plain for line in detail_lines(bad, 80))
    assert "\x1b" not in burst_line(bad, burst_layout([bad], 160), 160, is_selected=False).plain


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "0.0 s"), (9.94, "9.9 s"), (12.3, "12 s"), (720, "12 min"), (9000, "2.5 h")]
)
def test_a_duration_is_short(seconds, words):
    assert length_words(seconds) == words


@pytest.mark.parametrize(
    ("hidden", "words"),
    [
        (0, "There is no table."),
        (1, "1 detection is interference"),
        (2, "2 detections are interference"),
    ],
)
def test_an_empty_list_has_a_reason(hidden, words):
    assert words in why_no_bursts(hidden, "There is no table.")


LIVE = HealthReading(link=LinkState.CONNECTED, state=StreamState.LIVE)
NEWEST_S = BURSTS[4].end_s + 1


def status(burst, columns, **options):
    return status_text(LIVE, "10.0.0.5:9798", "XX", NEWEST_S, 0.1, burst=burst, columns=columns, **options).plain


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (BURSTS[4], "burst IIIG now 15.5 dB"),
        (BURSTS[1], "burst II 23 s ago 12.2 dB"),
        (replace(BURSTS[0], peak_db=math.nan), "burst III 65 s ago"),
    ],
)
def test_the_status_line_has_the_newest_burst(given, words):
    assert words in status(given, 80)
    assert "burst" not in status(None, 80)


@pytest.mark.parametrize("columns", [30, 40, 60, 80])
def test_a_burst_pushes_out_no_alarm_and_no_warning(columns):
    problems = {"alarms": ("NO SIGNAL",), "warnings": ("gain 3 dB low",)}
    with_burst, without = (status(each, columns, **problems) for each in (BURSTS[4], None))
    assert "NO SIGNAL" in with_burst
    assert ("gain 3 dB low" in with_burst) or ("gain 3 dB low" not in without)
