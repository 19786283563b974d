"""Child process that reads a recorder's HDF5 file, to survive library crashes.

It gets an open file and writes a JSON description, then times and frequencies, to standard output. It then reads the
numbers of the requested rows from standard input and writes those rows. It reads only plain arrays inside the file: no
links to other files, and no data that need a plugin. Its time and memory are limited.
"""

import contextlib
import fcntl
import json
import math
import resource
import sys
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.notes import NOTE_KEYS
from sunspec_tui.core.printable import printable, unquote_line
from sunspec_tui.core.products import Product
from sunspec_tui.files.read_limits import MAX_BINS, RowSelection, Unreadable, block_ranges, error_reason
from sunspec_tui.files.recorder_access import attribute, child, link, numbered, numbers, text
from sunspec_tui.files.recorder_growing import SHARED, WRITING, GrowingFile, open_flags
from sunspec_tui.files.recorder_scale import LENGTHS, UNITS_ATTRIBUTE, factor, file_names, is_export
from sunspec_tui.files.recorder_times import RowTimes, check_times, row_times
from sunspec_tui.files.validation import HZ_OF_UNIT, MIN_HZ

_MAX_EXTRA_MEMORY = 700_000_000
_ATTEMPTS = 3
_OPENING_S, _BYTES_PER_S, _MAX_COUNTED_BYTES = 3, 20_000_000, 2_000_000_000


def main(words: list[str]) -> int:
    """Serve one file.

    `words` are its descriptor and the fields of `RowSelection` as JSON.
    """
    import h5py

    descriptor, selection = int(words[0]), RowSelection(*json.loads(words[1]))
    out, nbytes = sys.stdout.buffer, Path(f"/dev/fd/{descriptor}").stat().st_size
    _limit_memory()
    _limit_time(nbytes)
    try:
        found = _file_contents(h5py, descriptor, selection, nbytes)
    except Unreadable as error:
        _send_json(out, {"refused": str(error)})
        return 1
    times = found.times
    described = {"rows": len(times.rows), "bins": found.nbins, "products": found.products}
    _send_json(out, described | {"metadata": found.metadata, "notes": found.notes})
    out.write(times.ends_s.tobytes())
    out.write(found.frequencies_hz.tobytes())
    out.flush()
    rows = np.frombuffer(sys.stdin.buffer.read(), "<i8").astype(np.intp)
    _limit_time(len(rows) * found.row_bytes)
    found.write(rows, out)
    out.flush()
    return 0


def _file_contents(h5py: Any, descriptor: int, selection: RowSelection, nbytes: int) -> "_FileContents":
    for left in reversed(range(_ATTEMPTS)):
        try:
            file, note = _opened(h5py, descriptor)
            return _FileContents(h5py, file, selection, nbytes, [note] if note else [])
        except Unreadable:
            raise
        except Exception as error:
            # The library may raise any error; a file that is being written may be inconsistent for a moment.
            if left and open_flags(descriptor) & SHARED:
                continue
            if "truncated file" in str(error):
                raise Unreadable("it is truncated: its end is missing; copy it again") from error
            raise Unreadable(error_reason(error)) from error
    raise AssertionError("the last attempt returns or raises")


def _opened(h5py: Any, descriptor: int) -> tuple[Any, str]:
    """Open a file, and return a note about its state.

    A recorder may be writing the file.
    """
    marked = open_flags(descriptor)
    if marked & SHARED:
        note = "it is being written: the rows so far are read; if its recorder was killed, run h5clear -s FILE"
        try:
            return h5py.File(GrowingFile(descriptor), "r"), note
        except OSError as error:
            raise Unreadable("it was not closed; if its recorder was killed, run h5clear -s FILE") from error
    if _is_locked(descriptor):
        raise Unreadable("another program is writing it, without SWMR; wait until it is closed")
    if marked & WRITING:
        raise Unreadable("its recorder was killed before it closed the file; run h5clear -s FILE")
    return h5py.File(f"/dev/fd/{descriptor}", "r"), ""


