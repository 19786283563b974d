"""How many plots stay, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.config import Settings
from sunspec_tui.errors import UsageError
from sunspec_tui.retention import DEFAULT_KEEP, Keep, PlotFile, expired, plot_time_s

DAY_S = 86400.0


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("all", Keep()),
        ("1000", Keep(number=1000)),
        ("7d", Keep(age_s=7 * DAY_S)),
        ("12h", Keep(age_s=DAY_S / 2)),
        ("500M", Keep(nbytes=500_000_000)),
        ("1.5G", Keep(nbytes=1_500_000_000)),
        ("7d, 2G,100", Keep(100, 7 * DAY_S, 2_000_000_000)),
        ("0", Keep(number=0)),
        (DEFAULT_KEEP, Keep(age_s=7 * DAY_S, nbytes=2_000_000_000)),
    ],
)
def test_a_rule_is_read(text, keep):
    assert Keep.parse(text) == keep


@pytest.mark.parametrize("text", ["", "7", "x", "7w", "-1", "7d,8d", "1.5", "2G,3M", "7d,,2G", "1e3"])
def test_what_is_no_rule_is_refused_with_examples(text):
    if text == "7":
        assert Keep.parse(text) == Keep(number=7)
        return
    with pytest.raises(UsageError, match="7d, 12h"):
        Settings(plot_keep=text)


@pytest.mark.parametrize(
    ("name", "time_s"),
    [
        ("spectrum_20250818_213454.png", 1_755_552_894.0),
        ("spectrum_20250818_213454_2.png", 1_755_552_894.0),
        ("spectrum_20250818_213454_VI.png", 1_755_552_894.0),
        ("spectrum_20250818_213454_2_VI.png", 1_755_552_894.0),
        ("spectrum_20251318_213454.png", None),
        ("latest.png", None),
        (".spectrum_20250818_213454.png.12.tmp", None),
        ("spectrum_20250818_213454.png.txt", None),
    ],
)
def test_a_plots_name_says_its_moment(name, time_s):
    assert plot_time_s(name) == time_s


def file(day, nbytes=10):
    return PlotFile(day * DAY_S, f"{day}", nbytes)


@pytest.mark.parametrize(
    ("keep", "gone"),
    [
        (Keep(), []),
        (Keep(number=3), [1, 2]),
        (Keep(number=0), [1, 2, 3, 4]),
        (Keep(age_s=1.5 * DAY_S), [1, 2, 3]),
        (Keep(nbytes=25), [1, 2, 3]),
        (Keep(nbytes=5), [1, 2, 3, 4]),
        (Keep(number=4, age_s=2.5 * DAY_S, nbytes=1000), [1, 2]),
    ],
)
def test_the_oldest_go_first_and_the_newest_never(keep, gone):
    found = expired([file(day) for day in (3, 1, 5, 2, 4)], keep, 5 * DAY_S)
    assert [int(each.name) for each in found] == gone


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.integers(0, 10**9)), max_size=40),
    st.integers(1, 40),
    st.integers(1, 10**10),
)
def test_what_stays_is_within_the_limits_but_for_the_newest(drawn, number, nbytes):
    files = [PlotFile(time_s, str(n), size) for n, (time_s, size) in enumerate(drawn)]
    gone = expired(files, Keep(number=number, nbytes=nbytes), 1e9)
    stay = sorted(set(files) - set(gone), reverse=True)
    assert len(stay) <= number
    assert sum(each.nbytes for each in stay) <= nbytes or len(stay) == 1
    assert not gone or max(gone) <= min(stay)
