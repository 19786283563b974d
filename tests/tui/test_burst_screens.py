"""Bursts on the screen: brackets, the list and its keys."""

import numpy as np
import pytest
from monitors import START_S, StillReceiver, differences
from pixel_monitors import PixelMonitor
from screen_snapshots import text_of
from shown_bursts import burst, shown_bursts
from shown_screens import FRAMES, refresh
from sky_frames import sky
from waiting import poll_until

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.tui.display.day_signs import Sign, SignKind
from sunspec_tui.tui.terminal.abilities import Graphics
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.widget_data import mark_signs
from sunspec_tui.tui.widgets.day_strip_cells import SIGNS

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=lambda size: "x".join(map(str, size)))


@pytest.fixture
def show(open_screen, frames):
    def start(size, bursts=(), **options):
        receiver = StillReceiver()
        for data in frames:
            receiver.feed(data)
        receiver.bursts.board.add(bursts)
        return refresh(open_screen(size, receiver, **options))

    return start


def words_on(screen):
    """Return all words of the screen."""
    return " ".join(" ".join(refresh(screen).terminal.display).replace("│", " ").split())


# Brackets


@SIZES
def test_brackets(show, picture, size):
    assert text_of(show(size, shown_bursts())) == picture


@pytest.mark.parametrize("depth", [Depth.C16, Depth.NONE])
def test_brackets_with_few_colours(show, picture, depth):
    assert text_of(show((80, 24), shown_bursts(), depth=depth)) == picture


def test_brackets_in_ascii(show, picture):
    screen = show((80, 24), shown_bursts(), depth=Depth.NONE, ascii_only=True)
    assert "".join(cell.data for line in screen.cells() for cell in line).isascii()
    assert text_of(screen) == picture


def test_brackets_of_many_bursts(show, picture):
    many = [burst(f"m-{i}", i * 0.4, i * 0.4 + 2, 20 + i % 7 * 5, 40 + i % 7 * 5) for i in range(200)]
    assert text_of(show((80, 24), many)) == picture


def test_brackets_follow_zoom_and_span_cell_for_cell(show):
    screen = show((80, 24), shown_bursts())
    for action in (
        "zoom', 1",
        "pan', 1",
        "pan', -1",
        "zoom', -1",
        "span', -1",
        "span', 1",
        "toggle_option', 'sweeping'",
    ):
        screen.act(f"change_view('{action})")
        refresh(screen)
        assert not differences(screen.cells(), screen.full_repaint()), action


def test_brackets_move_with_the_picture(show):
    screen = show((80, 24), shown_bursts())
    screen.act("change_view('span', -1)")
    for n in range(12):
        screen.receiver.feed(sky(FRAMES + n))
        refresh(screen)
        assert not differences(screen.cells(), screen.full_repaint())


def test_a_new_burst_and_a_verdict_change_the_brackets(show):
    screen = show((80, 24))
    assert "┌III" not in words_on(screen)
    screen.receiver.bursts.board.add([burst("n-1", 10, 18, 40, 70)])
    assert "┌III" in words_on(screen)
    screen.receiver.bursts.board.mark_wrong("n-1")
    assert "┌III" not in words_on(screen)


@pytest.mark.parametrize("graphics", [Graphics.KITTY, Graphics.SIXEL])
def test_brackets_in_pixels_are_thin_lines_and_labels(graphics):
    receiver = StillReceiver()
    for n in range(60):
        receiver.feed(sky(n))
    screen = PixelMonitor(80, 24, receiver, graphics)
    try:
        refresh(screen)
        screen.check()
        before = screen.pictures.pixels.copy()
        receiver.bursts.board.add([burst("n-1", 4, 8, 40, 70)])
        refresh(screen)
        screen.check()
        assert "III" in "".join(screen.terminal.display)
        changed = np.any(screen.pictures.pixels != before, axis=2).mean()
        assert 0.0005 < changed < 0.01
        for n in range(4):
            receiver.feed(sky(60 + n))
            refresh(screen)
            screen.check()
        screen.act("change_view('zoom', 1)")
        refresh(screen)
        screen.check()
    finally:
        screen.close()


# The day strip


def test_the_day_strip_has_a_sign_for_each_type(show):
    screen = show((80, 24), shown_bursts())
    kinds = [SignKind.TYPE_III, SignKind.TYPE_II, SignKind.UNKNOWN_BURST, SignKind.TYPE_III]
    times_s = [START_S + seconds for seconds in (10, 35, 52, 66)]
    assert mark_signs(screen.app.scene) == tuple(map(Sign, times_s, kinds))
    assert [SIGNS[kind] for kind in kinds] == ["Ⅲ", "Ⅱ", "?", "Ⅲ"]


# The list


@SIZES
def test_the_list(show, picture, size):
    screen = show(size, shown_bursts())
    screen.press("B")
    assert text_of(refresh(screen)) == picture


@SIZES
def test_the_list_without_bursts_gives_the_reason(show, picture, size):
    screen = show(size)
    screen.press("B")
    assert text_of(refresh(screen)) == picture


