"""A picture across ring, memory and archive equals that of the rows."""

from pathlib import Path

import numpy as np
import pytest
from archive_timelines import (
    MIDNIGHT_S,
    NCHAN,
    Stretch,
    assert_same_means,
    assert_same_rows,
    timeline_of,
    write,
)
from timelines import RowTimeline

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Mark, RingBuffer
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.time_blocks import STEPS_S
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks
from sunspec_tui.timeline.timeline import Timeline

BEGIN_S = MIDNIGHT_S - 1500.0
ARCHIVED = (
    Stretch(BEGIN_S, 2600, gaps=((700, 30), (1300, 3)), restarts=(900,), seed=1),
    Stretch(BEGIN_S + 700, 900, cadence_s=0.5, gaps=((200, 8),), restarts=(0, 600), seed=2),
    # The archive goes on past midnight, into the block in which the monitor starts.
    Stretch(MIDNIGHT_S - 300, 1590, gaps=((1250, 5),), restarts=(0,), seed=3),
)
RECEIVED = (
    Stretch(MIDNIGHT_S + 107, 1700, gaps=((400, 20), (1000, 2)), restarts=(0, 800), seed=4),
    Stretch(MIDNIGHT_S + 600, 700, cadence_s=1.0, gaps=((300, 4),), restarts=(0,), seed=5),
    Stretch(MIDNIGHT_S + 1320, 1500, gaps=((500, 50), (1200, 7)), restarts=(0, 900), seed=6),
)
NBINS = NCHAN // 4


class Monitor:
    """Ring of 400 rows beside an archive of earlier rows."""

    def __init__(self, archive: ArchiveBlocks) -> None:
        self.ring, self.cadence_s, self.slot, self.last_s = RingBuffer(400, NBINS, 4), 0.25, 0, 0.0
        self.timeline = Timeline(self.epochs, lambda _begin, _end: None, archive)

    def epochs(self) -> tuple[Epoch, ...]:
        return (Epoch(0, Axis(560, NCHAN, 4, 4), self.ring, self.cadence_s),)

    def receive(self, stretch: Stretch) -> None:
        """Append the rows of a stretch; their slots count the missing rows."""
        rows, missing = stretch.recording(), stretch.missing()
        self.cadence_s = stretch.cadence_s
        for n, time_s in enumerate(rows.times_s):
            restarts = n in stretch.restarts
            self.slot += 1 + int(missing[n]) + (12 if restarts else 0)
            self.ring.append(rows.data[n], float(time_s), self.slot, int(Mark.RESTART) if restarts else 0)
            if n % 100 == 0:
                self.timeline.update()
        self.timeline.update()


@pytest.fixture(scope="module")
def seam(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """Return a timeline whose archive stops soon after the start."""
    directory = tmp_path_factory.mktemp("archive")
    for stretch in ARCHIVED:
        write(directory, stretch.recording())
    write(directory, RECEIVED[0].recording().only(slice(0, 900)))
    monitor = Monitor(ArchiveBlocks(directory))
    for stretch in RECEIVED:
        monitor.receive(stretch)
    return monitor.timeline


@pytest.fixture(scope="module")
def reference() -> RowTimeline:
    """Return the timeline of all rows."""
    return timeline_of(*ARCHIVED, *RECEIVED)


@pytest.mark.parametrize("step_s", STEPS_S)
@pytest.mark.parametrize("product", [Product.XX, Product.I, Product.V, Product.V_OVER_I])
def test_blocks_across_the_seams_are_those_of_the_rows(
    seam: Timeline, reference: RowTimeline, step_s: int, product: Product
) -> None:
    limits_s = (BEGIN_S // 128 - 1) * 128, (MIDNIGHT_S // 128 + 30) * 128
    found = seam.blocks(step_s, *limits_s, product)
    expected = reference.blocks(step_s, *limits_s, product)
    for name in ("begin_us", "rows", "first_us", "last_us", "restarts", "missing"):
        one, two = (np.concatenate([getattr(part, name) for part in parts]) for parts in (found, expected))
        np.testing.assert_array_equal(one, two, name)
    means = [np.concatenate([part.mean for part in parts]) for parts in (found, expected)]
    scale = 2 * np.abs(means[1]) if product is not Product.V_OVER_I else np.full_like(means[1], 3.0)
    assert_same_means(*means, scale)
    peaks = [np.concatenate([part.peak for part in parts]) for parts in (found, expected)]
    np.testing.assert_allclose(peaks[0], peaks[1], rtol=0.03, atol=0.02)


def test_rows_come_from_ring_and_archive_and_else_blocks_of_2_s(seam: Timeline, reference: RowTimeline) -> None:
    limits_s = (BEGIN_S // 128 - 1) * 128, (MIDNIGHT_S // 128 + 30) * 128
    found = seam.blocks(0, *limits_s, Product.XX)
    # The archive has the rows before the start, and those after it until it stopped.
    assert [part.step_s for part in found] == [0, 0, 2, 0]
    assert sum(int(part.rows.sum()) for part in found) == len(reference.times_s)
    for part in found:
        begin_s, end_s = part.begin_us[0] / 1e6, part.end_us[-1] / 1e6 + (0.001 if part.step_s == 0 else 0)
        expected = reference.blocks(part.step_s, begin_s, end_s, Product.XX)[0]
        if part.step_s:
            assert_same_rows(part, expected)
        else:
            expected = expected.between(int(part.first_us[0]), int(part.last_us[-1]) + 1)
            np.testing.assert_array_equal(part.mean, expected.mean)


def test_later_rows_of_the_archive_do_not_take_the_place_of_the_newest_received_ones(tmp_path: Path) -> None:
    write(tmp_path, Stretch(BEGIN_S, 40).recording())
    write(tmp_path, Stretch(MIDNIGHT_S + 3600, 40).recording())
    monitor = Monitor(ArchiveBlocks(tmp_path))
    monitor.receive(Stretch(MIDNIGHT_S, 40))
    extent = monitor.timeline.extent()
    assert extent is not None
    assert extent.begin_s == pytest.approx(BEGIN_S)
    assert extent.end_s == pytest.approx(MIDNIGHT_S + 10)


@pytest.mark.parametrize("is_unmounted", [True, False], ids=["an empty directory", "no directory"])
def test_an_archive_that_is_gone_is_no_gap_and_comes_back(tmp_path: Path, *, is_unmounted: bool) -> None:
    archive, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    archive.mkdir()
    write(archive, Stretch(MIDNIGHT_S - 3000, 400).recording())
    monitor = Monitor(ArchiveBlocks(archive))
    monitor.receive(Stretch(MIDNIGHT_S + 107, 600))
    timeline = monitor.timeline
    before, times_s = timeline.extent(), (MIDNIGHT_S - 3200, MIDNIGHT_S - 2688)
    rows = timeline.blocks(16, *times_s, Product.XX)
    archive.rename(elsewhere)
    if is_unmounted:
        archive.mkdir()
    with pytest.raises(SunspecError, match="mount the archive again"):
        timeline.blocks(16, *times_s, Product.XX)
    assert timeline.extent() == before
    # Memory still has the rows that have left the ring.
    received = timeline.blocks(0, MIDNIGHT_S + 0, MIDNIGHT_S + 384, Product.XX)
    assert sum(int(part.rows.sum()) for part in received) == 600
    if is_unmounted:
        archive.rmdir()
    elsewhere.rename(archive)
    assert np.array_equal(timeline.blocks(16, *times_s, Product.XX)[0].mean, rows[0].mean)
