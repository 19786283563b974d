"""Pixels on terminals in memory are the waterfall's own array.

There are no ghosts and no holes.
"""

import logging
from dataclasses import replace

import numpy as np
import pytest
from extent import extent, pairs
from monitors import StillReceiver, differences
from pixel_monitors import PixelMonitor
from waiting import poll_until

from sunspec_tui.tui.display.readouts import readout_of
from sunspec_tui.tui.terminal.abilities import Graphics
from sunspec_tui.tui.terminal.pixel_app import can_draw_pixels
from sunspec_tui.tui.terminal.pixel_image import CellSize
from sunspec_tui.tui.widgets.ability_text import PASSTHROUGH_ADVICE

PROTOCOLS = {
    "kitty": (Graphics.KITTY, False),
    "sixel": (Graphics.SIXEL, False),
    "kitty in tmux": (Graphics.KITTY, True),
}
NCHAN = 384


@pytest.fixture(params=PROTOCOLS)
def monitor(request):
    graphics, in_tmux = PROTOCOLS[request.param]
    screen = PixelMonitor(80, 24, StillReceiver(), graphics, in_tmux=in_tmux)
    screen.random = np.random.default_rng(0)
    # The first rows come at once, the last ones one by one.
    feed(screen, 60, looks=3)
    try:
        yield screen
    finally:
        screen.close()


def feed(screen, count, scale=1.0, looks=None):
    """Receive rows; the monitor looks after each of the last `looks`.

    It looks after all by default.
    """
    for number in range(count):
        screen.receiver.feed((scale * screen.random.gamma(9, 3, (1, NCHAN, 4))).astype(np.float32))
        if looks is None or number >= count - looks:
            screen.tick()


def test_new_rows_scroll_and_sweep(monitor):
    monitor.check()
    for _ in range(6):
        feed(monitor, 3)
        monitor.check()
    monitor.act("change_view('toggle_option', 'sweeping')")
    for _ in range(4):
        feed(monitor, 30, looks=extent(8, 30))
        monitor.check()


# Each key of the view changes the picture, and each protocol sends any picture.
VIEWS = [
    ["change_view('span', 1)", "change_view('span', -1)", "change_view('span', -1)", "change_view('span', -1)"],
    ["change_view('zoom', 1)", "change_view('pan', 1)", "change_view('zoom', -1)"],
    ["change_view('next_palette', 1)", "change_view('next_product', 1)", "change_view('next_product', 1)"],
    ["change_view('toggle_pause')", "change_view('scroll_back', 0.5)", "change_view('live')"],
    ["change_view('toggle_option', 'subtract')", "change_view('shift_levels', 2, 0)"],
    ["change_view('toggle_panels')", "change_view('toggle_panels')"],
    ["change_view('maximise', ('waterfall', 'spectrum'))"] * 3,
    ["change_view('next_theme')", "change_view('next_theme')", "change_view('next_theme')"],
    ["redraw"],
]


