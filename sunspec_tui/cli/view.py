"""Command ``sunspec-tui view``: the monitor's screen on recorded files or an archive."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.cli.logging_setup import start_logging
from sunspec_tui.cli.monitor import load_scale, run_on_terminal
from sunspec_tui.core.errors import SourceError, UsageError
from sunspec_tui.core.playback_settings import PlaybackSettings
from sunspec_tui.monitoring.problems import Problems

if TYPE_CHECKING:
    from sunspec_tui.core.flux_scale import FluxScale
    from sunspec_tui.playback import Playback

VIEW_NAME = "recorded-view.json"
"""File of the saved view; the monitor has another one."""


class Opening:
    """Progress of opening files, as text."""

    def __init__(self) -> None:
        self.text = "opening files"
        self._is_ended = False

    def end(self) -> None:
        """Open no more files: thousands would delay the end."""
        self._is_ended = True

    def progress(self, count: int, total: int) -> None:
        """Note the number of opened files.

        Raises
        ------
        SourceError
            If the program ends.
        """
        if self._is_ended:
            raise SourceError(f"ended after {count} of {total} files were opened")
        self.text = f"opened {count} of {total} files"


def run(settings: PlaybackSettings) -> int:
    """Show recorded rows on the terminal; return the exit status."""
    from sunspec_tui.core.state_files import state_directory
    from sunspec_tui.files.input_paths import input_paths

    if not all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stdin)):
        raise UsageError("view needs a terminal; sunspec-tui quicklook draws pictures of files without one")
    problems, opening, directory = Problems(), Opening(), state_directory()
    with ExitStack() as started:
        start_logging(started, settings.log_level, None, None, terminal=False, problems=problems)
        paths, scale = input_paths(settings.paths), load_scale(settings.flux_scale)
        return run_on_terminal(
            lambda: open_playback(settings, paths, opening, scale),
            settings.monitor_settings(),
            view_path=lambda: None if directory is None else directory / VIEW_NAME,
            recorded=settings,
            opening=lambda: opening.text,
            end_opening=opening.end,
        )


def open_playback(
    settings: PlaybackSettings, paths: list[Path], opening: Opening, scale: "FluxScale | None"
) -> "Playback":
    """Open the files, and return them in place of a receiver."""
    from sunspec_tui.files.burst_tables import BurstTables
    from sunspec_tui.files.notes import notes_path
    from sunspec_tui.files.read_limits import RowSelection
    from sunspec_tui.monitoring.recorded_bursts import MAX_RECORDED
    from sunspec_tui.playback import Playback
    from sunspec_tui.timeline.recorded import open_timeline

    selection = RowSelection(observation=settings.observation, tuning=settings.tuning, chan0=settings.chan0)
    # The notes of an archive are in its directory.
    is_archive = len(paths) == 1 and paths[0].is_dir()
    notes = notes_path(paths[0], None) if is_archive else None
    recorded = open_timeline(paths, selection, opening.progress, scale)
    tables = BurstTables(paths, MAX_RECORDED, is_archive=is_archive)
    return Playback(recorded, settings.speed, notes_path=notes, burst_tables=tables, scale=scale)
