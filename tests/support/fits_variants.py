"""Create small e-CALLISTO FITS files in many variants.

Stations, archives and other programs write these variants.

`VARIANTS` says of each what a reader must give: beginnings of rows, frequencies, power, notes, or the reason of a
refusal.
"""

import bz2
import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

Array = NDArray[Any]

DB_PER_DIGIT = 2500 / 255 / 25.4
NLINES, NROWS = 30, 12
MHZ = np.linspace(74.0, 16.0, NLINES)
OFFSETS_S = 0.25 * np.arange(NROWS)
DIGITS = np.random.default_rng(8).integers(90, 150, (NLINES, NROWS)).astype(np.uint8)
SPREAD = np.where(DIGITS > 120, 100, 1) * DIGITS.astype(int)
SIGNED = DIGITS.astype(np.int16) - 115


def moment_s(*when: float) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


START_S = moment_s(2023, 5, 4, 11, 22, 33) + 0.25
CARDS: dict[str, Any] = {
    "ORIGIN": "nowhere", "INSTRUME": "TEST", "DATE-OBS": "2023/05/04", "TIME-OBS": "11:22:33.250", "BZERO": 0.0,
    "BSCALE": 1.0, "BUNIT": "digits", "CTYPE1": "Time [UT]", "CRPIX1": 0, "CRVAL1": 40953.0, "CDELT1": 0.25,
    # As stations write it: the numbers of the channels.
    "CTYPE2": "Frequency [MHz]", "CRPIX2": 0, "CRVAL2": float(NLINES), "CDELT2": -1.0,
}  # fmt: skip


def column(name: str, values: Array, unit: str | None = None, kind: str = "D") -> Any:
    return fits.Column(name, f"{len(values)}{kind}", unit=unit, array=values[None])


def table(*columns: Any, **cards: Any) -> Any:
    made = fits.BinTableHDU.from_columns(columns or [column("TIME", OFFSETS_S), column("FREQUENCY", MHZ)])
    made.header.update(cards)
    return made


def image(values: Array = DIGITS, kind: Any = fits.PrimaryHDU, **cards: Any) -> Any:
    """Return an image with the header cards of a station.

    Underscores in names mean hyphens, and None leaves a card out.
    """
    made = kind(values)
    for name, value in (CARDS | {name.replace("_", "-"): value for name, value in cards.items()}).items():
        if value is not None:
            made.header[name] = value
    return made


def axes(mhz: Array = MHZ, offsets_s: Array = OFFSETS_S, unit: str | None = None, time_unit: str | None = None) -> Any:
    return table(column("TIME", offsets_s, time_unit), column("FREQUENCY", mhz, unit))


def written(*units: Any) -> bytes:
    out = io.BytesIO()
    fits.HDUList(list(units)).writeto(out, output_verify="silentfix")
    return out.getvalue()


def scaled() -> bytes:
    """An image whose stored values are not its digits."""
    whole = written(image(), table())
    for old, new in ((b"BSCALE  =                  1.0", b"BSCALE  =                  0.5"),
                     (b"BZERO   =                  0.0", b"BZERO   =                 10.0")):  # fmt: skip
        assert old in whole
        whole = whole.replace(old, new)
    return whole


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.fit", written(image(), table()))
    return out.getvalue()


def linear(values: Array) -> Array:
    return np.asarray(values, np.float64)


def from_db(values: Array, db: float = DB_PER_DIGIT) -> Array:
    return np.asarray(10 ** (np.asarray(values, np.float64) * db / 10))


class Variant(NamedTuple):
    """File with the expected result of reading it."""

    content: Callable[[], bytes]
    starts_s: Array = START_S + OFFSETS_S
    mhz: Array = MHZ
    power: Array = from_db(DIGITS)
    notes: tuple[str, ...] = ()
    refused: str = ""


def dated(start_s: float, notes: tuple[str, ...] = (), **cards: Any) -> Variant:
    return Variant(lambda: written(image(**cards), table()), start_s + OFFSETS_S, notes=notes)


def with_image(values: Array, power: Array, *notes: str, **cards: Any) -> Variant:
    return Variant(lambda: written(image(values, **cards), table()), power=power, notes=notes)


def with_axes(made: Callable[[], Any], *notes: str, **keys: Any) -> Variant:
    return Variant(lambda: written(image(), made()), notes=notes, **keys)


