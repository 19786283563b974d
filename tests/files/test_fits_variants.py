"""Tests of FITS files of stations and other programs.

They are read exactly, read with a note, or refused.
"""

import re

import numpy as np
import pytest
from fits_variants import VARIANTS, create
from recordings import recording

from sunspec_tui.cli.main import main
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.products import Product
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export
from sunspec_tui.producer.replay import open_replay

MAX_SENTENCE = 200
TIME_TOLERANCE_S = 1e-6


def notes_of(told: str) -> list[str]:
    return [line.partition(" WARNING ")[2] for line in told.splitlines()]


READ = {
    "00": "as a station writes it", "01": "24 o'clock at its end", "02": "24 o'clock and a fraction",
    "03": "second 60", "03b": "second 60 and a fraction", "04": "over a leap second", "04b": "in a leap second",
    "05": "hyphens", "07": "old date of the standard", "08": "time in the date", "09": "zone Z", "09b": "no seconds",
    "09c": "one digit", "09d": "one digit", "12": "names in small letters", "13": "ascending",
    "14": "frequencies first", "15": "digits as float", "17": "digits with a scale",
    "18": "whole numbers with a scale", "19": "columns with a display width", "20": "no values",
    "21": "equal frequencies", "23": "gap", "27": "over midnight", "28": "one row", "28b": "one channel", "31c": "Hz",
    "31d": "GHz", "33": "another program", "33b": "another program without a product",
    "33c": "another program and a step as text", "34": "number for a name", "36": "longer tables",
    "36b": "longer tables", "38": "image in an extension", "41": "gzip", "41c": "gzip", "44": "bzip2",
}  # fmt: skip
NOTED = {
    "06": "dots", "10b": "no table but axes", "16": "digits of 16 bits", "22": "channels of 0 MHz",
    "24": "time that goes back", "26": "row without a time", "31": "Hz without a unit", "32": "no unit", "32b": "sfu",
    "32c": "dB above something", "35": "digits below 0", "40d": "cut off in its last block",
    "46": "bytes after its end",
}  # fmt: skip
REFUSED = {
    "10": "no table", "11": "axes and a table of times", "25": "one time for all rows", "29": "three dimensions",
    "30": "transposed", "40": "cut off in its image", "40b": "cut off before its table", "40c": "cut off in its header",
    "41b": "gzip cut off", "41d": "gzip with a wrong sum", "42": "web page", "43": "empty", "45": "zip",
}  # fmt: skip
"""Kinds of files that stations' users report, by number, and the row of `VARIANTS` that stands for each."""


def test_the_table_has_every_kind_and_treats_it_as_promised():
    for name in READ.values():
        assert (VARIANTS[name].notes, VARIANTS[name].refused) == ((), "")
    for name in NOTED.values():
        assert VARIANTS[name].notes
    for name in REFUSED.values():
        assert VARIANTS[name].refused
    assert len(READ | NOTED | REFUSED) == len(READ) + len(NOTED) + len(REFUSED) == 65


@pytest.mark.parametrize("name", [name for name, each in VARIANTS.items() if each.refused])
def test_a_file_that_would_be_misread_is_refused_in_one_sentence(name, tmp_path, capsys):
    path = create(name, tmp_path)
    assert main(["export", "--input", str(path), str(tmp_path / "out.npz")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert VARIANTS[name].refused in told
    assert len(told.removeprefix("sunspec-tui: ").rstrip()) <= MAX_SENTENCE
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize("name", [name for name, each in VARIANTS.items() if not each.refused])
def test_a_file_is_exported_with_its_own_values_and_its_notes_are_told(name, tmp_path, capsys):
    path, wanted = create(name, tmp_path), VARIANTS[name]
    assert main(["export", "--input", str(path), str(tmp_path / "out.npz")]) == 0
    notes = notes_of(capsys.readouterr().err)
    assert len(notes) == len(wanted.notes), notes
    for said in wanted.notes:
        assert any(re.search(said, note) for note in notes), notes
    assert all(note.startswith(f"{printable_name(path)}: ") and len(note) <= MAX_SENTENCE for note in notes)
    found = read_recording(tmp_path / "out.npz")
    assert found.products == (Product.I,)
    np.testing.assert_allclose(found.starts_s, wanted.starts_s, rtol=0, atol=TIME_TOLERANCE_S)
    np.testing.assert_allclose(found.frequencies_hz, np.sort(wanted.mhz) * 1e6, rtol=1e-12)
    power = wanted.power if wanted.mhz[0] < wanted.mhz[-1] else wanted.power[::-1]
    np.testing.assert_allclose(found.data[..., 0].T, power, rtol=1e-6)
    assert found.cadence_s == pytest.approx(0.25, rel=1e-6) or "equal times" in name


def test_a_part_of_a_file_has_the_unit_of_the_whole(tmp_path):
    """Rows are not converted differently from the rest of the file.

    Their digits alone would fit into 8 bits.
    """
    path = create("digits of 16 bits", tmp_path)
    whole = read_recording(path)
    part = read_recording(path, float(whole.times_s[2]), float(whole.times_s[4]))
    np.testing.assert_array_equal(part.data, whole.data[3:5])


def test_time_that_goes_back_begins_a_new_sequence_of_the_replay(tmp_path):
    source = open_replay(create("time that goes back", tmp_path), 560)
    assert [sum(map(len, part.gulps)) for part in source.sequences()] == [6, 6]


@pytest.mark.parametrize("software", ["", "some other tool", "sunspec-tui 0.1.0", '"quoted"'])
def test_a_file_of_ours_keeps_its_product_whatever_program_its_rows_came_from(software, tmp_path):
    rows = recording(6, software=software, station=" odd\n")
    export(rows, tmp_path / "a.fits", Product.V)
    found = read_recording(tmp_path / "a.fits")
    assert (found.products, found.software, found.station) == ((Product.V,), software, " odd\n")
    np.testing.assert_array_equal(found.data[..., 0], rows.power(Product.V))


def test_notes_are_told_before_a_replay(tmp_path, capsys):
    path = create("channels of 0 MHz", tmp_path)
    words = ["stream", "--source", str(path), "--port", "0", "--frames", "1", "--speed", "0"]
    assert main(words) == 0
    assert sum("4 of its 30 channels are left out" in note for note in notes_of(capsys.readouterr().err)) == 1
