"""Snapshots of the whole screen in several sizes, states and colours.

The snapshots are in `__snapshots__`: characters first, then the style of each cell as a letter. After a wanted change:
``make test ARGS="tests/tui/test_screens.py --snapshot-update"``, then look at the differences.
"""

import itertools
from pathlib import Path

import numpy as np
import pytest
from monitors import StillReceiver, differences
from screen_snapshots import text_of
from shown_screens import FRAMES, refresh
from sky_frames import MHZ, sky
from waiting import poll_until

from sunspec_tui.core.settings import Settings
from sunspec_tui.files.archive.status import ArchiveState, ArchiveStatus
from sunspec_tui.files.read import read_recording
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.link_pacing import Quality

SIZES = [(80, 24), (120, 40), (200, 60), (250, 70)]
TAGS = (344_176_543_210_000_000, 344_176_739_210_000_000)  # before a restart and after it


@pytest.fixture
def show(open_screen):
    def start(size, frames=(), **options):
        receiver = StillReceiver()
        for n, data in enumerate(frames):
            if n == 200:
                receiver.skip(14)
            receiver.feed(data, time_tag=TAGS[n >= 280])
        return refresh(open_screen(size, receiver, **options))

    return start


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
class TestStates:
    def test_live(self, show, frames, picture, size):
        assert text_of(show(size, frames)) == picture

    def test_connecting(self, show, picture, size):
        assert text_of(show(size)) == picture

    def test_stalled(self, show, frames, picture, size):
        screen = show(size, frames)
        screen.receiver.now_s += 12
        assert text_of(refresh(screen)) == picture

    def test_paused(self, show, frames, picture, size):
        screen = show(size, frames[:-30])
        screen.act("change_view('toggle_pause')")
        screen.act("change_view('move_cursor', -1, 0)")
        screen.act("change_view('move_cursor', -10, 2)")
        for data in frames[-30:]:
            screen.receiver.feed(data, time_tag=TAGS[1])
        assert text_of(refresh(screen)) == picture


def test_a_slim_terminal_shows_the_state_of_the_stream(show, frames, picture):
    assert text_of(show((60, 20), frames)) == picture


@pytest.mark.parametrize("depth", [Depth.C256, Depth.C16, Depth.NONE])
def test_fewer_colours(show, frames, picture, depth):
    assert text_of(show((120, 40), frames, depth=depth)) == picture


# Each depth once before and once after a change.
@pytest.mark.parametrize(("depth", "later"), [*itertools.pairwise([*Depth, next(iter(Depth))])])
def test_other_colours_at_run_time_give_the_screen_of_a_new_start(show, frames, depth, later):
    screen = show((120, 40), frames, depth=depth)
    screen.set_depth(later)
    assert not differences(refresh(screen).cells(), show((120, 40), frames, depth=later).cells())


def test_other_colours_behind_a_dialog_leave_no_old_cell(show, frames):
    screen = show((100, 30), frames, depth=Depth.C256)
    screen.act("help")
    screen.settle()
    screen.set_depth(Depth.TRUE)
    screen.settle()
    assert not differences(screen.cells(), screen.full_repaint())
    screen.press("escape")
    refresh(screen)
    assert not differences(screen.cells(), screen.full_repaint())


def test_ascii(show, frames, picture):
    screen = show((80, 24), frames, depth=Depth.NONE, ascii_only=True)
    assert "".join(cell.data for line in screen.cells() for cell in line).isascii()
    assert text_of(screen) == picture


@pytest.mark.parametrize("theme", ["light", "terminal"])
def test_themes(show, frames, picture, theme):
    assert text_of(show((120, 40), frames, settings=Settings(theme=theme))) == picture


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_help(show, frames, picture, size):
    screen = show(size, frames)
    screen.act("help")
    assert text_of(refresh(screen)) == picture


def mark_ten_columns(screen):
    screen.act("change_view('move_cursor', -1, 0)")
    screen.act("change_view('move_cursor', -5, 0)")
    screen.act("change_view('mark', 1)")
    screen.act("change_view('move_cursor', -9, 0)")
    screen.act("change_view('mark', 0)")
    screen.act("change_view('escape')")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_a_marked_interval(show, frames, picture, size):
    screen = show(size, frames)
    mark_ten_columns(screen)
    assert text_of(refresh(screen)) == picture


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_the_export_dialog(show, frames, picture, size):
    screen = show(size, frames)
    screen.act("export")
    assert text_of(refresh(screen)) == picture


def exported(screen, name):
    """Type a file name into the export dialog and return the notification."""
    screen.act("export")
    screen.do(lambda: setattr(screen.app.screen.query_one("Input"), "value", str(name)))
    screen.press("enter")
    return poll_until(lambda: [each.message for each in screen.app._notifications], 20, "a notice")[-1]


