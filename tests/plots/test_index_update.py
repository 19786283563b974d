"""The index of quick-looks makes what changed, and nothing else."""

import json
import shutil
from contextlib import ExitStack

import numpy as np
import pytest
from day_archives import DAY_S, FakeRunner, add_rows

from sunspec_tui.core.errors import ArchiveError, UsageError
from sunspec_tui.core.flux_scale import load_flux_scale
from sunspec_tui.core.products import Product
from sunspec_tui.files.archive.reader import read_archive
from sunspec_tui.files.notes import NOTES_NAME as NOTES
from sunspec_tui.files.read import read_recording
from sunspec_tui.plots import index_tasks
from sunspec_tui.plots.index_record import NAME as RECORD
from sunspec_tui.plots.index_tasks import PictureOptions, interval_column_s
from sunspec_tui.plots.index_update import IndexUpdater, locked_index
from sunspec_tui.plots.process_pool import run_here

TODAY, TOMORROW = "2025-08-18", "2025-08-19"
NOON_S = DAY_S + 12 * 3600


class Index:
    """Archive with an index, and the runner of its tasks."""

    def __init__(self, directory):
        self.archive, self.out, self.runner = directory / "archive", directory / "out", FakeRunner()
        self.reports, self.updater = [], None

    def update(self, options=None, *, periods=("day", "hour"), anew=True, **limits):
        """Update as a new program does; names of the files, and tasks."""
        if anew or self.updater is None:
            self.updater = IndexUpdater(self.archive, self.out, options or PictureOptions(), periods)
        paths = self.updater.update(self.runner, lambda *counts: self.reports.append(counts), **limits)
        return [path.relative_to(self.out).as_posix() for path in paths], self.runner.taken()

    def note(self, begin, end=None, text="burst"):
        line = {"time_utc": f"2025-08-{begin}Z", "text": text, **({"end_utc": f"2025-08-{end}Z"} if end else {})}
        with (self.archive / NOTES).open("a") as file:
            file.write(json.dumps(line) + "\n")

    @property
    def page(self):
        return (self.out / "index.html").read_text()


@pytest.fixture
def index(tmp_path):
    found = Index(tmp_path)
    add_rows(found.archive, NOON_S)
    add_rows(found.archive, NOON_S + 86_400)
    return found


def test_the_first_update_makes_everything_and_the_second_nothing(index):
    names, keys = index.update()
    assert keys == [(TODAY, "day"), (TODAY, "12"), (TOMORROW, "day"), (TOMORROW, "12")]
    assert names == [
        f"{TODAY}/quicklook_20250818.png", f"{TODAY}/thumbnail_20250818.png", f"{TODAY}/quicklook_20250818_12.png",
        f"{TOMORROW}/quicklook_20250819.png", f"{TOMORROW}/thumbnail_20250819.png",
        f"{TOMORROW}/quicklook_20250819_12.png", "index.html",
    ]  # fmt: skip
    assert index.reports == [(n, 4) for n in range(5)]
    assert index.update() == ([], [])
    assert (index.updater.days, index.updater.unchanged) == (2, 2)


def test_the_page_is_named_once_if_it_was_also_written_meanwhile(index):
    times = iter(range(0, 10_000, 100))
    updater = IndexUpdater(index.archive, index.out, PictureOptions(), monotonic=lambda: next(times))
    paths = []
    for path in updater.update(index.runner, lambda done, total: None):
        paths.append(path.name)
        if path.name == "quicklook_20250819_12.png":
            assert "quicklook_20250818_12.png" in index.page
    assert paths.count("index.html") == 1


def test_new_rows_change_their_hour_and_day_alone(index):
    index.update()
    add_rows(index.archive, NOON_S + 86_400 + 3600)
    _, keys = index.update()
    assert keys == [(TOMORROW, "day"), (TOMORROW, "13")]
    # Also in a program that keeps running, and at midnight.
    add_rows(index.archive, DAY_S + 2 * 86_400 - 300)
    _, keys = index.update(anew=False)
    assert keys == [(TOMORROW, "day"), (TOMORROW, "23")]
    add_rows(index.archive, DAY_S + 2 * 86_400 + 300)
    _, keys = index.update(anew=False)
    assert keys == [("2025-08-20", "day"), ("2025-08-20", "00")]


def test_a_deleted_picture_is_made_again(index):
    index.update()
    (index.out / TODAY / "quicklook_20250818_12.png").unlink()
    assert index.update() == ([f"{TODAY}/quicklook_20250818_12.png"], [(TODAY, "12")])
    (index.out / TOMORROW / "thumbnail_20250819.png").unlink()
    assert index.update()[1] == [(TOMORROW, "day")]


