// Readings of the stream as words on the page. They take plain values and know the elements that show them.

import { clock, day, short, span } from "./axes.mjs";
import { UNSENT } from "./history.mjs";
import { isSigned, toDb } from "./levels.mjs";

const MAX_WORDS = 500;

export const element = (id) => document.getElementById(id);

/** What is known of a place in the picture; `over` is its power without the background, null where that is not removed. */
export function worded(place, power, product, over = null) {
  if (place === UNSENT) return "received, but not sent to this page, which was too slow";
  if (place < 0) return "gap: no row was received";
  if (!Number.isFinite(power)) return "no number";
  if (over !== null && Number.isFinite(isSigned(product) ? over : toDb(over))) {
    const shown = isSigned(product) ? short(over) : `${toDb(over).toFixed(2)} dB`;
    return `${over >= (isSigned(product) ? 0 : 1) ? "+" : ""}${shown} over background (${worded(place, power, product)})`;
  }
  if (isSigned(product)) return short(power);
  return power > 0 ? `${toDb(power).toFixed(2)} dB (${short(power)})` : short(power);
}

export function showStatus(status, age, history) {
  const newest = history.filled ? history.times[history.newest] : NaN;
  say("newest", Number.isFinite(newest) ? `${day(newest)} ${clock(newest)} UTC` : "–");
  // Of the row that is shown, by the server's clock.
  say("age", Number.isFinite(newest) ? span(Date.parse(status.time) / 1000 + age - newest) : "–");
  say("delay", status.delay_s === null ? "–" : `${span(status.delay_s)} (${status.delay_used})`);
  element("delay").title = status.delay_note ?? "";
  say("frames", status.rate_hz ? `${status.frames_received}, ${status.rate_hz.toFixed(2)}/s` : status.frames_received);
  counted("missing", status.frames_missing);
  counted("rejected", status.frames_rejected);
  say("source", status.source);
}

/** Sets the text of an element, cut to MAX_WORDS characters; unchanged text is not set again, to save a layout. */
export function say(id, words) {
  const at = element(id), text = String(words).slice(0, MAX_WORDS);
  if (at.textContent !== text) at.textContent = text;
}

function counted(id, count) {
  say(id, count ?? "not told");
  element(id).classList.toggle("bad", count > 0);
}
