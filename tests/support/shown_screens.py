"""Shared parts of tests that look at whole screens."""

FRAMES = 330
"""Number of frames of the fixture `frames`."""


def refresh(screen):
    """Let the monitor lay out its widgets, load the history and draw."""
    for _ in range(3):
        screen.tick()
        screen.settle()
    return screen
