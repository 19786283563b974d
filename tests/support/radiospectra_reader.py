"""Reading of files with radiospectra, as its users do."""

import gc
import warnings


def open_spectrogram(path):
    """Return what radiospectra reads from a FITS file.

    radiospectra leaves the file open in a circle of references. Without the collection here,
    the interpreter closes it in whatever test runs later, and its warning fails that one.
    """
    from radiospectra.spectrogram import Spectrogram

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        spectrogram = Spectrogram(path)
        gc.collect()
    return spectrogram
