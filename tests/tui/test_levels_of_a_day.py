"""Automatic levels of a day: quiet structure and bursts differ in colour."""

import numpy as np
from timelines import RowTimeline
from waiting import poll_until

from sunspec_tui.core.products import Product
from sunspec_tui.playback import Playback
from sunspec_tui.timeline.recorded import RecordedTimeline
from sunspec_tui.tui.display.pixels import colour_steps
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import View

BEGIN_S, CADENCE_S, NBINS, STEPS = 1_764_115_200.0, 4.0, 32, 64
BURST_ROW = 13 * 900


def quiet_day():
    """Day of noise on a sloping band, with one burst.

    The highest of many rows is about 10 dB above their mean.
    """
    noise = np.random.default_rng(17).exponential(size=(21_600, NBINS, 1)).astype(np.float32)
    band = 10 ** np.linspace(1.0, 1.3, NBINS, dtype=np.float32)[:, None]
    data = np.zeros((21_600, NBINS, 4), np.float32)
    data[..., :2] = noise * band
    data[BURST_ROW, :, :2] = 3000
    return RowTimeline.steady(BEGIN_S, CADENCE_S, data)


def test_a_quiet_day_uses_much_of_the_palette_and_a_burst_stands_out():
    recorded = RecordedTimeline(quiet_day(), "a day", tuple, lambda: False, "arbitrary", lambda _: "")
    scene = Scene(View(product=Product.XX, grows=True), Playback(recorded, 1.0))
    try:
        scene.fit(columns=120, lines=40, pixels_per_line=2)
        poll_until(lambda: not (scene.update() or scene.loading), 20)
        scene.draw()
        picture = scene.shown.picture
        middle = picture.values[:, 8:72]
        steps = colour_steps(middle[np.isfinite(middle).all(axis=1)], picture.levels, STEPS)
    finally:
        scene.close()
    columns = np.median(steps, axis=1)
    burst = int(np.argmax(columns))
    assert columns[burst] == STEPS - 1
    quiet = np.delete(steps, burst, axis=0)
    # The band itself takes a quarter of the palette, and most quiet cells are below the highest colours.
    low, high = np.percentile(quiet, (5, 95))
    assert high - low > STEPS / 4
    assert np.median(quiet) < STEPS * 0.7
    assert abs(burst / len(steps) - BURST_ROW / 21_600) < 0.03
