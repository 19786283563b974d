"""Parameters of a receiver, checked and converted once."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from sunspec_tui.core.addresses import host_and_port, parse_host, parse_port
from sunspec_tui.core.argument_checks import is_number, number, parse_choice, whole_number
from sunspec_tui.core.burst_reports import DEFAULT_FILES_DB, ReportRules, parse_command
from sunspec_tui.core.colormaps import PALETTES, parse_palette
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.flux_scale import FluxScale
from sunspec_tui.core.instrument import STATION
from sunspec_tui.core.memory_budgets import check_buffer_length
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.retention import DEFAULT_KEEP
from sunspec_tui.core.setting_fields import can_be_path
from sunspec_tui.core.sun import OVRO_LWA, ObservingSite
from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.monitoring.live_bursts import BurstOptions
from sunspec_tui.monitoring.problems import Problems
from sunspec_tui.stream.ingest import DelayChoice
from sunspec_tui.stream.message_delay import DelayMethod
from sunspec_tui.stream.reconnecting import ReconnectTimes


@dataclass(frozen=True)
class ReceiverOptions:
    """Parameters of a `StreamReceiver`.

    Attributes
    ----------
    stream_addr, stream_port
        Address of the producer.
    buffer_length
        Number of rows that are kept.
    gc_interval
        Frames from one garbage collection among new objects to the next; 0 is off.
    plot_interval
        Seconds from plot to plot; 0 is off.
    plot_dir
        Directory of the plots; created if it is missing.
    start_webshow
        True to serve the web view from `start` on; a failure is logged, and receiving continues.
    streaming_interval
        Seconds of a row for the delay method ``buffer``; the measured cadence by default.
    verbose
        True to log the header of the first frame.
    channel_average
        Number of channels per bin.
    product
        Name of the product that plots and `get_latest_data` show, see `products.Product`.
    chan0
        First channel, if the header does not give it.
    beam_index
        Index of the beam that is stored, if a frame has several.
    delay_method, manual_delay
        See `set_delay_calculation_method` and `set_delay`.
    station
        Origin of the data, for figures and files.
    plot_keep
        Plots that are kept: by age and size (``7d,2G``), by number (``1000``), or ``all``.
    plot_ratio
        True to write a second figure with V/I for each plot.
    palette
        Colour map of the waterfall of plots, see `colormaps.PALETTES`; a signed product has the diverging map.
    plot_remove_background
        True to subtract the quiet background from the waterfall of plots, also those of `create_plot`.
    archive_dir
        Directory of the archive, which stores every row; None for no archive.
    archive_precision
        Precision of a new store: the bits of each power above its noise (``noise``), or all bits (``exact``).
    archive_elevation
        Archive only while the Sun is at least so many degrees above the horizon.
    site
        Latitude and longitude of the telescope in degrees, positive in the north and in the east. The Sun's position
        is computed for them.
    floor_dir
        Directory that keeps the stream's quiet floor between runs; None measures it again in each run.
    flux_scale
        Factor from received power to sfu, or a file of MHz and factors, see `flux_scale.load_flux_scale`; it applies to
        all rows that are read, not to the archive. None for powers as received.
    notes_path
        File of the observers' notes; by default ``notes.jsonl`` in the archive's directory, without an archive none.
    bursts
        False to search for no bursts.
    burst_files_db
        Least peak over the background (dB) of bursts that get a picture and a FITS file beside the archive; None for no
        files.
    report_rules
        Rules of the bursts that are reported; None for the usual ones.
    on_event
        Command that is run for each report, as text or as words; None for no command.
    day_dir
        Directory that keeps the counts of the last observing days between runs; None counts anew in each run.
    web
        Address and access rules of the web view; only this machine by default.
    reconnect
        Times after which a connection is replaced.
    problems
        Problems of the program itself, shared with the caller; None uses a new object.
    clock, monotonic
        Wall clock (seconds since 1970) and a clock that never goes back.

    Raises
    ------
    UsageError
        If a parameter cannot be used.
    """

    stream_addr: str = "127.0.0.1"
    stream_port: int = 9798
    buffer_length: int = 1200
    gc_interval: int = 100
    plot_interval: float = 10
    plot_dir: str | Path = "figs"
    start_webshow: bool = False
    streaming_interval: float | None = None
    verbose: bool = False
    _: KW_ONLY
    channel_average: int = 4
    product: str = "XX"
    chan0: int = 560
    beam_index: int = 0
    delay_method: str = "auto"
    manual_delay: float = 0.0
    station: str = STATION
    plot_keep: str = DEFAULT_KEEP
    plot_ratio: bool = False
    plot_remove_background: bool = False
    palette: str = PALETTES[0]
    archive_dir: str | Path | None = None
    archive_elevation: float | None = None
    archive_precision: str = "noise"
    site: ObservingSite = OVRO_LWA
    floor_dir: str | Path | None = None
    flux_scale: FluxScale | str | float | Path | None = None
    notes_path: str | Path | None = None
    bursts: bool = True
    burst_files_db: float | None = DEFAULT_FILES_DB
    report_rules: ReportRules | None = None
    on_event: str | Sequence[str] | None = None
    day_dir: str | Path | None = None
    web: WebOptions | None = None
    reconnect: ReconnectTimes | None = None
    problems: Problems | None = None
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        for name, least in (("stream_port", 1), ("buffer_length", 1), ("gc_interval", 0), ("channel_average", 1),
                            ("chan0", 0), ("beam_index", 0)):  # fmt: skip
            # The parameters of a frozen value are converted once, here.
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least))
        object.__setattr__(self, "plot_interval", number("plot_interval", self.plot_interval, 0))
        object.__setattr__(self, "site", _site(self.site))
        parse_palette(self.palette)
        if isinstance(self.on_event, str):
            object.__setattr__(self, "on_event", parse_command(self.on_event))
        self._check_archive()
        self._check_streaming_interval()
        check_buffer_length("buffer_length", self.buffer_length, self.channel_average)
        object.__setattr__(self, "stream_addr", parse_host(self.stream_addr, "stream_addr"))
        object.__setattr__(self, "stream_port", parse_port(self.stream_port, "stream_port"))

    def _check_archive(self) -> None:
        if self.archive_elevation is not None and not -90 <= float(self.archive_elevation) <= 90:
            raise UsageError(f"archive_elevation is {self.archive_elevation}, it must lie between -90 and 90 degrees")
        for name, path in (
            ("plot_dir", self.plot_dir),
            ("archive_dir", self.archive_dir),
            ("notes_path", self.notes_path),
        ):
            if path is not None and not can_be_path(Path(path)):
                raise UsageError(f"{name} is {str(path)!r}, no file can have such a name; choose another")

    def _check_streaming_interval(self) -> None:
        interval = self.streaming_interval
        if interval is not None and not (is_number(interval) and 0 < interval < math.inf):
            raise UsageError(f"streaming_interval is {short_repr(interval)}, it must be a number of seconds above 0")

    @property
    def source(self) -> str:
        """Address of the stream, as text."""
        return host_and_port(self.stream_addr, self.stream_port)

    @property
    def burst_search(self) -> BurstOptions:
        """Parameters of the burst search."""
        return BurstOptions(
            self.bursts,
            self.source,
            self.buffer_length,
            self.site,
            self.report_rules or ReportRules(),
            None if self.on_event is None else tuple(self.on_event),
            None if self.archive_dir is None else Path(self.archive_dir),
            self.burst_files_db,
        )

    @property
    def delay(self) -> DelayChoice:
        """Method of the message delay, and its values."""
        method = parse_choice(DelayMethod, "delay method", self.delay_method)
        return DelayChoice(method, self.manual_delay, self.streaming_interval)


def _site(value: Sequence[float]) -> ObservingSite:
    """Return a site from a pair of numbers."""
    if len(value) == 2 and all(map(is_number, value)) and abs(value[0]) <= 90 and abs(value[1]) <= 180:
        return ObservingSite(float(value[0]), float(value[1]))
    raise UsageError(
        f"site is {short_repr(value)}, it must be a latitude from -90 to 90 and a longitude from -180 to 180 degrees"
    )
