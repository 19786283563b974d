"""Any rows give valid bursts, or none, but never an exception."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sunspec_tui.bursts.detector import BurstDetector
from sunspec_tui.bursts.parts import bursts_of, find_traces
from sunspec_tui.core.products import WIRE_PRODUCTS, Product
from sunspec_tui.core.recording import Recording

START_S = 1_780_000_000.0
BAD = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e30, 1e-38, 3e38)
PRODUCTS = ((Product.I,), (Product.XX,), (Product.XX, Product.YY), (Product.I, Product.V), WIRE_PRODUCTS)


def times(rng, count, cadence_s, kind):
    """Return times: even, with gaps, with equal ones, or with late ones."""
    found = START_S + np.arange(count) * cadence_s
    if kind == "gaps":
        found += np.cumsum(rng.choice([0.0, 0.0, 0.0, 30.0, 4000.0], count, p=[0.5, 0.3, 0.17, 0.02, 0.01]))
    elif kind == "equal":
        found = np.repeat(found[:: max(2, count // 3)], 3)[:count]
    elif kind == "late":
        found[rng.integers(count, size=count // 10)] -= 50
    return found


def powers(rng, count, nbins, nproducts, kind):
    """Return powers with noise, jumps, bad values, or constant ones."""
    data = rng.normal(100, 1, (count, nbins, nproducts))
    if kind == "constant":
        data[:] = 7.0
    elif kind == "bad":
        share = rng.uniform(0, 1)
        data = np.where(rng.random(data.shape) < share, rng.choice(BAD, data.shape), data)
    elif kind == "jumps":
        data *= 10 ** rng.uniform(-3, 3, (count, 1, 1))
    elif kind == "blobs":
        for _ in range(20):
            row, first = rng.integers(count), rng.integers(nbins)
            data[row : row + rng.integers(1, 60), first : first + rng.integers(1, nbins + 1)] *= rng.uniform(0, 50)
    with np.errstate(over="ignore"):
        return data.astype(np.float32)


@st.composite
def streams(draw):
    """Draw an axis, products, times and powers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    nbins = draw(st.sampled_from([1, 2, 3, 17, 60, 128, 200, 500, 4000]))
    count = draw(st.integers(0, 400 if nbins < 300 else 60))
    cadence_s = draw(st.sampled_from([0.05, 0.25, 1.0, 3.0, 60.0]))
    low_mhz = draw(st.sampled_from([0.0, 10.0, 20.0, 45.0, 150.0, 1000.0]))
    axis = np.linspace(low_mhz, low_mhz + draw(st.sampled_from([0.5, 30.0, 80.0, 900.0])), nbins) * 1e6
    products = draw(st.sampled_from(PRODUCTS))
    times_s = times(rng, count, cadence_s, draw(st.sampled_from(["even", "gaps", "equal", "late"]))) if count else []
    kind = draw(st.sampled_from(["noise", "constant", "bad", "jumps", "blobs"]))
    data = powers(rng, count, nbins, len(products), kind) if count else np.empty((0, nbins, len(products)), np.float32)
    return axis, products, np.array(times_s, float), data, cadence_s


def check(bursts, axis, times_s, cell_s=130.0):
    """Check that bursts are valid."""
    for burst in bursts:
        assert burst.begin_s <= burst.peak_s <= burst.end_s, burst
        assert times_s.min() - cell_s <= burst.begin_s, burst
        assert burst.end_s <= times_s.max() + cell_s, burst
        assert axis.min() / 1e6 <= burst.low_mhz <= burst.high_mhz <= axis.max() / 1e6, burst
        assert 0 <= burst.confidence <= 1, burst
        assert burst.name
        assert burst.reason


@settings(deadline=None)
@given(stream=streams(), batch=st.sampled_from([1, 5, 16, 400]))
def test_a_detector_takes_any_rows(stream, batch):
    axis, products, times_s, data, _ = stream
    detector = BurstDetector(axis, products, "wild")
    bursts = {}
    for i in range(0, len(times_s), batch):
        bursts |= {burst.name: burst for burst in detector.feed(times_s[i : i + batch], data[i : i + batch])}
    bursts |= {burst.name: burst for burst in detector.close()}
    assert not any(burst.is_open for burst in bursts.values())
    check(bursts.values(), axis, times_s)


@settings(deadline=None)
@given(stream=streams())
def test_recorded_parts_take_any_rows(stream):
    axis, products, times_s, data, cadence_s = stream
    recording = Recording(data, products, times_s, axis, cadence_s)
    middle_s = START_S + 50
    bursts = bursts_of([find_traces(recording, -np.inf, middle_s), find_traces(recording, middle_s, np.inf)])
    check(bursts, axis, times_s)
