"""Thumbnails of days: time, frequency and empty hours."""

import io

import numpy as np
from PIL import Image
from recordings import recording

from sunspec_tui.core.products import Product
from sunspec_tui.plots.column_reduction import reduce_rows
from sunspec_tui.plots.thumbnail import HEIGHT_PX, WIDTH_PX, pixels, thumbnail_png

DAY_S = 1_755_475_200.0  # 2025-08-18


def test_a_column_covers_its_minutes():
    codes = np.array([[1, 2], [3, 1], [9, 9]], np.uint8)
    found = pixels(np.array([0.0, 60.0, 86_390.0]), np.array([60.0, 180.0, 86_500.0]), codes)
    assert found.shape == (WIDTH_PX, 2)
    assert found[:4].tolist() == [[1, 2], [3, 1], [3, 1], [0, 0]]
    assert found[-1].tolist() == [9, 9]
    # Two columns of one minute show the higher value of each bin.
    both = pixels(np.array([0.0, 30.0]), np.array([30.0, 60.0]), codes[:2])
    assert both[0].tolist() == [3, 2]


def test_hours_without_rows_are_transparent_and_low_frequencies_are_at_the_bottom():
    times_s = DAY_S + 6 * 3600 + 10.0 * np.arange(1, 2161)  # from 6 to 12 h
    rows = recording(2160, nchan=64, times_s=times_s, cadence_s=10.0)
    rows.data[...] = 100
    rows.data[1080:1110, 0] = 1e4  # 300 s at 9 h, at the lowest frequency
    part = reduce_rows(rows, Product.I, 60.0, whole=True)
    with Image.open(io.BytesIO(thumbnail_png([part], Product.I, DAY_S))) as picture:
        assert picture.size == (WIDTH_PX, HEIGHT_PX)
        shown = np.asarray(picture.convert("RGBA")).astype(int)
    opaque = shown[..., 3].min(axis=0) > 0
    assert not opaque[:360].any()
    assert opaque[361:720].all()
    assert not opaque[721:].any()
    burst, quiet = shown[:, 542, :3], shown[:, 500, :3]
    assert (burst[-1] != quiet[-1]).any()
    assert (burst[0] == quiet[0]).all()


def test_a_day_without_a_finite_value_is_drawn():
    rows = recording(20, nchan=64, times_s=DAY_S + 10.0 * np.arange(1, 21), cadence_s=10.0)
    rows.data[...] = np.nan
    part = reduce_rows(rows, Product.V_OVER_I, 0.0)
    with Image.open(io.BytesIO(thumbnail_png([part], Product.V_OVER_I, DAY_S))) as picture:
        assert np.asarray(picture.convert("RGBA"))[..., 3].max() == 0
