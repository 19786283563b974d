// Levels of the colours: percentiles of the middle of the band, with hysteresis so that the picture does not flicker.

const SIGNED = new Set(["XY_real", "XY_imag", "Q", "U", "V", "V/I"]);
const LOW = 0.02, HIGH = 0.995, EDGE = 0.1, SAMPLES = 20000, SLACK = 0.12;

export const isSigned = (product) => SIGNED.has(product);
export const toDb = (power) => power > 0 ? 10 * Math.log10(power) : NaN;
export const fromDb = (db) => 10 ** (db / 10);

/** Floor and ceiling of the rows at `places`: decibels, or of a signed product minus and plus the same power. */
export function measured(history, places) {
  const sample = sampled(history, places);
  if (history.product === "V/I") return [-1, 1];
  if (isSigned(history.product)) {
    const size = quantile(sample.map(Math.abs).sort(), HIGH) || 1;
    return [-size, size];
  }
  const db = sample.map((power) => toDb(power)).filter(Number.isFinite).sort();
  if (!db.length) return [0, 10];
  const low = quantile(db, LOW), high = quantile(db, HIGH);
  const room = Math.max(0.05 * (high - low), 0.5);
  return [low - room, high + room];
}

/** The levels before, unless the new ones are well away from them. */
export function steady(before, now) {
  if (!before) return now;
  const slack = SLACK * (before[1] - before[0]);
  return Math.abs(now[0] - before[0]) > slack || Math.abs(now[1] - before[1]) > slack ? now : before;
}

function sampled(history, places) {
  const { bins } = history;
  const shown = places.filter((place) => place >= 0);
  const begin = Math.floor(bins * EDGE), end = Math.ceil(bins * (1 - EDGE));
  const step = Math.max(1, Math.floor(shown.length * (end - begin) / SAMPLES));
  const found = [];
  let n = 0;
  for (const place of shown) {
    const row = history.row(place);
    for (; n < end - begin; n += step) {
      const power = row[begin + n];
      if (Number.isFinite(power)) found.push(power);
    }
    n -= end - begin;
  }
  return Float64Array.from(found);
}

function quantile(sorted, part) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] : NaN;
}
