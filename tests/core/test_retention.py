"""Tests of the number of plots that are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.retention import DEFAULT_KEEP, PlotFile, RetentionPolicy, expired, plot_time_s
from sunspec_tui.core.settings import Settings

DAY_S = 86400.0


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("all", RetentionPolicy()),
        ("1000", RetentionPolicy(number=1000)),
        ("7d", RetentionPolicy(age_s=7 * DAY_S)),
        ("12h", RetentionPolicy(age_s=DAY_S / 2)),
        ("500M", RetentionPolicy(nbytes=500_000_000)),
        ("1.5G", RetentionPolicy(nbytes=1_500_000_000)),
        ("7d, 2G,100", RetentionPolicy(100, 7 * DAY_S, 2_000_000_000)),
        ("0", RetentionPolicy(number=0)),
        (DEFAULT_KEEP, RetentionPolicy(age_s=7 * DAY_S, nbytes=2_000_000_000)),
    ],
)
def test_a_rule_is_read(text, keep):
    assert RetentionPolicy.parse(text) == keep


@pytest.mark.parametrize("text", ["", "x", "7w", "-1", "7d,8d", "1.5", "2G,3M", "7d,,2G", "1e3", "9" * 400])
def test_what_is_no_rule_is_refused_with_examples(text):
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
        (RetentionPolicy(), []),
        (RetentionPolicy(number=3), [1, 2]),
        (RetentionPolicy(number=0), [1, 2, 3, 4]),
        (RetentionPolicy(age_s=1.5 * DAY_S), [1, 2, 3]),
        (RetentionPolicy(nbytes=25), [1, 2, 3]),
        (RetentionPolicy(nbytes=5), [1, 2, 3, 4]),
        (RetentionPolicy(number=4, age_s=2.5 * DAY_S, nbytes=1000), [1, 2]),
    ],
)
def test_the_oldest_go_first_and_what_was_just_written_never(keep, gone):
    found = expired([file(day) for day in (3, 1, 5, 2, 4)], keep, 5 * DAY_S, frozenset({"5"}), clock_agrees=True)
    assert [int(each.name) for each in found] == gone


@pytest.mark.parametrize("jump_s", [8 * DAY_S, -1e9, 3650 * DAY_S])
def test_a_clock_that_jumps_makes_no_plot_old(jump_s):
    files = [PlotFile(1e9 - 10 * n, str(n), 10) for n in range(1000)]
    written = PlotFile(1e9 + jump_s, "new", 10)
    assert expired([*files, written], RetentionPolicy(age_s=7 * DAY_S), 1e9 + jump_s, frozenset({"new"})) == []


def test_ages_are_judged_only_by_a_clock_that_agrees_and_from_the_newest_plot():
    files = [file(day) for day in (1, 2, 9, 10)]
    keep = RetentionPolicy(age_s=7 * DAY_S)
    assert expired(files, keep, 400 * DAY_S) == []
    assert expired(files, keep, 400 * DAY_S, clock_agrees=True) == [file(1), file(2)]


def test_plots_dated_in_the_future_make_no_other_old_and_stay_themselves():
    files = [file(day) for day in (1, 2, 9, 4000)]
    assert expired(files, RetentionPolicy(age_s=7 * DAY_S), 9 * DAY_S, clock_agrees=True) == [file(1)]
    assert expired([file(4000)], RetentionPolicy(age_s=7 * DAY_S), 9 * DAY_S, clock_agrees=True) == []


def test_plots_of_this_run_are_newer_than_all_others_although_the_clock_went_back():
    before = [PlotFile(1e9 - 10 * n, f"before{n}", 10) for n in range(3)]
    run = [PlotFile(1e9 - 1e6 + 10 * n, f"run{n}", 10, n + 1) for n in range(3)]
    gone = expired([*before, *run], RetentionPolicy(number=4), 1e9 - 1e6 + 30, frozenset({"run2"}))
    assert [each.name for each in gone] == ["before2", "before1"]


def test_a_plot_of_1970_stays_when_it_was_just_written_and_the_disk_is_full_of_others():
    files = [PlotFile(1e9 - 10 * n, str(n), 10) for n in range(10)]
    gone = expired([*files, PlotFile(5.0, "new", 10)], RetentionPolicy(nbytes=60), 5.0, frozenset({"new"}))
    assert [each.name for each in gone] == ["9", "8", "7", "6"]


def test_a_second_figure_goes_and_stays_with_its_first():
    pairs = [PlotFile(n * 10.0, f"spectrum_{n}{page}.png", 10) for n in range(4) for page in ("", "_VI")]
    gone = expired(pairs, RetentionPolicy(number=2), 40.0, frozenset())
    assert sorted(each.name for each in gone) == sorted(
        ["spectrum_0.png", "spectrum_0_VI.png", "spectrum_1.png", "spectrum_1_VI.png"]
    )


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.integers(0, 10**9)), max_size=40),
    st.integers(1, 40),
    st.integers(1, 10**10),
)
def test_what_stays_is_within_the_limits(drawn, number, nbytes):
    files = [PlotFile(time_s, str(n), size) for n, (time_s, size) in enumerate(drawn)]
    gone = expired(files, RetentionPolicy(number=number, nbytes=nbytes), 1e9)
    stay = sorted(set(files) - set(gone), reverse=True)
    assert len(stay) <= number
    assert sum(each.nbytes for each in stay) <= nbytes
    assert not gone or not stay or max(gone) <= min(stay)
