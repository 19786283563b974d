"""Replay the recorded flare of this package.

The file is one of the e-CALLISTO network (see ``events/README.md``). This module reads only that file. It
does not use astropy, because the import would take most of the time to the first screen of the demo.
"""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.times import parse_block_time
from sunspec_tui.files.callisto_digits import DB_PER_DIGIT, MAX_DIGIT
from sunspec_tui.producer.replay import Replay

FLARE_FILE = Path(__file__).parent / "events" / "GREENLAND_20170906_115501_63.fit.gz"
"""The X9.3 flare of 2017-09-06, 11:55 to 12:10 UTC."""

REPLAY_BEGIN_S = 1_504_699_010.0
"""2017-09-06 11:56:50 UTC: the first type III bursts follow within half a minute."""

_CARD, _BLOCK = 80, 2880


def read_flare(path: Path = FLARE_FILE) -> Recording:
    """Read the whole recording.

    Raises
    ------
    SourceError
        If the file of the package is missing or damaged.
    """
    try:
        return _recording(path, gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, zlib.error, ValueError, KeyError) as error:
        raise SourceError(f"the recorded flare, {path}, cannot be read ({error}); install the package again") from error


def open_flare(
    chan0: int,
    start_s: Callable[[], float] | None = None,
    *,
    between_s: tuple[float | None, float | None] = (None, None),
    frames_as_recorded: bool = True,
) -> Replay:
    """Open a replay of the flare.

    By default it begins shortly before the bursts. `between_s` limits the times of the rows. See also `Replay`.
    """
    first_s, last_s = between_s
    rows = read_flare().between(REPLAY_BEGIN_S if first_s is None else first_s, last_s)
    if not len(rows):
        raise SourceError(
            "the recorded flare has no rows in that time; choose --start and --end from 2017-09-06T11:55 to T12:10"
        )
    return Replay(rows, chan0, start_s, name="the recorded flare", frames_as_recorded=frames_as_recorded)


def _recording(path: Path, raw: bytes) -> Recording:
    """Convert the bytes of the FITS file.

    The file has an image, then a table of one row.
    """
    header, begin = _header(raw, 0)
    nlines, nrows = int(header["NAXIS2"]), int(header["NAXIS1"])
    digits = np.frombuffer(raw, np.uint8, nlines * nrows, begin).reshape(nlines, nrows)
    _, table = _header(raw, begin + -(-digits.size // _BLOCK) * _BLOCK)
    offsets_s = np.frombuffer(raw, ">f8", nrows, table)
    mhz = np.frombuffer(raw, ">f8", nlines, table + offsets_s.nbytes)
    start_s = parse_block_time(f"{header['DATE-OBS'].replace('/', '-')} {header['TIME-OBS']}")
    cadence_s = float(header["CDELT1"])
    power = (10 ** (np.arange(MAX_DIGIT + 1) * DB_PER_DIGIT / 10)).astype(np.float32)
    return Recording(
        # The file has the highest frequency first, and the beginnings of rows as times.
        power[np.ascontiguousarray(digits[::-1].T)][..., None],
        (Product.I,),
        start_s + offsets_s + cadence_s,
        mhz[::-1] * 1e6,
        cadence_s,
        station=header["INSTRUME"],
        source=path.name,
    )


def _header(raw: bytes, begin: int) -> tuple[dict[str, str], int]:
    """Return the values of a FITS header, and the place after it."""
    values = dict[str, str]()
    for place in range(begin, len(raw), _CARD):
        card = raw[place : place + _CARD].decode("ascii")
        if card.rstrip() == "END":
            return values, begin + -(-(place + _CARD - begin) // _BLOCK) * _BLOCK
        values[card[:8].rstrip()] = card[9:].split("/ ")[0].strip().strip("'").rstrip()
    raise ValueError("its header has no end")
