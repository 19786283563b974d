"""Settings of the command view: the monitor's screen on recorded files."""

from dataclasses import dataclass
from pathlib import Path

from sunspec_tui.core.setting_fields import check_settings
from sunspec_tui.core.setting_fields import setting as _setting
from sunspec_tui.core.settings import FLUX_SCALE, LOG_LEVELS, PRODUCT_NAMES, Settings
from sunspec_tui.core.usual_frames import MAX_CHAN0
from sunspec_tui.core.view_options import MAX_SPAN_S, PALETTE_NAMES, check_flux_scale, check_levels

DEFAULT_SPEED, MAX_SPEED = 10.0, 10_000.0


@dataclass(frozen=True)
class PlaybackSettings:
    """Settings of the command view."""

    inputs: Path | list[Path] = _setting(
        Path("archive"),
        "an archive, or recorded files: names, patterns or directories",
        "rows",
        positional=True,
        many=True,
        metavar="FILE",
    )
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
    observation: int | None = _setting(None, "Observation of a recorder's file; the first by default", "rows", least=1)
    tuning: int | None = _setting(None, "Tuning of a recorder's file; the first by default", "rows", least=1)
    chan0: int | None = _setting(
        None, "first channel of an older NPZ file, which does not contain it", "rows", least=0, most=MAX_CHAN0
    )
    flux_scale: str | None = _setting(None, FLUX_SCALE, "rows", check=check_flux_scale)
    product: str | None = _setting(
        None, "product to show; by default that of the last run, or the first one", "display", choices=PRODUCT_NAMES
    )
    palette: str | None = _setting(
        None, "palette of the waterfall; by default that of the last run, or viridis", "display", choices=PALETTE_NAMES
    )
    levels: str | None = _setting(
        None,
        "floor and ceiling of the waterfall, such as 10,35, or auto; by default those of the last run",
        "display",
        check=check_levels,
    )
    theme: str | None = _setting(None, "colour theme of the screen", "display", choices=("dark", "light", "terminal"))
    colors: str = _setting(
        "auto", "colours that the terminal can show", "display", choices=("auto", "truecolor", "256", "16", "none")
    )
    graphics: str = _setting(
        "auto", "graphics that the terminal can show", "display", choices=("auto", "kitty", "sixel", "blocks")
    )
    ascii: bool = _setting(False, "draw with ASCII characters only", "display")
    low_bandwidth: bool = _setting(False, "draw less, for a very slow link", "display")
    log_level: str = _setting("INFO", "lowest level of log messages", "logging", choices=LOG_LEVELS)

    def __post_init__(self) -> None:
        check_settings(self)
        self.start_s  # noqa: B018 - checks the time

    @property
    def paths(self) -> list[Path]:
        """All inputs as a list."""
        return [self.inputs] if isinstance(self.inputs, Path) else self.inputs

    @property
    def start_s(self) -> float | None:
        """Begin of the first picture, seconds since 1970 UTC."""
        # Its library is not loaded for the command line's help.
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
