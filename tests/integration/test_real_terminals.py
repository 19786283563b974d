"""Windows of kitty and xterm show the picture's own array."""

import os

import numpy as np
import pytest
from PIL import Image
from publishers import Publisher, block_time, message
from real_terminals import KITTY, XTERM, Monitor, missing_programs, virtual_screen
from sky_frames import sky
from waiting import poll_until

MISSING = missing_programs(KITTY, XTERM)
pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"not installed: {', '.join(MISSING)}"
)
# The colours of a sixel picture are per cent: half of one is 1.3 of 255.
ALLOWED = {KITTY: 0, XTERM: 3}
_PICTURE_S = 90


@pytest.fixture(scope="module")
def screen():
    with virtual_screen() as environment:
        yield environment


class Stream:
    """Publisher of the simulated sky."""

    def __init__(self):
        self.publisher = Publisher()
        self.sent = 0

    def send(self, count):
        for n in range(self.sent, self.sent + count):
            self.publisher.send(message(sky(n), last_block_time=block_time(n), seq=n))
        self.sent += count


@pytest.fixture
def stream():
    opened = Stream()
    yield opened
    opened.publisher.close()


def part_of(shot, picture):
    """Part of a screenshot where the picture is."""
    left, top, right, bottom = picture["region"].tolist()
    width, height = picture["cell"].tolist()
    return shot[top * height : bottom * height, left * width : right * width]


def differences(shot, picture):
    """Largest difference in each cell of the picture, 0 under text.

    None if the picture belongs to the layout before a resize.
    """
    part = part_of(shot, picture)
    width, height = picture["cell"].tolist()
    lines, columns = picture["covered"].shape
    if not part.shape == picture["pixels"].shape == (lines * height, columns * width, 3):
        return None
    pixels = np.abs(part.astype(int) - picture["pixels"]).reshape(lines, height, columns, width, 3)
    return np.where(picture["covered"], 0, pixels.max(axis=(1, 3, 4)))


def in_words(cells, allowed):
    """Where the cells differ, and by how much."""
    wrong = cells > allowed
    if not wrong.any():
        return "no cell differs"
    (top, left), (bottom, right) = np.argwhere(wrong).min(axis=0), np.argwhere(wrong).max(axis=0)
    share = f"{100 * wrong.mean():.1f} % of the cells differ"
    return f"{share}, by up to {cells.max()}, in columns {left} to {right} and lines {top} to {bottom} of the picture"


class Comparison:
    """Comparison of the screen with the monitor's own picture."""

    def __init__(self, monitor, kind, home):
        self.monitor, self.allowed = monitor, ALLOWED[kind]
        self.shot_path = home / "screen.png"
        self.shot, self.state = None, "no picture"

    def is_equal(self):
        picture = self.monitor.picture()
        if picture is None:
            self.state = "the monitor shows no pixels"
        elif not picture["finished"]:
            self.state = "the monitor has not sent the whole picture"
        else:
            return self._is_equal_to(picture)
        return False

    def _is_equal_to(self, picture):
        self.shot = self.monitor.screenshot()
        cells = differences(self.shot, picture)
        later = self.monitor.picture()
        if later is None or not np.array_equal(later["pixels"], picture["pixels"]):
            self.state = "the picture has changed meanwhile"
        elif cells is None:
            self.state = f"the picture {picture['region'].tolist()} reaches beyond the screen"
        else:
            self.state = in_words(cells, self.allowed)
            return bool((cells <= self.allowed).all())
        return False

    def failure(self):
        if self.shot is not None:
            Image.fromarray(self.shot).save(self.shot_path)
        return f"the picture ({self.state}; see {self.shot_path})"


def shows_its_picture(monitor, kind, when):
    comparison = Comparison(monitor, kind, monitor.home)
    poll_until(comparison.is_equal, _PICTURE_S, lambda: f"{when}: {comparison.failure()}")


def test_a_failure_says_where_cells_differ():
    cells = np.zeros((10, 20), int)
    assert in_words(cells, 0) == "no cell differs"
    cells[2:4, 5:10] = 3
    cells[3, 9] = 255
    assert in_words(cells, 0).startswith("5.0 % of the cells differ, by up to 255, in columns 5 to 9 and lines 2 to 3 ")
    assert in_words(cells, 3).startswith("0.5 % of the cells differ, by up to 255, in columns 9 to 9 and lines 3 to 3 ")


@pytest.mark.parametrize("kind", [KITTY, XTERM], ids=["kitty", "xterm"])
def test_the_pixels_on_the_screen_are_those_of_the_picture(kind, screen, stream, tmp_path):
    options = ("--port", str(stream.publisher.port), "--plot-interval", "0")
    monitor = Monitor(screen, kind, tmp_path, *options)
    try:
        monitor.wait_until_started()
        stream.publisher.wait_for_subscriber()
        stream.send(300)
        shows_its_picture(monitor, kind, "at the start")
        first = monitor.picture()["pixels"]
        stream.send(60)
        shows_its_picture(monitor, kind, "after 60 more rows")
        assert not np.array_equal(first, monitor.picture()["pixels"])
        for keys in (["question", "Escape"], ["l", "Escape"], ["ctrl+p", "Escape"], ["ctrl+l"], ["s"], ["z"], ["c"]):
            monitor.press(*keys)
            stream.send(5)
            shows_its_picture(monitor, kind, f"after {keys}")
        monitor.resize(640, 420)
        shows_its_picture(monitor, kind, "in a smaller window")
        monitor.resize(980, 760)
        shows_its_picture(monitor, kind, "in a larger window")
    finally:
        monitor.close()


@pytest.mark.parametrize("kind", [KITTY, XTERM], ids=["kitty", "xterm"])
def test_no_pixel_of_the_picture_remains_after_the_end(kind, screen, stream, tmp_path):
    options = ("--port", str(stream.publisher.port), "--plot-interval", "0")
    monitor = Monitor(screen, kind, tmp_path, *options, then_waits=True)
    try:
        monitor.wait_until_started()
        stream.publisher.wait_for_subscriber()
        stream.send(100)
        shows_its_picture(monitor, kind, "at the start")
        picture = monitor.picture()
        monitor.press("q")
        poll_until(lambda: (np.ptp(part_of(monitor.screenshot(), picture).reshape(-1, 3), axis=0) == 0).all(), 30)
    finally:
        monitor.close()
