"""Settings of all commands, with types, defaults, limits and help texts.

The command line, TOML files and front ends share `Settings`; the command line generates its options from
the fields below, so that each option is declared once. Only `read_settings_file` reads a file, and this module
neither prints nor exits.
"""

from dataclasses import dataclass
from pathlib import Path

from sunspec_tui.core import shared_settings as shared
from sunspec_tui.core.addresses import parse_bind_host, parse_host
from sunspec_tui.core.argument_checks import check_author
from sunspec_tui.core.burst_reports import (
    DEFAULT_CONFIDENCE,
    DEFAULT_EVERY_S,
    DEFAULT_FILES_DB,
    DEFAULT_REPORT_TYPES,
    ReportRules,
    parse_command,
    parse_notify,
    parse_report_types,
)
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.memory_budgets import check_buffer_length
from sunspec_tui.core.retention import DEFAULT_KEEP, RetentionPolicy
from sunspec_tui.core.setting_fields import check_settings, option
from sunspec_tui.core.setting_fields import setting as _setting
from sunspec_tui.core.shared_settings import PRODUCT_NAMES
from sunspec_tui.core.usual_frames import DEFAULT_CHAN0, MAX_CHAN0
from sunspec_tui.core.view_options import MAX_PROBE_SPAN_S, MAX_SPAN_S, PALETTE_NAMES, check_flux_scale, check_levels
from sunspec_tui.core.web_options import WebOptions

BEAM_PORT_BASE = 30000
MAX_INTERVAL_S = 1e6
"""Longest data time of a frame, in seconds."""

MAX_AVERAGE_S, MAX_AVERAGE_CHANNELS = 86_400.0, 100_000
"""Longest row and widest bin of an export, in seconds and in frequencies."""


DELAY_METHODS = ("auto", "buffer", "manual")
FORMAT_NAMES = ("today", "2025-08", "minimal", "test-producer")
DEMO_NAMES = ("sun", "flare")
_DEFAULT_CHANNEL_AVERAGE = 4
FLUX_SCALE = "factor from power to sfu, or a file of MHz and factors; by default powers have an arbitrary unit"
"""Help of the setting ``flux_scale`` of several commands."""


