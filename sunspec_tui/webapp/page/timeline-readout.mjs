// The cursor of the timeline: a place in shares of the picture's width and height, and the data under it.

import { clock, day } from "./format.mjs";
import { ARBITRARY, barUnit, isSigned } from "./levels.mjs";
import { describePower } from "./status-text.mjs";

/** Returns the place of a pointer in a picture, in CSS pixels; null outside the picture. */
export function shareAt(x, y, { clientWidth: width, clientHeight: height }) {
  if (x < 0 || x >= width || y < 0 || y >= height) return null;
  return { x: x / width, y: 1 - y / height };
}

/** Returns a place moved by columns and by steps of four bins. Without a place, it starts at the middle of the newest column. */
export function movedShare(place, byColumns, bySteps, columns, bins) {
  const { x, y } = place ?? { x: 1 - 0.5 / columns, y: 0.5 };
  const within = (share) => Math.min(1 - 1e-6, Math.max(0, share));
  return { x: within(x + byColumns / columns), y: within(y + 4 * bySteps / bins) };
}

/** Returns the column at a place: its power, and its time as text; without a column, why there is none. */
function columnAt(time, timeline, page) {
  const { set } = timeline, index = set.at(time);
  if (index >= 0) return describeColumn(set, index);
  const { history, cadence } = page, rows = history.product === set.product ? timeline.tail.rowsAfter(history, time) : [];
  const end = rows.length ? history.times[rows[0]] : NaN;
  if (end - (cadence ?? 0.25) <= time) return { words: "row", time: `${day(end)} ${clock(end, 2)}`, power: history.row(rows[0]) };
  const unknown = time < timeline.oldest || time > timeline.newest;
  const why = unknown ? "no rows are known at this time" : timeline.isLoading ? "loading" : describePower(-1, NaN, set.product);
  return { why, time: `${day(time)} ${clock(time)}` };
}

function describeColumn(set, index) {
  const { tile, n } = set.columns[index], begin = tile.begins[n], end = tile.ends[n];
  const isRow = tile.rows[n] === 1, notes = [];
  if (!isRow && tile.missing[n]) notes.push(`${tile.missing[n]} of ${tile.missing[n] + tile.rows[n]} rows missing`);
  return {
    words: set.describe(index), notes, power: set.power(index), index, mean: tile.mean.subarray(n * tile.bins, (n + 1) * tile.bins),
    time: isRow ? `${day(end)} ${clock(end, 2)}` : `${day(begin)} ${clock(begin)}–${clock(end)}`,
  };
}

/** Returns time, frequency and power at a place. */
export function timelineReadout(place, timeline, page, { frame, unit }) {
  const { set } = timeline, { begin, end } = timeline.interval;
  const mhz = frame.low + place.y * (frame.high - frame.low);
  const { why, words, notes = [], time, power, index, mean } = columnAt(begin + place.x * (end - begin), timeline, page);
  const head = `${time} UTC   ${mhz.toFixed(3)} MHz   ${set.product}`;
  if (why) return `${head} ${why}`;
  const count = power.length === set.bins ? timeline.cache.description.bins / set.width : power.length;
  const bin = Math.min(power.length - 1, Math.floor(place.y * count));
  const over = set.background && index >= 0 ? set.row(index)[bin] : null;
  const text = describePower(0, power[bin], set.product, over, unit);
  if (words.startsWith("highest")) notes.unshift(`mean ${describePower(0, mean[bin], set.product, null, unit)}`);
  return [`${head} ${words === "row" ? "" : `${words} `}${text}`, ...notes].join(", ");
}

/** Returns the unit of the colour scale. */
export const unitOf = (product, linear, unit = ARBITRARY) => barUnit(unit, product, !isSigned(product) && !linear);
