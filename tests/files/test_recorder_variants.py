"""Tests of all known variants of recorders' HDF5 files."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pytest
from recorder_files import (
    FIRST_S,
    FREQUENCIES_HZ,
    NAVG,
    NROWS,
    ROOM,
    STEP_S,
    WIDTH_HZ,
    Change,
    Parts,
    as_times,
    fill,
    no_tint,
    power,
    recorder_file,
    set_freq,
    set_tint,
    shorter,
    some_times,
    starts_s,
    with_times,
)

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.products import Product
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.files.recorder_times import _SelectedRows

ALL = ("XX", "YY", "XY_real", "XY_imag")
NAMES = {"CR": "XY_real", "CI": "XY_imag", "XYI": "XY_imag", "xx": "XX", "yy": "YY"}


class Variant(NamedTuple):
    """A file, and the expected result of reading it."""

    change: Change | None = None
    products: tuple[str, ...] = ALL
    starts_s: Any = starts_s()
    rows: Iterable[int] = range(NROWS)
    frequencies_hz: Any = FREQUENCIES_HZ
    bins: Any = slice(None)
    missing: Any = None
    note: str = ""
    refused: str = ""
    asked: dict[str, int] = {}  # noqa: RUF012


def of_products(*names: str) -> Variant:
    return Variant(products=names)


def measured(change: Change, said: str = "does not fit") -> Variant:
    return Variant(change, note=said)


def shifted(first: int, by_s: float) -> np.ndarray:
    times_s = starts_s()
    times_s[first:] += by_s
    return times_s


def twice() -> np.ndarray:
    return np.repeat(starts_s(NROWS // 2), 2)


def zero_tail(parts: Parts) -> None:
    """Rows without a time, also between written rows."""
    some_times(slice(15, None), 0)(parts)
    for name in ALL:
        parts.tuning[name][15:] = 0


def fraction_above_one(parts: Parts) -> None:
    times = parts.observation["time"][()]
    times["int"][:NROWS] -= 1
    times["frac"][:NROWS] += 1
    parts.observation["time"][...] = times


def two_observations(parts: Parts) -> None:
    parts.file.copy("Observation1", "Observation2")
    times = parts.file["Observation2/time"][()]
    times["int"][:NROWS] += 3600
    parts.file["Observation2/time"][...] = times


def two_tunings(parts: Parts) -> None:
    parts.observation.copy("Tuning1", parts.observation, name="Tuning2")
    parts.observation["Tuning2/freq"][...] = FREQUENCIES_HZ + 30e6


def band_of_nan(parts: Parts) -> None:
    parts.tuning["XX"][:NROWS, 20:30] = np.nan


def nothing_written(parts: Parts) -> None:
    del parts.file["Observation1"]
    fill(parts.file, ALL, nrows=0)


def all_channels(parts: Parts) -> None:
    """Rows of 3072 channels and one millisecond.

    The recorder writes such rows without a reduction.
    """
    for name in ALL:
        del parts.tuning[name]
        values = np.repeat(power(name)[:, :1], 3072, axis=1)
        parts.tuning[name] = np.concatenate([values, np.zeros((ROOM - NROWS, 3072), "<f4")])
    set_freq((560 + np.arange(3072)) * WIDTH_HZ)(parts)
    some_times(slice(0, NROWS), as_times(FIRST_S + 24 / WIDTH_HZ * np.arange(NROWS)))(parts)
    set_tint(24 / WIDTH_HZ)(parts)


FEWER = range(15)
VARIANTS = {
    "00_base": Variant(),
    **{f"01_{'_'.join(names)}": of_products(*names) for names in (
        ("XX",), ("YY",), ("XX", "YY"), ("XY_real", "XY_imag"), ("I", "V"), ("I", "Q", "U", "V"), ("XX", "XY_imag"),
        ("V",), ("Q",), ("XX", "YY", "CR", "CI"), ("XX", "YY", "XYI"), ("xx", "yy"),
    )},
    "02_zerotail": Variant(zero_tail, rows=FEWER),
    "02b_zerohead": Variant(some_times(slice(0, 3), 0), rows=range(3, NROWS)),
    "02b_a hole": Variant(
        some_times(slice(10, 13), 0), rows=[*range(10), *range(13, NROWS)], note="3 of its rows are left out: no time"
    ),
    "02c_tail_1970": Variant(
        some_times(slice(15, NROWS), (12345, 0.5)), rows=FEWER, note="5 rows whose time is before 2000"
    ),
    "02d_nothing": Variant(nothing_written, refused="has a time; no data were written to it yet"),
    "02d_nothing but zeros": Variant(some_times(slice(None), 0), refused="has a time; no data were written to it yet"),
    "03_time_f8": Variant(with_times(starts_s())),
    "03b_time_2col": Variant(with_times(np.stack([np.floor(starts_s()), starts_s() % 1], 1))),
    "03c_time_f4frac": Variant(with_times(as_times(starts_s()).astype([("int", "<i8"), ("frac", "<f4")]))),
    "03d_time_mjd_fmt": Variant(with_times(as_times(40587 + starts_s() / 86400), format="mjd", scale="utc")),
    "03e_time_tai": Variant(with_times(as_times(starts_s() + 37), format="unix", scale="tai")),
    "04_tint_neg": measured(set_tint(-1.0)),
    "04_tint_zero": measured(set_tint(0.0)),
    "04_tint_nan": measured(set_tint(np.nan)),
    "04_tint_big": measured(set_tint(60.0)),
    "04_tint_wrong": measured(set_tint(2 * STEP_S)),
    "04_tint_str": measured(set_tint("0.5")),
    "04_tint_missing": measured(no_tint, "no tInt"),
    "05_obs2": Variant(lambda parts: parts.file.move("Observation1", "Observation2")),
    "05b_tun2": Variant(lambda parts: parts.observation.move("Tuning1", "Tuning2")),
    "05c_two_obs": Variant(two_observations, note="Observation 1, 2"),
    "05c_two_obs, the second": Variant(two_observations, starts_s=starts_s() + 3600, asked={"observation": 2}),
    "05d_two_tun": Variant(two_tunings, note="Tuning 1, 2"),
    "05d_two_tun, the second": Variant(two_tunings, frequencies_hz=FREQUENCIES_HZ + 30e6, asked={"tuning": 2}),
    "06_freq_desc": Variant(set_freq(FREQUENCIES_HZ[::-1]), bins=slice(None, None, -1)),
    "06b_freq_mhz": Variant(set_freq(FREQUENCIES_HZ / 1e6), note="only be MHz"),
    "06c_freq_f4": Variant(set_freq(FREQUENCIES_HZ.astype("<f4"))),
    "07_time_shorter": Variant(shorter("time", 15), rows=FEWER, note="first 15"),
    "07b_YY_shorter": Variant(shorter("YY", 15), rows=FEWER, note="first 15"),
    "08_back": Variant(
        some_times(slice(0, NROWS), as_times(shifted(10, -2))), starts_s=shifted(10, -2),
        note="goes back once, first at row 11",
    ),
    "08c_dup": Variant(
        some_times(slice(0, NROWS), as_times(twice())), starts_s=twice(), note="have the time of the row before"
    ),
    "09_nanband": Variant(band_of_nan, missing=slice(20, 30)),
    "10_c3072_24": Variant(
        all_channels, starts_s=FIRST_S + 24 / WIDTH_HZ * np.arange(NROWS),
        frequencies_hz=(560 + np.arange(3072)) * WIDTH_HZ, bins=np.zeros(3072, int),
    ),
    "11_frac_gt1": Variant(fraction_above_one),
}  # fmt: skip
"""Names are those of the kinds of files; an hour of room, files that grow and files cut off are tested elsewhere."""


def scale(name: str) -> np.float32:
    return np.float32(NAVG if name[0] in "XYCxy" else NAVG // 2)


@pytest.mark.parametrize("name", [name for name, each in VARIANTS.items() if not each.refused])
def test_a_file_gives_the_rows_and_their_length_that_its_recorder_wrote(tmp_path, notes, name):
    wanted = VARIANTS[name]
    path, rows = recorder_file(tmp_path / "a.h5", wanted.change, wanted.products), list(wanted.rows)
    found = read_recording(path, **wanted.asked)
    assert set(found.products) == {Product(NAMES.get(each, each)) for each in wanted.products}
    step_s = found.cadence_s
    # The length of a row is that of its times, which a repeated time does not show.
    if name != "08c_dup":
        assert step_s == pytest.approx(24 / WIDTH_HZ if "3072" in name else STEP_S, rel=1e-6)
    # A Julian date holds 40 microseconds.
    np.testing.assert_allclose(found.times_s - step_s, wanted.starts_s[rows], rtol=0, atol=5e-5)
    np.testing.assert_allclose(found.frequencies_hz, wanted.frequencies_hz, rtol=1e-6)
    for each in wanted.products:
        values = power(each)[rows][:, wanted.bins] * scale(each)
        if wanted.missing is not None and each == "XX":
            values[:, wanted.missing] = np.nan
        np.testing.assert_array_equal(found.power(Product(NAMES.get(each, each))), values)
    told = notes()
    assert len(told) == bool(wanted.note), told
    assert wanted.note in "".join(told)


@pytest.mark.parametrize("name", [name for name, each in VARIANTS.items() if each.refused])
def test_a_file_without_rows_is_refused_in_one_sentence(tmp_path, name):
    wanted = VARIANTS[name]
    with pytest.raises(SourceError, match=wanted.refused) as caught:
        read_recording(recorder_file(tmp_path / "a.h5", wanted.change, wanted.products))
    assert len(str(caught.value)) <= 200


def test_holes_are_counted_over_all_blocks():
    found = _SelectedRows(RowSelection())
    starts_s = np.where(np.isin(np.arange(24), [0, 1, 6, 7, 8, 15, 22, 23]), np.nan, FIRST_S)
    for begin in range(0, 24, 4):
        block_s = starts_s[begin : begin + 4]
        found.add(begin, block_s, block_s + 1)
    assert found.notes(np.arange(2.0)) == ["4 of its rows are left out: no time, but later rows have one"]


def test_an_attribute_without_a_value_counts_as_missing(tmp_path, notes):
    import h5py

    def change(parts):
        parts.file.attrs["StationName"] = h5py.Empty("S10")
        parts.observation.attrs["tInt"] = h5py.Empty("f8")

    assert len(read_recording(recorder_file(tmp_path / "a.h5", change))) == NROWS
    assert "no tInt" in "".join(notes())


KINDS = "00 01 02 02b 02c 02d 03 03b 03c 03d 03e 04 05 05b 05c 05d 06 06b 06c 07 07b 08 08c 09 10 11"


def test_the_table_has_every_kind():
    """The kinds 12 and 13 are in `test_recorder_files`.

    They are an hour of allocated rows, and a truncated file.
    """
    assert {name.partition("_")[0] for name in VARIANTS} == set(KINDS.split())
