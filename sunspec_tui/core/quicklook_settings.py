"""Settings of the command quicklook."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sunspec_tui.core import shared_settings as shared
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.setting_fields import check_settings
from sunspec_tui.core.setting_fields import setting as _setting
from sunspec_tui.core.settings import FLUX_SCALE
from sunspec_tui.core.shared_settings import PRODUCT_NAMES
from sunspec_tui.core.view_options import check_flux_scale

COLUMN_VALUES = ("highest", "mean")
PANELS = ("highest", "mean", "V/I")
"""Panels that a figure for publishing may have."""


def parse_panels(text: str) -> tuple[str, ...]:
    """Return the panels of a text such as ``highest,mean,V/I``.

    Raises
    ------
    UsageError
        If one is unknown or is there twice.
    """
    panels = tuple(each.strip() for each in text.split(","))
    if not set(panels) <= set(PANELS) or len(set(panels)) < len(panels):
        raise UsageError(f"--panels is {short_repr(text)}, write some of {','.join(PANELS)}, each at most once")
    return panels


def _check_panels(text: Any, name: str) -> None:
    """Check the setting; `parse_panels` knows its name."""
    del name
    parse_panels(text)


@dataclass(frozen=True)
class QuicklookSettings:
    """Settings of the command quicklook: pictures of archives and files."""

    inputs: Path | list[Path] = shared.recorded_inputs(
        "an archive, or files that make one picture: names, patterns or directories"
    )
    out: Path = _setting(Path("figs"), "directory of the pictures", "pictures")
    product: str | None = _setting(
        None, "product of the waterfalls; by default XX, or that of the files", "pictures", choices=PRODUCT_NAMES
    )
    per: str | None = _setting(
        None,
        "time span of a picture; by default a day for an archive, all rows for files, and both for an index",
        "pictures",
        choices=("day", "hour", "both"),
    )
    show: str | None = _setting(
        None,
        "value of its rows that a column shows: the highest (by default) or the mean",
        "pictures",
        choices=COLUMN_VALUES,
    )
    panels: str | None = _setting(
        None,
        "draw a figure for publishing with these panels, such as highest,mean,V/I; an index has these three",
        "pictures",
        check=_check_panels,
    )
    remove_background: bool = _setting(False, "remove the quiet background from the waterfalls", "pictures")
    flux_scale: str | None = _setting(None, FLUX_SCALE, "pictures", check=check_flux_scale)
    keep_background: bool = _setting(False, "keep the quiet background in a figure for publishing", "pictures")
    index: bool = _setting(False, "write index.html for all days of an archive, with their pictures and notes", "index")
    follow: bool = _setting(False, "keep the index up to date while the archive grows, until a signal", "index")
    update_interval: float = _setting(60.0, "seconds between updates with --follow", "index", least=5, most=3600)
    start: str | None = _setting(None, "only rows from this time on, such as 2026-11-25 (UTC)", "rows")
    end: str | None = _setting(None, "only rows until this time (UTC)", "rows")
    observation: int | None = shared.observation()
    tuning: int | None = shared.tuning()
    chan0: int | None = shared.older_file_chan0()
    scheduler: str | None = _setting(None, "a Dask scheduler for an archive, such as tcp://host:8786", "cluster")
    workers: int | None = _setting(None, "local processes for an archive; by default one per core", "cluster", least=1)

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def paths(self) -> list[Path]:
        """All inputs as a list."""
        return shared.paths_of(self.inputs)
