"""Format the monitor's status as Prometheus metrics, with units in their names."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.monitoring.burst_status import BurstState, BurstStatus
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.stream.health_reading import StreamState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = {
    "frames_received": ("frames_received", "Frames received"),
    "frames_missing": ("frames_missing", "Frames missing from the stream"),
    "restarts": ("restarts", "Restarts of the producer"),
    "stalls": ("stalls", "Times that the stream was silent"),
    "plots_written": ("plots_written", "Plots written"),
    "plots_failed": ("plots_failed", "Plots that could not be written"),
    "archive_rows": ("archive_rows", "Rows committed to the archive"),
    "archive_rows_lost": ("archive_rows_lost", "Rows that left the ring before they could be archived"),
}
_GAUGES = {
    "cadence_s": ("cadence_seconds", "Data time from frame to frame"),
    "rate_hz": ("rate_hertz", "Frames a second"),
    "delay_s": ("message_delay_seconds", "Message delay of the newest frame"),
    "data_age_s": ("data_age_seconds", "Now minus the end of the newest data"),
    "sun_elevation_deg": ("sun_elevation_degrees", "Elevation of the Sun's centre, without refraction"),
    "sun_azimuth_deg": ("sun_azimuth_degrees", "Azimuth of the Sun, from north through east"),
    "queue_frames": ("queue_frames", "Frames taken in a row since the receive queue was last empty"),
}


def metrics(snapshot: Snapshot, record: dict[str, Any], web: WebStatus) -> bytes:
    """Return the text for Prometheus; unknown values are left out.

    Parameters
    ----------
    snapshot, record
        The monitor's state, and the same state as `status_record` formats it.
    web
        Status of the web view.
    """
    registry = CollectorRegistry(auto_describe=False)
    families = (*_of_stream(snapshot, record), *_of_web(web), *_of_bursts(snapshot.bursts, snapshot.taken_s))
    registry.register(_Families(list(families)))
    return generate_latest(registry)


class _Families:
    """Collector of given metrics."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return all metrics."""
        return self._families

    if TYPE_CHECKING:

        def describe(self) -> list[Metric]:
            """Return all metrics, as the library declares it."""


def _of_stream(snapshot: Snapshot, record: dict[str, Any]) -> Iterator[Metric]:
    yield _states(snapshot.health.state)
    for key, (name, text) in _COUNTERS.items():
        if record[key] is not None:
            yield CounterMetricFamily(f"sunspec_{name}", text, value=record[key])
    for key, (name, text) in _GAUGES.items():
        if record[key] is not None:
            yield GaugeMetricFamily(f"sunspec_{name}", text, value=record[key])
    rejected = CounterMetricFamily(
        "sunspec_frames_rejected", "Messages that were not frames, by cause", labels=["cause"]
    )
    for cause, count in record["rejected"].items():
        rejected.add_metric([cause], count)
    yield rejected
    yield GaugeMetricFamily(
        "sunspec_resident_memory_bytes", "Memory of the monitor's process", value=snapshot.memory.rss_mb * 2**20
    )


def _states(state: StreamState) -> Metric:
    family = GaugeMetricFamily("sunspec_stream_state", "1 for the state that the stream is in", labels=["state"])
    for each in StreamState:
        family.add_metric([str(each).lower()], float(each is state))
    return family


def _of_web(web: WebStatus) -> Iterator[Metric]:
    yield GaugeMetricFamily("sunspec_web_viewers", "Viewers connected now", value=web.viewers)
    for name, text, value in (
        ("rows_sent", "Rows sent to viewers", web.rows_sent),
        ("rows_skipped", "Rows skipped for slow viewers", web.rows_skipped),
        ("viewers_dropped", "Viewers disconnected because they received nothing", web.dropped),
        ("refused", "Refused requests and connections", web.refused),
    ):
        yield CounterMetricFamily(f"sunspec_web_{name}", text, value=value)


def _of_bursts(bursts: BurstStatus, now_s: float) -> Iterator[Metric]:
    if bursts.state is BurstState.OFF:
        return
    closed = CounterMetricFamily("sunspec_bursts", "Bursts that have ended, by their type at the end", labels=["type"])
    for kind in BurstType:
        closed.add_metric([kind], bursts.total.get(kind, 0))
    yield closed
    yield GaugeMetricFamily("sunspec_bursts_open", "Solar bursts in progress", value=bursts.open)
    if math.isfinite(bursts.seen_s):
        since_s = max(0.0, now_s - bursts.seen_s)
        yield GaugeMetricFamily(
            "sunspec_seconds_since_last_burst", "Now minus the time when a solar burst was last seen", value=since_s
        )
