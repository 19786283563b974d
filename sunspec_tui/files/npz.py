"""Read and write NPZ files of spectra.

Files of the older system are read too. The header of an array is checked before its data are read. Python objects,
which numpy would unpickle, are never loaded.
"""

import json
import zipfile
import zlib
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, bin_frequencies_hz
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording, recording_metadata
from sunspec_tui.core.usual_frames import MAX_CHAN0
from sunspec_tui.files.read_limits import (
    BLOCK_BYTES,
    MAX_BINS,
    MAX_ROWS,
    RowSelection,
    Unreadable,
    block_ranges,
    check_ratio,
    check_size,
    file_size,
    read_exactly,
    skip_bytes,
)
from sunspec_tui.files.reader_notes import report_notes
from sunspec_tui.files.validation import Declared, validated_recording

_MJD_OF_1970 = 40_587
_DAY_S = 86_400.0
_MIN_HZ = 1e5
_CHANNEL_TOLERANCE = 0.02
_MAX_HEADER_BYTES = 4000
_MAX_DIRECTORY_BYTES = 1_000_000
_MAX_ABOUT_BYTES = 1_000_000
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_OFFICE_MEMBERS = frozenset({"[Content_Types].xml", "META-INF/manifest.xml"})
_NUMBERS, _TEXT = "fiu", "U"


class _BoundedFile:
    """File wrapper that limits one read to `most` bytes.

    The directory of a ZIP file may declare any size.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.most = _MAX_DIRECTORY_BYTES
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(self.most + 1 if size < 0 else min(size, self.most + 1))
        if len(part) > self.most:
            raise Unreadable("its list of members is too long")
        return part


class _Array(NamedTuple):
    """A declared array and the stream of its data."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool
    stream: Any

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


class _Members:
    """The arrays of an NPZ file."""

    def __init__(self, file: BinaryIO) -> None:
        self.nbytes = file_size(file)
        bounded = _BoundedFile(file)
        self._zip = zipfile.ZipFile(bounded)
        bounded.most = 2 * BLOCK_BYTES

    @property
    def has_arrays(self) -> bool:
        """True if a member has the name of an array."""
        return any(name.endswith(".npy") for name in self._zip.NameToInfo)

    @property
    def is_spreadsheet(self) -> bool:
        """True if it has a member that only office documents have."""
        return not _OFFICE_MEMBERS.isdisjoint(self._zip.NameToInfo)

    def __contains__(self, name: str) -> bool:
        return f"{name}.npy" in self._zip.NameToInfo

    def declared(self, name: str, kinds: str) -> _Array:
        """Read the header of an array."""
        info = self._zip.NameToInfo.get(f"{name}.npy")
        if info is None:
            raise Unreadable(f"it has no array {name!r}")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _PACKINGS:
            raise Unreadable(f"its array {name!r} has an unsupported compression")
        stream = self._zip.open(info)
        array = _header(name, stream)
        if array.dtype.kind not in kinds or (array.dtype.itemsize > 8 and kinds == _NUMBERS):
            raise Unreadable(f"its array {name!r} is of an unexpected type")
        return array

    def small(self, name: str, kinds: str, most_bytes: int) -> NDArray[Any]:
        """Read a small array, such as an axis or a text."""
        array = self.declared(name, kinds)
        if array.nbytes > most_bytes:
            raise Unreadable(f"its array {name!r} is too large")
        return self.whole(array)

    def whole(self, array: _Array) -> NDArray[Any]:
        """Read a whole array."""
        check_ratio(array.nbytes, self.nbytes)
        values = np.frombuffer(read_exactly(array.stream, array.nbytes), array.dtype)
        return values.reshape(array.shape, order="F" if array.by_columns else "C")


def _header(name: str, stream: Any) -> _Array:
    """Read the header of an array after checking its length."""
    version = npy.read_magic(stream)
    size_bytes = read_exactly(stream, 2 if version[0] == 1 else 4)
    size = int.from_bytes(size_bytes, "little")
    if size > _MAX_HEADER_BYTES:
        raise Unreadable(f"the header of its array {name!r} is too long")
    read = npy.read_array_header_1_0 if version[0] == 1 else npy.read_array_header_2_0
    shape, by_columns, dtype = read(BytesIO(size_bytes + read_exactly(stream, size)))
    if dtype.hasobject:
        raise Unreadable(f"its array {name!r} holds Python objects (a pickle), which are never loaded")
    if any(length < 0 for length in shape):
        raise Unreadable(f"its array {name!r} has a negative length")
    return _Array(shape, dtype, by_columns, stream)


