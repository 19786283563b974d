"""Bursts are reported by rules of type, strength, confidence, time and Sun."""

import math

import pytest
from live_bursts import MIDNIGHT_S, NOON_S, burst

from sunspec_tui.core.burst_reports import ReportRules, parse_command, parse_notify, parse_report_types
from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.sun import sun_elevation_deg
from sunspec_tui.monitoring.burst_reporter import BurstReporter

BEGIN, END = "begin", "end"


def reports_of(rules, *steps):
    """Reports of changes, as (name, state, is first)."""
    reporter = BurstReporter(rules, sun_elevation_deg)
    found = [report for now_s, *changes in steps for report in reporter.add(changes, now_s)]
    return [(report.burst.name, str(report.state), report.is_first) for report in found], reporter.held_back


@pytest.mark.parametrize(
    ("rules", "values", "is_reported"),
    [
        ({}, {}, True),
        ({}, {"type": BurstType.CONTINUUM}, True),
        ({}, {"type": BurstType.STORM}, False),
        ({}, {"type": BurstType.UNKNOWN}, False),
        ({}, {"type": BurstType.INTERFERENCE}, False),
        ({"types": (BurstType.STORM,)}, {"type": BurstType.STORM}, True),
        ({"types": (BurstType.STORM,)}, {}, False),
        ({"types": ()}, {}, False),
        ({}, {"confidence": 0.49}, False),
        ({"min_confidence": 0.4}, {"confidence": 0.49}, True),
        ({"min_db": 8.1}, {}, False),
        ({"min_db": 8.0}, {}, True),
        ({"min_db": 1.0}, {"peak_db": math.nan}, False),
        ({}, {"peak_db": math.nan}, True),
        ({}, {"is_wrong": True}, False),
        ({}, {"begin_s": MIDNIGHT_S}, False),
        ({"at_night": True}, {"begin_s": MIDNIGHT_S}, True),
        ({}, {"begin_s": 1e300}, True),  # a clock without a Sun
    ],
)
def test_rules(rules, values, is_reported):
    found, held_back = reports_of(ReportRules(**rules), (0.0, burst(**values)))
    assert found == ([("a", END, True)] if is_reported else [])
    assert held_back == 0


def test_a_burst_is_reported_when_it_meets_the_rules_and_when_it_ends():
    steps = [
        (0.0, burst(is_open=True, confidence=0.1)),
        (1.0, burst(is_open=True)),
        (2.0, burst(is_open=True)),
        # It is reported even if it was no burst after all.
        (3.0, burst(type=BurstType.INTERFERENCE)),
        (4.0, burst()),
    ]
    assert reports_of(ReportRules(), *steps) == ([("a", BEGIN, True), ("a", END, False)], 0)


def test_one_of_a_type_is_reported_in_a_while():
    steps = [
        (0.0, burst("a")),
        (59.0, burst("b"), burst("c", type=BurstType.II)),
        (60.0, burst("d")),
        (61.0, burst("e")),
    ]
    found, held_back = reports_of(ReportRules(every_s=60.0), *steps)
    assert [name for name, _, _ in found] == ["a", "c", "d"]
    assert held_back == 2


def test_a_long_burst_is_reported_once_the_while_is_over():
    steps = [(0.0, burst("a")), (30.0, burst("b", is_open=True)), (70.0, burst("b", is_open=True)), (80.0, burst("b"))]
    found = [("a", END, True), ("b", BEGIN, True), ("b", END, False)]
    assert reports_of(ReportRules(every_s=60.0), *steps) == (found, 0)


def test_a_name_that_comes_again_is_another_burst():
    steps = [(0.0, burst(is_open=True)), (1.0, burst()), (2.0, burst(is_open=True)), (3.0, burst())]
    assert len(reports_of(ReportRules(every_s=0.0), *steps)[0]) == 4


def test_memory_is_bounded():
    reporter = BurstReporter(ReportRules(), sun_elevation_deg)
    for number in range(2000):
        reporter.add([burst(str(number), NOON_S + number)], float(number))
    assert len(reporter._ended) <= 500
    assert not reporter._open


@pytest.mark.parametrize(
    ("parse", "text", "found"),
    [
        (parse_report_types, "III, II,III", (BurstType.III, BurstType.II)),
        (parse_report_types, "?,RFI,I,IIIG,IV", tuple(map(BurstType, ("?", "RFI", "I", "IIIG", "IV")))),
        (parse_report_types, "", ()),
        (parse_notify, "bell,osc", ("bell", "osc")),
        (parse_notify, " ", ()),
        (parse_command, "mail -s 'a burst' me", ("mail", "-s", "a burst", "me")),
    ],
)
def test_texts_of_settings(parse, text, found):
    assert parse(text) == found


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_report_types, "III,V", "has 'V', choose from III, IIIG, II, IV, I, RFI, ?"),
        (parse_report_types, "\x1b[31m", "has '\\x1b[31m'"),
        (parse_notify, "beep", "choose from bell, title, osc"),
        (parse_command, "mail 'me", "No closing quotation"),
        (parse_command, "", "name a command"),
        (parse_command, "''", "name a command"),
        (parse_command, "a\0b", "name a command"),
    ],
)
def test_wrong_texts(parse, text, message):
    with pytest.raises(UsageError) as error:
        parse(text, "--option")
    assert str(error.value).startswith("--option ")
    assert message in str(error.value)
