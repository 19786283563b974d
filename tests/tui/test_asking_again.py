"""A terminal may become another one; it is asked again, but seldom."""

import pytest
from ability_replies import KITTY, XTERM_256, parsed

from sunspec_tui.tui.terminal.abilities import Graphics
from sunspec_tui.tui.terminal.ability_finder import ASK_AGAIN_S, SETTLE_S, AbilityFinder
from sunspec_tui.tui.terminal.ability_rules import Choices, Screen, resolve
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.terminal_queries import first_queries, query_text
from sunspec_tui.tui.terminal.terminal_replies import Replies

XTERM = {"TERM": "xterm-256color"}
SCREEN = Screen(120, 40)


def found(terminal):
    return resolve(XTERM, Replies(*parsed(terminal)), Choices(), SCREEN)


def asking(environment=XTERM, choices=(None, None)):
    finder = AbilityFinder(environment, Choices(*choices))
    finder.note_screen(SCREEN)
    finder.first_text(0.0)
    return finder


def answered(finder, terminal, now_s):
    for reply in parsed(terminal):
        finder.note_reply(reply, now_s)


def test_a_terminal_that_is_asked_again_may_be_another_one():
    finder = asking()
    answered(finder, KITTY, 0.1)
    assert finder.text_again(100.0) == query_text(first_queries(XTERM))
    # The earlier replies count until no further reply comes.
    for reply in reversed(parsed(XTERM_256)):
        assert finder.note_reply(reply, 100.1)
        assert finder.abilities(100.1) == found(KITTY)
    assert finder.abilities(100.1 + SETTLE_S) == found(XTERM_256)
    assert finder.choose_next_graphics() is Graphics.BLOCKS


def test_a_terminal_that_does_not_answer_again_keeps_its_abilities():
    finder = asking()
    answered(finder, KITTY, 0.1)
    for now_s in (100.0, 200.0):
        finder.text_again(now_s)
        assert finder.abilities(now_s + 50.0) == found(KITTY)


def test_a_held_key_asks_seldom():
    finder = asking()
    answered(finder, KITTY, 0.1)
    sent_s = [now_s / 10 for now_s in range(1, 300) if finder.text_again(now_s / 10)]
    assert sent_s == pytest.approx([ASK_AGAIN_S * n for n in range(1, 6)])


@pytest.mark.parametrize("environment", [{"TERM": "linux"}, {"TERM": "vt100"}, {"TERM": "dumb"}, {}])
def test_a_terminal_that_prints_queries_is_not_asked_again(environment):
    assert asking(environment).text_again(100.0) == ""


def test_a_user_who_chose_everything_has_a_terminal_that_is_not_asked_again():
    assert asking(choices=(Depth.C256, Graphics.BLOCKS)).text_again(100.0) == ""


def test_a_resize_while_replies_are_due_asks_for_the_cell_afterwards():
    finder = asking()
    answered(finder, KITTY, 0.1)
    finder.text_again(100.0)
    finder.note_screen(Screen(100, 30))
    assert finder.next_text() == ""
    answered(finder, KITTY, 100.1)
    assert finder.next_text() == "\x1b[16t"
