// Divide time into tiles, whose addresses never depend on the present time. Pure functions.
// A tile has 64 columns of 1, 2, 4 ... 4096 s, or the rows of 64 s. So browsers and proxies can keep finished tiles.

import { ARBITRARY, SFU } from "./levels.mjs";

const UNITS = [ARBITRARY, SFU], COLUMNS = 64, ROWS_TILE_S = 64, MAX_TILE_ROWS = 512, BINS = 256, ROW_BINS = 1024;
const STEPS_S = Array.from({ length: 13 }, (_, n) => 2 ** n);

export const MAX_ROWS = 1200, MIN_SPAN_S = 10, MAX_SPAN_S = 32 * 86400, MAX_TIME_S = 253402300799;

/** Returns the length of the columns for a span, in seconds; 0 for single rows. `cadence` may be null. */
export function stepFor(span, maxColumns, cadence) {
  if (span <= MAX_ROWS * (cadence > 0 ? cadence : 0.25)) return 0;
  return STEPS_S.find((step) => span / step <= maxColumns) ?? STEPS_S.at(-1);
}

/** Returns the tiles of a step that contain an interval, oldest first. */
export function tilesBetween(step, begin, end) {
  const length = step ? COLUMNS * step : ROWS_TILE_S, found = [];
  for (let n = Math.floor(Math.max(0, begin) / length); n * length < end; n++) found.push({ step, start: n * length, end: (n + 1) * length });
  return found;
}

/** Returns the address of a tile. It has no token: the browser sends the cookie. */
export function tileAddress({ step, start, end }, product, tag) {
  const columns = step ? COLUMNS : MAX_TILE_ROWS, bins = step ? BINS : ROW_BINS;
  return `history?${new URLSearchParams({ start, end, columns, bins, product, tag })}`;
}

/** Returns true if a value is a description of the timeline from `/history`. */
export function isDescription(value) {
  const { begin_s: begin, end_s: end, tag, bins, low_mhz: low, bin_mhz: width, products, unit } = value ?? {};
  return [begin, end, low, width].every(Number.isFinite) && end >= begin && width > 0
    && typeof tag === "string" && /^[0-9a-f]{1,64}$/.test(tag) && Number.isInteger(bins) && bins >= 1 && bins <= 65536
    && Array.isArray(products) && UNITS.includes(unit);
}