def _is_locked(descriptor: int) -> bool:
    """Return True if another program has locked the file for writing."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        # Some network disks have no locks.
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


class _FileContents:
    """Contents of a file: its axes, and the datasets of its power."""

    def __init__(self, h5py: Any, file: Any, selection: RowSelection, nbytes: int, notes: list[str]) -> None:
        self._h5py = h5py
        observation, first = numbered(h5py, file, "Observation", selection.observation)
        tuning, second = numbered(h5py, observation, "Tuning", selection.tuning)
        self.notes = [*notes, *filter(None, (first, second))]
        self._values = dict(self._products(tuning))
        self.frequencies_hz = self._frequencies_hz(tuning)
        self.nbins = len(self.frequencies_hz)
        time = child(h5py, observation, "time", h5py.Dataset)
        check_times(time)
        nrows, ours = self._common_rows(time), is_export(file)
        lengths = numbers(h5py, observation, LENGTHS, 1) if ours and link(observation, LENGTHS) else None
        self.times = row_times(
            time, nrows, attribute(observation, "tInt"), selection, nbytes, ours=ours, lengths=lengths
        )
        self.notes += self.times.notes
        # Read the power after the times: the library remembers the positions of the rows that exist now.
        self._values = self._stored(self._values)
        if notes:
            self.times = self._flushed()
        self.products = [str(product) for product in self._values]
        self._factors = [factor(file, product) for product in self._values]
        self.metadata = _metadata(file, self.times.cadence_s)
        self.row_bytes = sum(self.nbins * each.dtype.itemsize for each in self._values.values())

    def write(self, rows: NDArray[np.intp], out: BinaryIO) -> None:
        """Write rows as float32, shape (n, nbins, nproducts)."""
        wanted = self.times.rows[rows]
        for begin, end, part in block_ranges(wanted, 2 * self.row_bytes):
            block = np.empty((part.stop - part.start, self.nbins, len(self._values)), np.float32)
            with np.errstate(over="ignore", invalid="ignore"):
                for i, values in enumerate(self._values.values()):
                    block[..., i] = values[begin:end][wanted[part] - begin]
                    block[..., i] *= np.float32(self._factors[i])
            out.write(block.tobytes())

    def _products(self, tuning: Any) -> Iterator[tuple[Product, Any]]:
        for product in Product:
            name = next((name for name in file_names(product) if link(tuning, name)), None)
            if name is not None:
                yield product, numbers(self._h5py, tuning, name, 2)

    def _stored(self, named: dict[Product, Any]) -> dict[Product, Any]:
        """Return the products that have data in the file.

        A dataset that was only allocated has no data.
        """
        stored = {product: values for product, values in named.items() if values.id.get_storage_size()}
        if not named:
            raise Unreadable("its Tuning has none of XX, YY, XY_real, XY_imag, I, Q, U and V")
        if not stored:
            raise Unreadable("nothing was written to its products yet; wait until its recorder has written rows")
        if missing := [str(product) for product in named if product not in stored]:
            self.notes.append(f"nothing was written to its {', '.join(missing)}, which is left out")
        return stored

    def _flushed(self) -> RowTimes:
        """Return the rows whose power is written.

        A recorder that is still writing may write the times of rows before their power.
        """
        rows = self.times.rows
        count = bisect_left(range(len(rows)), True, key=lambda i: not self._has_power(int(rows[i])))
        if not count:
            raise Unreadable("nothing was written to its products yet; wait until its recorder has written rows")
        return self.times._replace(rows=rows[:count], ends_s=self.times.ends_s[:count])

    def _has_power(self, row: int) -> bool:
        return all(bool(np.any(values[row])) for values in self._values.values())

    def _frequencies_hz(self, tuning: Any) -> NDArray[np.float64]:
        freq = numbers(self._h5py, tuning, "freq", 1)
        if len(freq) > MAX_BINS:
            raise Unreadable(f"it has {len(freq)} frequencies, more than {MAX_BINS}")
        unit = next((given for name in ("Units", "units") if (given := text(freq, name))), "Hz")
        unit_hz = HZ_OF_UNIT.get(unit.strip().lower())
        if unit_hz is None:
            raise Unreadable(f"its frequencies are in {printable(unit, 20)}; only Hz, kHz, MHz and GHz are read")
        values = np.asarray(freq[()], np.float64) * unit_hz
        if values.size and unit_hz == 1.0 and values.min() > 0 and values.max() < MIN_HZ:
            self.notes.append(f"its frequencies, up to {values.max():.6g}, can only be MHz and are read as such")
            values *= 1e6
        return values

    def _common_rows(self, time: Any) -> int:
        """Return the number of rows that all datasets have."""
        for product, values in self._values.items():
            if values.shape[1] != self.nbins:
                raise Unreadable(f"its {product} of {values.shape} does not fit {self.nbins} freq")
        lengths = {"time": len(time)} | {str(product): len(values) for product, values in self._values.items()}
        nrows = min(lengths.values())
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} {length}" for name, length in lengths.items())
            self.notes.append(f"its datasets differ in rows ({counts}): the first {nrows} are read")
        return nrows


def _metadata(file: Any, cadence_s: float | None) -> dict[str, Any]:
    source = text(file, "sunspec_source")
    return {
        "cadence_s": cadence_s,
        "station": unquote_line(text(file, "sunspec_station") or text(file, "StationName") or ""),
        **({} if source is None else {"source": unquote_line(source)}),
        "software": unquote_line(text(file, "FileGenerator") or ""),
        "units": text(file, UNITS_ATTRIBUTE),
        **_notes(file),
    }


def _notes(file: Any) -> dict[str, str]:
    """Return the notes in the attributes of an export."""
    found = dict[str, str]()
    for key in NOTE_KEYS:
        note = text(file, f"sunspec_{key}")
        if note is None:
            break
        found[key] = unquote_line(note)
    return found


def _send_json(out: BinaryIO, values: dict[str, Any]) -> None:
    text = json.dumps(values).encode()
    out.write(len(text).to_bytes(8, "little") + text)
    out.flush()


def _limit_time(nbytes: int) -> None:
    """Limit further CPU time.

    The limit depends on the number of bytes to read. It ends the process if a read never returns.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = used.ru_utime + used.ru_stime + _OPENING_S + min(nbytes, _MAX_COUNTED_BYTES) / _BYTES_PER_S
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(most) if hard == resource.RLIM_INFINITY else min(math.ceil(most), hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _limit_memory() -> None:
    """Limit further memory to that of a block and the axes.

    There is no limit if the system does not report the memory in use.
    """
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = pages * resource.getpagesize() + _MAX_EXTRA_MEMORY
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
