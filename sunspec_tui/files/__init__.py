"""Files of spectra, read and written: FITS, HDF5, NPZ, CSV, xarray."""
