"""Bursts for screens of a `StillReceiver` with the sky of `sky_frames`."""

from monitors import START_S

from sunspec_tui.core.bursts import Burst, BurstType


def burst(name, begin, end, low_mhz=20.0, high_mhz=80.0, kind=BurstType.III, **values):
    """Return a burst; its times are seconds after the first row."""
    times = START_S + begin, START_S + (begin + end) / 2, START_S + end
    return Burst(name, *times, low_mhz, high_mhz, kind, **values)


def shown_bursts():
    """Return bursts of several types and states, one of them interference."""
    return [
        burst("n-1", 10, 18, 40, 75, confidence=0.9, peak_db=8.2, drift_mhz_s=-9.3, drift_error_mhz_s=0.4,
              half_power_s=((60.0, 2.1), (45.0, 3.4)), circular=0.12, source="127.0.0.1:9798",
              reason="-9.3 MHz/s, 45 channels in a line, 2.1 s at 60 MHz"),
        burst("n-2", 35, 60, 20, 50, BurstType.II, confidence=0.7, peak_db=12.2, drift_mhz_s=-0.11,
              drift_error_mhz_s=0.02, lanes=2, lane_ratio=1.94, circular=-0.02, reason="two lanes drift together"),
        burst("n-3", 52, 54, 70, 86, BurstType.UNKNOWN, confidence=0.3, peak_db=2.2, is_saturated=True),
        burst("n-4", 62, 64, 25, 27, BurstType.INTERFERENCE, confidence=0.9, peak_db=20.0),
        burst("n-5", 66, 82, 14, 88, BurstType.GROUP, confidence=0.8, peak_db=15.5, drift_mhz_s=-12.1,
              drift_error_mhz_s=1.4, is_open=True, reason="5 ridges within 16 s"),
    ]  # fmt: skip