def refused(content: Callable[[], bytes], said: str) -> Variant:
    return Variant(content, refused=said)


def whole() -> bytes:
    return written(image(), table())


def dead_channels() -> Array:
    return np.where(np.arange(NLINES) < NLINES - 4, MHZ, 0.0)


def without_a_time() -> Array:
    return np.where(np.arange(NROWS) == 5, np.nan, OFFSETS_S)


def going_back() -> Array:
    return OFFSETS_S - 1.25 * (np.arange(NROWS) >= 6)


def late() -> Array:
    return OFFSETS_S + 3.0 * (np.arange(NROWS) >= 6)


TWICE = np.where(np.arange(NLINES) < NLINES - 3, MHZ, MHZ[NLINES - 4])
EVEN = 80.0 - np.arange(NLINES)
STEPS = MHZ[0] - 2.0 * np.arange(NLINES)
KEPT_ROWS = np.arange(NROWS) != 5
GAPPY = np.where(np.arange(NROWS) == 3, np.nan, DIGITS.astype(np.float32))
TIME_CARD = {"DATE_OBS": "2023-05-04T11:22:33.25", "TIME_OBS": None}
NO_TABLE = "it has no table of frequencies: they are counted from CRVAL2 in steps of CDELT2"
NO_TIMES = r"it has no table of times: they are counted in steps of CDELT1, 0\.25 s"

TIMES = {
    "as a station writes it": Variant(whole),
    "24 o'clock": dated(moment_s(2023, 5, 5), TIME_OBS="24:00:00"),
    "24 o'clock and a fraction": dated(moment_s(2023, 5, 5) + 0.123, TIME_OBS="24:00:00.123"),
    "24 o'clock at its end": dated(moment_s(2023, 5, 4, 23, 59, 58), TIME_OBS="23:59:58", TIME_END="24:00:01"),
    "second 60": dated(moment_s(2023, 5, 4, 3, 45), TIME_OBS="03:44:60"),
    "second 60 and a fraction": dated(moment_s(2023, 5, 4, 3, 45) + 0.5, TIME_OBS="03:44:60.5"),
    "over a leap second": dated(moment_s(2016, 12, 31, 23, 59, 58), DATE_OBS="2016/12/31", TIME_OBS="23:59:58"),
    "in a leap second": dated(moment_s(2017, 1, 1) + 0.5, DATE_OBS="2016/12/31", TIME_OBS="23:59:60.5"),
    "day with a leap second": dated(moment_s(2016, 12, 31, 12), DATE_OBS="2016/12/31", TIME_OBS="12:00:00"),
    "hyphens": dated(START_S, DATE_OBS="2023-05-04"),
    "dots": dated(START_S, ("2023.05.04 is read as year.month.day",), DATE_OBS="2023.05.04"),
    "old date of the standard": dated(moment_s(1999, 2, 1, 11, 22, 33) + 0.25, DATE_OBS="01/02/99"),
    "one digit": dated(moment_s(2023, 5, 4, 1, 2, 3), DATE_OBS="2023/5/4", TIME_OBS="1:2:3"),
    "no seconds": dated(moment_s(2023, 5, 4, 11, 22), TIME_OBS="11:22"),
    "zone Z": dated(START_S, TIME_OBS="11:22:33.250Z"),
    "time in the date": dated(START_S, **TIME_CARD),
    "time in the date and zone Z": dated(START_S, **(TIME_CARD | {"DATE_OBS": "2023-05-04T11:22:33.25Z"})),
    "midnight in the date": dated(START_S, DATE_OBS="2023-05-04T00:00:00"),
    "two times": dated(
        moment_s(2023, 5, 4, 11), ("TIME-OBS 11:22:33.250 differs from the time in its DATE-OBS",),
        DATE_OBS="2023-05-04T11:00:00",
    ),
    "over midnight": dated(moment_s(2023, 5, 4, 23, 59, 59), TIME_OBS="23:59:59"),
    "times in UTC": dated(START_S, TIMESYS="UTC"),
    "times in TAI": refused(lambda: written(image(TIMESYS="TAI"), table()), "its TIMESYS is 'TAI', not UTC"),
    "no such day": refused(lambda: written(image(DATE_OBS="2023/02/30"), table()), "'2023/02/30 11:22:33.250'"),
    "25 o'clock": refused(lambda: written(image(TIME_OBS="25:00:00"), table()), "not a valid date and time"),
    "no time": refused(lambda: written(image(TIME_OBS=None), table()), "not a valid date and time"),
    "no date": refused(lambda: written(image(DATE_OBS=None), table()), "not a valid date and time"),
    "American date": refused(lambda: written(image(DATE_OBS="05/04/2023"), table()), "not a valid date and time"),
    "year 1990": refused(lambda: written(image(DATE_OBS="1990/05/04"), table()), "not in the years 2000 to 2100"),
    "year 2100": refused(lambda: written(image(DATE_OBS="2100/05/04"), table()), "not in the years 2000 to 2100"),
    "old date of this century": refused(lambda: written(image(DATE_OBS="04/05/23"), table()), "1970 to 1999"),
}  # fmt: skip

