// Automatic levels of the colours. The terminal and the figures have the same definition in `scaling.py`; tests hold both
// against one table of numbers. Pure functions.

const SIGNED = new Set(["XY_real", "XY_imag", "Q", "U", "V", "V/I"]);
const MIDDLE = [0.1, 0.9], SAMPLED_BINS = 64, SAMPLED_ROWS = 256;
const LOW = 0.02, HIGH = 0.975, MARGIN_DB = 0.5, MIN_SPAN_DB = 3, SLACK = 0.15;

export const isSigned = (product) => SIGNED.has(product);
export const toDb = (power) => power > 0 && Number.isFinite(power) ? 10 * Math.log10(power) : NaN;
export const fromDb = (db) => 10 ** (db / 10);

/** Levels of the rows at `places`, those before while they fit: decibels, or of a signed product minus and plus the same power. */
export function pictureLevels(history, places, before) {
  const signed = isSigned(history.product);
  const values = sampled(history, places, signed ? (power) => power : toDb).sort();
  if (!values.length) return before ?? (signed ? [-1, 1] : [0, 10]);
  return steady(before, signed ? signedLevels(values) : percentileLevels(values));
}

/** The levels before, unless one of the new ones is well away from them. */
export function steady(before, now) {
  if (!before) return now;
  const slack = SLACK * (before[1] - before[0]);
  return Math.abs(now[0] - before[0]) <= slack && Math.abs(now[1] - before[1]) <= slack ? before : now;
}

/** At most `most` places from 0 to count - 1, evenly spaced, with both ends. */
export function evenlySpaced(count, most) {
  const chosen = Math.min(count, most);
  return Array.from({ length: chosen }, (_, n) => Math.floor(n * (count - 1) / Math.max(1, chosen - 1)));
}

/** Places of the rows of a picture that levels and background look at. */
export function sampledRows(places) {
  const shown = places.filter((place) => place >= 0);
  return evenlySpaced(shown.length, SAMPLED_ROWS).map((n) => shown[n]);
}

/** Bins that levels look at: the edges of the band roll off. */
export function sampledBins(bins) {
  const [begin, last] = MIDDLE.map((share) => Math.floor(share * bins)), end = Math.max(last, begin + 1);
  return evenlySpaced(end - begin, SAMPLED_BINS).map((n) => begin + n);
}

function sampled(history, places, scale) {
  const bins = sampledBins(history.bins), found = [];
  for (const place of sampledRows(places)) {
    const row = history.row(place);
    for (const bin of bins) {
      const value = scale(row[bin]);
      if (Number.isFinite(value)) found.push(value);
    }
  }
  return Float64Array.from(found);
}

function percentileLevels(sorted) {
  const low = quantile(sorted, LOW), high = quantile(sorted, HIGH);
  const lacking = Math.max(0, MIN_SPAN_DB - (high - low)) / 2;
  return [low - MARGIN_DB - lacking, high + MARGIN_DB + lacking];
}

function signedLevels(values) {
  const reach = quantile(values.map(Math.abs).sort(), HIGH);
  return reach > 0 ? [-reach, reach] : [-1, 1];
}

/** Between two neighbours, the quantile is interpolated linearly. */
function quantile(sorted, part) {
  const at = part * (sorted.length - 1), below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