@dataclass(frozen=True)
class Settings:
    """Settings of the monitor, on a terminal and headless.

    Raises
    ------
    UsageError
        If a value is of the wrong type or outside its limits.
    """

    addr: str = _setting("127.0.0.1", "address of the stream: a name, IPv4 or IPv6, no port", "stream", host=parse_host)
    port: int = _setting(9798, "port of the stream", "stream", least=1, most=65535)
    beam: int | None = _setting(None, f"recorder's beam: port {BEAM_PORT_BASE} + BEAM", "stream", least=1, most=999)
    buffer_length: int = _setting(1200, "rows to keep in memory", "stream", least=2)
    channel_average: int = _setting(_DEFAULT_CHANNEL_AVERAGE, "channels averaged into a bin", "stream", least=1)
    flux_scale: str | None = _setting(None, FLUX_SCALE, "stream", check=check_flux_scale)
    product: str | None = shared.screen_product("XX")
    palette: str | None = shared.palette()
    levels: str | None = shared.levels()
    span: float | None = _setting(
        None,
        "seconds that the waterfall shows; by default as in the last run, or growing with the rows",
        "display",
        above=0,
        most=MAX_SPAN_S,
    )
    theme: str | None = shared.theme()
    colors: str = shared.colors()
    graphics: str = shared.graphics()
    ascii: bool = shared.ascii_only()
    low_bandwidth: bool = shared.low_bandwidth()
    bell: bool = _setting(False, "ring when the stream stalls or returns, or a signal is lost", "display")
    chan0: int = _setting(DEFAULT_CHAN0, "first channel, if the stream does not say", "stream", least=0, most=MAX_CHAN0)
    delay_method: str = _setting("auto", "how to measure the message delay", "delay", choices=DELAY_METHODS)
    delay: float | None = _setting(None, "message delay in seconds; implies --delay-method manual", "delay")
    streaming_interval: float | None = _setting(
        None, "seconds of a row for --delay-method buffer; measured by default", "delay", above=0, most=MAX_INTERVAL_S
    )
    plot_interval: float = _setting(10.0, "seconds between plots, 0 is off", "plots", least=0)
    plot_dir: Path = _setting(Path("figs"), "directory of the plots", "plots")
    plot_keep: str = _setting(DEFAULT_KEEP, "plots to keep: an age (7d), a size (2G), a number (1000), or all", "plots")
    plot_ratio: bool = _setting(False, "write a second figure with V/I beside each plot", "plots")
    plot_remove_background: bool = _setting(False, "remove the quiet background from the waterfall of plots", "plots")
    station: str = _setting("OVRO-LWA", "name of the station in figures and files", "plots")
    latitude: float = shared.latitude("latitude of the site in degrees, for the Sun's position")
    longitude: float = shared.longitude()
    archive: Path | None = _setting(None, "archive every row in this directory", "archive")
    archive_elevation: float | None = _setting(
        None,
        "archive only while the Sun is at least this many degrees above the horizon",
        "archive",
        least=-90,
        most=90,
    )
    archive_precision: str = _setting(
        "noise", "bits of each power that the archive stores: those above its noise, or all", "archive",
        choices=("noise", "exact"),
    )  # fmt: skip
    no_bursts: bool = _setting(False, "do not search for bursts", "bursts")
    burst_files_db: float | None = _setting(
        DEFAULT_FILES_DB,
        "keep a picture and a FITS file of bursts that reach this many dB over the background, beside the archive",
        "bursts",
        least=0,
    )
    report_types: str = _setting(
        DEFAULT_REPORT_TYPES,
        "types of bursts to report, of III, IIIG, II, IV, I, RFI and ?",
        "bursts",
        check=parse_report_types,
    )
    report_db: float = _setting(0.0, "smallest peak of a reported burst over the background, dB", "bursts", least=0)
    report_confidence: float = _setting(
        DEFAULT_CONFIDENCE, "smallest confidence of a reported burst's type", "bursts", least=0, most=1
    )
    report_every: float = _setting(DEFAULT_EVERY_S, "seconds from one report of a type to the next", "bursts", least=0)
    report_at_night: bool = _setting(False, "report bursts while the Sun is down too", "bursts")
    on_event: str | None = _setting(
        None, "command to run for each report, which is a line of JSON on its standard input", "bursts",
        check=parse_command,
    )  # fmt: skip
    notify: str = _setting(
        "", "how the terminal shows reports: bell, title, osc (a notification), such as bell,osc", "bursts",
        check=parse_notify,
    )  # fmt: skip
    author: str = _setting("", "name of the observer in notes", "notes", check=check_author)
    gc_interval: int = _setting(100, "frames between garbage collections, 0 is off", "memory", least=0)
    start_webshow: bool = _setting(False, "serve the web view", "web")
    web_host: str = _setting(
        "127.0.0.1", "address of the web view; other machines need a token", "web", host=parse_bind_host
    )
    web_port: int = _setting(9527, "port of the web view, 0 takes a free one", "web", least=0, most=65535)
    web_token: str = _setting(
        "",
        "token that visitors need; generated by default if other machines can reach the web view",
        "web",
        secret=True,
    )
    web_root_path: str = _setting("", "path of the web view behind a reverse proxy, such as /sun", "web")
    web_name: str = _setting("", "other names of the web view, such as obs.example.org,sun.lan:8443", "web")
    web_max_clients: int = _setting(200, "largest number of viewers at once", "web", least=1, most=10_000)
    no_ui: bool = _setting(False, "run without a terminal interface", "running")
    duration: float | None = _setting(None, "end after this many seconds", "running", above=0)
    status_interval: float = _setting(30.0, "seconds between status lines", "running", least=0.001)
    status_format: str = _setting("text", "format of the status lines", "running", choices=("text", "json"))
    demo: str | None = _setting(
        None,
        "watch an embedded producer: sun (simulated, if no name is given) or flare (recorded, in a loop)",
        "running",
        choices=DEMO_NAMES,
        alone="sun",
    )
    log_level: str = shared.log_level()
    verbose: bool = _setting(False, "log the header of the first frame", "logging")
    log_file: Path | None = _setting(None, "log to this file too", "logging")
    event_log: Path | None = _setting(None, "append each change of state to this file, as a line of JSON", "logging")

    def __post_init__(self) -> None:
        check_settings(self)
        check_buffer_length(option("buffer_length"), self.buffer_length, self.channel_average)
        RetentionPolicy.parse(self.plot_keep)
        self.web  # noqa: B018 - checks the options of the web view

    @property
    def stream_port(self) -> int:
        """Port to connect to: that of the beam, if there is one."""
        return self.port if self.beam is None else BEAM_PORT_BASE + self.beam

    @property
    def report_rules(self) -> ReportRules:
        """Rules of the bursts that are reported."""
        types = parse_report_types(self.report_types)
        return ReportRules(types, self.report_db, self.report_confidence, self.report_every, self.report_at_night)

    @property
    def web(self) -> WebOptions:
        """Options of the web view."""
        names = tuple(filter(None, (name.strip() for name in self.web_name.split(","))))
        return WebOptions(self.web_host, self.web_port, self.web_root_path, self.web_token, names, self.web_max_clients)


