"""Every setting, declared once: its name, type, default and sentence.

`Settings` is what the command line, a TOML file and the front ends share; the command line builds its
options from the fields below, so that no option is written twice. Values only: nothing here
reads a file unless asked, prints or exits.
"""

import math
import os
import reprlib
import tomllib
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from sunspec_tui.core.addresses import parse_bind_host, parse_host
from sunspec_tui.core.bounded_read import read_bounded
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.memory_budgets import MAX_CHAN0, check_buffer_length
from sunspec_tui.core.retention import DEFAULT_KEEP, Keep
from sunspec_tui.core.web_options import WebOptions

BEAM_PORT_BASE = 30000
DEFAULT_CHAN0 = 560
MAX_INTERVAL_S = 1e6
"""Longest data time of a frame, in seconds."""

MAX_AVERAGE_S, MAX_AVERAGE_CHANNELS = 86_400.0, 100_000
"""Longest row and widest bin of an export, in seconds and in frequencies."""

MAX_FILE_BYTES = 64 * 1024
"""Largest size of a file of settings."""

DELAY_METHODS = ("auto", "buffer", "manual")
PRODUCT_NAMES = ("XX", "YY", "XY_real", "XY_imag", "I", "Q", "U", "V", "V/I")
FORMAT_NAMES = ("today", "2025-08", "minimal", "test-producer")
_USUAL_AVERAGE = 4
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHOWN = ("highest", "mean")


def _setting(default: Any, text: str, group: str, **limits: Any) -> Any:
    return field(default=default, metadata={"help": text, "group": group, **limits}, repr="secret" not in limits)


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
    buffer_length: int = _setting(1200, "rows that are kept", "stream", least=2)
    channel_average: int = _setting(_USUAL_AVERAGE, "channels averaged into a bin", "stream", least=1)
    product: str | None = _setting(
        None, "product shown; XX, or the one of the last run", "display", choices=PRODUCT_NAMES
    )
    theme: str | None = _setting(None, "colours of the screen", "display", choices=("dark", "light", "terminal"))
    colors: str = _setting(
        "auto", "colours of the terminal", "display", choices=("auto", "truecolor", "256", "16", "none")
    )
    ascii: bool = _setting(False, "draw with ASCII characters alone", "display")
    low_bandwidth: bool = _setting(False, "draw as little as a very slow link needs", "display")
    chan0: int = _setting(560, "first channel, where the stream does not say", "stream", least=0, most=MAX_CHAN0)
    delay_method: str = _setting("auto", "how the message delay is found", "delay", choices=DELAY_METHODS)
    delay: float | None = _setting(None, "message delay in seconds; implies --delay-method manual", "delay")
    streaming_interval: float | None = _setting(
        None, "seconds of a row for --delay-method buffer; measured without it", "delay", above=0, most=MAX_INTERVAL_S
    )
    plot_interval: float = _setting(10.0, "seconds from plot to plot, 0 is off", "plots", least=0)
    plot_dir: Path = _setting(Path("figs"), "directory of the plots", "plots")
    plot_keep: str = _setting(
        DEFAULT_KEEP, "plots that stay: an age (7d), a size (2G), a number (1000), or all", "plots"
    )
    plot_ratio: bool = _setting(False, "write a second figure with V/I beside each plot", "plots")
    plot_remove_background: bool = _setting(False, "remove the quiet background from the waterfall of plots", "plots")
    station: str = _setting("OVRO-LWA", "whose data this is, for figures and files", "plots")
    archive: Path | None = _setting(None, "archive every row in this directory", "archive")
    archive_elevation: float | None = _setting(
        None, "archive only while the Sun is so many degrees high", "archive", least=-90, most=90
    )
    archive_precision: str = _setting(
        "noise", "bits of a power that the archive keeps: those above its noise, or all", "archive",
        choices=("noise", "exact"),
    )  # fmt: skip
    gc_interval: int = _setting(100, "frames from one garbage collection to the next, 0 is off", "memory", least=0)
    start_webshow: bool = _setting(False, "serve the web view", "web")
    web_host: str = _setting(
        "127.0.0.1", "address that the web view listens on; others need a token", "web", host=parse_bind_host
    )
    web_port: int = _setting(9527, "port that the web view listens on, 0 takes a free one", "web", least=0, most=65535)
    web_token: str = _setting(
        "", "token that visitors must bring; else made where others can reach it", "web", secret=True
    )
    web_root_path: str = _setting("", "path under which a reverse proxy shows it, such as /sun", "web")
    web_name: str = _setting("", "other names that it is reached by, such as obs.example.org,sun.lan:8443", "web")
    web_max_clients: int = _setting(200, "viewers at once", "web", least=1, most=10_000)
    no_ui: bool = _setting(False, "run without a terminal interface", "running")
    duration: float | None = _setting(None, "end after so many seconds", "running", above=0)
    status_interval: float = _setting(30.0, "seconds from status line to status line", "running", least=0.001)
    status_format: str = _setting("text", "form of the status lines", "running", choices=("text", "json"))
    demo: bool = _setting(False, "watch an embedded producer with a simulated Sun", "running")
    log_level: str = _setting("INFO", "what is logged", "logging", choices=LOG_LEVELS)
    verbose: bool = _setting(False, "log the header of the first frame", "logging")
    log_file: Path | None = _setting(None, "log to this file too", "logging")
    event_log: Path | None = _setting(None, "add each change of state to this file, as a line of JSON", "logging")

    def __post_init__(self) -> None:
        check(self)
        check_buffer_length(option("buffer_length"), self.buffer_length, self.channel_average)
        Keep.parse(self.plot_keep)
        self.web  # noqa: B018 - says what is wrong with it

    @property
    def stream_port(self) -> int:
        """The port to connect to: of the beam, if one is named."""
        return self.port if self.beam is None else BEAM_PORT_BASE + self.beam

    @property
    def web(self) -> WebOptions:
        """What is chosen of the web view."""
        names = tuple(filter(None, (name.strip() for name in self.web_name.split(","))))
        return WebOptions(self.web_host, self.web_port, self.web_root_path, self.web_token, names, self.web_max_clients)


