"""The cache stays within its limit."""

from sunspec_tui.files.bounded_cache import BoundedCache


def cache(most=10):
    return BoundedCache(most, len)


def test_the_values_that_were_used_last_are_kept():
    kept = cache()
    for key in "abc":
        kept.put(key, key * 3)
    assert kept.get("a") == "aaa"
    kept.put("d", "dddd")
    assert [kept.get(key) for key in "abcd"] == ["aaa", None, "ccc", "dddd"]
    assert (len(kept), kept.nbytes) == (3, 10)


def test_a_value_that_replaces_another_counts_once():
    kept = cache()
    kept.put("a", "xxx")
    kept.put("a", "yyyyy")
    assert (kept.get("a"), kept.nbytes, len(kept)) == ("yyyyy", 5, 1)


def test_a_value_above_the_limit_is_not_kept():
    kept = cache()
    kept.put("a", "x" * 11)
    assert (kept.get("a"), kept.nbytes, len(kept)) == (None, 0, 0)


def test_an_absent_value_can_be_dropped():
    kept = cache()
    kept.drop("a")
    assert kept.nbytes == 0
