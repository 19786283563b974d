"""Archives with blocks of time, and the timelines of their rows."""

from dataclasses import dataclass

import numpy as np
from timelines import RowTimeline

from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.products import WIRE_PRODUCTS, Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.time_blocks import STEPS_S, joined
from sunspec_tui.files.archive.layout import Precision, split_by_day
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks

NCHAN = 32
DAY_S = 86_400.0
MIDNIGHT_S = 1_755_561_600.0  # 2025-08-19


@dataclass
class Stretch:
    """Rows of one cadence.

    `gaps` are (row, number of rows missing before it), `restarts` are numbers of rows.
    """

    begin_s: float
    count: int
    cadence_s: float = 0.25
    gaps: tuple[tuple[int, int], ...] = ()
    restarts: tuple[int, ...] = ()
    seed: int = 0
    npol: int = 4

    def missing(self):
        """Number of rows missing before each row."""
        found = np.zeros(self.count, np.int64)
        for row, count in self.gaps:
            found[row] = count
        return found

    def recording(self):
        """The rows, with noise, a burst, and bad values."""
        missing = self.missing()
        # A restart takes three seconds in which nothing is sent.
        pauses_s = 3.0 * np.isin(np.arange(self.count), self.restarts).cumsum()
        times_s = self.begin_s + self.cadence_s * (1 + np.arange(self.count) + missing.cumsum()) + pauses_s
        rng = np.random.default_rng(self.seed)
        nbins = NCHAN // 4
        data = rng.normal(1, 0.01, (self.count, nbins, self.npol)).astype(np.float32)
        data[..., 2:] *= rng.normal(0, 0.1, (1, nbins, max(0, self.npol - 2)))
        data[self.count // 2 : self.count // 2 + 9, 2:5, :2] *= 20
        data[self.count // 3, 1, 0] = np.nan
        data[self.count // 3 : self.count // 3 + 700, 6, 1] = np.inf
        return Recording(
            data, WIRE_PRODUCTS[: self.npol], np.round(times_s * 1e6) / 1e6, bin_frequencies_hz(560, NCHAN, 4),
            self.cadence_s, source="test", restart_ends_s=np.round(times_s[list(self.restarts)] * 1e6) / 1e6,
        )  # fmt: skip


def write(directory, rows, *, piece=480, anew=False, precision=Precision.EXACT):
    """Write rows in pieces; with `anew`, each piece by a new writer."""
    store = None
    for at in range(0, len(rows), piece):
        part = rows.only(slice(at, at + piece))
        for which in split_by_day(part.times_s):
            within = part.only(which)
            if store is None or anew or not store.accepts(within):
                store = open_store(directory, within, (), precision)
            store.append(within)
    return store


def timeline_of(*stretches):
    """The timeline of all rows, in the order of time."""
    rows = [each.recording() for each in stretches]
    times_s = np.concatenate([each.times_s for each in rows])
    order = np.argsort(times_s, kind="stable")
    columns = (
        np.concatenate([each.data for each in rows]),
        np.concatenate([np.full(each.count, each.cadence_s) for each in stretches]),
        np.concatenate([each.missing() for each in stretches]),
        np.concatenate([each.restarts for each in rows]),
    )
    return RowTimeline(times_s[order], *(each[order] for each in columns), rows[0].frequencies_hz)


def assert_blocks_agree_with_rows(directory, product=Product.XX):
    """All blocks of an archive are those of its rows.

    Return the number of rows.
    """
    archive = ArchiveBlocks(directory)
    parts = archive.blocks(0, 0, np.inf, product)
    if not parts:
        assert not any(archive.blocks(step_s, 0, np.inf, product) for step_s in STEPS_S)
        return 0
    rows = joined(parts)
    for step_s in STEPS_S:
        found, expected = joined(archive.blocks(step_s, 0, np.inf, product)), rows.merged(step_s)
        assert_same_rows(found, expected)
        assert_same_means(found.mean, expected.mean, np.abs(expected.mean))
    return len(rows.rows)


def assert_same_rows(found, expected):
    """Times and counts are equal."""
    for name in ("step_s", "begin_us", "end_us", "rows", "missing", "first_us", "last_us", "restarts"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


def assert_same_means(found, expected, scale):
    """The means differ by the rounding of their codes at most."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    error = np.abs(found.astype(float) - expected)
    assert (np.nan_to_num(error) <= np.nan_to_num(scale) / 256 + 1e-6).all()
