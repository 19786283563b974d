// Draw the waterfall's axes and colour bar on canvases of their own.
// On top of the waterfall, they would slow down each new picture.

import { clock, fitCanvas, short, clockInterval, ticks } from "./format.mjs";
import { rule } from "./spectrum.mjs";

const BAR = 0.9, RESTART = 2, REVERSAL = 4;

/** Returns the box of the waterfall in CSS pixels, for a font size. */
export function waterfallBox(width, height, frame, font) {
  return { left: frame.left, right: width - frame.right, top: font * 0.5, bottom: height - font * 1.8 };
}

/** Draws the frequency axis at the left and the colour bar at the right. */
export function drawAxes(canvas, { frame, levels, unit, palette, colours, font }) {
  const { context, width, height } = fitCanvas(canvas);
  context.font = `${font}px system-ui, sans-serif`;
  const box = waterfallBox(width, height, frame, font);
  frequencies(context, box, frame, colours, font);
  bar(context, box, width, levels, unit, palette, colours, font);
  context.strokeStyle = colours.line;
  context.strokeRect(box.left - 0.5, box.top - 0.5, box.right - box.left + 1, box.bottom - box.top + 1);
}

/** Draws the time axis on a separate canvas, because it moves with every row. */
export function drawTimes(canvas, box, { history, indices, cadence, colours, font }) {
  const { context } = fitCanvas(canvas);
  context.font = `${font}px system-ui, sans-serif`;
  context.fillStyle = colours.dim;
  context.strokeStyle = colours.dim;
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillText("UTC", 2, font * 0.4);
  if (!history.filled) return;
  const perColumn = (box.right - box.left) / indices.length;
  context.textAlign = "center";
  // Leave room for the label "UTC".
  let right = font * 2.6;
  for (const { at, moment } of ticksOfRows(history, indices, cadence, Math.max(1, (box.right - box.left) / (font * 7)))) {
    const x = box.left + at * perColumn;
    const half = context.measureText(clock(moment)).width / 2;
    rule(context, x, 1, x, 4);
    if (x - half < right || x + half > box.right + font * 2) continue;
    context.fillText(clock(moment), x, font * 0.4);
    right = x + half + font * 0.5;
  }
  seams(context, box, history, indices, perColumn, colours, font);
}

/** Returns round times, and for each the column (counted from the left edge) at which the rows reach that time. */
export function ticksOfRows(history, indices, cadence, most) {
  const shown = [];
  indices.forEach((index, column) => { if (index >= 0) shown.push([column + 1, history.times[index]]); });
  if (!shown.length) return [];
  // A row's time is its end; the beginning of the first row follows from the cadence.
  if (cadence > 0) shown.unshift([shown[0][0] - 1, shown[0][1] - cadence]);
  const typical = cadence > 0 ? cadence * indices.length : Math.abs(shown.at(-1)[1] - shown[0][1]);
  const interval = clockInterval(typical, most), found = [];
  for (let n = 1; n < shown.length; n++) {
    const [at, time] = shown[n - 1], [nextAt, nextTime] = shown[n];
    if (!(nextTime > time)) continue;
    const rate = (nextAt - at) / (nextTime - time);
    // Put no ticks into a jump of the clock.
    if (cadence > 0 && nextTime - time > 2 * cadence * (nextAt - at) + 1) continue;
    // Put none between times that are far apart or cannot be written as dates.
    if (!((nextTime - time) / interval <= 2 * most) || clock(time) === "–" || clock(nextTime) === "–") continue;
    for (let moment = (Math.floor(time / interval) + 1) * interval; moment <= nextTime; moment += interval) {
      found.push({ at: at + (moment - time) * rate, moment });
    }
  }
  return found;
}

/** Marks the columns where the producer restarted or time went back. */
function seams(context, box, history, indices, perColumn, colours, font) {
  context.fillStyle = colours.bad;
  indices.forEach((index, column) => {
    if (index < 0 || !(history.marks[index] & (RESTART | REVERSAL))) return;
    const x = box.left + column * perColumn;
    context.fillRect(x - 1.5, 0, 3, font * 0.45);
  });
}

function frequencies(context, box, frame, colours, font) {
  context.fillStyle = colours.dim;
  context.strokeStyle = colours.dim;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const mhz of ticks(frame.low, frame.high, Math.max(2, (box.bottom - box.top) / (font * 2.6)))) {
    const y = box.bottom - (mhz - frame.low) / (frame.high - frame.low) * (box.bottom - box.top);
    rule(context, box.left - 4, y, box.left - 1, y);
    context.fillText(short(mhz), box.left - font * 0.5, y);
  }
  context.save();
  context.translate(font * 0.75, (box.top + box.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText("MHz", 0, 0);
  context.restore();
}

function bar(context, box, width, levels, unit, palette, colours, font) {
  const left = box.right + font * 0.6, up = box.bottom - box.top;
  for (let n = 0; n < 64; n++) {
    const at = 4 * Math.round(n / 63 * 255);
    context.fillStyle = `rgb(${palette[at]} ${palette[at + 1]} ${palette[at + 2]})`;
    context.fillRect(left, box.bottom - (n + 1) / 64 * up, font * BAR, up / 64 + 1);
  }
  context.fillStyle = colours.dim;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const value of ticks(levels[0], levels[1], Math.max(2, up / (font * 2.6)))) {
    const y = box.bottom - (value - levels[0]) / (levels[1] - levels[0]) * up;
    if (y < box.top + font * 0.3 || y > box.bottom - font * 0.3) continue;
    context.fillText(short(value), left + font * (BAR + 0.35), y);
  }
  context.textBaseline = "top";
  context.textAlign = "right";
  context.fillText(unit, width - 2, box.bottom + font * 0.4);
}
