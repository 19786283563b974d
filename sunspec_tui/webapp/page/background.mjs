// Remove the quiet background from rows, as `background.py` does.
// Tests compare both with one table of numbers.

import { isSigned, sampledBins, sampledRows } from "./levels.mjs";

export const REMOVED = "background removed";

// The background is computed again when this share of the rows is new. It is replaced if it differs by more than the slack.
const RENEWED_SHARE = 0.25, SLACK_DB = 0.3;

/** Returns the median of each bin over the quieter half of the rows at `indices`; NaN for a bin without valid values. */
export function quietMedian(history, indices) {
  const rows = sampledRows(indices).map((index) => history.row(index)), bins = sampledBins(history.bins);
  const room = new Float64Array(Math.max(rows.length, bins.length));
  // Use magnitudes, so that a negative burst of a signed product is loud too.
  const loudness = rows.map((row) => median(room, bins.length, (n) => Math.abs(row[bins[n]])));
  const limit = median(room, rows.length, (n) => loudness[n]);
  const quiet = rows.filter((_, n) => loudness[n] <= limit);
  return Float64Array.from({ length: history.bins }, (_, bin) => median(room, quiet.length, (n) => quiet[n][bin]));
}

/** Returns power as a multiple of the background, or for a signed product the difference from it. */
export function withoutBackground(power, background, signed) {
  return signed ? power - background : background > 0 ? power / background : NaN;
}

/** Returns the median of the finite values among `count`. `room` is memory that is reused for all bins. */
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

/** Rows of a `RowBuffer` without their background, for painters and levels. */
export class WithoutBackground {
  constructor(history) {
    this.history = history;
    this.number = 0; // grows when all rows change
    this.release();
  }

  get bins() { return this.history.bins; }

  get product() { return this.history.product; }

  get filled() { return this.history.filled; }

  get version() { return `${this.history.version} ${this.number}`; }

  /** True if the rows are computed for the present version: a new history needs a new background. */
  get isReady() { return this.background !== null && this.source === this.history.version; }

  /** Frees the memory. */
  release() {
    this.background = this.values = null;
    this.expire();
  }

  /** Makes the next picture compute the background again. */
  expire() {
    this.rows = 0; // number of rows that the background was computed from
    this.foundAt = 0; // number after the newest of these rows
  }

  row(index) {
    return this.values.subarray(index * this.bins, (index + 1) * this.bins);
  }

  /** Updates the new rows at `indices`; null if all are new. */
  addRows(indices) {
    if (indices === null) this.expire();
    else if (this.isReady) indices.forEach((index) => this.#fill(index));
  }

  /** Brings the background up to date with the rows at `indices`. */
  update(indices) {
    const { history } = this, rows = indices.filter((index) => index >= 0).length;
    if (!rows || (this.isReady && history.next - this.foundAt < RENEWED_SHARE * this.rows)) return;
    const found = quietMedian(history, indices), grown = rows > this.rows;
    this.rows = rows;
    this.foundAt = history.next;
    if (this.isReady && !grown && !differs(found, this.background)) return;
    this.background = found;
    if (this.values?.length !== history.values.length) this.values = new Float32Array(history.values.length);
    this.source = history.version;
    this.number++;
    for (let index = 0; index < history.filled; index++) this.#fill(index);
  }

  #fill(index) {
    const { background, bins, values } = this, signed = isSigned(this.product), row = this.history.row(index), base = index * bins;
    for (let bin = 0; bin < bins; bin++) values[base + bin] = withoutBackground(row[bin], background[bin], signed);
  }
}

function differs(found, before) {
  const room = new Float64Array(found.length);
  if (found.some((each, bin) => Number.isFinite(each) !== Number.isFinite(before[bin]))) return true;
  return median(room, found.length, (bin) => Math.abs(10 * Math.log10(Math.abs(found[bin] / before[bin])))) > SLACK_DB;
}