def choose_rows_per_column(screen, rows):
    screen.do(lambda: screen.app.choose(rows_per_column=rows, grows=False))


def test_the_marked_interval_is_exported_to_the_named_file(show, frames, tmp_path):
    screen = show((120, 40), frames)
    choose_rows_per_column(screen, 4)
    mark_ten_columns(screen)
    assert "MB" in exported(screen, tmp_path / "event.npz")
    found, kept = read_recording(tmp_path / "event.npz"), screen.receiver.get_rows()
    # Ten columns of four slots, of which the receiver has lost none there.
    assert len(found) == 40
    first = int(np.flatnonzero(kept.times_s == found.times_s[0])[0])
    np.testing.assert_array_equal(found.data, kept.data[first : first + 40])
    assert (kept.slots[first] % 4, kept.slots[first + 39] % 4) == (0, 3)


def test_the_shown_rows_are_exported_without_marks(show, frames, tmp_path):
    screen = show((120, 40), frames)
    choose_rows_per_column(screen, 2)
    refresh(screen)
    exported(screen, tmp_path / "picture.fits")
    found = read_recording(tmp_path / "picture.fits")
    kept, columns = screen.receiver.get_rows(), screen.app.scene.size.columns
    assert len(found) == int((kept.slots // 2 > kept.slots[-1] // 2 - columns).sum())
    assert found.times_s[-1] == pytest.approx(kept.times_s[-1], abs=1e-5)


def test_a_wrong_suffix_and_a_failed_write_are_reported(show, frames, tmp_path):
    screen = show((120, 40), frames)
    (tmp_path / "file").write_text("")
    assert "choose another file" in exported(screen, tmp_path / "file" / "a.npz")
    screen.act("export")
    screen.do(lambda: setattr(screen.app.screen.query_one("Input"), "value", "event.txt"))
    screen.press("enter")
    assert "must end in" in str(screen.app.screen.query_one("#problem").render())
    screen.press("escape")
    assert len(screen.app.screen_stack) == 1


def test_an_export_without_rows_is_refused(show):
    screen = show((80, 24))
    screen.act("export")
    assert len(screen.app.screen_stack) == 1
    assert "no rows" in [each.message for each in screen.app._notifications][-1]


def test_a_signed_product_on_a_slow_link(show, frames, picture):
    screen = show((120, 40), frames)
    screen.app.pacer.quality = Quality.LOWEST
    screen.act("change_view('choose_product', 'V')")
    for action in (
        "change_view('toggle_trace', 'max')",
        "change_view('toggle_option', 'pipelines')",
        "change_view('zoom', 1)",
    ):
        screen.act(action)
    assert text_of(refresh(screen)) == picture


def stalled(receiver):
    receiver.now_s += 2


def with_dead_pipelines(receiver):
    for n in range(FRAMES, FRAMES + 20):
        data = sky(n)
        data[:, 7 * 96 : 8 * 96] = 0
        data[:, 20 * 96 : 22 * 96, 1] = np.nan
        receiver.feed(data, time_tag=TAGS[1])


def with_an_axis_off_by_40_channels(receiver):
    for n in range(FRAMES, FRAMES + 20):
        data = sky(n)
        for carrier_mhz in (25.0, 54.309441, 60.309441, 66.309441, 76.309441, 82.309441):
            data[:, np.abs(MHZ - carrier_mhz + 40 * 0.02392578125) < 0.05] *= 40
        receiver.feed(data, time_tag=TAGS[1], chan0=560)


def with_less_gain(receiver):
    for n in range(FRAMES, FRAMES + 20):
        receiver.feed(sky(n) / 20, time_tag=TAGS[1])


def with_messages_that_are_none(receiver):
    for parts in ([b"data"], [b"date", b"{}", b""], [b"data", b"{", b""], [b"data", b"[]", b""]):
        receiver.handler.on_message(parts)


def with_an_archive_on_a_full_disk(receiver):
    failing = ArchiveStatus(
        ArchiveState.FAILING, Path("archive"), rows_written=1200, rows_waiting=77, free_bytes=0,
        problem="cannot archive to archive: No space left on device; rows wait in the ring",
    )  # fmt: skip
    receiver.parts.archive.status = lambda: failing


def from_a_sender_whose_clock_is_fast(receiver):
    receiver.feed(sky(FRAMES), time_tag=TAGS[1], timestamp=receiver.now_s + 0.65)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    "faulty",
    [
        stalled,
        with_dead_pipelines,
        with_an_axis_off_by_40_channels,
        with_less_gain,
        with_messages_that_are_none,
        with_an_archive_on_a_full_disk,
        from_a_sender_whose_clock_is_fast,
    ],
    ids=lambda faulty: faulty.__name__,
)
def test_faults(show, frames, picture, faulty, size):
    screen = show(size, frames)
    faulty(screen.receiver)
    assert text_of(refresh(screen)) == picture