AXES = {
    "no table": refused(lambda: written(image()), "CRVAL2 only counts channels"),
    "no table but axes": Variant(
        lambda: written(image(CRVAL2=MHZ[0], CDELT2=-2.0)), mhz=STEPS, notes=(NO_TABLE, NO_TIMES)
    ),
    "axes of the standard": Variant(
        lambda: written(image(CRPIX2=3.0, CRVAL2=(MHZ[0] - 4.0) * 1e6, CDELT2=-2e6, CUNIT2="Hz")),
        mhz=STEPS, notes=(NO_TABLE, NO_TIMES),
    ),
    "axes and a table of times": with_axes(
        lambda: table(column("TIME", OFFSETS_S)), refused="CRVAL2 only counts channels"
    ),
    "no table of times": with_axes(lambda: table(column("FREQUENCY", MHZ)), NO_TIMES),
    "no times at all": refused(
        lambda: written(image(CDELT1=None), table(column("FREQUENCY", MHZ))), "neither a column TIME nor CDELT1"
    ),
    "names in small letters": with_axes(lambda: table(column("time", OFFSETS_S), column("frequency", MHZ))),
    "ascending": Variant(lambda: written(image(DIGITS[::-1]), axes(MHZ[::-1]))),
    "frequencies first": with_axes(lambda: table(column("FREQUENCY", MHZ), column("TIME", OFFSETS_S))),
    "two tables": Variant(
        lambda: written(image(), table(column("TIME", OFFSETS_S)), table(column("FREQUENCY", MHZ)))
    ),
    "a row for each value": Variant(
        lambda: written(
            image(), table(fits.Column("TIME", "D", array=OFFSETS_S)), table(fits.Column("FREQUENCY", "E", array=EVEN))
        ),
        mhz=EVEN,
    ),
    "a row for each value, cut off": Variant(
        lambda: written(
            image(), table(column("TIME", OFFSETS_S)),
            table(fits.Column("N", "I", array=EVEN), fits.Column("FREQUENCY", "E", array=EVEN)),
        )[: -2880 + 6 * 25 + 5],
        mhz=EVEN[:-5], power=from_db(DIGITS[:-5]),
        notes=("last block is cut off, 2725 bytes", "5 of its 30 channels are left out"),
    ),
    "seconds of the day": with_axes(
        lambda: axes(offsets_s=40_953.25 + OFFSETS_S), "its times are read as seconds of the day"
    ),
    "another table first": Variant(
        lambda: written(image(), table(column("GAIN", np.ones(7)), fits.Column("NAME", "9A", array=["x"])), table())
    ),
    "another image after it": Variant(lambda: written(image(), fits.ImageHDU(np.zeros((4, 5, 6))), table())),
    "image in an extension": Variant(
        lambda: written(fits.PrimaryHDU(), image(kind=fits.ImageHDU, XTENSION=None), table())
    ),
    "whole numbers with a scale": with_axes(
        lambda: table(
            column("TIME", np.rint(OFFSETS_S * 1000).astype(np.int16), kind="I"), column("FREQUENCY", MHZ),
            TSCAL1=0.001, TZERO1=0.0,
        )
    ),
    "columns with a display width": with_axes(
        lambda: table(column("TIME", OFFSETS_S, kind="D8.3"), column("FREQUENCY", MHZ, kind="D8.3"))
    ),
    "longer tables": with_axes(lambda: axes(np.append(MHZ, [9.0, 8.0]), 0.25 * np.arange(900))),
    "shorter tables": refused(lambda: written(image(), axes(MHZ[:20])), "does not fit its 20 frequencies"),
    "transposed": refused(lambda: written(image(DIGITS.T.copy()), table()), "does not fit its 12 times"),
    "three dimensions": refused(lambda: written(image(DIGITS[None]), table()), "3 dimensions, not 2"),
    "equal frequencies": with_axes(lambda: axes(TWICE), mhz=TWICE),
    "channels of 0 MHz": with_axes(
        lambda: axes(dead_channels()), "4 of its 30 channels are left out",
        mhz=MHZ[:-4], power=from_db(DIGITS[:-4]),
    ),
    "no frequency but 0": refused(lambda: written(image(), axes(0 * MHZ)), "none of its channels has a frequency"),
    "gap": with_axes(lambda: axes(offsets_s=late()), starts_s=START_S + late()),
    "time that goes back": with_axes(
        lambda: axes(offsets_s=going_back()),
        "its time goes back 1 s after row 6: a new sequence begins there",
        starts_s=START_S + going_back(),
    ),
    "equal times": with_axes(
        lambda: axes(offsets_s=np.repeat(OFFSETS_S[::2], 2)), "6 of its rows have the same time",
        starts_s=START_S + np.repeat(OFFSETS_S[::2], 2),
    ),
    "one time for all rows": refused(lambda: written(image(), axes(offsets_s=0 * OFFSETS_S)), "are the same"),
    "row without a time": with_axes(
        lambda: axes(offsets_s=without_a_time()), "1 of its 12 rows are left out",
        starts_s=START_S + OFFSETS_S[KEPT_ROWS], power=from_db(DIGITS[:, KEPT_ROWS]),
    ),
    "times since 1970": refused(lambda: written(image(), axes(offsets_s=START_S + OFFSETS_S)), "reaches over a year"),
    "times in milliseconds": with_axes(lambda: axes(offsets_s=OFFSETS_S * 1000, time_unit="ms")),
    "times in words": refused(lambda: written(image(), axes(time_unit="ticks")), "'ticks', is not s, ms"),
    "one row": Variant(
        lambda: written(image(DIGITS[:, :1].copy()), axes(offsets_s=OFFSETS_S[:1])),
        START_S + OFFSETS_S[:1], power=from_db(DIGITS[:, :1]),
    ),
    "one channel": Variant(
        lambda: written(image(DIGITS[:1]), axes(MHZ[:1])), mhz=MHZ[:1], power=from_db(DIGITS[:1])
    ),
}  # fmt: skip

