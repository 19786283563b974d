"""Check the metadata of a store's blocks of time.

Shapes and chunks must be those that this program writes, so the claims of a stranger cannot cost memory.
"""

from dataclasses import dataclass
from typing import Any

from sunspec_tui.core.products import Product
from sunspec_tui.files.archive.array_check import ArrayClaim, StoreRefused, array_claim, as_dict
from sunspec_tui.files.archive.time_layout import (
    CHUNK_S,
    CHUNKS_COVERED,
    DAY_S,
    MAX_TIME_BINS,
    MISSING,
    ROWS_COVERED,
    TIME_BLOCKS,
    time_arrays,
)

_MAX_MISSING_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class TimeBlocksClaim:
    """Checked metadata of a store's blocks of time.

    Attributes
    ----------
    arrays
        Arrays by name, without the group.
    rows_covered
        Number of rows in complete chunks; later rows are read as rows.
    chunks_covered
        Number of the first chunk, counted from midnight, that is not complete.
    """

    arrays: dict[str, ArrayClaim]
    rows_covered: int
    chunks_covered: int


def time_blocks_claim(
    members: dict[str, Any], products: tuple[Product, ...], nrows: int, nbins: int
) -> TimeBlocksClaim | None:
    """Check the group of blocks of time.

    Parameters
    ----------
    members
        Metadata of the group and its arrays, by name.
    products, nrows, nbins
        Those of the store.

    Returns
    -------
    TimeBlocksClaim or None
        None if there are no blocks that fit the rows; rows are read instead.
    """
    group = as_dict(members.get(TIME_BLOCKS))
    attributes = as_dict(group.get("attributes"))
    rows, chunks = attributes.get(ROWS_COVERED), attributes.get(CHUNKS_COVERED)
    if group.get("node_type") != "group" or nbins > MAX_TIME_BINS or type(rows) is not int or type(chunks) is not int:
        return None
    # Rows of a chunk are covered together with its number, so neither is zero alone.
    if not 0 <= rows <= nrows or not 0 <= chunks <= -(-DAY_S // CHUNK_S) or bool(rows) != bool(chunks):
        return None
    try:
        arrays = _arrays(members, products, nrows, nbins)
    except StoreRefused:
        return None
    return None if arrays is None else TimeBlocksClaim(arrays, rows, chunks)


def _arrays(
    members: dict[str, Any], products: tuple[Product, ...], nrows: int, nbins: int
) -> dict[str, ArrayClaim] | None:
    """Return all arrays; None if one differs from the layout."""
    wanted = time_arrays(products, nbins)
    names = {name.partition("/")[2] for name in members if name != TIME_BLOCKS}
    if names != {MISSING, *wanted}:
        return None
    found = {}
    for name, layout in wanted.items():
        claim = array_claim(
            name, as_dict(members[f"{TIME_BLOCKS}/{name}"]), layout.data_type, layout.itemsize, len(layout.shape)
        )
        if (claim.shape, claim.chunk) != (layout.shape, layout.chunk):
            return None
        found[name] = claim
    missing = array_claim(MISSING, as_dict(members[f"{TIME_BLOCKS}/{MISSING}"]), "int32", 4, 1)
    if missing.shape != (nrows,) or missing.chunk[0] > _MAX_MISSING_CHUNK:
        return None
    return found | {MISSING: missing}
