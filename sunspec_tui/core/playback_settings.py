"""Settings of the command view: the monitor's screen on recorded files."""

from dataclasses import dataclass
from pathlib import Path

from sunspec_tui.core import shared_settings as shared
from sunspec_tui.core.setting_fields import check_settings
from sunspec_tui.core.setting_fields import setting as _setting
from sunspec_tui.core.settings import FLUX_SCALE, Settings
from sunspec_tui.core.view_options import MAX_SPAN_S, check_flux_scale

DEFAULT_SPEED, MAX_SPEED = 10.0, 10_000.0


@dataclass(frozen=True)
class PlaybackSettings:
    """Settings of the command view."""

    inputs: Path | list[Path] = shared.recorded_inputs("an archive, or recorded files: names, patterns or directories")
    start: str | None = _setting(
        None, "time at which the first picture begins, such as 2026-11-25T18:00 (UTC); by default all rows", "time"
    )
    span: float | None = _setting(
        None, "seconds that the picture shows; by default all rows, at most a day", "time", above=0, most=MAX_SPAN_S
    )
    play: bool = _setting(False, "play from the first picture on", "time")
    speed: float = _setting(
        DEFAULT_SPEED, "speed of playing, in multiples of real time", "time", above=0, most=MAX_SPEED
    )
    observation: int | None = shared.observation()
    tuning: int | None = shared.tuning()
    chan0: int | None = shared.older_file_chan0()
    flux_scale: str | None = _setting(None, FLUX_SCALE, "rows", check=check_flux_scale)
    product: str | None = shared.screen_product("the first one")
    palette: str | None = shared.palette()
    levels: str | None = shared.levels()
    theme: str | None = shared.theme()
    colors: str = shared.colors()
    graphics: str = shared.graphics()
    ascii: bool = shared.ascii_only()
    low_bandwidth: bool = shared.low_bandwidth()
    log_level: str = shared.log_level()

    def __post_init__(self) -> None:
        check_settings(self)
        self.start_s  # noqa: B018 - checks the time

    @property
    def paths(self) -> list[Path]:
        """All inputs as a list."""
        return shared.paths_of(self.inputs)

    @property
    def start_s(self) -> float | None:
        """Begin of the first picture, seconds since 1970 UTC."""
        # Imported here, because the help of the command line does not need it.
        from sunspec_tui.core.times import parse_user_time

        return None if self.start is None else parse_user_time(self.start)

    def monitor_settings(self) -> Settings:
        """Return the settings of the monitor's screen."""
        return Settings(
            product=self.product,
            palette=self.palette,
            levels=self.levels,
            span=self.span,
            theme=self.theme,
            colors=self.colors,
            graphics=self.graphics,
            ascii=self.ascii,
            low_bandwidth=self.low_bandwidth,
            log_level=self.log_level,
        )
