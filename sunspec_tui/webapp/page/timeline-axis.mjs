// Draw the time axis of an interval: round times, dates at midnight, and restarts of the producer.

import { clock, clockInterval, day, fitCanvas } from "./format.mjs";
import { rule } from "./spectrum.mjs";

const DAY_S = 86400;

/** Returns round times in an interval with their labels, at most `most`. */
export function timeTicks(begin, end, most) {
  const interval = clockInterval(end - begin, most), found = [];
  for (let moment = Math.ceil(begin / interval) * interval; moment <= end && found.length <= 2 * most; moment += interval) {
    const isMidnight = moment % DAY_S === 0;
    found.push({ moment, isMidnight, label: isMidnight ? day(moment).slice(5) : clock(moment).slice(0, interval % 60 ? 8 : 5) });
  }
  return found;
}

/** Draws the axis below a picture; `restarts` are times. */
export function drawInterval(canvas, box, { begin, end, restarts, colours, font }) {
  const { context } = fitCanvas(canvas), across = box.right - box.left;
  const x = (time) => box.left + (time - begin) / (end - begin) * across;
  context.strokeStyle = colours.dim;
  context.fillStyle = colours.dim;
  context.textBaseline = "top";
  context.textAlign = "left";
  context.font = `${font}px system-ui, sans-serif`;
  context.fillText("UTC", 2, font * 0.4);
  context.textAlign = "center";
  let right = font * 2.6;
  for (const { moment, isMidnight, label } of timeTicks(begin, end, Math.max(1, across / (font * 6)))) {
    const at = x(moment), half = context.measureText(label).width / 2;
    context.fillStyle = isMidnight ? colours.text : colours.dim;
    rule(context, at, 1, at, isMidnight ? 6 : 4);
    if (at - half < right || at + half > box.right + font * 2) continue;
    context.fillText(label, at, font * 0.4);
    right = at + half + font * 0.5;
  }
  context.fillStyle = colours.bad;
  for (const time of restarts) context.fillRect(x(time) - 1.5, 0, 3, font * 0.45);
}