UNITS = {
    "Hz without a unit": with_axes(lambda: axes(MHZ * 1e6), "can only be in Hz"),
    "Hz": with_axes(lambda: axes(MHZ * 1e6, unit="Hz")),
    "kHz": with_axes(lambda: axes(MHZ * 1e3, unit="kHz")),
    "GHz": with_axes(lambda: axes(MHZ * 1e-3, unit="GHz")),
    "GHz in the header": Variant(lambda: written(image(CTYPE2="Frequency [GHz]"), axes(MHZ * 1e-3))),
    "a foreign word in the header": Variant(lambda: written(image(CTYPE2="Frequency [channel]"), table())),
    "MHz called Hz": with_axes(lambda: axes(unit="Hz"), "74, can only be in MHz"),
    "unit of no frequency": refused(lambda: written(image(), axes(unit="cm")), "'cm', is not Hz"),
    "frequencies above 100 GHz": refused(lambda: written(image(), axes(MHZ * 1e13)), "not between 1 kHz and 100 GHz"),
    "frequencies below 0": refused(lambda: written(image(), axes(MHZ - 30)), "not all finite and positive"),
    "digits as float": with_image(DIGITS.astype(">f4"), from_db(DIGITS)),
    "digits of 16 bits": with_image(
        (SPREAD * 2).astype(np.uint16), linear(SPREAD * 2), "are not of 8 bits: they are kept linear, arbitrary",
        BZERO=None, BSCALE=None,
    ),
    "digits below 0": with_image(SIGNED, linear(SIGNED), "digits, -25 to 34, are not of 8 bits"),
    "digits with a scale": Variant(scaled, power=from_db(DIGITS * 0.5 + 10)),
    "no values": with_image(GAPPY.astype(">f4"), from_db(GAPPY)),
    "no unit": with_image(DIGITS, from_db(DIGITS), "no unit: they are read as digits of 8 bits", BUNIT=None),
    "no unit of floats": with_image(
        DIGITS.astype(">f4"), linear(DIGITS), "no unit: they are kept linear", BUNIT=None
    ),
    "sfu": with_image(linear(DIGITS).astype(">f4"), linear(DIGITS), "'sfu', are kept linear", BUNIT="sfu"),
    "dB": with_image((DIGITS / 10).astype(">f4"), from_db((DIGITS / 10).astype("f4"), 1.0), BUNIT="dB"),
    "dB above something": with_image(
        (DIGITS / 10).astype(">f4"), from_db((DIGITS / 10).astype("f4"), 1.0), "'dB above quiet' is read as dB",
        BUNIT="dB above quiet",
    ),
    "too many dB": refused(
        lambda: written(image(DIGITS.astype(">f4") * 10, BUNIT="dB"), table()), "dB is too large; correct its BUNIT"
    ),
    "no scale": refused(lambda: written(image(BSCALE=None, BZERO="none"), table()), "BSCALE and BZERO are not valid"),
    "another program": dated(START_S, CREATOR="some other tool", PRODUCT="LEVEL1"),
    "another program without a product": dated(START_S, CREATOR="astropy 6.0"),
    "another program and a step as text": dated(START_S, CREATOR="x", CDELT1="0.25"),
    "number for a name": dated(START_S, INSTRUME=62),
}  # fmt: skip