@dataclass(frozen=True)
class StreamSettings:
    """Settings of the producer."""

    source: str | list[str] = _setting(
        "simulate",
        "simulate, flare (recorded, in a loop), an archive, or recorded files: names, patterns or directories",
        "source",
        many=True,
    )
    addr: str = _setting("127.0.0.1", "address to publish on, no port", "stream", host=parse_bind_host)
    port: int = _setting(9798, "port to publish on, 0 takes a free one", "stream", least=0, most=65535)
    interval: float | None = _setting(
        None,
        "seconds of data in a frame; 0.25, or one row of a file that has rows of 0.1 s or more",
        "stream",
        above=0,
        most=MAX_INTERVAL_S,
    )
    speed: float = _setting(1.0, "speed in multiples of real time; 0 is as fast as possible", "source", least=0)
    loop: bool = _setting(False, "start again at the end of the file", "source")
    start: str | None = _setting(
        None, "only rows of the file after this time, such as 2026-11-25T18:00 (UTC)", "source"
    )
    end: str | None = _setting(None, "only rows of the file until this time (UTC)", "source")
    observation: int | None = _setting(
        None, "Observation of a recorder's file; the first by default", "source", least=1
    )
    tuning: int | None = _setting(None, "Tuning of a recorder's file; the first by default", "source", least=1)
    follow: bool = _setting(False, "send the rows of a recorder's file as it grows, beginning with the first", "source")
    frames: int | None = _setting(None, "end after this many frames", "source", least=1)
    seed: int = _setting(0, "seed of the simulated Sun", "source", least=0)
    chan0: int | None = _setting(
        None, f"first channel, if the file does not say; {DEFAULT_CHAN0}", "stream", least=0, most=MAX_CHAN0
    )
    now: bool = _setting(False, "shift a file's times to now", "source")
    wait: bool = _setting(False, "wait for the first subscriber", "stream")
    format: str = _setting(
        "today",
        "version of the headers: this program's, the recorder's of 2025-08, or bare ones",
        "stream",
        choices=FORMAT_NAMES,
    )
    burst: bool = _setting(False, "send two frames together each second, as the deployed recorder does", "stream")
    fault: str = _setting("", "faults to inject, such as gap=0.02,corrupt=0.01 (see docs/user-guide.md)", "stream")
    log_level: str = shared.log_level()

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def sources(self) -> list[str]:
        """All sources as a list."""
        return [self.source] if isinstance(self.source, str) else self.source

    @property
    def is_flare(self) -> bool:
        """True if the source is the recorded flare of this package."""
        return self.sources == ["flare"]

    @property
    def source_text(self) -> str:
        """Name of the source in messages."""
        more = len(self.sources) - 1
        return self.sources[0] + (f" and {more} more" if more else "")

    @property
    def first_channel(self) -> int:
        """First channel of the published frames."""
        return DEFAULT_CHAN0 if self.chan0 is None else self.chan0


