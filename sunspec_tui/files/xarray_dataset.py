"""Convert recordings to xarray Datasets, and back.

A Dataset has a variable for each product over ``time`` and ``frequency``; ``time`` is the end of a row's averaging. The
archive's stores have the same layout. xarray is imported at the first use.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from sunspec_tui.core.flux_scale import ARBITRARY, SFU, unit_of
from sunspec_tui.core.notes import notes_in_metadata
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.products import Product, plain_name
from sunspec_tui.core.recording import Recording, measured_cadence_s, recording_metadata

if TYPE_CHECKING:
    import xarray


def to_dataset(recording: Recording) -> "xarray.Dataset":
    """Convert a recording to a Dataset.

    Raises
    ------
    MissingExtraError
        If xarray is not installed.
    """
    library = require_extra("xarray", "a Dataset")
    times = np.rint(recording.times_s * 1e6).astype("datetime64[us]")
    dataset: xarray.Dataset = library.Dataset(
        {
            plain_name(product): (
                ("time", "frequency"),
                recording.data[..., i],
                {"units": unit_of(product, recording.unit)},
            )
            for i, product in enumerate(recording.products)
        },
        coords={
            "time": ("time", times, {"long_name": "end of averaging, UTC"}),
            "frequency": ("frequency", recording.frequencies_hz, {"units": "Hz", "long_name": "centre of bin"}),
        },
        attrs=recording_metadata(recording),
    )
    return dataset


def from_dataset(dataset: Any) -> Recording:
    """Convert a Dataset of this layout to a recording.

    Load all its values.
    """
    # Use the order of products on the wire: a store's variables are in alphabetical order.
    names = [(product, plain_name(product)) for product in Product]
    found = [(product, name) for product, name in names if name in dataset.data_vars]
    times_s = dataset["time"].values.astype("datetime64[us]").astype(np.int64) / 1e6
    metadata = dataset.attrs
    # Measure the mean of the steps: a store's attribute is the cadence that was known when it was created.
    measured_s, declared_s = measured_cadence_s(times_s), float(metadata.get("cadence_s", np.nan))
    data = np.empty((len(times_s), dataset.sizes["frequency"], len(found)), np.float32)
    for i, (_, name) in enumerate(found):
        # Load one variable after another, so that a long recording is not in memory twice.
        data[..., i] = dataset[name].values
    return Recording(
        data,
        tuple(product for product, _ in found),
        times_s,
        np.asarray(dataset["frequency"].values, np.float64),
        measured_s if measured_s > 0 else declared_s,
        station=str(metadata.get("station", "")),
        source=str(metadata.get("source", "")),
        software=str(metadata.get("software", "")),
        unit=SFU if metadata.get("units") == SFU else ARBITRARY,
        notes=notes_in_metadata(metadata),
    )
