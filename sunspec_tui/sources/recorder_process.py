"""Child process that reads a recorder's HDF5 file, so that a crash of the HDF5 library ends only it.

It gets an open file and writes a JSON description, then times and frequencies. It then reads the numbers of the
requested rows and writes those rows. It reads only plain arrays inside the file: no links to other files, and no data
that need a plugin. Its time and memory are limited.
"""

import contextlib
import json
import math
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.printable import printable, unquoted
from sunspec_tui.products import Product, plain_name
from sunspec_tui.recording import MAX_NAME
from sunspec_tui.sources.arrays import plausible_cadence_s
from sunspec_tui.sources.limits import (
    BLOCK_BYTES,
    MAX_BINS,
    MAX_ROWS,
    Asked,
    Unreadable,
    blocks,
    check_ratio,
    reason,
)

_MAX_CHUNK_BYTES = 64_000_000
_MAX_ATTRIBUTE_BYTES = 64_000
_MAX_EXTRA_MEMORY = 700_000_000
_OPENING_S, _BYTES_PER_S, _MAX_COUNTED_BYTES = 3, 20_000_000, 2_000_000_000
_FILTERS = (1, 2, 3, 4, 5, 6, 32000)
"""gzip, shuffle, fletcher32, szip, nbit, scale-offset and lzf: the filters that need no plugin."""
_NUMBERS = "fiu"
_FIELDS, _MAX_TIME_BYTES = ("int", "frac"), 1000
_MARGIN_S = 1.0


def main(words: list[str]) -> int:
    """Serve one file; `words` are its descriptor and the requested start and end."""
    import h5py

    descriptor, asked = int(words[0]), Asked(*(float(word) if word else None for word in words[1:3]))
    out, nbytes = sys.stdout.buffer, Path(f"/dev/fd/{descriptor}").stat().st_size
    _limit_memory()
    _limit_time(nbytes)
    try:
        found = _file_contents(h5py, descriptor, asked, nbytes)
    except Unreadable as error:
        _say(out, {"refused": str(error)})
        return 1
    _say(out, {"rows": len(found.times_s), "bins": found.nbins, "products": found.products, "said": found.said})
    out.write(found.times_s.tobytes())
    out.write(found.frequencies_hz.tobytes())
    out.flush()
    rows = np.frombuffer(sys.stdin.buffer.read(), "<i8").astype(np.intp)
    _limit_time(len(rows) * found.row_bytes)
    found.write(rows, out)
    out.flush()
    return 0


def _file_contents(h5py: Any, descriptor: int, asked: Asked, nbytes: int) -> "_FileContents":
    try:
        return _FileContents(h5py, h5py.File(f"/dev/fd/{descriptor}", "r"), asked, nbytes)
    except Unreadable:
        raise
    except Exception as error:
        # Any error that the library finds in the file.
        raise Unreadable(reason(error)) from error


