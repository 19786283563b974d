"""Measures of typical bursts for tests."""

from dataclasses import replace

from sunspec_tui.bursts.measure import Measures

NAN = float("nan")
CELL_S = 0.5

BEAM = Measures(
    begin_s=100.0, peak_s=104.0, end_s=115.0, low_mhz=25.0, high_mhz=75.0, bins=80, peak_db=8.0, run_s=8.0, half_s=4.0,
    spread_s=6.0, end_spread_s=8.0, delay=4.0, delay_error=0.1, residual_s=0.5, ridge_delay=4.0, ridge_error=0.1,
    descent=NAN, sharp_share=0.3, strokes=1.0, is_saturated=False, circular=NAN, half_power_s=(),
)  # fmt: skip
SHOCK = replace(
    BEAM, end_s=400.0, low_mhz=40.0, high_mhz=80.0, run_s=60.0, half_s=30.0, spread_s=150.0, end_spread_s=150.0,
    delay=250.0, delay_error=5.0, residual_s=8.0, ridge_delay=250.0, ridge_error=5.0, descent=-0.3,
)  # fmt: skip
STATIONARY = replace(
    BEAM, end_s=900.0, run_s=600.0, half_s=400.0, spread_s=60.0, end_spread_s=80.0, delay=10.0, delay_error=20.0,
    ridge_delay=10.0, ridge_error=20.0, residual_s=25.0, descent=0.0,
)  # fmt: skip
