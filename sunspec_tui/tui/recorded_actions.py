"""Actions of keys on recorded rows, which have no stream."""

from collections.abc import Callable, Sequence
from typing import Protocol, cast

from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.tui.display.recorded_view import go_live, pause_at, show_section, shown_interval
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.receiver_actions import ControlledReceiver, ReceiverActions
from sunspec_tui.tui.terminal.canvas_app import CanvasApp

# Largest distance between the begins of a picture and of its section, as shares of the picture and of a section.
_SLACK, _SECTION_SLACK = 0.1, 0.5
# A picture of one section is longer than it, because its columns have whole numbers of rows.
_SAME_LENGTH = 1.9
SPEEDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Speeds of playing that keys select, in multiples of real time."""


class Section(Protocol):
    """A file, or a day of an archive."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def begin_s(self) -> float:
        """Begin of its rows, seconds since 1970 UTC."""

    @property
    def end_s(self) -> float:
        """End of its rows."""


class PlayedReceiver(Protocol):
    """Methods of `Playback` that keys call."""

    speed: float

    @property
    def station(self) -> str:
        """Station of the data."""

    @property
    def is_playing(self) -> bool:
        """True while the play head moves."""

    def sections(self) -> Sequence[Section]:
        """Return the files, or the days of an archive."""

    def play_from(self, time_s: float) -> None:
        """Play from a time on."""

    def stop_playing(self) -> None:
        """Show all rows again."""


class RecordedActions(ReceiverActions):
    """Actions of keys on recorded rows.

    Keys for a stream say that there is none.

    Parameters
    ----------
    app, scene, refresh, confirm, station
        As in `ReceiverActions`.
    playback
        Returns the recorded rows; None before they are opened.
    view_changed
        Shows the changed view.
    """

    def __init__(
        self,
        app: CanvasApp,
        scene: Scene,
        playback: Callable[[], PlayedReceiver | None],
        refresh: Callable[[], None],
        confirm: Callable[[str], None],
        station: str,
        view_changed: Callable[[], None],
    ) -> None:
        # The inherited actions call only methods that `Playback` has too.
        receiver = cast("Callable[[], ControlledReceiver | None]", playback)
        super().__init__(app, scene, receiver, refresh, confirm, station)
        self._playback, self._view_changed = playback, view_changed

    # Keys for a stream

    def next_delay_method(self) -> None:
        """Say that there is no message delay."""
        self._refuse("recorded rows have no message delay")

    def ask_for_delay(self) -> None:
        """Say that there is no message delay."""
        self._refuse("recorded rows have no message delay")

    def plot_now(self) -> None:
        """Name the command that draws plots of files."""
        self._refuse("plots are of a stream; sunspec-tui quicklook draws files")

    def toggle_web(self) -> None:
        """Say that the web view shows a stream."""
        self._refuse("the web view shows a stream, and these are recorded rows")

    def _refuse(self, sentence: str) -> None:
        self._app.notify(sentence)

    # Playing

    def change_plot_interval(self, direction: int) -> None:
        """Play faster (1) or slower (-1)."""
        playback = self._playback()
        if playback is not None:
            playback.speed = next_speed(playback.speed, direction)
            self._confirm(f"speed {playback.speed:g}x")
            self._refresh()

    def play(self) -> None:
        """Play from the end of the picture on, or stop."""
        playback = self._playback()
        shown_s = shown_interval(self._scene)
        if playback is None or shown_s is None:
            self._refuse("no rows are shown yet, so there is nothing to play")
        elif playback.is_playing:
            pause_at(self._scene, shown_s[1])
            playback.stop_playing()
            self._changed("playing stopped")
        else:
            # If all rows are shown, play them again.
            is_at_end = self._scene.view.paused_at_slot is None
            self._play_from(playback, shown_s[0] if is_at_end else shown_s[1])
            self._changed(f"playing at {playback.speed:g}x")

    def _play_from(self, playback: PlayedReceiver, time_s: float) -> None:
        playback.play_from(time_s)
        go_live(self._scene)

    def next_section(self, by: int) -> None:
        """Show the next (1) or previous (-1) file or day."""
        playback = self._playback()
        shown_s = shown_interval(self._scene)
        if playback is None or shown_s is None:
            self._refuse("no rows are shown yet")
            return
        sections = playback.sections()
        number = section_to_show(sections, *shown_s, by)
        if number is None:
            self._refuse("this is the last one" if by > 0 else "this is the first one")
            return
        section = sections[number]
        end_s = show_section(self._scene, section.begin_s, section.end_s)
        if playback.is_playing:
            self._play_from(playback, end_s)
        self._changed(f"{section.name}, {format_date_and_clock(section.begin_s)[:16]}")

    def _changed(self, words: str) -> None:
        self._view_changed()
        self._confirm(words)


def next_speed(speed: float, direction: int) -> float:
    """Return the next faster or slower speed.

    At the end of the list, return the present speed.
    """
    if direction > 0:
        return float(next((each for each in SPEEDS if each > speed), speed))
    return float(next((each for each in reversed(SPEEDS) if each < speed), speed))


def section_to_show(sections: Sequence[Section], begin_s: float, end_s: float, by: int) -> int | None:
    """Return the section that a key shows; None at the end.

    Parameters
    ----------
    sections
        All sections, in the order of time.
    begin_s, end_s
        Times that the picture shows.
    by
        1 for the next one, -1 for the one before. A picture of several sections first shows the first of them.
    """
    length_s = end_s - begin_s
    # The picture may begin up to a few columns before or after the section.
    slack_s = min([_SLACK * length_s, *(_SECTION_SLACK * section_s(each) for each in sections)])
    if by < 0:
        return max((n for n, each in enumerate(sections) if each.begin_s < begin_s - slack_s), default=None)
    for number, section in enumerate(sections):
        is_shown = section.begin_s <= begin_s + slack_s and length_s < _SAME_LENGTH * section_s(section)
        if section.begin_s >= begin_s - slack_s and not is_shown:
            return number
    return None


def section_s(section: Section) -> float:
    """Return the length of a section in seconds."""
    return section.end_s - section.begin_s
