"""Read members of an HDF5 file safely, without access to other files.

Only the child process `recorder_process` uses this module. Members are plain groups and arrays that are stored in the
file itself: no links, no data in other files, no filters that need a plugin. Attributes are single small values.
"""

import math
import re
from itertools import islice
from typing import Any

import numpy as np

from sunspec_tui.core.printable import printable
from sunspec_tui.core.recording import MAX_NAME
from sunspec_tui.files.read_limits import Unreadable

NUMBERS = "fiu"
"""Kinds of numpy types that count as numbers."""

_MAX_CHUNK_BYTES = 64_000_000
_MAX_ATTRIBUTE_BYTES = 64_000
_MAX_MEMBERS = 1000
_FILTERS = (1, 2, 3, 4, 5, 6, 32000)
"""gzip, shuffle, fletcher32, szip, nbit, scale-offset and lzf: the filters that need no plugin."""


def link(group: Any, name: str) -> Any:
    """Return a group's link of that name without opening it, or None."""
    return group.get(name, getlink=True) if group.id.links.exists(name.encode()) else None


def child(h5py: Any, group: Any, name: str, kind: Any) -> Any:
    """Return a member of a group; refuse a link.

    Raises
    ------
    Unreadable
        If it is missing, a link or of another kind, or if its data are not in the file.
    """
    found_link = link(group, name)
    if found_link is None:
        raise Unreadable(f"it has no {name} in {printable(group.name, 40)}")
    if not isinstance(found_link, h5py.HardLink):
        raise Unreadable(f"its {name} is a link, and links are not followed; copy the data into the file")
    found = group[name]
    if not isinstance(found, kind):
        raise Unreadable(f"its {name} is of an unexpected kind")
    if isinstance(found, h5py.Dataset):
        _check_storage(h5py, found, name)
    return found


def numbers(h5py: Any, group: Any, name: str, ndim: int) -> Any:
    """Return a dataset of numbers with `ndim` dimensions."""
    values = child(h5py, group, name, h5py.Dataset)
    if values.dtype.kind not in NUMBERS or values.dtype.itemsize > 8 or values.ndim != ndim:
        raise Unreadable(f"its {name} is not an array of numbers with {ndim} dimensions")
    return values


def numbered(h5py: Any, group: Any, name: str, wanted: int | None) -> tuple[Any, str]:
    """Return the member with the `wanted` number or the first one.

    The second value is a note if there are several.

    Raises
    ------
    Unreadable
        If there is no such member, or not the wanted one.
    """
    pattern = re.compile(rf"{name}(\d{{1,9}})", re.ASCII)
    matches = (pattern.fullmatch(each) for each in islice(group, _MAX_MEMBERS))
    found = sorted({int(match[1]): match[0] for match in matches if match}.items())
    if not found:
        raise Unreadable(f"it has no {name}1 in {printable(group.name, 40)}")
    numbers_text = printable(", ".join(str(number) for number, _ in found), 40)
    chosen = dict(found).get(found[0][0] if wanted is None else wanted)
    if chosen is None:
        raise Unreadable(f"it has no {name}{wanted}; choose --{name.lower()} {numbers_text}")
    note = ""
    if wanted is None and len(found) > 1:
        note = f"it has {name} {numbers_text}: the first is read; choose another with --{name.lower()}"
    return child(h5py, group, chosen, h5py.Group), note


def attribute(thing: Any, name: str) -> Any:
    """Return an attribute if it is a single small value, else None."""
    if name not in thing.attrs:
        return None
    found = thing.attrs.get_id(name)
    # An attribute without a value has no storage, so its size cannot be read.
    if found.get_space().get_select_npoints() != 1:
        return None
    if found.get_storage_size() > _MAX_ATTRIBUTE_BYTES:
        return None
    value = thing.attrs[name]
    if isinstance(value, np.ndarray):
        value = value.ravel()[0]
    return value if isinstance(value, str | bytes | int | float | np.number) else None


def text(thing: Any, name: str) -> str | None:
    """Return an attribute as text, or None."""
    value = attribute(thing, name)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return None if value is None else str(value)[: 12 * MAX_NAME]


def itemsize(dataset: Any) -> int:
    """Return the size of an element in the file, in bytes."""
    return int(dataset.id.get_type().get_size())


def _check_storage(h5py: Any, dataset: Any, name: str) -> None:
    """Refuse data in other files, and data that need a plugin."""
    properties = dataset.id.get_create_plist()
    if properties.get_layout() == h5py.h5d.VIRTUAL or properties.get_external_count():
        raise Unreadable(f"its {name} is stored in other files, which are not opened; copy the data into the file")
    filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if not filters <= set(_FILTERS):
        raise Unreadable(f"its {name} uses filter {max(filters)}, which is not supported; repack it with gzip")
    if (
        properties.get_layout() == h5py.h5d.CHUNKED
        and math.prod(properties.get_chunk()) * itemsize(dataset) > _MAX_CHUNK_BYTES
    ):
        raise Unreadable(f"its {name} has chunks of more than {_MAX_CHUNK_BYTES // 10**6} MB; use smaller ones")
