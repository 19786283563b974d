"""Settings of the commands sun and summary."""

from dataclasses import dataclass
from pathlib import Path

from sunspec_tui.core.instrument import SITE_LATITUDE_DEG, SITE_LONGITUDE_DEG
from sunspec_tui.core.observing_day import USUAL_HORIZON_DEG
from sunspec_tui.core.setting_fields import check_settings
from sunspec_tui.core.setting_fields import setting as _setting
from sunspec_tui.core.sun import ObservingSite

_LATITUDE = ("latitude of the site in degrees, positive in the north", "site")
_LONGITUDE = ("longitude of the site in degrees, positive in the east", "site")


@dataclass(frozen=True)
class SunSettings:
    """Settings of the command sun."""

    time: str | None = _setting(None, "time, such as 2026-11-25T18:00 (UTC); by default now", "time")
    horizon: float = _setting(
        USUAL_HORIZON_DEG, "elevation of the Sun's centre at rise and set, in degrees", "site", least=-90, most=90
    )
    latitude: float = _setting(SITE_LATITUDE_DEG, *_LATITUDE, least=-90, most=90)
    longitude: float = _setting(SITE_LONGITUDE_DEG, *_LONGITUDE, least=-180, most=180)
    json: bool = _setting(False, "print JSON for scripts", "output")

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def site(self) -> ObservingSite:
        """Site of the observer."""
        return ObservingSite(self.latitude, self.longitude)


@dataclass(frozen=True)
class SummarySettings:
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
    latitude: float = _setting(SITE_LATITUDE_DEG, *_LATITUDE, least=-90, most=90)
    longitude: float = _setting(SITE_LONGITUDE_DEG, *_LONGITUDE, least=-180, most=180)
    json: bool = _setting(False, "print JSON for scripts", "output")

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def site(self) -> ObservingSite:
        """Site of the telescope."""
        return ObservingSite(self.latitude, self.longitude)

    @property
    def event_logs(self) -> list[Path]:
        """All event logs as a list."""
        if self.event_log is None:
            return []
        return [self.event_log] if isinstance(self.event_log, Path) else self.event_log
