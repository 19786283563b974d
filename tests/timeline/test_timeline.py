"""A timeline of ring and memory equals the picture of the rows."""

import numpy as np
import pytest
from timelines import RowTimeline

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Mark, RingBuffer
from sunspec_tui.core.ring_copy import ring_recording
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.time_blocks import STEPS_S, TimeBlocks
from sunspec_tui.timeline.memory_blocks import KEPT_S, MAX_BINS, MemoryBlocks
from sunspec_tui.timeline.timeline import Timeline

PRODUCTS = (Product.XX, Product.YY, Product.XY_IMAG, Product.I, Product.Q, Product.V, Product.V_OVER_I)
BEGIN_S = 1_785_000_061.0


class Stream:
    """Ring that is filled with rows, beside the rows themselves."""

    def __init__(self, nbins: int = 8, npol: int = 4, length: int = 400) -> None:
        self.rng = np.random.default_rng(17)
        self.axis = Axis(560, nbins * 4, 4, npol)
        self.ring, self.number, self.cadence_s = RingBuffer(length, nbins, npol), 0, 0.25
        self.past: list[Epoch] = []
        self.time_s, self.slot = BEGIN_S, 0
        self.rows: list[tuple[float, float, int, bool, np.ndarray]] = []
        self.timeline = Timeline(self.epochs, lambda _begin, _end: None)

    def epochs(self) -> tuple[Epoch, ...]:
        return (*self.past, Epoch(self.number, self.axis, self.ring, self.cadence_s))

    def send(self, count: int, *, missing: int = 0, restart_after_s: float = 0.0) -> None:
        """Append rows after a gap or a restart."""
        for n in range(count):
            gap, restart = (missing if n == 0 else 0), n == 0 and restart_after_s > 0
            self.time_s += self.cadence_s * (1 + gap) + (restart_after_s if restart else 0)
            self.slot += 1 + gap + (round(restart_after_s / self.cadence_s) if restart else 0)
            power = self.rng.exponential(1, (self.ring.nbins, self.ring.npol)).astype(np.float32) + 1
            power[..., 2:] -= 1.5
            self.ring.append(power, self.time_s, self.slot, int(Mark.RESTART) if restart else 0)
            self.rows.append((self.time_s, self.cadence_s, gap, restart, power))
            if n % 128 == 0:
                self.timeline.update()

    def reference(self) -> RowTimeline:
        """Return the rows as a timeline."""
        times_s, cadences_s, missing, restarts, power = zip(*self.rows, strict=True)
        hz = self.timeline.axis().frequencies_hz
        columns = np.array(times_s), np.stack(power), np.array(cadences_s), np.array(missing), np.array(restarts)
        return RowTimeline(*columns, hz)


def assert_equal(found: list[TimeBlocks], expected: list[TimeBlocks]) -> None:
    """Compare blocks; they may differ by the rounding of the codes."""
    assert [part.step_s for part in found] == [part.step_s for part in expected]
    for part, true in zip(found, expected, strict=True):
        for name in ("begin_us", "end_us", "rows", "missing", "first_us", "last_us", "restarts"):
            assert np.array_equal(getattr(part, name), getattr(true, name)), name
        scale = np.abs(true.peak).max()
        # A difference of two products has the errors of both.
        absolute = max(scale / 100, 4 / 256)
        assert np.allclose(part.mean, true.mean, rtol=1 / 256, atol=min(absolute, 4 / 256))
        assert np.allclose(part.peak, true.peak, rtol=0.03, atol=absolute)


@pytest.fixture(scope="module")
def varied() -> Stream:
    """Return a stream with gaps, restarts and changes of cadence."""
    stream = Stream()
    stream.send(900)
    stream.send(500, missing=40)
    stream.send(700, restart_after_s=300.0)
    stream.cadence_s = 1.0
    stream.send(300, restart_after_s=10.0)
    stream.cadence_s = 0.25
    stream.send(1000, restart_after_s=5.0)
    stream.send(120, missing=9)
    stream.cadence_s = 0.5
    stream.send(150, restart_after_s=3.0)
    stream.timeline.update()
    return stream


