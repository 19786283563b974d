// The rows without their quiet background. `background.py` has the same definition for the terminal and the figures; tests
// hold both against one table of numbers.

import { isSigned, sampledBins, sampledRows } from "./levels.mjs";

export const REMOVED = "background removed";

// The background is found anew after this share of the rows is new, and changed only for a change in dB.
const RENEWED_SHARE = 0.25, SLACK_DB = 0.3;

/** The median of each bin over the quieter half of the rows at `places`; NaN for a bin without a number. */
export function quietMedian(history, places) {
  const rows = sampledRows(places).map((place) => history.row(place)), bins = sampledBins(history.bins);
  const room = new Float64Array(Math.max(rows.length, bins.length));
  // By its size, so that a negative burst of a product with signs is loud too.
  const loudness = rows.map((row) => median(room, bins.length, (n) => Math.abs(row[bins[n]])));
  const limit = median(room, rows.length, (n) => loudness[n]);
  const quiet = rows.filter((_, n) => loudness[n] <= limit);
  return Float64Array.from({ length: history.bins }, (_, bin) => median(room, quiet.length, (n) => quiet[n][bin]));
}

/** Power as a multiple of the background, or its difference for a product with signs. */
export function withoutBackground(power, background, signed) {
  return signed ? power - background : background > 0 ? power / background : NaN;
}

/** The median of the finite ones of so many values. `room` is memory for them, so that none is made for each bin. */
function median(room, count, value) {
  let found = 0;
  for (let n = 0; n < count; n++) {
    const each = value(n);
    if (Number.isFinite(each)) room[found++] = each;
  }
  if (!found) return NaN;
  const sorted = room.subarray(0, found).sort();
  return Math.fround((sorted[(found - 1) >> 1] + sorted[found >> 1]) / 2);
}

/** Rows of a `History` without their background, for painters and levels. */
export class WithoutBackground {
  constructor(history) {
    this.history = history;
    this.number = 0; // grows when all rows are others
    this.end();
  }

  get bins() { return this.history.bins; }

  get product() { return this.history.product; }

  get version() { return `${this.history.version} ${this.number}`; }

  /** Whether the rows are there: the background of a history that has gone is not that of the next. */
  get isReady() { return this.background !== null && this.source === this.history.version; }

  /** Frees the memory. */
  end() {
    this.background = this.values = null;
    this.forget();
  }

  /** Finds the background with the next picture, whatever the one before. */
  forget() {
    this.rows = 0; // that the background was found in
    this.found = 0; // number after the newest of them
  }

  row(place) {
    return this.values.subarray(place * this.bins, (place + 1) * this.bins);
  }

  /** Takes new rows, at `places`; null where all are new. */
  take(places) {
    if (places === null) this.forget();
    else if (this.isReady) places.forEach((place) => this.#fill(place));
  }

  /** Brings the background up to date with the rows at `places`. */
  follow(places) {
    const { history } = this, rows = places.filter((place) => place >= 0).length;
    if (!rows || (this.isReady && history.next - this.found < RENEWED_SHARE * this.rows)) return;
    const found = quietMedian(history, places), grown = rows > this.rows;
    this.rows = rows;
    this.found = history.next;
    if (this.isReady && !grown && !differs(found, this.background)) return;
    this.background = found;
    if (this.values?.length !== history.values.length) this.values = new Float32Array(history.values.length);
    this.source = history.version;
    this.number++;
    for (let place = 0; place < history.filled; place++) this.#fill(place);
  }

  #fill(place) {
    const { background, bins, values } = this, signed = isSigned(this.product), row = this.history.row(place), base = place * bins;
    for (let bin = 0; bin < bins; bin++) values[base + bin] = withoutBackground(row[bin], background[bin], signed);
  }
}

function differs(found, before) {
  const room = new Float64Array(found.length);
  if (found.some((each, bin) => Number.isFinite(each) !== Number.isFinite(before[bin]))) return true;
  return median(room, found.length, (bin) => Math.abs(10 * Math.log10(Math.abs(found[bin] / before[bin])))) > SLACK_DB;
}
