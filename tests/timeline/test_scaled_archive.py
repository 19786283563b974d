"""A flux scale on an archive and the memory of a ring."""

import numpy as np
import pytest
from archive_runs import Following
from monitors import START_S, StillReceiver
from recordings import START_S as FIRST_S
from recordings import recording
from scenes import feed

from sunspec_tui.core.flux_scale import load_flux_scale
from sunspec_tui.core.products import Product
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks
from sunspec_tui.timeline.scaled_archive import ScaledArchive

FACTOR = 0.5


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    directory = tmp_path_factory.mktemp("scaled") / "archive"
    rows = recording(48, nchan=64)
    with Following(directory) as following:
        following.add(rows)
        following.wait_for(len(rows))
    return ArchiveBlocks(directory)


@pytest.mark.parametrize("step_s", [0, 2])
@pytest.mark.parametrize("product", [Product.XX, Product.I, Product.V, Product.V_OVER_I])
def test_blocks_of_an_archive_are_scaled_and_a_ratio_is_not(archive, step_s, product):
    scaled = ScaledArchive(archive, load_flux_scale(FACTOR))
    assert (scaled.extent(), scaled.axis().products) == (archive.extent(), archive.axis().products)
    asked = (step_s, FIRST_S // 2 * 2, FIRST_S // 2 * 2 + 16, product)
    pairs = list(zip(archive.parts(*asked), scaled.parts(*asked), strict=True))
    factor = np.float32(1 if product is Product.V_OVER_I else FACTOR)
    assert pairs
    for plain, found in pairs:
        np.testing.assert_array_equal(found.blocks.mean, plain.blocks.mean * factor)
        np.testing.assert_array_equal(found.blocks.peak, plain.blocks.peak * factor)
        np.testing.assert_array_equal(found.blocks.rows, plain.blocks.rows)


def test_rows_of_an_archive_are_in_sfu(archive):
    rows = ScaledArchive(archive, load_flux_scale(FACTOR)).recording(FIRST_S, FIRST_S + 60)
    plain = archive.recording(FIRST_S, FIRST_S + 60)
    assert (plain.unit, rows.unit) == ("arbitrary", "sfu")
    np.testing.assert_array_equal(rows.data, plain.data * np.float32(FACTOR))
    assert ScaledArchive(archive, load_flux_scale(FACTOR)).recording(0.0, 1.0) is None


def test_the_memory_of_a_day_follows_the_ring_in_sfu():
    receiver = StillReceiver(flux_scale=FACTOR)
    feed(receiver, 100, 10.0)
    receiver.parts.timeline.update()
    for step_s in (0, 2):
        found = receiver.timeline().blocks(step_s, START_S // 2 * 2, START_S // 2 * 2 + 30, Product.XX)
        values = np.unique(np.concatenate([each.mean for each in found]))
        np.testing.assert_allclose(values, 10 * FACTOR, rtol=0.01)
    assert receiver.timeline().recording(START_S, START_S + 30).unit == "sfu"