@pytest.mark.parametrize(
    ("monitor", "actions"),
    pairs([*PROTOCOLS], VIEWS),
    indirect=["monitor"],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_picture_follows_the_view(monitor, actions):
    for action in actions:
        monitor.act(action)
        monitor.tick()
        monitor.check()
        feed(monitor, 2)
        monitor.check()


@pytest.mark.parametrize(("monitor", "theme"), pairs([*PROTOCOLS], ["dark", "terminal"]), indirect=["monitor"])
def test_dialogs_and_notifications_leave_no_ghost_and_no_hole(monitor, theme):
    while monitor.app.scene.view.theme != theme:
        monitor.act("change_view('next_theme')")
    for action in ("help", "command_palette", "levels"):
        monitor.act(action)
        monitor.check()
        feed(monitor, 3)
        monitor.check()
        monitor.press("escape")
        monitor.check()
    monitor.do(monitor.app.notify, "a word")
    monitor.check()
    feed(monitor, 3)
    monitor.check()
    monitor.do(monitor.app.clear_notifications)
    monitor.check()


def test_after_a_resize_or_a_lost_screen_the_picture_is_drawn_again(monitor):
    for size in ((100, 30), (30, 9), (80, 24)):
        monitor.resize(*size)
        monitor.tick()
        monitor.check()
        feed(monitor, 2)
        monitor.check()
    monitor.write(b"\x1b[2J\x1b[5;5Hmessage from root\x1b[31;1m")
    monitor.act("redraw")
    monitor.check()


@pytest.mark.parametrize(("monitor", "size"), pairs([*PROTOCOLS], [(1, 1), (20, 5), (40, 4)]), indirect=["monitor"])
def test_a_window_too_small_for_pixels_has_blocks_and_no_old_picture(monitor, size):
    monitor.resize(*size)
    monitor.tick()
    monitor.check()
    assert not differences(monitor.cells(), monitor.full_repaint()), "text was erased with the picture"
    assert monitor.app.pixel_cell is None
    monitor.resize(80, 24)
    monitor.tick()
    monitor.check()
    assert monitor.app.pixel_cell is not None


@pytest.mark.parametrize(
    ("size", "cell", "can"),
    [
        ((80, 24), (10, 20), True),
        ((80, 7), (10, 20), True),
        ((80, 6), (10, 20), False),
        ((384, 108), (10, 20), True),  # a 4K screen
        ((1000, 400), (10, 20), False),
        ((120, 40), (128, 256), False),
        ((80, 24), (0, 0), False),
    ],
)
def test_a_screen_of_few_lines_or_too_many_pixels_has_blocks(size, cell, can):
    assert can_draw_pixels(*size, CellSize(*cell)) is can


def test_gaps_restarts_and_bad_values_are_drawn(monitor):
    monitor.receiver.skip(20)
    feed(monitor, 3)
    monitor.check()
    monitor.receiver.feed(np.full((1, NCHAN, 4), 27, np.float32), time_tag=2)
    monitor.receiver.feed(np.full((1, NCHAN, 4), np.nan, np.float32), time_tag=2)
    feed(monitor, 1)
    monitor.check()


def test_the_cursor_moves_by_columns_and_bins(monitor):
    monitor.act("change_view('move_cursor', 1, 0)")
    first = monitor.app.scene.view.cursor
    monitor.check()
    monitor.act("change_view('move_cursor', 1, 0)")
    assert monitor.app.scene.view.cursor.number == first.number + 1
    monitor.act("change_view('move_cursor', 0, 1)")
    assert monitor.app.scene.view.cursor.bin == first.bin + 1
    monitor.check()
    assert readout_of(monitor.app.scene).inside
    monitor.act("change_view('escape')")
    monitor.check()


def test_blocks_replace_pixels_and_pixels_replace_blocks(monitor):
    fixed = monitor.app.finder.fixed
    for kind in (Graphics.BLOCKS, fixed.graphics, Graphics.BLOCKS):
        abilities = type(fixed)(**{name: getattr(fixed, name) for name in fixed.__slots__} | {"graphics": kind})
        monitor.app.finder.fixed = abilities
        monitor.do(monitor.app.follow_terminal)
        feed(monitor, 2)
        monitor.check()
        assert (monitor.app.pixel_cell is None) == (kind is Graphics.BLOCKS)


def test_the_advice_about_tmux_is_given_once(monitor):
    fixed = monitor.app.finder.fixed
    told = []
    monitor.app.notify = lambda text, **_: told.append(text)
    for lacks in (True, False, True):
        monitor.app.finder.fixed = replace(fixed, lacks_passthrough=lacks)
        monitor.do(monitor.app.follow_terminal)
    assert told == [PASSTHROUGH_ADVICE]


def break_painter(monitor, method):
    """Let a method of the painter fail; return its calls."""
    calls = []

    def fail(*arguments):
        calls.append(arguments)
        raise ZeroDivisionError(f"a fault in {method}")

    setattr(monitor.app.pixel_layer.painter, method, fail)
    return calls


@pytest.mark.parametrize(("monitor", "method"), pairs([*PROTOCOLS], ["update", "forget"]), indirect=["monitor"])
def test_a_painter_that_fails_loses_no_text_and_gives_way_to_blocks(monitor, method):
    faults = []
    monitor.app.report_fault = lambda *fault: faults.append(fault)
    calls = break_painter(monitor, method)
    monitor.act("redraw")
    monitor.act("help")
    feed(monitor, 3)
    monitor.settle()
    assert "Keys" in "\n".join(monitor.terminal.display)
    monitor.press("escape")
    feed(monitor, 3)
    monitor.check()
    assert not differences(monitor.cells(), monitor.full_repaint())
    assert monitor.app.pixel_cell is None
    assert monitor.receiver.snapshot().health.frames_received == 66
    assert len(calls) == 1
    [(level, kind, text)] = faults
    assert (level, kind) == (logging.ERROR, "pixels_failed")
    assert f"a fault in {method}" in text
    assert "--graphics blocks" in text
    # The key for graphics tries pixels again.
    monitor.act("next_graphics")
    feed(monitor, 2)
    monitor.check()
    assert monitor.app.pixel_cell is not None


def test_a_strip_waits_for_the_next_columns_but_not_for_ever(monitor):
    monitor.act("change_view('toggle_option', 'sweeping')")
    feed(monitor, 2)
    monitor.check()
    monitor.app.pixel_layer.strip_every_s = 0.3
    feed(monitor, 1)
    feed(monitor, 1)
    poll_until(lambda: not monitor.app.pixel_layer.is_waiting, what="the strip")
    monitor.check()
