"""Series of rows in which bursts were searched, as values."""

from typing import NamedTuple

from sunspec_tui.core.bursts import Burst


class Covered(NamedTuple):
    """Time and band of the rows of a file or an archive.

    Attributes
    ----------
    name
        Name of the file without its extension, or of the archive.
    begin_s, end_s
        Begin and end of its rows, seconds since 1970 UTC.
    low_mhz, high_mhz
        Its lowest and highest frequency.
    """

    name: str
    begin_s: float
    end_s: float
    low_mhz: float
    high_mhz: float

    def touches(self, begin_s: float, end_s: float, low_mhz: float, high_mhz: float) -> bool:
        """Return True if it shares a time and a band."""
        in_time = self.begin_s < end_s and self.end_s > begin_s
        return in_time and self.low_mhz < high_mhz and self.high_mhz > low_mhz


class FoundSeries(NamedTuple):
    """Bursts of one series of rows.

    Attributes
    ----------
    name
        Name of its first file, or of the archive.
    covered
        Its files, or the intervals of an archive that have rows, in the order of time.
    bursts
        The bursts, in the order of their begins.
    """

    name: str
    covered: tuple[Covered, ...]
    bursts: tuple[Burst, ...]