def test_other_options_make_other_pictures(index):
    index.update()
    assert len(index.update(PictureOptions(panels=("mean",)))[1]) == 4
    assert index.update(PictureOptions(panels=("mean",)))[1] == []
    assert len(index.update(PictureOptions(product="XX", panels=("mean",)))[1]) == 4
    _, keys = index.update(periods=("hour",))
    assert keys == [(TODAY, "12"), (TOMORROW, "12")]
    assert "quicklook_20250818.png" not in index.page


def test_a_record_that_is_not_valid_counts_as_missing(index):
    index.update()
    for content in (b"", b"[]", b"{}", b'{"format": 1, "options": {}, "days": {"../..": {}}}', b"[" * 9999):
        (index.out / RECORD).write_bytes(content)
        assert len(index.update()[1]) == 4
    record = json.loads((index.out / RECORD).read_text())
    record["days"][TODAY]["files"]["day"]["count"] = 10**9
    (index.out / RECORD).write_text(json.dumps(record))
    assert len(index.update()[1]) == 4


def test_only_days_between_two_times_are_updated(index):
    assert index.update(start_s=DAY_S + 86_400)[1] == [(TOMORROW, "day"), (TOMORROW, "12")]
    index.update()
    add_rows(index.archive, NOON_S + 3600)
    add_rows(index.archive, NOON_S + 86_400 + 3600)
    assert index.update(end_s=DAY_S + 86_400)[1] == [(TODAY, "day"), (TODAY, "13")]
    assert f"day-{TOMORROW}" in index.page


def test_a_picture_that_fails_does_not_prevent_the_others(index):
    index.runner.errors[TODAY, "12"] = ArchiveError(f"{index.archive.absolute()}/{TODAY}.zarr has a <bad> chunk")
    names, keys = index.update()
    assert len(keys) == 4
    assert f"{TODAY}/quicklook_20250818_12.png" not in names
    assert index.updater.failures == ["2025-08-18 12: 2025-08-18.zarr has a <bad> chunk"]
    assert "The picture of the hour 12 could not be made: 2025-08-18.zarr has a &lt;bad&gt; chunk" in index.page
    assert str(index.archive) not in index.page
    # It is tried again.
    assert index.update()[1] == [(TODAY, "12")]
    index.runner.errors.clear()
    assert index.update()[0] == [f"{TODAY}/quicklook_20250818_12.png", "index.html"]
    assert "could not be made" not in index.page


def test_a_picture_stays_if_a_later_one_fails(index):
    index.update()
    add_rows(index.archive, NOON_S + 600)
    index.runner.errors[TODAY, "12"] = ArchiveError("a bad chunk")
    index.update()
    assert "could not be made: a bad chunk" in index.page
    assert f"{TODAY}/quicklook_20250818_12.png?v=" in index.page


def test_a_store_that_cannot_be_read_keeps_its_pictures(index):
    index.update()
    metadata = index.archive / f"{TODAY}.zarr" / "zarr.json"
    content = metadata.read_bytes()
    metadata.write_bytes(b"broken")
    add_rows(index.archive, NOON_S + 86_400 + 3600)
    assert index.update()[1] == [(TOMORROW, "day"), (TOMORROW, "13")]
    assert "This day cannot be read: 2025-08-18.zarr cannot be opened" in index.page
    assert f"{TODAY}/quicklook_20250818.png?v=" in index.page
    metadata.write_bytes(content)
    assert index.update()[1] == []
    assert "cannot be read" not in index.page


def test_a_day_that_left_the_archive_keeps_its_pictures(index):
    index.update()
    shutil.rmtree(index.archive / f"{TODAY}.zarr")
    assert index.update()[0] == ["index.html"]
    assert "The archive no longer has this day" in index.page
    assert f"{TODAY}/quicklook_20250818.png?v=" in index.page


def test_an_archive_without_stores_leaves_the_index_as_it_is(index):
    index.update()
    page = index.page
    index.archive.rename(index.archive.with_name("unmounted"))
    with pytest.raises(ArchiveError, match="has no stores"):
        index.update()
    assert index.page == page


def test_the_interval_of_a_note_is_a_file_of_its_rows(index):
    index.update()
    index.note("18T12:01:00", "18T12:03:00", text="a <b>")
    index.note("18T12:05:00", text="re-pointed")
    name = f"{TODAY}/interval_20250818_120100_20250818_120300.fits"
    names, keys = index.update()
    assert names == [name, "index.html"]
    assert keys == [(TODAY, "20250818_120100_20250818_120300")]
    rows = read_archive(index.archive, NOON_S + 60, NOON_S + 180)
    written = read_recording(index.out / name)
    assert written.products == (Product.I,)
    np.testing.assert_allclose(written.times_s, rows.times_s, atol=1e-3)
    wanted = rows.power(Product.I)
    positive = wanted > 0
    np.testing.assert_allclose(written.data[..., 0][positive], wanted[positive], rtol=1e-4)
    assert name in index.page
    assert "a &lt;b&gt;" in index.page
    assert "re-pointed" in index.page
    # Another text changes the page alone.
    (index.archive / NOTES).write_text((index.archive / NOTES).read_text().replace("re-pointed", "moved"))
    assert index.update() == (["index.html"], [])


