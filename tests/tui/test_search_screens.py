"""Help and command palette on a terminal: texts and keys."""

import numpy as np
import pytest
from extent import some
from monitors import Screen, StillReceiver, differences
from waiting import poll_until

from sunspec_tui.core.products import Product
from sunspec_tui.tui.key_bindings import KEYS
from sunspec_tui.tui.view_json import initial_view
from sunspec_tui.tui.widgets.search_screens import HelpScreen, PaletteScreen

SIZES = some([(80, 24), (100, 30), (120, 40), (200, 60)], 2)


@pytest.fixture
def opened():
    screens = []

    def start(columns=80, lines=24, npol=4):
        receiver = StillReceiver()
        screens.append(Screen(columns, lines, receiver))
        for n in range(8):
            receiver.feed(np.full((1, 384, npol), 20.0 + n, np.float32))
        screens[-1].tick()
        screens[-1].settle()
        return screens[-1]

    yield start
    for each in screens:
        each.close()


def text(screen):
    screen.settle()
    return "\n".join(screen.terminal.display)


def words_of_pages(screen):
    """Return all words of the help, in order."""
    words = set()
    screen.press("home")
    while True:
        shown = text(screen)
        words |= set(shown.replace("│", " ").split())
        if " more line" not in shown:
            return words
        screen.press("down")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_every_key_can_be_read_whole_in_the_help(opened, size):
    screen = opened(*size)
    screen.press("question_mark")
    words = words_of_pages(screen)
    assert {key.shown for key in KEYS} <= words
    assert {word for key in KEYS for word in key.help.split()} <= words
    assert "…" not in text(screen).split("╰")[0]


def test_typing_filters_the_help_and_escape_clears_then_closes(opened):
    screen = opened()
    screen.press("question_mark")
    assert "show all keys" in text(screen)
    screen.press(*"bandp")
    shown = text(screen)
    assert "remove the quiet background" in shown
    assert "show all keys" not in shown
    screen.press("backspace", "escape")
    assert "show all keys" in text(screen)
    assert isinstance(screen.app.screen, HelpScreen)
    screen.press("escape")
    assert len(screen.app.screen_stack) == 1


@pytest.mark.parametrize("key", ["question_mark", "enter", "escape"])
def test_keys_that_close_the_help(opened, key):
    screen = opened()
    screen.press("f1")
    screen.settle()
    screen.press(key)
    screen.settle()
    assert len(screen.app.screen_stack) == 1
    assert not differences(screen.cells(), screen.full_repaint())


def test_a_slash_begins_a_search_and_letters_act_on_nothing_else(opened):
    screen = opened()
    before = screen.app.scene.view
    screen.press("question_mark", "slash", *"xqzc")
    assert "/ xqzc" in text(screen)
    assert "no key for 'xqzc'" in text(screen)
    assert screen.app.scene.view == before


def test_space_and_page_down_scroll_the_help(opened):
    screen = opened()
    screen.press("question_mark")
    first = text(screen)
    screen.press("space")
    second = text(screen)
    screen.press("pageup")
    assert second != first
    assert text(screen) == first


@pytest.mark.parametrize("size", [(20, 5), (40, 8), (80, 24)], ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("action", ["help", "command_palette"])
def test_lists_survive_small_windows_and_resizes(opened, size, action):
    screen = opened(100, 30)
    screen.act(action)
    screen.settle()
    screen.resize(*size)
    screen.settle()
    screen.press("down", "pagedown", "end", *"zo", "home")
    screen.settle()
    assert not differences(screen.cells(), screen.full_repaint())


def test_the_palette_runs_the_chosen_action(opened):
    screen = opened()
    screen.press("ctrl+p", *"freeze")
    assert "space" in next(line.split()[-2] for line in text(screen).splitlines() if "pause the picture" in line)
    screen.press("enter")
    screen.settle()
    assert screen.app.scene.view.paused_at_slot is not None
    assert len(screen.app.screen_stack) == 1


def test_the_palette_chooses_products_and_themes(opened):
    screen = opened()
    screen.press("ctrl+p", *"V/I", "enter")
    screen.settle()
    assert screen.app.scene.view.product is Product.V_OVER_I
    screen.press("ctrl+p", *"theme light", "enter")
    screen.settle()
    assert screen.app.scene.view.theme == "light"


def test_arrows_choose_and_a_click_runs(opened):
    screen = opened()
    screen.press("ctrl+p", *"palette", "down", "down", "up")
    lines = text(screen).splitlines()
    at = next(n for n, line in enumerate(lines) if "inferno" in line)
    screen.do(screen.pilot.click, None, (30, at))
    screen.settle()
    assert screen.app.scene.view.palette == "inferno"


def test_a_search_without_a_result_says_so(opened):
    screen = opened()
    screen.press("ctrl+p", *"coffee", "enter")
    assert "no action for 'coffee'" in text(screen)
    assert isinstance(screen.app.screen, PaletteScreen)


@pytest.mark.parametrize(("key", "status"), [("ctrl+c", 130), ("ctrl+q", 0)])
@pytest.mark.parametrize("action", ["help", "command_palette"])
def test_the_program_can_be_ended_from_help_and_palette(opened, action, key, status):
    screen = opened()
    screen.act(action)
    screen.press(key)
    poll_until(lambda: screen.app._exit, what="the end of the monitor")
    assert screen.app.return_value == status


@pytest.mark.parametrize("dialog", ["help", "levels", "export", "manual_delay"])
def test_the_palette_does_not_open_over_a_dialog(opened, dialog):
    screen = opened()
    screen.act(dialog)
    screen.press("ctrl+p")
    screen.settle()
    assert len(screen.app.screen_stack) == 2


def test_opening_help_leaves_the_cells_beside_it(opened):
    screen = opened(200, 60)
    before = screen.cells()
    screen.press("question_mark")
    screen.settle()
    beside = [line[:10] for line in before[5:55]]
    assert [line[:10] for line in screen.cells()[5:55]] == beside


def test_an_unknown_key_names_the_help_but_not_in_a_dialog(opened):
    screen = opened()
    screen.press("Y", "Y", "7")
    shown = text(screen)
    assert "no such key: Y" in shown
    assert "no such key: 7" not in shown
    other = opened()
    other.act("levels")
    other.press("Y")
    assert "no such key" not in text(other)


def test_a_kept_product_that_the_stream_lacks_comes_back_with_the_stream(opened):
    screen = opened(120, 40, npol=2)
    screen.app.scene.view = initial_view(screen.app._settings, {"product": "V"})
    screen.tick()
    assert "the rows have no V: showing XX" in text(screen)
    assert screen.app.scene.shown.product is Product.XX
    for n in range(8):
        screen.receiver.feed(np.full((1, 384, 4), 20.0 + n, np.float32), time_tag=344_176_543_210_000_000)
    screen.tick()
    assert screen.app.scene.shown.product is Product.V
