"""The time that the observer types."""

import pytest

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.times import parse_user_time
from sunspec_tui.tui.display.time_goal import ACCEPTED, NOW_S, parse_time_goal

END_S = parse_user_time("2026-11-25T12:00")
NEWEST_S = parse_user_time("2026-11-26T19:30")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:42", "2026-11-26T18:42"),
        (":18:42", "2026-11-26T18:42"),
        (" 18:42:10.5 ", "2026-11-26T18:42:10.5"),
        ("0:05", "2026-11-26T00:05"),
        ("19:30", "2026-11-26T19:30"),
        # A time that has not come yet is of the day before.
        ("19:31", "2026-11-25T19:31"),
        ("2026-11-20T18:42", "2026-11-20T18:42"),
        ("2026/11/20 18:42:10", "2026-11-20T18:42:10"),
        ("2026-11-20T18:42+02:00", "2026-11-20T16:42"),
        ("2026-11-20", "2026-11-20T00:00"),
        ("-20m", "2026-11-25T11:40"),
        ("+1h", "2026-11-25T13:00"),
        ("+1h30m", "2026-11-25T13:30"),
        ("- 1.5h", "2026-11-25T10:30"),
        ("-2d", "2026-11-23T12:00"),
        ("-90S", "2026-11-25T11:58:30"),
    ],
)
def test_a_time_that_is_typed(text, expected):
    assert parse_time_goal(text, END_S, NEWEST_S) == parse_user_time(expected)


@pytest.mark.parametrize("text", ["now", ":now", " NOW "])
def test_now_is_the_newest_time(text):
    assert parse_time_goal(text, END_S, NEWEST_S) == NOW_S


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "abc",
        "24:00",
        "12:60",
        "12:00:60",
        "18",
        "1842",
        "-20",
        "-20x",
        "+",
        "2026-13-01",
        "-" * 400,
        "1" * 400,
        "-9999999d",
        "18:42:10.5.5",
        "nan",
        "inf",
        "2026-11-20T25:00",
        "\x1b[2J",
    ],
)
def test_wrong_text_is_rejected_with_what_is_accepted(text):
    with pytest.raises(UsageError, match="is not a time; write") as raised:
        parse_time_goal(text, END_S, NEWEST_S)
    assert ACCEPTED in str(raised.value)
    assert len(str(raised.value)) < 200
