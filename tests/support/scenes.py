"""Scenes of a `StillReceiver`, for tests."""

from dataclasses import replace

import numpy as np

from sunspec_tui.tui.display.readouts import readout_of
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import Cursor, View

NCHAN = 96
NBINS = NCHAN // 4


def flat(value=10.0, nchan=NCHAN):
    """Return an unpolarised frame of the same power in all channels."""
    data = np.zeros((1, nchan, 4), np.float32)
    data[..., :2] = value
    return data


def scene_of(receiver, columns=40, lines=12, view=None, per_line=2):
    scene = Scene(view or View(rows_per_column=1), receiver)
    scene.fit(columns, lines, per_line)
    refresh(scene)
    return scene


def refresh(scene):
    while scene.update():
        pass
    return scene.draw()


def feed(receiver, count, value=10.0, **keys):
    for _ in range(count):
        receiver.feed(flat(value), **keys)


def readout_at(scene, back, bin_number=NBINS // 2):
    """Return the readout of the column `back` columns before the newest."""
    scene.view = replace(scene.view, cursor=Cursor(scene.shown.time_axis.newest - back, bin_number))
    return readout_of(scene)