@pytest.mark.parametrize("step_s", STEPS_S)
@pytest.mark.parametrize("product", PRODUCTS)
def test_blocks_equal_those_of_the_rows(varied: Stream, step_s: int, product: Product) -> None:
    end_s = (varied.time_s // 128 + 1) * 128
    wanted = (step_s, BEGIN_S // 128 * 128, end_s, product)
    assert_equal(varied.timeline.blocks(*wanted), varied.reference().blocks(*wanted))


def test_rows_are_those_of_the_ring_and_before_it_the_shortest_blocks(varied: Stream) -> None:
    begin_s, end_s = BEGIN_S // 128 * 128, (varied.time_s // 128 + 1) * 128
    found = varied.timeline.blocks(0, begin_s, end_s, Product.XX)
    reference = varied.reference()
    assert [part.step_s for part in found] == [2, 0]
    blocks, rows = found
    edge_s = blocks.end_us[-1] / 1e6
    assert_equal([blocks], reference.blocks(2, begin_s, edge_s, Product.XX))
    assert np.array_equal(rows.mean, reference.blocks(0, edge_s, end_s, Product.XX)[0].mean)
    # All rows of the ring are there, except those whose block has earlier rows too.
    assert len(varied.ring.times_s()) - len(rows.rows) < 8
    assert int(blocks.rows.sum() + rows.rows.sum()) == len(varied.rows)


def test_parts_of_a_time_are_those_of_the_whole(varied: Stream) -> None:
    begin_s, end_s = BEGIN_S // 128 * 128, (varied.time_s // 128 + 1) * 128
    for step_s in (0, *STEPS_S):
        whole = varied.timeline.blocks(step_s, begin_s, end_s, Product.I)
        middle_s = begin_s + 128 * 9
        halves = [
            part
            for low, high in ((begin_s, middle_s), (middle_s, end_s))
            for part in varied.timeline.blocks(step_s, low, high, Product.I)
        ]
        for name in ("begin_us", "rows", "mean", "peak"):
            one, two = (np.concatenate([getattr(part, name) for part in parts]) for parts in (whole, halves))
            assert np.array_equal(one, two, equal_nan=True), (step_s, name)


def test_blocks_older_than_two_hours_are_known_in_longer_steps() -> None:
    stream = Stream(nbins=2, npol=1, length=600)
    stream.cadence_s = 1.0
    stream.send(KEPT_S[2] + 3000)
    end_s = (stream.time_s // 128 + 1) * 128
    found = stream.timeline.blocks(2, BEGIN_S // 128 * 128, end_s, Product.XX)
    assert [part.step_s for part in found] == [16, 2]
    assert sum(int(part.rows.sum()) for part in found) == len(stream.rows)
    for part in found:
        assert_equal(
            [part],
            [stream.reference().blocks(part.step_s, part.begin_us[0] / 1e6, part.end_us[-1] / 1e6, Product.XX)[0]],
        )


def test_the_memory_of_usual_rows_is_below_80_mib() -> None:
    memory = MemoryBlocks(np.arange(MAX_BINS) * 1e5, 4)
    assert 70 < memory.nbytes / 2**20 < 80


def test_wide_rows_take_no_more_memory() -> None:
    memory = MemoryBlocks(np.arange(3072) * 1e5, 4)
    assert memory.factor == 4
    assert memory.nbytes <= MemoryBlocks(np.arange(MAX_BINS) * 1e5, 4).nbytes


def test_another_axis_keeps_the_history_where_the_bins_agree() -> None:
    stream = Stream(nbins=8)
    stream.send(600)
    before = stream.timeline.blocks(16, BEGIN_S // 128 * 128, BEGIN_S + 150, Product.XX)
    stream.past.append(stream.epochs()[-1])
    stream.axis = Axis(560 + 8, 32, 4, 4)
    stream.ring, stream.number = RingBuffer(400, 8, 4, first=600), 1
    stream.send(100)
    after = stream.timeline.blocks(16, BEGIN_S // 128 * 128, BEGIN_S + 150, Product.XX)
    finished = len(before[0].rows) - 1
    assert np.array_equal(after[0].mean[:finished, :6], before[0].mean[:finished, 2:])
    assert np.isnan(after[0].mean[:finished, 6:]).all()


def test_rows_whose_time_goes_back_join_the_blocks_of_their_time() -> None:
    stream = Stream(nbins=2)
    stream.send(100)
    stream.time_s -= 20
    stream.send(40)
    rows = sorted(stream.rows, key=lambda row: row[0])
    begin_s = BEGIN_S // 128 * 128
    found = stream.timeline.blocks(2, begin_s, begin_s + 256, Product.XX)[0]
    stream.rows = rows
    expected = stream.reference().blocks(2, begin_s, begin_s + 256, Product.XX)[0]
    assert np.array_equal(found.rows, expected.rows)
    assert np.allclose(found.mean, expected.mean, rtol=1 / 100)


def test_without_rows_nothing_is_known() -> None:
    timeline = Timeline(lambda: (), lambda _begin, _end: None)
    assert timeline.extent() is None
    assert timeline.axis() is None
    assert timeline.blocks(16, 0, 128, Product.XX) == []


@pytest.mark.parametrize("rows", [10, 300, 3000])
def test_the_timeline_begins_with_its_first_row_not_with_its_block(rows: int) -> None:
    stream = Stream(length=400)
    stream.send(rows)
    extent = stream.timeline.extent()
    assert extent.begin_s == pytest.approx(BEGIN_S, abs=1e-6)
    assert extent.end_s == pytest.approx(stream.time_s, abs=1e-6)


@pytest.mark.parametrize("step_s", [0, 2, 16])
def test_a_part_of_a_longest_block_is_known_as_finely_as_the_whole_block(varied: Stream, step_s: int) -> None:
    begin_s = BEGIN_S // 128 * 128 + 256
    whole = varied.timeline.blocks(step_s, begin_s, begin_s + 128, Product.XX)
    halves = [varied.timeline.blocks(step_s, begin_s + at, begin_s + at + 64, Product.XX) for at in (0, 64)]
    assert {part.step_s for half in halves for part in half} == {part.step_s for part in whole} == {step_s or 2}
    assert sum(int(part.rows.sum()) for half in halves for part in half) == sum(int(part.rows.sum()) for part in whole)


def test_a_clock_that_goes_back_opens_finished_times_again() -> None:
    stream = Stream(nbins=2)
    stream.send(100)
    here_s = stream.time_s
    stream.time_s += 3600
    stream.send(10)
    ahead = stream.timeline.extent()
    assert ahead.finished_s > here_s
    stream.time_s = here_s
    stream.send(40)
    stream.timeline.update()
    behind = stream.timeline.extent()
    assert behind.end_s == pytest.approx(stream.time_s)
    assert behind.finished_s < here_s
    assert behind.revision == ahead.revision + 1
    # Rows that continue from there, and those that come a little late, change nothing.
    stream.send(200)
    stream.time_s -= 200
    stream.send(40)
    stream.timeline.update()
    assert stream.timeline.extent().revision == behind.revision


def test_a_clock_that_goes_back_within_one_update_is_noticed() -> None:
    stream = Stream(nbins=2)
    stream.send(60)
    here_s = stream.time_s
    stream.time_s += 3600
    stream.send(20)
    # No update follows until the clock is right again.
    revision = stream.timeline.extent().revision
    stream.time_s = here_s
    stream.ring.append(np.ones((2, 4), np.float32), here_s + 0.25, stream.slot + 1, 0)
    stream.timeline.update()
    assert stream.timeline.extent().revision == revision + 1


def test_all_rows_are_shown_after_the_clock_went_back() -> None:
    stream = Stream(nbins=2, length=150)
    stream.cadence_s = 1.0
    stream.send(600)
    # The rows that follow have times of earlier ones, and fill the ring.
    stream.time_s -= 500
    stream.send(600)
    begin_s, end_s = BEGIN_S // 128 * 128, (BEGIN_S // 128 + 7) * 128
    found = stream.timeline.blocks(0, begin_s, end_s, Product.XX)
    assert sum(int(part.rows.sum()) for part in found) == len(stream.rows)
    assert {part.step_s for part in found} == {0, 2}


class FailingArchive:
    """Archive whose disk has failed."""

    def extent(self) -> None:
        """Return no rows."""

    axis = extent

    def recording(self, begin_s: float, end_s: float) -> None:
        """Raise an error."""
        raise ArchiveError("the archive cannot be read")


def test_known_rows_are_those_of_the_ring_if_the_archive_fails(caplog: pytest.LogCaptureFixture) -> None:
    stream = Stream(nbins=2, npol=1)
    stream.send(40)
    whole = ring_recording(stream.ring, stream.axis, stream.cadence_s)
    timeline = Timeline(
        stream.epochs, lambda begin_s, end_s: whole.only((whole.times_s >= begin_s) & (whole.times_s < end_s)),
        FailingArchive(),
    )  # fmt: skip
    with pytest.raises(ArchiveError):
        timeline.recording(BEGIN_S - 100, BEGIN_S + 5)
    for _ in range(2):
        assert len(timeline.known_rows(BEGIN_S - 100, BEGIN_S + 5)) == 19
    assert caplog.text.count("the archive cannot be read") == 1
    assert timeline.known_rows(BEGIN_S - 100, BEGIN_S) is None