def test_an_index_in_sfu_has_intervals_in_sfu_and_new_pictures_for_other_factors(index):
    index.note("18T12:01:00", "18T12:03:00")
    names, _ = index.update()
    (name,) = [each for each in names if each.endswith(".fits")]
    plain = read_recording(index.out / name)
    for factor in (0.5, 0.25):
        scaled = PictureOptions(flux_scale=load_flux_scale(factor))
        names, keys = index.update(scaled)
        assert len(keys) == 5
        found = read_recording(index.out / name)
        assert found.unit == "sfu"
        np.testing.assert_allclose(found.data, plain.data * factor, rtol=1e-5)
        assert index.update(scaled) == ([], [])


def test_an_interval_may_cross_midnight_and_grow(index):
    add_rows(index.archive, DAY_S + 86_400 - 600)
    index.note("18T23:55:00", "19T00:05:00")
    index.update()
    name = f"{TODAY}/interval_20250818_235500_20250819_000500.fits"
    assert len(read_recording(index.out / name)) == 30
    add_rows(index.archive, DAY_S + 86_400)
    _, keys = index.update()
    assert (TODAY, "20250818_235500_20250819_000500") in keys
    assert len(read_recording(index.out / name)) == 60
    assert index.update() == ([], [])


def test_an_interval_without_a_file_says_why(index):
    index.note("18T03:00:00", "18T03:01:00")
    index.note("18T03:00:00", "19T03:00:01")
    index.update()
    assert "no rows in the archive" in index.page
    assert "longer than a day, so there is no file" in index.page
    assert index.update() == ([], [])


def test_a_long_interval_is_averaged_to_a_limited_size(index, monkeypatch):
    assert interval_column_s(0, 600, 2400, 768) == 0
    assert interval_column_s(0, 86_400, 345_600, 768) == 20
    assert interval_column_s(0, 86_400, 345_600, 1 << 22) == 7200
    monkeypatch.setattr(index_tasks, "_MAX_INTERVAL_ROWS", 20)
    index.note("18T12:00:00", "18T12:10:00")
    index.update()
    written = read_recording(index.out / TODAY / "interval_20250818_120000_20250818_121000.fits")
    rows = read_archive(index.archive, NOON_S, NOON_S + 600).power(Product.I)
    assert written.cadence_s == 30
    # A row that ends with a column belongs to the next one.
    np.testing.assert_allclose(written.data[1, :, 0], rows[2:5].mean(axis=0), rtol=1e-3)


def test_a_product_that_is_not_stored_is_a_failure(tmp_path):
    index = Index(tmp_path)
    add_rows(index.archive, NOON_S, npol=2)
    index.runner = run_here
    updater = IndexUpdater(index.archive, index.out, PictureOptions(product="V", panels=("mean",)), ("hour",))
    list(updater.update(index.runner, lambda done, total: None))
    assert updater.failures == ["2025-08-18 12: there is no V"]


def test_pictures_are_really_drawn(tmp_path):
    index = Index(tmp_path)
    add_rows(index.archive, NOON_S)
    updater = IndexUpdater(index.archive, index.out, PictureOptions())
    paths = list(updater.update(run_here, lambda done, total: None))
    assert updater.failures == []
    pictures = [path for path in paths if path.suffix == ".png"]
    assert len(pictures) == 3
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_directory_has_one_updater(tmp_path):
    with ExitStack() as locks:
        locks.enter_context(locked_index(tmp_path / "out"))
        with pytest.raises(UsageError, match="another quicklook updates"):
            locks.enter_context(locked_index(tmp_path / "out"))
    with locked_index(tmp_path / "out"):
        pass


def test_a_directory_that_cannot_be_written_is_one_sentence(index):
    index.out.write_text("a file")
    with pytest.raises(UsageError, match="cannot write"):
        index.update()
    with pytest.raises(UsageError, match="cannot write"), locked_index(index.out):
        pass


def test_a_run_that_is_ended_early_keeps_what_it_made(index):
    updater = IndexUpdater(index.archive, index.out, PictureOptions())
    running = updater.update(index.runner, lambda done, total: None)
    assert next(running).name == "quicklook_20250818.png"
    next(running)
    next(running)
    running.close()
    index.runner.taken()
    assert f"{TODAY}/quicklook_20250818.png" in index.page
    assert index.update()[1] == [(TODAY, "12"), (TOMORROW, "day"), (TOMORROW, "12")]