@dataclass(frozen=True)
class StreamSettings:
    """Settings of the producer."""

    source: str | list[str] = _setting(
        "simulate", "simulate, an archive, or recorded files: names, patterns or directories", "source", many=True
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
    speed: float = _setting(1.0, "times real time; 0 is as fast as it goes", "source", least=0)
    loop: bool = _setting(False, "begin again at the end of the file", "source")
    start: str | None = _setting(None, "only rows of the file after this, such as 2026-11-25T18:00 (UTC)", "source")
    end: str | None = _setting(None, "only rows of the file until this (UTC)", "source")
    observation: int | None = _setting(None, "which Observation of a recorder's file; the first", "source", least=1)
    tuning: int | None = _setting(None, "which Tuning of a recorder's file; the first", "source", least=1)
    follow: bool = _setting(False, "send the rows of a recorder's file as it grows, from its first one on", "source")
    frames: int | None = _setting(None, "end after so many frames", "source", least=1)
    seed: int = _setting(0, "seed of the simulated Sun", "source", least=0)
    chan0: int | None = _setting(
        None, f"first channel, where the file does not say; {DEFAULT_CHAN0}", "stream", least=0, most=MAX_CHAN0
    )
    now: bool = _setting(False, "shift a file's times to now", "source")
    wait: bool = _setting(False, "begin with the first subscriber", "stream")
    format: str = _setting(
        "today",
        "whose headers: this program's, the recorder's of 2025-08, or bare ones",
        "stream",
        choices=FORMAT_NAMES,
    )
    burst: bool = _setting(False, "two frames a second at once, as the deployed recorder sends them", "stream")
    fault: str = _setting("", "faults on purpose, such as gap=0.02,corrupt=0.01 (see the README)", "stream")
    log_level: str = _setting("INFO", "what is logged", "logging", choices=LOG_LEVELS)

    def __post_init__(self) -> None:
        check(self)

    @property
    def sources(self) -> list[str]:
        """All that is named as the source."""
        return [self.source] if isinstance(self.source, str) else self.source

    @property
    def source_text(self) -> str:
        """What the source is called in a sentence."""
        more = len(self.sources) - 1
        return self.sources[0] + (f" and {more} more" if more else "")

    @property
    def first_channel(self) -> int:
        """The first channel of what is published."""
        return DEFAULT_CHAN0 if self.chan0 is None else self.chan0


@dataclass(frozen=True)
class LookSettings:
    """Settings of the commands that look at a stream for a moment: doctor and snapshot."""

    addr: str = _setting("127.0.0.1", "address of the stream: a name, IPv4 or IPv6, no port", "stream", host=parse_host)
    port: int = _setting(9798, "port of the stream", "stream", least=1, most=65535)
    beam: int | None = _setting(None, f"recorder's beam: port {BEAM_PORT_BASE} + BEAM", "stream", least=1, most=999)
    frames: int = _setting(8, "frames to wait for", "stream", least=1)
    timeout: float = _setting(10.0, "seconds to wait for them", "stream", above=0)
    chan0: int = _setting(560, "first channel, where the stream does not say", "stream", least=0, most=MAX_CHAN0)
    png: Path | None = _setting(None, "write a PNG figure to this file too (snapshot)", "figure")
    remove_background: bool = _setting(
        False, "remove the quiet background from the PNG's waterfall (snapshot)", "figure"
    )
    json: bool = _setting(False, "print JSON for scripts (doctor)", "output")

    def __post_init__(self) -> None:
        check(self)
        check_buffer_length("--frames", self.frames, _USUAL_AVERAGE)

    @property
    def stream_port(self) -> int:
        """The port to connect to: of the beam, if one is named."""
        return self.port if self.beam is None else BEAM_PORT_BASE + self.beam


@dataclass(frozen=True)
class ExportSettings:
    """Settings of the export."""

    output: Path = _setting(Path("sunspec.npz"), "file to write: .fits, .h5, .npz or .csv", "file", positional=True)
    input: Path | list[Path] | None = _setting(
        None, "an archive, or recorded files: names, patterns or directories; else the live stream", "rows", many=True
    )
    start: str | None = _setting(None, "only rows after this, such as 2026-11-25T18:00 (UTC)", "rows")
    end: str | None = _setting(None, "only rows until this (UTC)", "rows")
    observation: int | None = _setting(None, "which Observation of a recorder's file; the first", "rows", least=1)
    tuning: int | None = _setting(None, "which Tuning of a recorder's file; the first", "rows", least=1)
    product: str | None = _setting(
        None,
        "product of a FITS file, XX or the only one if none is named; the other forms hold all",
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
    digits: bool = _setting(False, "write FITS with 8-bit digits of 0.386 dB, as e-CALLISTO stations do", "file")
    station: str = _setting("OVRO-LWA", "whose data a stream is", "rows")
    addr: str = _setting("127.0.0.1", "address of the stream: a name, IPv4 or IPv6, no port", "stream", host=parse_host)
    port: int = _setting(9798, "port of the stream", "stream", least=1, most=65535)
    frames: int = _setting(240, "frames to wait for", "stream", least=1)
    timeout: float = _setting(90.0, "seconds to wait for them", "stream", above=0)
    chan0: int | None = _setting(
        None,
        f"first channel, where the stream or an older NPZ file does not say; {DEFAULT_CHAN0}",
        "stream",
        least=0,
        most=MAX_CHAN0,
    )
    channel_average: int = _setting(_USUAL_AVERAGE, "channels averaged into a bin", "stream", least=1)

    def __post_init__(self) -> None:
        check(self)
        if self.input is None:
            check_buffer_length("--frames", self.frames, self.channel_average)
        for name in ("observation", "tuning"):
            if self.input is None and getattr(self, name) is not None:
                raise UsageError(f"{option(name)} is for a recorder's file: name it with --input, or leave it out")

    @property
    def inputs(self) -> list[Path]:
        """All that is named as the input."""
        return [] if self.input is None else [self.input] if isinstance(self.input, Path) else self.input

    @property
    def first_channel(self) -> int:
        """The first channel of a stream that does not say it."""
        return DEFAULT_CHAN0 if self.chan0 is None else self.chan0


@dataclass(frozen=True)
class QuicklookSettings:
    """Settings of the pictures of archives and files."""

    inputs: Path | list[Path] = _setting(
        Path("archive"),
        "an archive, or files that make one picture: names, patterns or directories",
        "rows",
        positional=True,
        many=True,
        metavar="FILE",
    )
    out: Path = _setting(Path("figs"), "directory of the pictures", "pictures")
    product: str | None = _setting(
        None, "product of the waterfalls; XX, or what files have", "pictures", choices=PRODUCT_NAMES
    )
    per: str | None = _setting(
        None, "what a picture shows; a day of an archive, all of files", "pictures", choices=("day", "hour")
    )
    show: str = _setting(
        "highest", "what a column shows of its rows: the highest value or the mean", "pictures", choices=SHOWN
    )
    remove_background: bool = _setting(False, "remove the quiet background from the waterfalls", "pictures")
    start: str | None = _setting(None, "only from this on, such as 2026-11-25 (UTC)", "rows")
    end: str | None = _setting(None, "only until this (UTC)", "rows")
    observation: int | None = _setting(None, "which Observation of a recorder's file; the first", "rows", least=1)
    tuning: int | None = _setting(None, "which Tuning of a recorder's file; the first", "rows", least=1)
    chan0: int | None = _setting(
        None, "first channel of an older NPZ file, which does not say it", "rows", least=0, most=MAX_CHAN0
    )
    scheduler: str | None = _setting(None, "a Dask scheduler for an archive, such as tcp://host:8786", "cluster")
    workers: int | None = _setting(None, "processes on this machine for an archive; one a core", "cluster", least=1)

    def __post_init__(self) -> None:
        check(self)

    @property
    def paths(self) -> list[Path]:
        """All that is named as the input."""
        return [self.inputs] if isinstance(self.inputs, Path) else self.inputs


def option(name: str) -> str:
    """The command line's spelling of a setting."""
    return "--" + name.replace("_", "-")


def check(settings: Any) -> None:
    """Hold every value against its field's limits.

    Raises
    ------
    UsageError
        With the name of the first one that is outside.
    """
    for setting in fields(settings):
        value = getattr(settings, setting.name)
        if value is not None:
            _check_value(setting, value)


def _check_value(setting: Field[Any], value: Any) -> None:
    limits, name = setting.metadata, option(setting.name)
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{name} is {value}, it must be a finite number")
    if isinstance(value, Path) and not can_be_path(value):
        raise UsageError(f"{name} is {_quoted(str(value))}, no file can have such a name; choose another")
    if "host" in limits:
        limits["host"](value, name)
    if "choices" in limits and value not in limits["choices"]:
        raise UsageError(f"{name} is {value!r}, choose one of {', '.join(limits['choices'])}")
    if "least" in limits and value < limits["least"]:
        raise UsageError(f"{name} is {value}, it must be at least {limits['least']}")
    if "most" in limits and value > limits["most"]:
        raise UsageError(f"{name} is {value}, it must be at most {limits['most']}")
    if "above" in limits and value <= limits["above"]:
        raise UsageError(f"{name} is {value}, it must be above {limits['above']}")


def can_be_path(path: Path) -> bool:
    """Return False for a path with a NUL, or with a character that the file system cannot encode."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def plain_type(setting: Field[Any]) -> type:
    """The type of a setting without its ``None``."""
    kinds = {"str": str, "int": int, "float": float, "bool": bool, "Path": Path}
    spelled = setting.type if isinstance(setting.type, str) else str(getattr(setting.type, "__name__", setting.type))
    return kinds[spelled.replace("pathlib.", "").split(" |")[0].rpartition(".")[2]]


def read_file(path: Path) -> dict[str, Any]:
    """Settings of a TOML file: keys are the options' names, with ``-`` or ``_``.

    Raises
    ------
    UsageError
        If the file cannot be read, is no TOML, or names a setting that does not exist or of another type.
    """
    try:
        table = tomllib.loads(read_bounded(path, MAX_FILE_BYTES).decode())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; check --config") from error
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply for settings; check --config") from error
    except ValueError as error:
        # The file is not UTF-8, not TOML, or has a number of thousands of digits.
        raise UsageError(f"{path} is no TOML: {error}") from error
    known = {setting.name: setting for setting in fields(Settings)}
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise UsageError(f"{path}: there is no setting {_quoted(key)}; known are {', '.join(known)}")
        values[name] = _typed(path, known[name], value)
    return values


def _typed(path: Path, setting: Field[Any], value: Any) -> Any:
    kind = plain_type(setting)
    if kind is float and type(value) is int:
        return float(value)
    if kind is Path and type(value) is str:
        return Path(value)
    if type(value) is not kind:
        text = "no text" if "secret" in setting.metadata else _quoted(value)
        raise UsageError(f"{path}: {setting.name} is {text}, it must be a {kind.__name__}")
    return value


def _quoted(value: Any) -> str:
    """Format a value of the file in bounded length and depth."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 80
    return short.repr(value)
