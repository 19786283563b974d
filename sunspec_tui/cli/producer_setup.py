"""Create a producer, its source and its ring from settings.

The feed is started here. The caller binds, runs and ends the producer.
"""

import logging
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.settings import StreamSettings
from sunspec_tui.core.times import parse_time_range

if TYPE_CHECKING:
    from sunspec_tui.producer.fault_injection import FaultInjector
    from sunspec_tui.producer.ring_feeder import RingFeeder, Source
    from sunspec_tui.producer.streaming_op import AvgStreamingOp

log = logging.getLogger(__name__)

# As deployed: gulps of 1.0272 s, each sent as two frames 0.15 s apart.
BURST_NAVG, BURST_SPECTRA, BURST_GAP_S = 1536, 16, 0.15
DEFAULT_INTERVAL_S, MIN_FRAME_S = 0.25, 0.1


def make_source(settings: StreamSettings) -> "Source":
    """Return the source of the spectra.

    Raises
    ------
    UsageError
        If the settings contradict each other.
    SourceError
        If the file cannot be read.
    """
    simulated = settings.sources == ["simulate"]
    for_recorder = settings.follow or settings.observation is not None or settings.tuning is not None
    if for_recorder and (simulated or settings.is_flare):
        raise UsageError("--observation, --tuning and --follow are for a recorder's file: name it with --source")
    if simulated:
        from sunspec_tui.producer.simulated_sun import SimulatedSun

        if settings.burst and settings.interval is not None:
            raise UsageError("--burst sets the interval; leave out --interval or --burst")
        if settings.burst:
            return SimulatedSun(settings.seed, settings.first_channel, navg=BURST_NAVG, ntime_gulp=BURST_SPECTRA)
        return SimulatedSun(settings.seed, settings.first_channel)
    if settings.burst:
        raise UsageError("--burst is only for the simulated Sun; leave it out with a file")
    start_s, end_s = parse_time_range(settings.start, settings.end)
    if settings.is_flare:
        return _recorded_flare(settings, (start_s, end_s))
    if settings.follow:
        return _growing_file(settings, (start_s, end_s))
    from sunspec_tui.producer.replay import open_replay

    source = open_replay(
        settings.sources,
        settings.first_channel,
        time.time if settings.now else None,
        between_s=(start_s, end_s),
        observation=settings.observation,
        tuning=settings.tuning,
        file_chan0=settings.chan0,
        frames_as_recorded=settings.interval is None,
    )
    # Shorter rows are spectra, which are averaged into frames.
    source.frames_as_recorded &= source.spectrum_s >= MIN_FRAME_S
    return source


def _recorded_flare(settings: StreamSettings, between_s: tuple[float | None, float | None]) -> "Source":
    """Return the flare of this package as a source.

    At speed 1 its times are shifted to now. At another speed they would leave the present, so they are not shifted.
    """
    from sunspec_tui.producer.recorded_flare import open_flare

    return open_flare(
        settings.first_channel,
        time.time if settings.now or settings.speed == 1 else None,
        between_s=between_s,
        frames_as_recorded=settings.interval is None,
    )


def _growing_file(settings: StreamSettings, between_s: tuple[float | None, float | None]) -> "Source":
    """Return a growing file as a source.

    Its rows are sent as they are written.
    """
    from sunspec_tui.producer.followed_file import FollowedFile

    if settings.loop or settings.now:
        raise UsageError("--follow ends with its file and keeps its times: leave --loop and --now out")
    if len(settings.sources) > 1:
        raise UsageError("--follow reads one file that grows: name only that one with --source")
    source = FollowedFile(
        Path(settings.sources[0]),
        settings.first_channel,
        between_s=between_s,
        observation=settings.observation,
        tuning=settings.tuning,
    )
    source.frames_as_recorded = settings.interval is None and source.spectrum_s >= MIN_FRAME_S
    return source


def make_faults(settings: StreamSettings) -> "FaultInjector | None":
    """Return the requested faults; None if there are none."""
    if not settings.fault:
        return None
    from sunspec_tui.producer.fault_injection import FaultInjector, FaultPlan
    from sunspec_tui.producer.header_versions import encode_as

    return FaultInjector(FaultPlan.parse(settings.fault), encode_as(settings.format), settings.seed)


def make_producer(
    started: ExitStack, source: "Source", settings: StreamSettings, faults: "FaultInjector | None" = None
) -> "tuple[AvgStreamingOp, RingFeeder]":
    """Return a producer and the feed of its ring.

    The feed stops when `started` ends.
    """
    from sunspec_tui.producer.header_versions import encode_as
    from sunspec_tui.producer.memory_ring import MemoryRing
    from sunspec_tui.producer.ring_feeder import RingFeeder
    from sunspec_tui.producer.streaming_op import AvgStreamingOp

    ring = MemoryRing()
    loop = settings.loop or settings.is_flare
    # The rows of a followed file come at their own pace.
    feed = RingFeeder(ring, source, speed=0 if settings.follow else settings.speed, loop=loop)
    feed.start()
    started.callback(feed.stop)
    op = AvgStreamingOp(
        log,
        ring,
        ntime_gulp=source.ntime_gulp,
        stream_addr=settings.addr,
        stream_port=settings.port,
        stream_interval=_interval_s(source, settings),
        burst_gap_s=BURST_GAP_S / settings.speed if settings.burst and settings.speed else 0.0,
        encode=faults or encode_as(settings.format),
        wait=settings.wait,
        lossless=settings.wait,
        max_frames=settings.frames,
    )
    return op, feed


def _interval_s(source: "Source", settings: StreamSettings) -> float:
    """Return the data time of a frame.

    Rows of a file are sent unchanged if they are long enough.
    """
    if settings.burst:
        return source.ntime_gulp * source.spectrum_s / 2
    if settings.interval is None:
        return source.spectrum_s if source.frames_as_recorded else DEFAULT_INTERVAL_S
    return settings.interval
