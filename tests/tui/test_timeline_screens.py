"""Keys of the whole day on the screen."""

import numpy as np
import pytest
from monitors import Screen, differences
from scenes import feed
from timeline_receivers import DayReceiver
from waiting import poll_until

HOUR_ROWS = 4 * 3600


@pytest.fixture(params=[(80, 24), (200, 60)])
def screen(request):
    """A monitor with three hours before its ring, and a gap."""
    earlier = np.full(3 * HOUR_ROWS, 10, np.float32)
    earlier[HOUR_ROWS : HOUR_ROWS + 4000] = np.nan
    receiver = DayReceiver(earlier, buffer_length=60)
    feed(receiver, 100)
    screen = Screen(*request.param, receiver)
    show(screen)
    yield screen
    screen.close()


def show(screen):
    """Wait until all parts are loaded and drawn."""

    def is_loaded():
        screen.tick()
        return not screen.app.scene.loading

    poll_until(is_loaded)
    screen.tick()
    screen.settle()


def text_of(screen):
    return "\n".join(screen.terminal.display)


def press(screen, *keys):
    for key in keys:
        screen.press(key)
        show(screen)


def test_zooming_out_to_hours_and_scrolling_back_by_keys(screen):
    press(screen, *["right_square_bracket"] * 12)
    press(screen, "escape")
    screen.app.confirmation._words = ""
    show(screen)
    text = text_of(screen)
    assert "6 h" in text
    assert "╳" in text
    assert "18:00:00" in text
    press(screen, *["left_square_bracket"] * 4)
    press(screen, "pageup")
    assert "PAUSED at 18:" in text_of(screen)
    assert differences(screen.cells(), screen.full_repaint()) == []
    press(screen, "end")
    assert "PAUSED" not in text_of(screen)


def test_a_typed_time_is_shown(screen):
    screen.press("colon")
    screen.settle()
    assert "Go to a time" in text_of(screen)
    screen.press(*"lunch", "enter")
    screen.settle()
    assert "is not a time" in text_of(screen)
    screen.press("escape")
    screen.settle()
    screen.press("colon")
    screen.press(*"16:10", "enter")
    show(screen)
    assert "PAUSED at 16:10:" in text_of(screen)
    screen.press("colon")
    screen.press(*"-9h", "enter")
    show(screen)
    assert "there are no rows at" in text_of(screen)
    assert differences(screen.cells(), screen.full_repaint()) == []
