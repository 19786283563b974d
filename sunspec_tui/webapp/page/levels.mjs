// Compute the automatic levels of the colour scale, as `levels.py` does.
// Tests compare both with one table of numbers. Pure functions.

const SIGNED = new Set(["XY_real", "XY_imag", "Q", "U", "V", "V/I"]);
const MIDDLE = [0.1, 0.9], SAMPLED_BINS = 64, SAMPLED_ROWS = 256;
const LOW = 0.02, HIGH = 0.975, MARGIN_DB = 0.5, MIN_SPAN_DB = 3, SLACK = 0.15;

export const isSigned = (product) => SIGNED.has(product);
export const toDb = (power) => power > 0 && Number.isFinite(power) ? 10 * Math.log10(power) : NaN;
export const fromDb = (db) => 10 ** (db / 10);

/** Returns levels of the rows at `indices`, or `before` while they fit. They are in dB, or for a signed product minus and plus a power. */
export function pictureLevels(history, indices, before) {
  const signed = isSigned(history.product);
  const values = sampled(history, indices, signed ? (power) => power : toDb).sort();
  if (!values.length) return before ?? (signed ? [-1, 1] : [0, 10]);
  return steady(before, signed ? signedLevels(values) : percentileLevels(values));
}

/** Returns the earlier levels, unless a new level differs from them by more than the slack. */
export function steady(before, now) {
  if (!before) return now;
  const slack = SLACK * (before[1] - before[0]);
  return Math.abs(now[0] - before[0]) <= slack && Math.abs(now[1] - before[1]) <= slack ? before : now;
}

/** Returns at most `most` evenly spaced indices from 0 to count - 1, including both ends. */
export function evenlySpaced(count, most) {
  const chosen = Math.min(count, most);
  return Array.from({ length: chosen }, (_, n) => Math.floor(n * (count - 1) / Math.max(1, chosen - 1)));
}

/** Returns the indices of the sample of rows for levels and background. */
export function sampledRows(indices) {
  const shown = indices.filter((index) => index >= 0);
  return evenlySpaced(shown.length, SAMPLED_ROWS).map((n) => shown[n]);
}

/** Returns the sample of bins for levels, without the edges of the band, which roll off. */
export function sampledBins(bins) {
  const [begin, last] = MIDDLE.map((share) => Math.floor(share * bins)), end = Math.max(last, begin + 1);
  return evenlySpaced(end - begin, SAMPLED_BINS).map((n) => begin + n);
}

function sampled(history, indices, scale) {
  const bins = sampledBins(history.bins), found = [];
  for (const index of sampledRows(indices)) {
    const row = history.row(index);
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

/** Returns a quantile, interpolated linearly between two neighbours. */
function quantile(sorted, part) {
  const at = part * (sorted.length - 1), below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** Units of powers without and with a flux scale. */
export const ARBITRARY = "arbitrary", SFU = "sfu";

/** Returns the unit of logarithmic powers. */
export const levelUnit = (unit) => unit === ARBITRARY ? "dB" : `dB(${unit})`;

/** Returns the unit of the colour bar. */
export function barUnit(unit, product, decibels) {
  if (decibels) return levelUnit(unit);
  return product === "V/I" ? "" : unit === ARBITRARY ? "linear" : unit;
}
