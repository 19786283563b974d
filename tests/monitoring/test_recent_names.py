"""Names of the newest bursts, in bounded memory."""

from sunspec_tui.monitoring.recent_names import RecentNames


def test_the_oldest_names_are_forgotten():
    names = RecentNames(2)
    for name in "aba":
        names.add(name)
    names.add("c")
    assert [name in names for name in "abc"] == [True, False, True]
    names.discard("a")
    names.discard("b")
    assert [name in names for name in "abc"] == [False, False, True]
