"""Command ``sunspec-tui sun``: print the Sun's position and its times.

The exit status is 0 while the Sun is up and 1 while it is down, so that a script can ask ``if sunspec-tui sun``.
"""

import json
import time
from typing import Any

from sunspec_tui.cli.probe import Say
from sunspec_tui.core.day_settings import SunSettings
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_OK
from sunspec_tui.core.observing_day import ObservingDay, SunEventKind, next_event, observing_day_at
from sunspec_tui.core.sun import sun_position
from sunspec_tui.core.times import format_date_and_clock, format_iso, parse_user_time

_DAYS_AHEAD = 366
_SIGNS = {"rise": "rises", "transit": "transit", "set": "sets"}


def run(settings: SunSettings, say: Say) -> int:
    """Print the Sun's position; return 0 if it is up, else 1."""
    time_s = time.time() if settings.time is None else parse_user_time(settings.time)
    # An impossible time is refused before its position is computed.
    day = observing_day_at(time_s, settings.site, settings.horizon)
    record = _record(settings, time_s, day)
    say(json.dumps(record) if settings.json else "\n".join(_lines(record, day)))
    return EXIT_OK if record["up"] else EXIT_FAILED


def _record(settings: SunSettings, time_s: float, day: ObservingDay) -> dict[str, Any]:
    """Return the position and the times as plain values."""
    position = sun_position(time_s, settings.site)
    following = {
        f"next_{kind}": _iso(next_event(kind, time_s, settings.site, horizon_deg=settings.horizon, days=_DAYS_AHEAD))
        for kind in SunEventKind
    }
    return {
        "time": format_iso(time_s),
        "latitude_deg": settings.latitude,
        "longitude_deg": settings.longitude,
        "horizon_deg": settings.horizon,
        "elevation_deg": round(position.elevation_deg, 3),
        "azimuth_deg": round(position.azimuth_deg, 3) % 360,
        "up": position.elevation_deg >= settings.horizon,
        "day": day.name,
        "rise": _iso(day.rise_s),
        "transit": _iso(day.transit_s),
        "set": _iso(day.set_s),
    } | following


def _lines(record: dict[str, Any], day: ObservingDay) -> list[str]:
    """Return the text without ``--json``."""
    times = {"rise": day.rise_s, "transit": day.transit_s, "set": day.set_s}
    path = [f"{_SIGNS[name]} {format_date_and_clock(at_s)}" for name, at_s in times.items() if at_s is not None]
    following = "set" if record["up"] else "rise"
    next_time = record[f"next_{following}"]
    text = f"{_SIGNS[following]} {next_time[:19].replace('T', ' ')} UTC" if next_time else f"no {following} for a year"
    return [
        f"{record['time'][:19].replace('T', ' ')} UTC at latitude {record['latitude_deg']:.4f}, "
        f"longitude {record['longitude_deg']:.4f} deg",
        f"The Sun is {'up' if record['up'] else 'down'}: elevation {record['elevation_deg']:.2f} deg, "
        f"azimuth {record['azimuth_deg']:.2f} deg; {text}",
        f"Observing day {record['day']}: {', '.join(path)} UTC" + (f"; {day.remark}" if day.remark else ""),
    ]


def _iso(time_s: float | None) -> str | None:
    return None if time_s is None else format_iso(time_s)