class _FileContents:
    """Contents of a file: its axes, and the datasets of its power."""

    def __init__(self, h5py: Any, file: Any, asked: Asked, nbytes: int) -> None:
        self._h5py = h5py
        observation = self._child(file, "Observation1", h5py.Group)
        tuning = self._child(observation, "Tuning1", h5py.Group)
        names = [(product, plain_name(product)) for product in Product]
        self._values = [self._numbers(tuning, name, 2) for _, name in names if _link(tuning, name)]
        self.products = [str(product) for product, name in names if _link(tuning, name)]
        if not self._values:
            raise Unreadable("its Tuning1 has none of XX, YY, XY_real, XY_imag")
        self.said = _said(file, observation)
        self.frequencies_hz = self._frequencies_hz(tuning)
        self.nbins = len(self.frequencies_hz)
        time = self._child(observation, "time", h5py.Dataset)
        self._check_shapes(time)
        self._rows, self.times_s = _times_s(time, plausible_cadence_s(self.said["cadence_s"]), asked, nbytes)
        self.row_bytes = sum(self.nbins * each.dtype.itemsize for each in self._values)

    def write(self, rows: NDArray[np.intp], out: BinaryIO) -> None:
        """Write rows as float32, shape (n, nbins, nproducts)."""
        wanted = self._rows[rows]
        for begin, end, part in blocks(wanted, 2 * self.row_bytes):
            block = np.empty((part.stop - part.start, self.nbins, len(self._values)), np.float32)
            with np.errstate(over="ignore", invalid="ignore"):
                for i, values in enumerate(self._values):
                    block[..., i] = values[begin:end][wanted[part] - begin]
            out.write(block.tobytes())

    def _child(self, group: Any, name: str, kind: Any) -> Any:
        """Return a member of a group that is stored in the file itself, not a link."""
        link = _link(group, name)
        if link is None:
            raise Unreadable(f"it has no {name} in {printable(group.name, 40)}")
        if not isinstance(link, self._h5py.HardLink):
            raise Unreadable(f"its {name} is a link, and links are not followed; copy the data into the file")
        found = group[name]
        if not isinstance(found, kind):
            raise Unreadable(f"its {name} is of an unexpected kind")
        if isinstance(found, self._h5py.Dataset):
            _check_storage(self._h5py, found, name)
        return found

    def _numbers(self, group: Any, name: str, ndim: int) -> Any:
        values = self._child(group, name, self._h5py.Dataset)
        if values.dtype.kind not in _NUMBERS or values.dtype.itemsize > 8 or values.ndim != ndim:
            raise Unreadable(f"its {name} is not an array of numbers with {ndim} dimensions")
        return values

    def _frequencies_hz(self, tuning: Any) -> NDArray[np.float64]:
        freq = self._numbers(tuning, "freq", 1)
        if len(freq) > MAX_BINS:
            raise Unreadable(f"it has {len(freq)} frequencies, more than {MAX_BINS}")
        return np.asarray(freq[()], np.float64)

    def _check_shapes(self, time: Any) -> None:
        fields = [time.dtype[name] for name in _FIELDS if name in (time.dtype.names or ())]
        numbers = [each for each in fields if each.kind in _NUMBERS]
        if time.ndim != 1 or len(numbers) != len(_FIELDS) or time.dtype.itemsize > _MAX_TIME_BYTES:
            raise Unreadable("its time is not a list of whole seconds and fractions (int, frac)")
        for values, product in zip(self._values, self.products, strict=True):
            if values.shape != (len(time), self.nbins):
                raise Unreadable(
                    f"its {product} of {values.shape} does not fit {len(time)} times and {self.nbins} freq"
                )


def _link(group: Any, name: str) -> Any:
    """Return a group's link of that name without opening it, or None."""
    return group.get(name, getlink=True) if group.id.links.exists(name.encode()) else None


def _check_storage(h5py: Any, dataset: Any, name: str) -> None:
    """Refuse data in other files, and data that need a plugin."""
    made = dataset.id.get_create_plist()
    if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
        raise Unreadable(f"its {name} is stored in other files, which are not opened; copy the data into the file")
    filters = {made.get_filter(i)[0] for i in range(made.get_nfilters())}
    if not filters <= set(_FILTERS):
        raise Unreadable(f"its {name} uses filter {max(filters)}, which is not supported; repack it with gzip")
    if made.get_layout() == h5py.h5d.CHUNKED and math.prod(made.get_chunk()) * _itemsize(dataset) > _MAX_CHUNK_BYTES:
        raise Unreadable(f"its {name} has chunks of more than {_MAX_CHUNK_BYTES // 10**6} MB; use smaller ones")


def _itemsize(dataset: Any) -> int:
    return int(dataset.id.get_type().get_size())


def _said(file: Any, observation: Any) -> dict[str, Any]:
    software = _text(file, "FileGenerator")
    return {
        "cadence_s": _cadence_s(observation),
        "station": unquoted(_text(file, "sunspec_station") or _text(file, "StationName") or ""),
        **({"source": unquoted(source)} if (source := _text(file, "sunspec_source")) is not None else {}),
        "software": unquoted(software or ""),
    }