CONTENTS = {
    "cut off in its header": refused(lambda: whole()[:2000], "truncated"),
    "cut off in its image": refused(lambda: whole()[: 2880 + 200], "truncated"),
    "cut off before its table": refused(lambda: whole()[:-2880], "truncated"),
    "cut off in its last block": Variant(lambda: whole()[:-1000], notes=("last block is cut off, 1000 bytes",)),
    "cut off in its frequencies": Variant(
        lambda: whole()[: -2880 + 8 * (NROWS + NLINES) - 37],
        mhz=MHZ[:-5], power=from_db(DIGITS[:-5]),
        notes=("last block is cut off, 2581 bytes", "5 of its 30 channels are left out"),
    ),
    "bytes after its end": Variant(lambda: whole() + b"x" * 123, notes=("123 bytes after its end are ignored",)),
    "gzip": Variant(lambda: gzip.compress(whole())),
    "gzip in two parts": Variant(lambda: gzip.compress(whole()[:3000]) + gzip.compress(whole()[3000:])),
    "gzip, bytes after its end": Variant(
        lambda: gzip.compress(whole() + b"x" * 123), notes=("123 bytes after its end are ignored",)
    ),
    "gzip cut off": refused(lambda: gzip.compress(whole())[:-700], "truncated"),
    "gzip with a wrong sum": refused(lambda: gzip.compress(whole())[:-8] + bytes(8), "corrupt"),
    "bzip2": Variant(lambda: bz2.compress(whole())),
    "bzip2 in two parts": Variant(lambda: bz2.compress(whole()[:3000]) + bz2.compress(whole()[3000:])),
    "bzip2 cut off": refused(lambda: bz2.compress(whole())[:-300], "truncated"),
    "bzip2 spoilt": refused(lambda: bz2.compress(whole())[:200] + bytes(400), "corrupt"),
    "zip": refused(zipped, "unpack it first"),
    "web page": refused(lambda: b"<!DOCTYPE html><html>404 Not Found</html>", "a web page"),
    "empty": refused(lambda: b"", "is empty"),
    "no image": refused(lambda: written(fits.PrimaryHDU(), table()), "no image"),
    "many units before it": refused(
        lambda: written(fits.PrimaryHDU(), *[fits.ImageHDU() for _ in range(40)], image(kind=fits.ImageHDU), table()),
        "no image",
    ),
}  # fmt: skip

VARIANTS: dict[str, Variant] = TIMES | AXES | UNITS | CONTENTS


def create(name: str, place: Path) -> Path:
    """Write a variant's file."""
    path = place / "a.fit"
    path.write_bytes(VARIANTS[name].content())
    return path
