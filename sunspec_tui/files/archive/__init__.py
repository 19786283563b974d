"""The continuous archive: a Zarr store for each day, written while receiving."""
