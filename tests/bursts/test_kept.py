"""Results are kept from one update to the next."""

from sunspec_tui.bursts.kept import Kept


def test_a_result_is_made_once_while_each_update_asks_for_it():
    made, kept = [], Kept()

    def make():
        made.append(0.0)
        return 0.0

    for _ in range(3):
        kept.begin_update()
        assert kept.get_or_make("a", make) == 0.0
    assert len(made) == 1


def test_a_result_that_an_update_does_not_ask_for_is_forgotten():
    kept = Kept()
    assert kept.put("a", 1) == 1
    kept.begin_update()
    kept.begin_update()
    assert kept.get("a") is None
