"""Keys while a dialog is open."""

import pytest
from monitors import Screen, StillReceiver
from textual import events
from textual.widgets import Input


@pytest.mark.parametrize("dialog", ["help", "manual_delay", "levels"])
def test_tab_changes_no_picture_while_a_dialog_is_open(dialog):
    screen = Screen(80, 24, StillReceiver())
    try:
        screen.act(dialog)
        screen.press("tab", "shift+tab")
        assert len(screen.app.screen_stack) == 2
        assert screen.app.scene.view.maximised is None
    finally:
        screen.close()


@pytest.fixture
def screen():
    opened = Screen(80, 24, StillReceiver())
    yield opened
    opened.close()


def send_at_once(app, *keys):
    """Send keys as a terminal does that has them in one packet."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize("dialog", ["help", "command_palette", "log", "manual_delay", "levels"])
def test_two_escapes_at_once_close_a_dialog_once(screen, dialog):
    screen.act(dialog)
    screen.settle()
    screen.do(send_at_once, screen.app, "escape", "escape", "escape")
    screen.settle()
    assert len(screen.app.screen_stack) == 1


def test_two_enters_at_once_set_the_delay_once(screen):
    screen.act("manual_delay")
    screen.settle()
    screen.do(send_at_once, screen.app, "2", "enter", "enter")
    screen.settle()
    assert len(screen.app.screen_stack) == 1


def test_a_key_directly_after_the_one_that_closes_the_help_acts_on_the_monitor(screen):
    before = screen.app.scene.view.palette
    screen.act("help")
    screen.settle()
    screen.do(send_at_once, screen.app, "escape", "c")
    screen.settle()
    assert screen.app.scene.view.palette != before


def test_keys_directly_after_the_one_that_opens_a_dialog_reach_it(screen):
    before = screen.app.scene.view
    screen.do(send_at_once, screen.app, "m", "1", "c", "2")  # c is a key of the monitor
    screen.settle()
    assert len(screen.app.screen_stack) == 2
    assert screen.app.screen.query_one(Input).value == "1c2"
    assert screen.app.scene.view == before
