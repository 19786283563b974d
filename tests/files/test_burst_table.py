"""Tables of bursts: round trips, astropy, spreadsheets, hostile files."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from burst_values import T0, burst
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.errors import ExportError, SourceError, UsageError
from sunspec_tui.core.printable import printable
from sunspec_tui.files import plain_table
from sunspec_tui.files.burst_columns import COLUMNS, MAX_NAME, MAX_REASON, MAX_SOURCE
from sunspec_tui.files.burst_table import mark_in_tables, read_burst_table, write_burst_table

FULL = burst(
    name="20170906T115711-1", drift_mhz_s=-12.25, drift_error_mhz_s=0.5, lanes=2, lane_ratio=1.97,
    half_power_s=((45.25, 1.5), (60.0, 0.75)), circular=-0.25, is_saturated=True, is_wrong=True,
    reason="-12 MHz/s at 55 MHz, 2 s", source="GREENLAND_20170906_115501_63.fit.gz",
)  # fmt: skip
NUMBERS = st.floats(0, 1000) | st.just(math.nan)
DURATIONS = st.tuples(st.floats(1, 1e3), st.floats(0, 99))
MEASURED = st.floats(-1e6, 1e6) | st.just(math.nan)
TEXTS = st.text(max_size=700) | st.sampled_from(['"', '""', ",", "#", "=1+1", "a\nb", "nan", "True", " x ", "\x1b[2J"])


def same(found, wanted):
    """Compare bursts; numbers to a millionth, NaN is NaN."""
    for field in fields(Burst):
        left, right = getattr(found, field.name), getattr(wanted, field.name)
        if isinstance(right, float | tuple):
            np.testing.assert_allclose(np.array(left), np.array(right), atol=1.1e-6, rtol=0, err_msg=field.name)
        else:
            assert left == right, field.name
    return True


@st.composite
def bursts(draw):
    """Bursts with any numbers and texts."""
    begin_s = draw(st.floats(0, 4e9))
    low, high = sorted((draw(st.floats(0, 1e4)), draw(st.floats(0, 1e4))))
    return Burst(
        draw(TEXTS), begin_s, begin_s + draw(st.floats(0, 100)), begin_s + draw(st.floats(0, 1e5)), low, high,
        draw(st.sampled_from(BurstType)), draw(st.floats(0, 1)), draw(MEASURED), draw(MEASURED), draw(NUMBERS),
        draw(st.integers(0, 1000)), draw(NUMBERS), tuple(draw(st.lists(DURATIONS))),
        draw(MEASURED), draw(st.booleans()), is_wrong=draw(st.booleans()), reason=draw(TEXTS), source=draw(TEXTS),
    )  # fmt: skip


@pytest.mark.parametrize("extension", ["ecsv", "csv"])
@given(made=st.lists(bursts(), max_size=5, unique_by=lambda each: printable(each.name, MAX_NAME).strip()))
def test_what_was_written_is_read_again(tmp_path_factory, extension, made):
    path = tmp_path_factory.mktemp("tables") / f"a.{extension}"
    write_burst_table(made, path)
    found = read_burst_table(path)
    assert len(found) == len(made)
    for number, (left, right) in enumerate(zip(found, made, strict=True)):
        comments = sum(line.startswith("#") for line in path.read_text().splitlines())
        name = printable(right.name, MAX_NAME).strip() or f"line {comments + number + 2}"
        wanted = replace(
            right, name=name, half_power_s=right.half_power_s[:64], reason=printable(right.reason, MAX_REASON).strip(),
            source=printable(right.source, MAX_SOURCE).strip(),
        )  # fmt: skip
        assert same(left, wanted)
    # From now on nothing changes at all.
    write_burst_table(found, path)
    before = path.read_bytes()
    write_burst_table(read_burst_table(path), path)
    assert path.read_bytes() == before


def test_an_ecsv_table_is_a_table_of_astropy_with_units(tmp_path):
    from astropy import units
    from astropy.table import Table
    from astropy.time import Time

    path = tmp_path / "a.ecsv"
    write_burst_table([FULL, burst(T0 + 60, drift_mhz_s=math.nan)], path)
    table = Table.read(path)
    assert table.colnames == [column.name for column in COLUMNS]
    assert table["drift_mhz_s"].unit == units.MHz / units.s
    assert table["peak_db"].unit == units.dB
    assert table["low_mhz"].description == "lowest frequency"
    assert (table["lanes"].dtype.kind, table["is_saturated"].dtype.kind) == ("i", "b")
    assert table["drift_mhz_s"][0] == -12.25
    assert np.isnan(table["drift_mhz_s"][1])
    assert Time(list(table["begin_utc"])).unix[0] == pytest.approx(FULL.begin_s, abs=1e-5)
    # What astropy writes again is read again.
    table.write(path, overwrite=True)
    assert same(read_burst_table(path)[0], FULL)
    table.write(path, overwrite=True, delimiter=",")
    assert same(read_burst_table(path)[0], FULL)


def test_unknown_numbers_are_empty_in_csv_and_nan_in_ecsv(tmp_path):
    for name, cell in (("a.csv", ""), ("a.ecsv", "nan")):
        write_burst_table([burst(peak_db=math.inf)], tmp_path / name)
        cells = dict(zip(*(line.split(",") for line in (tmp_path / name).read_text().splitlines()[-2:]), strict=True))
        assert (cells["peak_db"], cells["drift_mhz_s"], cells["circular"]) == (cell, cell, cell)


def test_a_spreadsheets_table_with_few_columns_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"\xef\xbb\xbf# of an observer\r\ntype;begin_utc;end_utc;low_mhz;high_mhz\r\n\r\n"
        b"II;2017-09-06 12:02:35;2017-09-06T12:08:22Z;18;101\r\n"
    )
    (found,) = read_burst_table(path)
    assert (found.type, found.name, found.high_mhz, found.end_s - found.begin_s) == ("II", "line 4", 101.0, 347.0)
    assert found.peak_s == found.begin_s


def test_copied_rows_are_bursts_of_their_own(tmp_path):
    path = tmp_path / "a.ecsv"
    write_burst_table([burst(name="a", low_mhz=float(low)) for low in range(20, 23)], path)
    names = [each.name for each in read_burst_table(path)]
    assert names == ["a", "a (2)", "a (3)"]
    mark_in_tables([path], {"a (2)": True})
    assert [(each.name, each.low_mhz, each.is_wrong) for each in read_burst_table(path)] == [
        ("a", 20, False), ("a (2)", 21, True), ("a (3)", 22, False),
    ]  # fmt: skip


def test_empty_rows_of_a_spreadsheet_are_no_bursts(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n{GOOD}\n,,,,,,,,\n{GOOD}\n , ,,,,,,,\n")
    assert [each.name for each in read_burst_table(path)] == ["line 2", "line 4"]


def test_a_duration_that_is_no_number_does_not_spoil_the_table(tmp_path):
    path = tmp_path / "a.ecsv"
    write_burst_table([burst(half_power_s=((40.0, math.nan), (math.inf, 1.0), (50.0, 2.5)))], path)
    assert read_burst_table(path)[0].half_power_s == ((50.0, 2.5),)


HEAD = "begin_utc,end_utc,low_mhz,high_mhz,type,confidence,lanes,is_wrong,half_power_s"
GOOD = "2017-09-06T12:00,2017-09-06T12:01,20,30,III,0.5,1,False,45:1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("no line with column names",)),
        ("begin_utc,type\n", ("line 1", "low_mhz")),
        (f"{HEAD.replace(',type', ';type')}\n", ("line 1", "without the column names high_mhz, type")),
        (f"{HEAD}\n{GOOD},x\n", ("line 2 has 10 cells, not 9",)),
        (f"{HEAD}\n{GOOD.replace('T12:00,', 'T12:02,')}\n", ("end_utc", "before the begin")),
        (f"{HEAD}\n{GOOD.replace('2017-09-06T12:00', 'noon')}\n", ("'noon' as begin_utc",)),
        (f"{HEAD}\n{GOOD.replace('2017-09-06T12:00', '1017-09-06')}\n", ("between 1970 and 2100",)),
        (f"{HEAD}\n{GOOD.replace('III', 'IX')}\n", ("'IX' as type", "IIIG")),
        (f"{HEAD}\n{GOOD.replace('20,', 'low,')}\n", ("'low' as low_mhz", "not a number")),
        (f"{HEAD}\n{GOOD.replace('20,', 'nan,')}\n", ("low_mhz",)),
        (f"{HEAD}\n{GOOD.replace('20,', '1' * 50 + ',')}\n", ("low_mhz",)),
        (f"{HEAD}\n{GOOD.replace('0.5', '5')}\n", ("confidence", "between 0 and 1")),
        (f"{HEAD}\n{GOOD.replace(',1,', ',1.5,')}\n", ("lanes",)),
        (f"{HEAD}\n{GOOD.replace('False', 'no')}\n", ("is_wrong",)),
        (f"{HEAD}\n{GOOD.replace('45:1', '45')}\n", ("half_power_s",)),
        (f"{HEAD}\n{GOOD.replace('45:1', '45:nan')}\n", ("half_power_s",)),
        (f"{HEAD},type\n", ("a column twice",)),
        (f"{HEAD}\n\x1b[2J" + "x" * 30_000, ("line 2 has more than",)),
        (b"\xff\xfe\x00", ("UTF-8",)),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(tmp_path, text, parts):
    path = tmp_path / "a\x1b.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SourceError) as raised:
        read_burst_table(path)
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) <= 200
    for part in parts:
        assert part in message


def test_sizes_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    write_burst_table([FULL] * 5, path)
    monkeypatch.setattr(plain_table, "MAX_ROWS", 4)
    with pytest.raises(SourceError, match="more than 4 rows"):
        read_burst_table(path)
    monkeypatch.setattr(plain_table, "MAX_BYTES", 100)
    with pytest.raises(SourceError, match="larger than"):
        read_burst_table(path)
    with pytest.raises(SourceError, match="No such file"):
        read_burst_table(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="a directory"):
        read_burst_table(tmp_path)


def test_a_table_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.csv"
    write_burst_table([FULL], path)
    before = path.read_bytes()
    with pytest.raises(ExportError, match="cannot write"):
        write_burst_table([FULL, burst(1e15)], path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(UsageError, match=r"\.ecsv or \.csv"):
        write_burst_table([FULL], tmp_path / "a.txt")
    with pytest.raises(ExportError, match="cannot write"):
        write_burst_table([FULL], path / "b.csv")
