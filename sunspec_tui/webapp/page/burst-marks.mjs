// Mark bursts on the picture: brackets around their time and band, with their types.

import { label } from "./burst-text.mjs";
import { fitCanvas } from "./format.mjs";
import { marksOf } from "./notes.mjs";

const MAX_MARKS = 100, MIN_WIDE = 5, MIN_HIGH = 8, CORNER = 9, NEAR_PX = 3;
const LINE = "#ffffff", HALO = "#000000b0", CHOSEN = "#ffb000";

/** Returns the boxes of bursts in CSS pixels; `scale` is that of `timeScale`, and the box has the width of `columns`. */
export function boxesOf(bursts, { scale, columns, box, frame }) {
  const perColumn = (box.right - box.left) / columns, perMhz = (box.bottom - box.top) / (frame.high - frame.low);
  const y = (mhz) => Math.min(box.bottom, Math.max(box.top, box.bottom - (mhz - frame.low) * perMhz));
  const inside = bursts.filter(({ low_mhz: low, high_mhz: high }) => low <= frame.high && high >= frame.low);
  const marks = marksOf(inside.map((burst) => ({ burst, time_s: burst.begin_s, end_s: burst.end_s })), scale);
  return marks.map(({ note: { burst }, from, to }) => {
    const [left, right] = widened(box.left + from * perColumn, box.left + to * perColumn, MIN_WIDE, box.left, box.right);
    const [top, bottom] = widened(y(burst.high_mhz), y(burst.low_mhz), MIN_HIGH, box.top, box.bottom);
    return { burst, left, right, top, bottom };
  });
}

/** Returns an interval with at least a size, within limits. */
function widened(begin, end, least, first, last) {
  const more = Math.max(0, least - (end - begin)) / 2;
  return [Math.max(first, begin - more), Math.min(last, end + more)];
}

/** Returns boxes with the chosen burst first, then stronger ones before weaker ones, at most MAX_MARKS. */
export function strongest(boxes, chosen) {
  const rank = ({ burst }) => burst.name === chosen ? Infinity : burst.peak_db ?? -Infinity;
  return [...boxes].sort((one, other) => rank(other) - rank(one) || 0).slice(0, MAX_MARKS);
}

/**
 * Returns the places of the labels of boxes, the most important box first. A label that would cover another is left out.
 * It is above its box; at the top inside or below if there is no room, or if one of the rectangles `taken` is there.
 */
export function labelsOf(boxes, { box, font, width, taken = [] }) {
  const placed = [];
  for (const each of boxes) {
    const text = label(each.burst), wide = width(text) + 6, high = font * 1.2;
    const left = Math.max(box.left, Math.min(each.left, box.right - wide));
    const places = [each.top - high - 2, each.top + 2, each.bottom + 2].filter((top) => top >= box.top && top + high <= box.bottom)
      .map((top) => ({ text, left, top, right: left + wide, bottom: top + high, burst: each.burst }));
    const free = places.find((place) => !taken.some((other) => covers(other, place)));
    if (free && !placed.some((other) => covers(other, free))) placed.push(free);
  }
  return placed;
}

const covers = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

/** Returns the burst at a place in pixels, the first of several boxes; null if there is none. */
export function burstAt(boxes, x, y) {
  const isInside = ({ left, right, top, bottom }) => x >= left - NEAR_PX && x <= right + NEAR_PX && y >= top - NEAR_PX && y <= bottom + NEAR_PX;
  return boxes.find(isInside)?.burst ?? null;
}

/** Draws the brackets and labels of boxes on a canvas, which is hidden without any; `taken` as for `labelsOf`. */
export function drawMarks(canvas, boxes, { box, font, chosen, taken }) {
  canvas.hidden = !boxes.length;
  if (!boxes.length) return;
  const { context } = fitCanvas(canvas);
  for (const each of boxes) {
    bracket(context, each, HALO, 4);
    bracket(context, each, each.burst.name === chosen ? CHOSEN : LINE, 1.75);
  }
  context.font = `600 ${font}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  const width = (words) => context.measureText(words).width;
  for (const { text, left, top, right, bottom, burst } of labelsOf(boxes, { box, font, width, taken })) {
    context.fillStyle = HALO;
    context.fillRect(left, top, right - left, bottom - top);
    context.fillStyle = burst.name === chosen ? CHOSEN : LINE;
    context.fillText(text, left + 3, (top + bottom) / 2 + 0.5);
  }
}

/** Draws the corners of a box; a burst in progress has none at its right. */
function bracket(context, { burst, left, right, top, bottom }, colour, width) {
  const along = Math.min(CORNER, (right - left) / 2), across = Math.min(CORNER, (bottom - top) / 2);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(burst.type === "RFI" ? [2, 2] : []);
  context.beginPath();
  for (const [x, inward] of burst.is_open ? [[left, along]] : [[left, along], [right, -along]]) {
    context.moveTo(x + inward, top);
    context.lineTo(x, top);
    context.lineTo(x, top + across);
    context.moveTo(x, bottom - across);
    context.lineTo(x, bottom);
    context.lineTo(x + inward, bottom);
  }
  context.stroke();
  context.setLineDash([]);
}
