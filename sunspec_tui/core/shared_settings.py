"""Settings that several commands have: their names, help texts and limits.

Each function returns a field of a dataclass, as `setting_fields.setting` does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sunspec_tui.core.instrument import SITE_LATITUDE_DEG, SITE_LONGITUDE_DEG
from sunspec_tui.core.setting_fields import setting
from sunspec_tui.core.usual_frames import MAX_CHAN0
from sunspec_tui.core.view_options import PALETTE_NAMES, check_levels

PRODUCT_NAMES = ("XX", "YY", "XY_real", "XY_imag", "I", "Q", "U", "V", "V/I")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

# Files


def recorded_inputs(text: str) -> Any:
    """Return ``inputs``, an archive or recorded files."""
    return setting(Path("archive"), text, "rows", positional=True, many=True, metavar="FILE")


def paths_of(inputs: Path | Sequence[Path]) -> list[Path]:
    """Return a setting that has one path or several as a list."""
    return [inputs] if isinstance(inputs, Path) else list(inputs)


def observation() -> Any:
    """Return ``observation``, a group of a recorder's file."""
    return setting(None, "Observation of a recorder's file; the first by default", "rows", least=1)


def tuning() -> Any:
    """Return ``tuning``, a group of a recorder's file."""
    return setting(None, "Tuning of a recorder's file; the first by default", "rows", least=1)


def older_file_chan0() -> Any:
    """Return ``chan0`` of commands that read only files."""
    return setting(
        None, "first channel of an older NPZ file, which does not contain it", "rows", least=0, most=MAX_CHAN0
    )


# The screen


def screen_product(otherwise: str) -> Any:
    """Return ``product`` of a screen; `otherwise` is that of the first run."""
    text = f"product to show; by default that of the last run, or {otherwise}"
    return setting(None, text, "display", choices=PRODUCT_NAMES)


def palette() -> Any:
    """Return ``palette`` of a screen."""
    text = "palette of the waterfall; by default that of the last run, or viridis"
    return setting(None, text, "display", choices=PALETTE_NAMES)


def levels() -> Any:
    """Return ``levels`` of a screen."""
    text = "floor and ceiling of the waterfall, such as 10,35, or auto; by default those of the last run"
    return setting(None, text, "display", check=check_levels)


def theme() -> Any:
    """Return ``theme``."""
    return setting(None, "colour theme of the screen", "display", choices=("dark", "light", "terminal"))


def colors() -> Any:
    """Return ``colors``."""
    choices = ("auto", "truecolor", "256", "16", "none")
    return setting("auto", "colours that the terminal can show", "display", choices=choices)


def graphics() -> Any:
    """Return ``graphics``."""
    choices = ("auto", "kitty", "sixel", "blocks")
    return setting("auto", "graphics that the terminal can show", "display", choices=choices)


def ascii_only() -> Any:
    """Return ``ascii``."""
    return setting(False, "draw with ASCII characters only", "display")


def low_bandwidth() -> Any:
    """Return ``low_bandwidth``."""
    return setting(False, "draw less, for a very slow link", "display")


def log_level() -> Any:
    """Return ``log_level``."""
    return setting("INFO", "lowest level of log messages", "logging", choices=LOG_LEVELS)


# The site


def latitude(text: str = "latitude of the site in degrees, positive in the north") -> Any:
    """Return ``latitude`` of the site."""
    return setting(SITE_LATITUDE_DEG, text, "site", least=-90, most=90)


def longitude() -> Any:
    """Return ``longitude`` of the site."""
    text = "longitude of the site in degrees, positive in the east"
    return setting(SITE_LONGITUDE_DEG, text, "site", least=-180, most=180)