def _cadence_s(observation: Any) -> float | str | None:
    value = _attribute(observation, "tInt")
    if isinstance(value, str):
        return value[:_MAX_ATTRIBUTE_BYTES]
    try:
        cadence_s = float(value)
    except (TypeError, ValueError):
        return None
    return cadence_s if math.isfinite(cadence_s) else None


def _text(thing: Any, name: str) -> str | None:
    value = _attribute(thing, name)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return None if value is None else str(value)[: 12 * MAX_NAME]


def _attribute(thing: Any, name: str) -> Any:
    """Return an attribute if it is a single small value, else None."""
    if name not in thing.attrs:
        return None
    found = thing.attrs.get_id(name)
    if found.get_storage_size() > _MAX_ATTRIBUTE_BYTES or math.prod(found.shape) != 1:
        return None
    value = thing.attrs[name]
    if isinstance(value, np.ndarray):
        value = value.ravel()[0]
    return value if isinstance(value, str | bytes | int | float | np.number) else None


def _times_s(time: Any, cadence_s: float, asked: Asked, nbytes: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the numbers and end times of rows that have a time and may be requested."""
    length_s = cadence_s if cadence_s > 0 else 0.0
    wide = Asked(
        *(None if each is None else each + sign * _MARGIN_S for each, sign in zip(asked, (-1, 1), strict=True))
    )
    rows, times_s, dated = list[NDArray[np.intp]](), list[NDArray[np.float64]](), 0
    for begin, end in _written(time, nbytes):
        starts = time[begin:end]
        # A row that was never written has no time, so it becomes NaN.
        ends_s = np.where(starts["int"] > 0, starts["int"] + starts["frac"] + length_s, np.nan)
        dated += int(np.isfinite(ends_s).sum())
        kept = np.flatnonzero(np.isfinite(ends_s) & wide.picks(ends_s))
        # If no row is requested, keep one, so that the file does not seem empty.
        kept = kept if len(kept) or rows else np.flatnonzero(np.isfinite(ends_s))[:1]
        rows.append(kept + begin)
        times_s.append(np.asarray(ends_s[kept], np.float64))
        if sum(map(len, rows)) > MAX_ROWS:
            raise Unreadable(f"it has more than {MAX_ROWS} rows; choose --start and --end")
    if not dated:
        raise Unreadable(f"none of its {len(time)} rows has a time; no data were written to it")
    return np.concatenate(rows), np.concatenate(times_s)


def _written(time: Any, nbytes: int) -> list[tuple[int, int]]:
    """Return the ranges of rows that are stored in the file, however many it declares."""
    if time.chunks is None:
        spans = [(0, len(time))] if time.id.get_storage_size() else []
    else:
        begins, step = set[int](), int(time.chunks[0])
        time.id.chunk_iter(lambda chunk: begins.add(int(chunk.chunk_offset[0])) if chunk.size else None)
        spans = [(begin, min(begin + step, len(time))) for begin in sorted(begins) if begin < len(time)]
    size = _itemsize(time)
    check_ratio(sum(end - begin for begin, end in spans) * size, nbytes)
    step = max(1, BLOCK_BYTES // size)
    return [(at, min(at + step, end)) for begin, end in spans for at in range(begin, end, step)]


def _say(out: BinaryIO, said: dict[str, Any]) -> None:
    text = json.dumps(said).encode()
    out.write(len(text).to_bytes(8, "little") + text)
    out.flush()


def _limit_time(nbytes: int) -> None:
    """Limit further CPU time by the number of bytes, so that an endless read ends."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = used.ru_utime + used.ru_stime + _OPENING_S + min(nbytes, _MAX_COUNTED_BYTES) / _BYTES_PER_S
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(most) if hard == resource.RLIM_INFINITY else min(math.ceil(most), hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _limit_memory() -> None:
    """Limit the memory to what a block and the axes need, if the system says how much is used."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = pages * resource.getpagesize() + _MAX_EXTRA_MEMORY
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
