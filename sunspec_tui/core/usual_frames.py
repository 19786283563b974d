"""Channel counts and default first channel of the instrument's frames."""

USUAL_NCHAN, USUAL_NPOL = 3072, 4
"""Channels and products of a usual frame."""

DEFAULT_CHAN0 = 560
"""First channel of a stream or file that does not contain it."""

MAX_CHAN0 = 1_000_000
"""Highest first channel, of a header and of a setting."""