@dataclass(frozen=True)
class ProbeSettings:
    """Settings of the commands doctor and snapshot.

    They read a stream for a short time.
    """

    addr: str = _setting("127.0.0.1", "address of the stream: a name, IPv4 or IPv6, no port", "stream", host=parse_host)
    port: int = _setting(9798, "port of the stream", "stream", least=1, most=65535)
    beam: int | None = _setting(None, f"recorder's beam: port {BEAM_PORT_BASE} + BEAM", "stream", least=1, most=999)
    frames: int = _setting(8, "frames to wait for", "stream", least=1)
    timeout: float = _setting(10.0, "seconds to wait for the frames", "stream", above=0)
    chan0: int = _setting(DEFAULT_CHAN0, "first channel, if the stream does not say", "stream", least=0, most=MAX_CHAN0)
    flux_scale: str | None = _setting(None, f"{FLUX_SCALE} (snapshot)", "figure", check=check_flux_scale)
    product: str | None = _setting(
        None, "product of the figures, by default XX (snapshot)", "figure", choices=PRODUCT_NAMES
    )
    palette: str | None = _setting(
        None, "palette of the PNG's waterfall, by default viridis (snapshot)", "figure", choices=PALETTE_NAMES
    )
    levels: str | None = _setting(
        None,
        "floor and ceiling of the figures, such as 10,35; by default auto (snapshot)",
        "figure",
        check=check_levels,
    )
    span: float | None = _setting(
        None,
        "seconds of data to wait for and to draw; by default those of --frames (snapshot)",
        "figure",
        above=0,
        most=MAX_PROBE_SPAN_S,
    )
    png: Path | None = _setting(None, "write a PNG figure to this file too (snapshot)", "figure")
    remove_background: bool = _setting(
        False, "remove the quiet background from the PNG's waterfall (snapshot)", "figure"
    )
    json: bool = _setting(False, "print JSON for scripts (doctor)", "output")

    def __post_init__(self) -> None:
        check_settings(self)
        check_buffer_length("--frames", self.frames, _DEFAULT_CHANNEL_AVERAGE)

    @property
    def stream_port(self) -> int:
        """Port to connect to: that of the beam, if there is one."""
        return self.port if self.beam is None else BEAM_PORT_BASE + self.beam


@dataclass(frozen=True)
class ExportSettings:
    """Settings of the command export."""

    output: Path = _setting(Path("sunspec.npz"), "file to write: .fits, .h5, .npz or .csv", "file", positional=True)
    input: Path | list[Path] | None = _setting(
        None, "an archive, or recorded files: names, patterns, directories; by default the stream", "rows", many=True
    )
    start: str | None = _setting(None, "only rows after this time, such as 2026-11-25T18:00 (UTC)", "rows")
    end: str | None = _setting(None, "only rows until this time (UTC)", "rows")
    observation: int | None = shared.observation()
    tuning: int | None = shared.tuning()
    product: str | None = _setting(
        None,
        "product of a FITS file, by default XX or the only one; the other formats hold all",
        "rows",
        choices=PRODUCT_NAMES,
    )
    average_time: float | None = _setting(
        None,
        "seconds of data averaged into a row: a whole number of rows, never over a gap",
        "rows",
        above=0,
        most=MAX_AVERAGE_S,
    )
    average_channels: int | None = _setting(
        None, "neighbouring frequencies averaged into one", "rows", least=1, most=MAX_AVERAGE_CHANNELS
    )
    flux_scale: str | None = _setting(None, FLUX_SCALE, "rows", check=check_flux_scale)
    digits: bool = _setting(False, "write FITS with 8-bit digits of 0.386 dB, as e-CALLISTO stations do", "file")
    station: str = _setting("OVRO-LWA", "name of the station of a stream", "rows")
    addr: str = _setting("127.0.0.1", "address of the stream: a name, IPv4 or IPv6, no port", "stream", host=parse_host)
    port: int = _setting(9798, "port of the stream", "stream", least=1, most=65535)
    frames: int = _setting(240, "frames to wait for", "stream", least=1)
    timeout: float = _setting(90.0, "seconds to wait for the frames", "stream", above=0)
    chan0: int | None = _setting(
        None,
        f"first channel, if the stream or an older NPZ file does not say; {DEFAULT_CHAN0}",
        "stream",
        least=0,
        most=MAX_CHAN0,
    )
    channel_average: int = _setting(_DEFAULT_CHANNEL_AVERAGE, "channels averaged into a bin", "stream", least=1)

    def __post_init__(self) -> None:
        check_settings(self)
        if self.input is None:
            check_buffer_length("--frames", self.frames, self.channel_average)
        for name in ("observation", "tuning"):
            if self.input is None and getattr(self, name) is not None:
                raise UsageError(f"{option(name)} is for a recorder's file: name it with --input, or leave it out")

    @property
    def inputs(self) -> list[Path]:
        """All inputs as a list."""
        return [] if self.input is None else [self.input] if isinstance(self.input, Path) else self.input

    @property
    def first_channel(self) -> int:
        """First channel of a stream whose headers have none."""
        return DEFAULT_CHAN0 if self.chan0 is None else self.chan0
