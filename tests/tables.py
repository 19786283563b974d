"""Tables of numbers that tests of Python and of the page's JavaScript share."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.products import SIGNED_PRODUCTS


def _cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(__file__).parent / name).read_text())["cases"]
    return found


PICTURE_LEVELS = _cases("picture_levels.json")


def power_of(case: dict[str, Any]) -> np.ndarray:
    """Power of a case's rows, float32, shape (n, nbins); null is NaN, and 1e39 is infinite."""
    if "ramp" not in case:
        rows = [[np.nan if power is None else power for power in row] for row in case["power"]]
        with np.errstate(over="ignore"):
            return np.array(rows, np.float64).reshape(len(rows), -1 if rows else 1).astype(np.float32)
    ramp = case["ramp"]
    rows, bins = np.arange(ramp["rows"])[:, None], np.arange(ramp["bins"])
    values = ramp["low"] + ramp["per_row"] * rows + ramp["per_bin"] * bins
    return np.asarray(values if case["product"] in SIGNED_PRODUCTS else 10 ** (values / 10), np.float32)
