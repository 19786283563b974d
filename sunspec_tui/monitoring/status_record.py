"""Convert a snapshot to a status record of plain values for JSON.

Status lines, the web view and other programs use the record. This module reads no clock.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sunspec_tui.core.bursts import burst_record
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.times import format_iso
from sunspec_tui.files.archive.status import ArchiveStatus
from sunspec_tui.monitoring.burst_status import BurstStatus
from sunspec_tui.monitoring.pipeline_check import WORDS, pipelines_by_fault
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.sun_reading import SunReading
from sunspec_tui.monitoring.web_status import WebStatus

_WITH_PATHS = ("plot_error", "plot_note", "archive_error", "web_error", "bursts_error", "on_event_error", "problems")


def status_record(snapshot: Snapshot) -> dict[str, Any]:
    """Convert a snapshot to a status record.

    Unknown values are None, never NaN.
    """
    return {
        **_stream_fields(snapshot),
        **_instrument_fields(snapshot),
        **_timing_fields(snapshot),
        **_memory_and_plot_fields(snapshot),
        **_archive_fields(snapshot.archive),
        **_web_fields(snapshot.web),
        "observer_notes": snapshot.observer_notes.notes,
        "observer_notes_damaged": snapshot.observer_notes.damaged,
        **_burst_fields(snapshot.bursts),
        **_sun_fields(snapshot.sun),
        "problems": list(snapshot.problems),
        "lines_lost": snapshot.lines_lost,
    }


def _stream_fields(snapshot: Snapshot) -> dict[str, Any]:
    """Return the state and the counts of the stream."""
    health = snapshot.health
    return {
        "time": format_iso(snapshot.taken_s),
        "source": snapshot.source,
        "state": str(health.state),
        "link": health.link_words,
        "link_attempt": health.link_attempt,
        "frames_received": health.frames_received,
        "frames_rejected": health.frames_rejected,
        "rejected": health.rejected,
        "last_rejection": health.last_rejection,
        "frames_missing": health.missing,
        "restarts": health.restarts if health.restarts_known else None,
        "repeats": health.repeats,
        "reversals": health.reversals,
        "stalls": health.stalls,
    }


def _instrument_fields(snapshot: Snapshot) -> dict[str, Any]:
    """Return the findings about the instrument."""
    return {
        "pipelines": _pipelines(snapshot),
        "chan0": snapshot.axis.chan0 if snapshot.axis else None,
        "axis_shift_channels": snapshot.check.axis_check.shift_channels if snapshot.check.axis_check else None,
        "level_change_db": _levels(snapshot.check.gain.change_db),
        "gain_lost_db": _levels(snapshot.check.gain.lost_db),
        "signal_lost": _signal(snapshot),
        "clock_fault": str(snapshot.check.clock.fault),
        "clock_rate": known(snapshot.check.clock.rate, 4),
        "station": snapshot.station,
        "unit": snapshot.unit,
        "flux_scale": snapshot.flux_scale or None,
        "replay_of": format_iso(snapshot.recorded_s) if snapshot.replay else None,
        "checks_unknown": dict(snapshot.check.failures),
    }


def _timing_fields(snapshot: Snapshot) -> dict[str, Any]:
    """Return receive queue, cadence, message delay and age of the data."""
    health, delay, statistics = snapshot.health, snapshot.delay, snapshot.delay_statistics
    return {
        "queue_frames": health.queue_frames,
        "queue_most": health.queue_most,
        "cadence_s": known(health.cadence_s, 6),
        "rate_hz": known(health.rate_hz, 3),
        "delay_s": known(delay.value_s, 6),
        "delay_median_s": known(statistics.median_s, 6),
        "delay_p95_s": known(statistics.p95_s, 6),
        "delay_max_s": known(statistics.max_s, 6),
        "delay_method": str(delay.method),
        "delay_used": str(delay.used),
        "delay_note": delay.note,
        "data_age_s": known(snapshot.data_age_s, 6),
    }


def _memory_and_plot_fields(snapshot: Snapshot) -> dict[str, Any]:
    """Return the memory usage and the state of the plots."""
    memory, plots = snapshot.memory, snapshot.plots
    return {
        "pss_mb": known(memory.pss_mb, 1),
        "rss_mb": known(memory.rss_mb, 1),
        "ring_mb": round(memory.ring_mb, 1),
        "plots_written": plots.written,
        "plots_failed": plots.failed,
        "last_plot": plots.last_path,
        "plot_error": plots.last_error,
        "plot_note": plots.note,
        "plots_kept": plots.kept,
        "plots_kept_bytes": plots.kept_bytes,
        "plots_removed": plots.removed,
    }


def _archive_fields(archive: ArchiveStatus) -> dict[str, Any]:
    """Return the state of the archive."""
    return {
        "archive": str(archive.state),
        "archive_rows": archive.rows_written,
        "archive_rows_lost": archive.rows_missed,
        "archive_rows_unwanted": archive.rows_unwanted,
        "archive_rows_waiting": archive.rows_waiting,
        "archive_until": None if archive.last_time_s is None else format_iso(archive.last_time_s),
        "archive_free_bytes": archive.free_bytes,
        "archive_error": archive.problem,
    }


def _web_fields(web: WebStatus) -> dict[str, Any]:
    """Return the state of the web view."""
    return {
        "web": str(web.state),
        "web_viewers": web.viewers,
        "web_rows_sent": web.rows_sent,
        "web_rows_skipped": web.rows_skipped,
        "web_viewers_dropped": web.dropped,
        "web_refused": web.refused,
        "web_error": web.problem,
    }


def _burst_fields(bursts: BurstStatus) -> dict[str, Any]:
    """Return the burst search, the newest burst, and the reports."""
    newest, command = bursts.newest, bursts.command
    return {
        "bursts": str(bursts.state),
        "bursts_today": {str(kind): count for kind, count in bursts.today.items()},
        "bursts_total": {str(kind): count for kind, count in bursts.total.items()},
        "bursts_open": bursts.open,
        "bursts_newest": None if newest is None else burst_record(newest),
        "bursts_since_last_s": known(bursts.since_last_s, 1),
        "bursts_rows": bursts.rows.seen,
        "bursts_rows_skipped": bursts.rows.skipped,
        "bursts_rows_waiting": bursts.rows.waiting,
        "bursts_reported": bursts.reports,
        "bursts_held_back": bursts.held_back,
        "bursts_error": "; ".join(filter(None, (bursts.problem, bursts.table_problem))),
        "on_event": str(command.state),
        "on_event_calls": command.started,
        "on_event_failed": command.failed,
        "on_event_dropped": command.dropped,
        "on_event_waiting": command.waiting,
        "on_event_error": command.problem,
    }


def _sun_fields(sun: SunReading) -> dict[str, Any]:
    """Return the Sun's position, and the times of the observing day."""
    day, event = sun.day, sun.next_event
    return {
        "sun_elevation_deg": known(sun.elevation_deg, 2),
        "sun_azimuth_deg": known(sun.azimuth_deg, 2),
        "sun_up": sun.is_up if sun.is_known else None,
        "sun_day": None if day is None else day.name,
        "sun_rise": iso_or_none(None if day is None else day.rise_s),
        "sun_transit": iso_or_none(None if day is None else day.transit_s),
        "sun_set": iso_or_none(None if day is None else day.set_s),
        "sun_next": None if event is None else str(event.kind),
        "sun_next_time": iso_or_none(None if event is None else event.time_s),
    }


