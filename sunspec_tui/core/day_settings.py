"""Settings of the commands sun and summary."""

from dataclasses import dataclass
from pathlib import Path

from sunspec_tui.core import shared_settings as shared
from sunspec_tui.core.observing_day import USUAL_HORIZON_DEG
from sunspec_tui.core.setting_fields import check_settings
from sunspec_tui.core.setting_fields import setting as _setting
from sunspec_tui.core.sun import ObservingSite


class _SiteSettings:
    """Settings with a site, whose fields each command declares."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def site(self) -> ObservingSite:
        """Site of the telescope."""
        return ObservingSite(self.latitude, self.longitude)


@dataclass(frozen=True)
class SunSettings(_SiteSettings):
    """Settings of the command sun."""

    time: str | None = _setting(None, "time, such as 2026-11-25T18:00 (UTC); by default now", "time")
    horizon: float = _setting(
        USUAL_HORIZON_DEG, "elevation of the Sun's centre at rise and set, in degrees", "site", least=-90, most=90
    )
    latitude: float = shared.latitude()
    longitude: float = shared.longitude()
    json: bool = _setting(False, "print JSON for scripts", "output")


@dataclass(frozen=True)
class SummarySettings(_SiteSettings):
    """Settings of the command summary."""

    day: str = _setting(
        "today", "observing day: today (if none is given), yesterday, or a date such as 2026-11-25", "day",
        positional=True, optional=True,
    )  # fmt: skip
    archive: Path | None = _setting(None, "archive of the rows, with the observers' notes", "sources")
    event_log: Path | list[Path] | None = _setting(
        None, "event logs of the monitor; those of a day that was rotated in the order of time", "sources", many=True
    )
    quicklooks: Path = _setting(Path("figs"), "directory of the quick-looks", "sources")
    stream: str | None = _setting(
        None, "stream whose counts are shown, such as 127.0.0.1:9798; by default that with the most frames", "sources"
    )
    latitude: float = shared.latitude()
    longitude: float = shared.longitude()
    json: bool = _setting(False, "print JSON for scripts", "output")

    @property
    def event_logs(self) -> list[Path]:
        """All event logs as a list."""
        if self.event_log is None:
            return []
        return shared.paths_of(self.event_log)
