// Decode the columns that `/history` answers; docs/web.md describes the layout, and `timeline_messages.py` writes it.

import { FAR, MISSING, readCodes, writePowers } from "./row-codes.mjs";
import { PRODUCTS } from "./row-messages.mjs";

const VERSION = 1, HEADER_BYTES = 32, COLUMN_BYTES = 25, SCALE_BYTES = 16;
const HAS_PEAKS = 1, IS_FINISHED = 2;
const MAX_COLUMNS = 4096, MAX_BINS = 1024, MAX_VALUES = 2 ** 21;
export const RESTART = 1, ONLY_MEAN = 2;
export const MAX_BYTES = 2 ** 24;

/** Returns columns: times, counts, marks, and `mean` and `peak` (column by column). Throws if the bytes are invalid. */
export function decodeColumns(buffer) {
  const wrong = () => new Error("the server sent columns that this page does not understand");
  if (buffer.byteLength < HEADER_BYTES) throw wrong();
  const view = new DataView(buffer), product = PRODUCTS[view.getUint8(1)], flags = view.getUint8(2);
  const count = view.getUint32(4, true), bins = view.getUint32(8, true), width = view.getUint32(12, true);
  const at = HEADER_BYTES + count * COLUMN_BYTES + SCALE_BYTES;
  if (view.getUint8(0) !== VERSION || !product || count > MAX_COLUMNS || bins > MAX_BINS || count * bins > MAX_VALUES) throw wrong();
  if (at + count * bins > buffer.byteLength) throw wrong();
  const floats = (offset) => Float64Array.from({ length: count }, (_, n) => view.getFloat64(offset + 8 * n, true));
  const counts = (offset) => Float64Array.from({ length: count }, (_, n) => view.getUint32(offset + 4 * n, true));
  const columns = {
    product, count, bins, width, finished: Boolean(flags & IS_FINISHED),
    begins: floats(HEADER_BYTES), ends: floats(HEADER_BYTES + 8 * count),
    rows: counts(HEADER_BYTES + 16 * count), missing: counts(HEADER_BYTES + 20 * count),
    marks: new Uint8Array(buffer, HEADER_BYTES + 24 * count, count),
  };
  const scale = { unit: view.getFloat64(at - 16, true), codeStep: view.getFloat64(at - 8, true) };
  const means = readSteps(buffer, at, count, bins);
  columns.mean = values(means, scale, count, bins);
  columns.peak = columns.mean;
  if (flags & HAS_PEAKS) {
    const excess = readSteps(buffer, means.end, count, bins);
    const codes = means.codes.map((code, n) => code + excess.codes[n]);
    columns.peak = values({ codes, steps: means.steps }, scale, count, bins);
  }
  return columns;
}

/** Reads codes that are written bin by bin. */
function readSteps(buffer, at, count, bins) {
  const end = at + count * bins;
  if (end > buffer.byteLength) throw new Error("the length of a message is wrong");
  const steps = new Uint8Array(buffer, at, count * bins);
  let far = 0;
  for (const each of steps) if (each === FAR) far++;
  if (end + 4 * far > buffer.byteLength) throw new Error("the length of a message is wrong");
  return { steps, codes: readCodes(steps, new DataView(buffer, end, 4 * far), count, null), end: end + 4 * far };
}

/** Returns powers column by column; NaN for missing values. */
function values({ codes, steps }, scale, count, bins) {
  const powers = new Float32Array(codes.length), found = new Float32Array(codes.length);
  writePowers(codes, steps, scale, powers);
  for (let bin = 0; bin < bins; bin++) {
    for (let n = 0; n < count; n++) found[n * bins + bin] = steps[bin * count + n] === MISSING ? NaN : powers[bin * count + n];
  }
  return found;
}
