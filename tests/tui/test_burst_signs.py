"""Reported bursts ring, change the title and notify, as the observer wants."""

import pytest
from live_bursts import NOON_S, burst

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.monitoring.burst_status import BurstState, BurstStatus
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.stream.health_reading import HealthReading, StreamState
from sunspec_tui.tui.attention import REPORT_IN_TITLE_S, Attention, ReportSigns
from sunspec_tui.tui.terminal.terminal_notification import MAX_CHARACTERS, notification_sequence


class Signs:
    """Attention whose signs are noted in the order of their coming."""

    def __init__(self, *ways):
        self.now_s, self.signs = 0.0, []
        reports = ReportSigns(
            ways, lambda: self.signs.append("bell"), lambda *texts: self.signs.append(texts), lambda: self.now_s
        )
        self.titles = []
        self._attention = Attention(self.titles.append, None, reports)

    def note(self, reports, reported=None):
        bursts = BurstStatus(BurstState.WATCHING, reports=reports, reported=reported)
        snapshot = Snapshot(NOON_S, "10.0.0.5:9798", HealthReading(StreamState.LIVE), bursts=bursts)
        self._attention.note(snapshot, "XX", is_paused=False)
        signs, self.signs = self.signs, []
        return signs


NOTIFICATION = ("burst of type III", "III 18:41:30 25-80 MHz 8.0 dB")


@pytest.mark.parametrize(
    ("ways", "signs"),
    [((), []), (("bell",), ["bell"]), (("osc",), [NOTIFICATION]), (("title",), []),
     (("bell", "title", "osc"), ["bell", NOTIFICATION])],
)  # fmt: skip
def test_each_report_has_the_signs_that_are_wanted(ways, signs):
    shown = Signs(*ways)
    assert shown.note(0) == []
    assert shown.note(1, burst()) == signs
    assert shown.note(1, burst()) == []
    assert shown.note(2, burst()) == signs


def test_several_reports_between_two_readings_are_one_sign():
    shown = Signs("osc", "bell")
    assert shown.note(3, burst()) == ["bell", (NOTIFICATION[0], NOTIFICATION[1] + ", and 2 more")]


def test_counts_that_begin_anew_are_no_report():
    shown = Signs("bell")
    shown.note(3, burst())
    assert shown.note(0) == []
    assert shown.note(1, burst()) == ["bell"]


def test_the_title_has_the_last_report_for_a_minute():
    shown = Signs("title")
    shown.note(0)
    shown.note(1, burst(type=BurstType.II))
    shown.now_s = REPORT_IN_TITLE_S
    shown.note(1, burst(type=BurstType.II))
    usual = "LIVE XX – 10.0.0.5:9798"
    assert shown.titles == [usual, f"II 18:41, {usual}", usual]


PLAIN, VTE = {"TERM": "xterm-256color"}, {"TERM": "xterm-256color", "VTE_VERSION": "7600"}


@pytest.mark.parametrize(
    ("environment", "sequence"),
    [
        (PLAIN, "\x1b]9;burst: III; II\x1b\\"),
        (VTE, "\x1b]777;notify;burst;III, II\x1b\\"),
        ({"TERM": "rxvt-unicode"}, "\x1b]777;notify;burst;III, II\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;burst;III, II\x1b\\"),
        (PLAIN | {"TMUX": "/tmp/t,1,0"}, "\x1bPtmux;\x1b\x1b]9;burst: III; II\x1b\x1b\\\x1b\\"),  # noqa: S108 - a name
        ({"TERM": "linux"}, ""),
        ({"TERM": "dumb"}, ""),
        ({}, ""),
    ],
)
def test_a_notification_is_the_sequence_that_the_terminal_knows(environment, sequence):
    assert notification_sequence("burst", "III; II", environment) == sequence


@pytest.mark.parametrize("environment", [PLAIN, VTE])
def test_a_notification_cannot_end_early_and_is_short(environment):
    text = notification_sequence("b\x07", "\x1b\\\x9c\n" + "x" * 5000, environment)
    inner = text.removesuffix("\x1b\\")[2:]
    assert inner.isprintable()
    assert len(text) < 2 * MAX_CHARACTERS + 40
