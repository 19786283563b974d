"""Settings of the command bursts."""

from dataclasses import dataclass
from pathlib import Path

from sunspec_tui.core import shared_settings as shared
from sunspec_tui.core.setting_fields import check_settings
from sunspec_tui.core.setting_fields import setting as _setting


@dataclass(frozen=True)
class BurstsSettings:
    """Settings of the command bursts: bursts of archives and files."""

    inputs: Path | list[Path] = shared.recorded_inputs("an archive, or files: names, patterns or directories")
    out: Path | None = _setting(None, "write the bursts to this table, such as bursts.ecsv or bursts.csv", "output")
    against: Path | None = _setting(
        None, "compare the bursts with a list of radio events, such as noaa_events.csv", "output"
    )
    start: str | None = _setting(None, "only rows from this time on, such as 2026-11-25T18:00 (UTC)", "rows")
    end: str | None = _setting(None, "only rows until this time (UTC)", "rows")
    observation: int | None = shared.observation()
    tuning: int | None = shared.tuning()
    chan0: int | None = shared.older_file_chan0()
    scheduler: str | None = _setting(None, "a Dask scheduler, such as tcp://host:8786", "cluster")
    workers: int | None = _setting(None, "local processes; by default one per core", "cluster", least=1)

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def paths(self) -> list[Path]:
        """All inputs as a list."""
        return shared.paths_of(self.inputs)
