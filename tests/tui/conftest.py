"""Fixtures of tests that look at whole screens."""

import pytest
from monitors import Screen
from screen_snapshots import Screens
from shown_screens import FRAMES
from sky_frames import sky


@pytest.fixture
def picture(snapshot):
    """Stored snapshot of a screen."""
    return snapshot.use_extension(Screens)


@pytest.fixture(scope="module")
def frames():
    """Frames of the sky."""
    return [sky(n) for n in range(FRAMES)]


@pytest.fixture
def open_screen():
    """Function that opens a screen, which is closed after the test."""
    opened = []

    def start(size, receiver, **options):
        opened.append(Screen(*size, receiver, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.close()