def test_the_list_in_ascii(show, picture):
    screen = show((80, 24), shown_bursts(), depth=Depth.NONE, ascii_only=True)
    screen.press("B")
    assert text_of(refresh(screen)) == picture
    assert "".join(cell.data for line in screen.cells() for cell in line).isascii()


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (12, 3), (120, 40)])
def test_the_list_fits_any_window(show, size):
    screen = show(size, shown_bursts())
    screen.press("B", "down", "i")
    refresh(screen)
    assert not differences(screen.cells(), screen.full_repaint())
    screen.press("escape")
    refresh(screen)
    assert not differences(screen.cells(), screen.full_repaint())


def selected(screen):
    return screen.app.screen._rows.selected.name


def test_the_selection_moves_and_stays_on_its_burst(show):
    screen = show((80, 24), shown_bursts())
    screen.press("B")
    assert selected(screen) == "n-5"
    screen.press("down", "j")
    assert selected(screen) == "n-2"
    screen.receiver.bursts.board.add([burst("n-9", 83, 84)])
    assert "4 of 5" in words_on(screen)
    assert selected(screen) == "n-2"
    screen.press("home")
    assert selected(screen) == "n-9"
    screen.press("end")
    assert selected(screen) == "n-1"
    screen.press("i")
    assert "6 of 6" in words_on(screen)
    screen.press("B")
    assert len(screen.app.screen_stack) == 1


def test_enter_moves_the_picture_to_the_burst_and_closes_the_list(show):
    screen = show((80, 24), shown_bursts())
    screen.act("change_view('span', -1)")
    screen.press("B", "end", "enter")
    assert "III 18:41:40 40-75 MHz 8.2 dB" in words_on(screen)
    assert len(screen.app.screen_stack) == 1
    begin_s, end_s = screen.app.scene.shown.interval_s
    assert begin_s <= START_S + 10 < START_S + 18 <= end_s


def test_less_and_greater_show_the_neighbours_and_keep_the_list_open(show):
    screen = show((80, 24), shown_bursts())
    for _ in range(2):
        screen.act("change_view('span', -1)")
    screen.press("B", "less_than_sign", "less_than_sign")
    refresh(screen)
    assert selected(screen) == "n-2"
    begin_s, end_s = screen.app.scene.shown.interval_s
    assert begin_s <= START_S + 47 <= end_s
    screen.press("greater_than_sign")
    assert selected(screen) == "n-3"


def test_a_burst_is_marked_as_wrong_and_taken_back(show):
    screen = show((80, 24), shown_bursts())
    screen.press("B", "w")
    # The line of keys, from the position on, has the word too.
    assert "wrong" in words_on(screen).split("1 of 4")[0]
    board = screen.receiver.bursts.board
    assert [each.is_wrong for each in board.bursts] == [False] * 4 + [True]
    screen.press("w")
    assert not any(each.is_wrong for each in board.bursts)


def test_the_rows_of_a_burst_are_exported_with_their_surroundings(show, tmp_path):
    screen = show((80, 24), shown_bursts())
    screen.press("B", "end", "E")
    assert "III 18:41:40 40-75 MHz 8.2 dB, with 30 s" in words_on(screen)
    path = tmp_path / "burst.csv"
    screen.do(lambda: setattr(screen.app.screen.query_one("Input"), "value", str(path)))
    screen.press("enter")
    poll_until(path.exists)
    poll_until(lambda: "rows" in words_on(screen) and str(path.name) in words_on(screen))
    times = [line.split(",")[0] for line in path.read_text().splitlines() if line.startswith("2026-")]
    assert times[0].startswith("2026-06-07T18:41:30")
    assert times[-1].startswith("2026-06-07T18:42:1")


# Jumps on the main screen


def test_the_keys_go_from_burst_to_burst(show):
    screen = show((80, 24), shown_bursts())
    for _ in range(3):
        screen.act("change_view('span', -1)")
    shown = (("A", "IIIG 18:42:36"), ("A", "? 18:42:22"), ("A", "II 18:42:05"), ("A", "III 18:41:40"),
             ("D", "II 18:42:05"))  # fmt: skip
    for key, words in shown:
        screen.press(key)
        assert words in words_on(screen)
    screen.press("A", "A")
    assert "no earlier burst" in words_on(screen)


def test_without_bursts_the_keys_give_the_reason(show):
    screen = show((80, 24))
    screen.press("D")
    assert "No burst has been found yet" in words_on(screen)
    screen.receiver.bursts.board.add([burst("r", 1, 2, kind=BurstType.INTERFERENCE)])
    refresh(screen).press("D")
    assert "all are interference or wrong" in words_on(screen)


def test_a_burst_whose_rows_are_lost_is_not_shown(show):
    screen = show((80, 24), [burst("old", -9000, -8990), burst("n-1", 10, 18)])
    screen.press("B", "end", "enter")
    assert "are not known any more" in words_on(screen)
    assert screen.app.scene.view.paused_at_slot is None


def test_a_receiver_without_detection_says_so(open_screen, frames):
    receiver = StillReceiver(bursts=False)
    for data in frames[:20]:
        receiver.feed(data)
    screen = refresh(open_screen((80, 24), receiver))
    screen.press("B")
    assert "Rows are not searched for bursts, because the monitor was started with --no-bursts" in words_on(screen)