def iso_or_none(time_s: float | None) -> str | None:
    """Format a UTC time for a record; None if there is none."""
    return None if time_s is None else format_iso(time_s)


def _pipelines(snapshot: Snapshot) -> dict[str, dict[str, list[int]]]:
    """Return the numbers of faulty pipelines, by product and fault."""
    if snapshot.check.pipelines is None:
        return {}
    by_product = zip(WIRE_PRODUCTS, snapshot.check.pipelines.faults, strict=False)
    numbers = {str(product): pipelines_by_fault(faults) for product, faults in by_product}
    return {
        product: {WORDS[fault]: at for fault, at in faults.items()} for product, faults in numbers.items() if faults
    }


def _levels(values_db: Sequence[float]) -> dict[str, float | None]:
    """Return levels in dB by product."""
    return {str(product): known(value_db, 2) for product, value_db in zip(WIRE_PRODUCTS, values_db, strict=False)}


def _signal(snapshot: Snapshot) -> dict[str, str]:
    """Return the kind of values of each lost product."""
    return {str(WIRE_PRODUCTS[i]): kind for i, kind in snapshot.check.signal.values.items()}


def public_record(snapshot: Snapshot) -> dict[str, Any]:
    """Convert a snapshot to a status record without local paths."""
    record = {key: value for key, value in status_record(snapshot).items() if key not in _WITH_PATHS}
    record["last_plot"] = Path(snapshot.plots.last_path).name if snapshot.plots.last_path else None
    record["alarms"] = list(snapshot.alarms)
    record["warnings"] = [*snapshot.warnings, *(["plots failing"] if snapshot.plots.last_error else [])]
    record["notes"] = list(snapshot.notes)
    return record


_LIVE = (
    "time", "source", "state", "link", "frames_received", "frames_rejected", "frames_missing", "restarts", "cadence_s",
    "rate_hz", "delay_s", "delay_used", "delay_note", "data_age_s", "alarms", "warnings", "notes", "sun_elevation_deg",
    "sun_azimuth_deg", "sun_up", "sun_next", "sun_next_time", "observer_notes",
)  # fmt: skip


def live_record(snapshot: Snapshot) -> dict[str, Any]:
    """Convert a snapshot to the short status record of live pages."""
    record, health = public_record(snapshot), snapshot.health
    return {
        "type": "status",
        **{key: record[key] for key in _LIVE},
        "silence_s": known(health.silence_s, 3),
        "stall_after_s": known(health.stall_after_s, 3),
    }


def known(value: float, digits: int) -> float | None:
    """Round a number for a record; None if it is not finite."""
    return round(value, digits) if math.isfinite(value) else None
