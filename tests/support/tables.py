"""Tables of numbers for tests of Python and JavaScript.

The page's JavaScript must give the same numbers.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.core.products import SIGNED_PRODUCTS


def _cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(__file__).parent / name).read_text())["cases"]
    return found


PICTURE_LEVELS = _cases("picture_levels.json")
BACKGROUNDS = _cases("backgrounds.json")


def power_of(case: dict[str, Any]) -> np.ndarray:
    """Return power of a case, float32, shape (n, nbins).

    null is NaN, and 1e39 is infinite.
    """
    if "ramp" not in case:
        rows = [[np.nan if power is None else power for power in row] for row in case["power"]]
        with np.errstate(over="ignore"):
            return np.array(rows, np.float64).reshape(len(rows), -1 if rows else 1).astype(np.float32)
    ramp = case["ramp"]
    rows, bins = np.arange(ramp["rows"])[:, None], np.arange(ramp["bins"])
    values = ramp["low"] + ramp["per_row"] * rows + ramp["per_bin"] * bins
    return np.asarray(values if case["product"] in SIGNED_PRODUCTS else 10 ** (values / 10), np.float32)


def numbers(values: list[float | None]) -> np.ndarray:
    """Expected numbers; null is NaN."""
    return np.array([np.nan if value is None else value for value in values])


def for_page(case: dict[str, Any]) -> dict[str, Any]:
    """Return a case with its power, for the page's JavaScript."""
    power = power_of(case)
    rows = [[None if np.isnan(each) else min(each, 1e39) for each in row] for row in power.tolist()]
    return {"product": case["product"], "before": case.get("before"), "bins": power.shape[1], "power": rows}
