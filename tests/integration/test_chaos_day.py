"""Every frame is accounted for while processes fail.

The long form is `make chaos-day`.
"""

import time

import numpy as np
import pytest
from chaos_account import Balance, Counts, check_archive, settle
from chaos_day import Day
from chaos_relay import Account
from extent import extent


@pytest.mark.timeout(900)
def test_every_frame_is_accounted_for_while_everything_goes_wrong(tmp_path):
    said = []
    day = Day(extent(500, 1200), 2, time.monotonic() + 600, said.append, stop_s=0.8, speed=15.0)
    assert day.play(tmp_path) == [], said
    assert sum(balance.sent for balance in day.balances) >= extent(400, 1000)


def account(text):
    """Build an account from characters.

    g is a good frame, b a bad one, s a stray one; capitals were not accepted.
    """
    stray = np.array([each in "sS" for each in text], bool)
    good = np.array([each in "gG" for each in text], bool)
    taken = np.array([each.islower() for each in text], bool)
    numbers = np.cumsum(~stray) - 1
    return Account(np.where(stray, -1, numbers), good, taken, np.where(good, 100 + numbers, 0))


@pytest.mark.parametrize(
    ("text", "counts", "sent", "strays", "lost_after"),
    [
        ("gggg", (4, 0, 0), 4, 0, 0),
        ("gbgg", (3, 1, 0), 4, 0, 0),
        ("gGBg", (2, 0, 2), 4, 0, 0),
        ("gsgg", (3, 1, 0), 3, 1, 0),
        ("gggg", (2, 0, 0), 2, 0, 2),
        ("ggbg", (2, 0, 0), 2, 0, 2),
        ("ggbg", (2, 1, 0), 3, 0, 1),
        ("bggB", (2, 1, 0), 3, 0, 1),
        ("", (0, 0, 0), 0, 0, 0),
    ],
)
def test_a_life_is_settled_up_to_the_last_message_that_arrived(text, counts, sent, strays, lost_after):
    balance = settle(account(text), Counts(*counts))
    assert (balance.sent, balance.strays, balance.lost_after, balance.problems) == (sent, strays, lost_after, ())


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("gggg", (5, 0, 0)),
        ("gGgg", (3, 0, 0)),
        ("gGgg", (3, 0, 2)),
        ("gbgg", (3, 0, 1)),
        ("gggg", (4, 1, 0)),
        ("gsgg", (3, 0, 0)),
    ],
)
def test_a_count_that_is_off_by_one_is_found(text, counts):
    assert settle(account(text), Counts(*counts)).problems


@pytest.mark.parametrize(
    ("stores", "found"),
    [
        ({"a": [1, 2, 3]}, 0),
        ({"a": [1, 3], "b": [2]}, 0),
        ({"a": [1, 2], "b": [2, 3]}, 0),
        ({"a": [1, 1]}, 2),
        ({"a": [3, 2]}, 1),
        ({"a": [1, 9]}, 1),
        ({"a": [1], "b": [1]}, 1),
    ],
)
def test_archived_rows_are_received_ones_once_and_in_order(stores, found):
    lives = [Balance(0, 0, 0, 0, 0, 0, np.array(times_us), ()) for times_us in ([1, 2, 3], [2])]
    assert len(check_archive({name: np.array(times_us) for name, times_us in stores.items()}, lives)) == found
