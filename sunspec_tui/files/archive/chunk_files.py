"""Read single chunks of a checked store without zarr.

A chunk is one file of one array. Reading it directly takes a tenth of the time that zarr needs, and zarr need not be
imported. numcodecs is imported at the first use.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.files.archive.array_check import HEAD_BYTES, ArrayClaim, StoreRefused, check_head, read_head, require

_BLOSC_HEAD_BYTES = 16


def read_chunk(path: Path, array: ArrayClaim, dtype: type[np.generic], place: tuple[int, ...]) -> NDArray[Any] | None:
    """Read one chunk; None if its file is missing.

    Parameters
    ----------
    path
        Directory of the array.
    array
        Its checked metadata.
    dtype
        Its type.
    place
        Number of the chunk along each dimension.

    Raises
    ------
    StoreRefused
        If the file is not a chunk of this array.
    OSError
        If the disk cannot be read.
    """
    # Paths are strings: a day has hundreds of chunks, and making a Path takes as long as reading the file.
    where = "/".join(map(str, place))
    most = array.max_stored_bytes
    stored = read_head(f"{path}/c/{where}", most, most)
    if stored is None:
        return None
    name = f"{path.name}/c/{where}"
    check_head(name, array, stored[:HEAD_BYTES])
    values = np.frombuffer(_decoded(name, stored, array), dtype)
    require(values.nbytes == array.chunk_bytes, f"{name} has {values.nbytes} bytes, not {array.chunk_bytes}")
    return values.reshape(array.chunk)


def _decoded(name: str, stored: bytes, array: ArrayClaim) -> bytes:
    if not array.compressor:
        return stored
    if array.compressor == "blosc":
        # The library trusts the lengths in the head.
        whole = len(stored) >= _BLOSC_HEAD_BYTES and int.from_bytes(stored[12:16], "little") == len(stored)
        require(whole, f"{name} is cut off")
    library = require_extra(f"numcodecs.{array.compressor}", "an archive")
    try:
        found: bytes = library.decompress(stored)
    except (RuntimeError, ValueError) as error:
        raise StoreRefused(f"{name} cannot be decompressed") from error
    return found
