"""Text of the drift ruler, for the caption."""

import math

from sunspec_tui.tui.display.drift_ruler import SPEED_OF_LIGHT_KM_S, RulerReading
from sunspec_tui.tui.widgets.fitting import LineSegment

_STYLE = "black on cyan"


def ruler_segments(reading: RulerReading | None) -> list[LineSegment]:
    """Return the numbers of the ruler.

    Parameters
    ----------
    reading
        The numbers; None while there is no second point.
    """
    name = LineSegment(" RULER ", _STYLE)
    if reading is None:
        return [name, LineSegment(" move the cursor to the second point; esc ends it", "", 0, " move the cursor")]
    emission = reading.emission
    model = f"{emission.model}, {emission.harmonic_word}"
    return [
        name,
        LineSegment(f" {_drift_text(reading)}", "bold"),
        LineSegment(f" in {reading.seconds:.3g} s", "", 3),
        LineSegment(f"{model} (M H)", "", 1, f"{emission.model} {emission.harmonic_word[0].upper()}", is_item=True),
        *_height_segments(reading.height_rsun),
        _density_segment(reading.density_cm3),
        _speed_segment(reading.speed_km_s),
    ]


def _drift_text(reading: RulerReading) -> str:
    if not math.isfinite(reading.drift_mhz_s):
        return "no rate: one time"
    return f"{reading.drift_mhz_s:+.3g} MHz/s"


def _height_segments(heights: tuple[float, float]) -> list[LineSegment]:
    """Return the heights, or that the model has none."""
    if not any(map(math.isfinite, heights)):
        return [LineSegment("no heights in this model", "yellow", 0, "no heights", is_item=True)]
    first, second = (f"{height:.2f}" if math.isfinite(height) else "none" for height in heights)
    return [LineSegment(f"heights {first} to {second} Rsun", "", 0, f"{first}–{second} Rsun", is_item=True)]


def _density_segment(densities: tuple[float, float]) -> LineSegment:
    first, second = (f"{density:.1e}".replace("e+0", "e") for density in densities)
    return LineSegment(f"densities {first} to {second} /cm3", "", 2, f"{first}–{second} /cm3", is_item=True)


def _speed_segment(speed_km_s: float) -> LineSegment:
    if not math.isfinite(speed_km_s):
        return LineSegment("no speed", "yellow", is_item=True)
    share = f"{speed_km_s / SPEED_OF_LIGHT_KM_S:.2g} c"
    return LineSegment(f"{_rounded(speed_km_s)} km/s, {share}", "bold", 0, share, is_item=True)


def _rounded(speed_km_s: float) -> str:
    """Round to three digits, without an exponent."""
    digits = 2 - math.floor(math.log10(abs(speed_km_s))) if speed_km_s else 0
    return f"{round(speed_km_s, digits):.0f}"
