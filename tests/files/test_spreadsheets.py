"""Tests of CSV tables that a spreadsheet has saved again.

They are read unchanged, or refused in one sentence.
"""

import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from recordings import recording

from sunspec_tui import export, read_recording
from sunspec_tui.core.errors import SourceError

STATION = 'a, "b" and c'


@pytest.fixture
def rows():
    return recording(6, nchan=48, station=STATION)


@pytest.fixture
def text(rows, tmp_path):
    """Return the table as it was exported."""
    export(rows, tmp_path / "a.csv")
    return (tmp_path / "a.csv").read_bytes().decode()


def saved_by_spreadsheet(text, separator=",", *, decimal=".", quoting=csv.QUOTE_MINIMAL, filled=True):
    """Save a table as a spreadsheet does.

    All lines are filled up to the longest one.
    """
    table = list(csv.reader(io.StringIO(text)))
    width = max(map(len, table)) if filled else 0
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, quoting=quoting)
    begin = next(i for i, cells in enumerate(table) if cells[0] == "time_utc")
    for i, cells in enumerate(table):
        numbers = cells[2:] if i >= begin else []
        kept = cells[: len(cells) - len(numbers)] + [number.replace(".", decimal) for number in numbers]
        writer.writerow(kept + [""] * (width - len(kept)))
    return out.getvalue()


CHANGES = {
    "as it was": lambda text: text,
    "mark of UTF-8": lambda text: "\ufeff" + text,
    "line ends of Unix": lambda text: text.replace("\r\n", "\n"),
    "line ends of Windows": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
    "blank lines": lambda text: "\r\n\r\n" + text.replace("\n", "\n\r\n  \n"),
    "no line end at the end": lambda text: text.rstrip("\r\n"),
    "lines of empty cells at the end": lambda text: text + ",,,\r\n,,,,,\r\n\r\n",
    "saved again": saved_by_spreadsheet,
    "saved again without empty cells": lambda text: saved_by_spreadsheet(text, filled=False),
    "quotes around all": lambda text: saved_by_spreadsheet(text, quoting=csv.QUOTE_ALL),
    "quotes around all, and a mark": lambda text: "\ufeff" + saved_by_spreadsheet(text, quoting=csv.QUOTE_ALL),
    "semicolons": lambda text: saved_by_spreadsheet(text, ";"),
    "semicolons and decimal commas": lambda text: saved_by_spreadsheet(text, ";", decimal=","),
    "semicolons, commas and quotes": lambda text: saved_by_spreadsheet(
        text, ";", decimal=",", quoting=csv.QUOTE_ALL
    ),
    "tabs": lambda text: saved_by_spreadsheet(text, "\t"),
    "decimal commas in quotes": lambda text: saved_by_spreadsheet(text, "\t", decimal=",", quoting=csv.QUOTE_ALL),
    "spaces around cells": lambda text: text.replace(",XX,", " , XX , "),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_comes_back_from_a_spreadsheet_as_it_was(tmp_path, notes, rows, text, change):
    (tmp_path / "b.csv").write_bytes(CHANGES[change](text).encode())
    found = read_recording(tmp_path / "b.csv")
    assert found.products == rows.products
    np.testing.assert_array_equal(found.data, rows.data)
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.frequencies_hz, rows.frequencies_hz, rtol=1e-15)
    assert (found.station, found.source, found.cadence_s) == (STATION, rows.source, rows.cadence_s)
    assert notes() == []
    part = read_recording(tmp_path / "b.csv", float(rows.times_s[1]), float(rows.times_s[3]))
    np.testing.assert_array_equal(part.data, rows.data[2:4])


def test_a_table_of_one_bin_is_narrower_than_its_comments(tmp_path):
    rows = recording(6, nchan=4)
    export(rows, tmp_path / "a.csv")
    saved = saved_by_spreadsheet((tmp_path / "a.csv").read_bytes().decode())
    (tmp_path / "b.csv").write_bytes(saved.encode())
    np.testing.assert_array_equal(read_recording(tmp_path / "b.csv").data, rows.data)


def changed(old, new):
    return lambda text: text.replace(old, new, 1).encode()


def first_value(new, separator=",", decimal="."):
    """Change the first value of a table with this separator."""

    def change(text):
        saved = text if separator == "," else saved_by_spreadsheet(text, separator, decimal=decimal)
        start = f"Z{separator}XX{separator}"
        return re.sub(f"{start}[^{separator}]+", start + new, saved, count=1).encode()

    return change


def workbook(_):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    return out.getvalue()


REFUSED = {
    "UTF-16": (lambda text: text.encode("utf-16"), "UTF-16 or of an old spreadsheet; save it as CSV in UTF-8"),
    "workbook": (workbook, "it is a spreadsheet; save its table as CSV in UTF-8"),
    "old workbook": (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as CSV in UTF-8"),
    "Latin letters": (lambda text: text.replace("station=", "station=\xe9").encode("latin-1"), "line 1 is not UTF-8"),
    "line ends of old Macintosh": (
        lambda text: text.replace("\r\n", "\n").replace("\n", "\r").encode(), "line breaks of another kind",
    ),
    "time without a date": (
        changed("2025-08-18T21:34:55.038117Z", "34:55.0"), "'34:55.0', which is not a valid time; write it as 2026-",
    ),
    "American time": (changed("2025-08-18T21:34:55.038117Z", "8/18/2025 21:34"), "which is not a valid time"),
    "error of a formula": (first_value("#NAME?"), "has '#NAME?', which is not a number"),
    "empty cell": (first_value(""), "has '', which is not a number"),
    "decimal commas between commas": (
        lambda text: saved_by_spreadsheet(text, decimal=",").replace('"', "").encode(), "neither ascend nor descend",
    ),
    "marks of thousands": (first_value("1.234,5", ";", ","), "'1.234,5', which is not a number"),
    "points beside decimal commas": (first_value("1.234", ";", ","), "'1.234', which is not a number"),
    "commas only in values": (first_value("1,5", ";"), "'1,5', which is not a number"),
    "words for frequencies": (changed("product,13", "product,low13"), "not frequencies in MHz"),
    "another first column": (changed("time_utc,", "when,"), "not with the column names time_utc, product"),
    "cells that are left over": (lambda text: text.replace("Z,XX,", "Z,XX,1.5,", 1).encode(), "has 15 cells, not 14"),
}  # fmt: skip


@pytest.mark.parametrize("change", REFUSED)
def test_what_has_two_readings_is_refused_in_one_sentence(tmp_path, monkeypatch, text, change):
    make, said = REFUSED[change]
    monkeypatch.chdir(tmp_path)
    Path("b.csv").write_bytes(make(text))
    with pytest.raises(SourceError) as caught:
        read_recording("b.csv")
    assert said in str(caught.value)
    assert len(str(caught.value)) <= 200


def test_times_that_were_cut_to_seconds_are_told(tmp_path, notes, text):
    (tmp_path / "b.csv").write_text(text.replace(".038117Z", "Z").replace(".288892Z", "Z"), encoding="utf-8")
    assert len(read_recording(tmp_path / "b.csv")) == 6
    assert notes() == ["1 of its rows have the time of the row before; was its time cut to seconds?"]
