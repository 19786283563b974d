"""Windows of kitty and xterm show the picture's own array."""

import os

import numpy as np
import pytest
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


def largest_difference(monitor):
    """Largest difference between screenshot and picture; None while incomplete."""
    picture = monitor.picture()
    if picture is None or not picture["finished"]:
        return None
    part = part_of(monitor.screenshot(), picture)
    if part.shape != picture["pixels"].shape:
        return None
    later = monitor.picture()
    if later is None or not np.array_equal(later["pixels"], picture["pixels"]):
        return None
    width, height = picture["cell"].tolist()
    covered = picture["covered"].repeat(height, axis=0).repeat(width, axis=1)
    return int(np.abs(part.astype(int) - picture["pixels"])[~covered].max())


def shows_its_picture(monitor, kind, when):
    found = []

    def is_shown():
        found.append(largest_difference(monitor))
        return found[-1] is not None and found[-1] <= ALLOWED[kind]

    def what():
        shot, picture = monitor.screenshot(), monitor.picture()
        np.savez("/tmp/qA_fail_%d.npz" % os.getpid(), shot=shot, **picture)
        from PIL import Image
        Image.fromarray(shot).save("/tmp/qA_fail_%d.png" % os.getpid())
        return f"{when}: the picture; differences so far {found[:20]}"

    poll_until(is_shown, 40, what)


@pytest.mark.parametrize("kind", [KITTY, XTERM], ids=["kitty", "xterm"])
def test_the_pixels_on_the_screen_are_those_of_the_picture(kind, screen, stream, tmp_path):
    options = ("--port", str(stream.publisher.port), "--plot-interval", "0")
    monitor = Monitor(screen, kind, tmp_path, *options)
    try:
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
        monitor.resize(800, 500)
        shows_its_picture(monitor, kind, "in a smaller window")
        monitor.resize(1300, 800)
        shows_its_picture(monitor, kind, "in a larger window")
    finally:
        monitor.close()


@pytest.mark.parametrize("kind", [KITTY, XTERM], ids=["kitty", "xterm"])
def test_no_pixel_of_the_picture_remains_after_the_end(kind, screen, stream, tmp_path):
    options = ("--port", str(stream.publisher.port), "--plot-interval", "0")
    monitor = Monitor(screen, kind, tmp_path, *options, then_waits=True)
    try:
        stream.publisher.wait_for_subscriber()
        stream.send(100)
        shows_its_picture(monitor, kind, "at the start")
        picture = monitor.picture()
        monitor.press("q")
        poll_until(lambda: (np.ptp(part_of(monitor.screenshot(), picture).reshape(-1, 3), axis=0) == 0).all(), 30)
    finally:
        monitor.close()