def read_npz(file: BinaryIO, path: Path, selection: RowSelection) -> Recording:
    """Read a recording from an open NPZ file.

    Raises
    ------
    Unreadable
        If the file has another content, or is above a limit.
    """
    try:
        members = _Members(file)
        if members.is_spreadsheet:
            raise Unreadable("it is a spreadsheet; save its table as CSV in UTF-8")
        if not members.has_arrays:
            raise Unreadable("it is a ZIP archive without arrays; unpack it first and choose a file of it")
        if "mjd" not in members:
            return validated_recording(path, _own_layout(members), selection, members.nbytes)
        declared, assumed = _older_layout(members, selection.chan0)
        found = validated_recording(path, declared, selection, members.nbytes)
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Unreadable("it is truncated or corrupt") from error
    if assumed is not None:
        note = f"chan0 {assumed} assumed, as the older system did; give the true first channel with --chan0"
        report_notes(path, [note], selection)
    return found


def _own_layout(members: _Members) -> Declared:
    metadata = json.loads(str(members.small("about", _TEXT, _MAX_ABOUT_BYTES)))
    if not isinstance(metadata, dict):
        raise Unreadable("its 'about' is not a JSON object")
    names = members.small("products", _TEXT, 1000).ravel().tolist()
    times_s = members.small("times", _NUMBERS, 8 * MAX_ROWS).ravel()
    frequencies_hz = members.small("frequencies", _NUMBERS, 8 * MAX_BINS).ravel()
    return _declared(members, _products(names), times_s, frequencies_hz, metadata)


def _products(names: list[str]) -> tuple[Product, ...]:
    if len(set(names)) != len(names) or not set(names) <= set(Product):
        raise Unreadable(f"it has products other than {', '.join(Product)}")
    return tuple(map(Product, names))


def _older_layout(members: _Members, chan0: int | None) -> tuple[Declared, int | None]:
    """Read the layout of the older system.

    It has ``data`` (nt, nbins, 2) of I and V, ``mjd`` (nt, 1), and ``freq`` in MHz or Hz. The second value is the first
    channel that the file's axis assumes; None if `chan0` is given or the axis is another one.
    """
    freq = members.small("freq", _NUMBERS, 8 * MAX_BINS).astype(np.float64).ravel()
    frequencies_hz = freq if freq.size and freq.max() > _MIN_HZ else freq * 1e6
    mjd = members.small("mjd", _NUMBERS, 8 * MAX_ROWS).astype(np.float64).ravel()
    times_s = (mjd - _MJD_OF_1970) * _DAY_S
    assumed: int | None = None
    if (channels := _assumed_channels(frequencies_hz)) is not None:
        first, average = channels
        assumed = first if chan0 is None else None
        # The bins are means of neighbouring channels, although the axis has other points.
        frequencies_hz = bin_frequencies_hz(first if chan0 is None else chan0, average * len(freq), average)
    return _declared(members, (Product.I, Product.V), times_s, frequencies_hz, {}), assumed


def _assumed_channels(axis_hz: NDArray[np.float64]) -> tuple[int, int] | None:
    """Return first channel and channels per bin of an older axis.

    The result is None for another axis. The first point of the older axis is the first channel of the first bin, and
    its last point is the last channel of the last bin, so its points are not the centres of the bins.
    """
    if len(axis_hz) < 2 or not np.isfinite(axis_hz).all():
        return None
    places = axis_hz / CHANNEL_WIDTH_HZ
    first, last = round(float(places[0])), round(float(places[-1]))
    average, left = divmod(last - first + 1, len(axis_hz))
    if first < 0 or last > MAX_CHAN0 or average < 2 or left:
        return None
    even = np.linspace(first, last, len(axis_hz))
    return (first, average) if np.abs(places - even).max() <= _CHANNEL_TOLERANCE else None


def _declared(
    members: _Members,
    products: tuple[Product, ...],
    times_s: NDArray[Any],
    frequencies_hz: NDArray[Any],
    metadata: dict[str, Any],
) -> Declared:
    array = members.declared("data", _NUMBERS)
    if "mjd" in members and len(array.shape) == 3:
        products = products[: array.shape[2]]

    def load(rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        _load(members, array, rows, out)

    return Declared(array.shape, products, times_s, frequencies_hz, metadata, load)


def _load(members: _Members, array: _Array, rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
    """Load rows of an array, which is read in order."""
    # To reach the last row, all rows before it are decompressed.
    check_ratio(array.nbytes, members.nbytes)
    if array.by_columns:
        check_size(array.nbytes, members.nbytes)
        out[:] = members.whole(array)[rows]
        return
    row_bytes, place = prod(array.shape[1:]) * array.dtype.itemsize, 0
    for begin, end, part in block_ranges(rows, row_bytes):
        skip_bytes(array.stream, (begin - place) * row_bytes)
        block = np.frombuffer(read_exactly(array.stream, (end - begin) * row_bytes), array.dtype)
        out[part] = block.reshape(end - begin, *array.shape[1:])[rows[part] - begin]
        place = end


def write_npz(recording: Recording, path: Path, _: str) -> None:
    """Write all products of a recording."""
    with path.open("wb") as file:
        np.savez(
            file,
            data=recording.data,
            times=recording.times_s,
            frequencies=recording.frequencies_hz,
            products=np.array([str(product) for product in recording.products]),
            about=np.array(json.dumps(recording_metadata(recording))),
        )
