// Show the stream's readings as text on the page.

import { clock, day, short, duration } from "./format.mjs";
import { UNSENT } from "./row-buffer.mjs";
import { ARBITRARY, isSigned, levelUnit, toDb } from "./levels.mjs";

const MAX_WORDS = 500;

export const element = (id) => document.getElementById(id);

/** Describes a cell of the picture; `over` is its power without the background, null if that is not removed. */
export function describePower(index, power, product, over = null, unit = ARBITRARY) {
  if (index === UNSENT) return "received, but not sent to this page, which was too slow";
  if (index < 0) return "gap: no row was received";
  if (!Number.isFinite(power)) return "no valid value";
  if (over !== null && Number.isFinite(isSigned(product) ? over : toDb(over))) {
    const shown = isSigned(product) ? linearText(over, product, unit) : `${toDb(over).toFixed(2)} dB`;
    return `${over >= (isSigned(product) ? 0 : 1) ? "+" : ""}${shown} over background (${describePower(index, power, product, null, unit)})`;
  }
  const linear = linearText(power, product, unit);
  return isSigned(product) || !(power > 0) ? linear : `${toDb(power).toFixed(2)} ${levelUnit(unit)} (${linear})`;
}

const linearText = (power, product, unit) => unit === ARBITRARY || product === "V/I" ? short(power) : `${short(power)} ${unit}`;

export function showStatus(status, age, history) {
  const newest = history.filled ? history.times[history.newest] : NaN;
  setText("newest", Number.isFinite(newest) ? `${day(newest)} ${clock(newest)} UTC` : "–");
  // Age of the displayed row, by the server's clock.
  setText("age", Number.isFinite(newest) ? duration(Date.parse(status.time) / 1000 + age - newest) : "–");
  setText("delay", status.delay_s === null ? "–" : `${duration(status.delay_s)} (${status.delay_used})`);
  element("delay").title = status.delay_note ?? "";
  setText("frames", status.rate_hz ? `${status.frames_received}, ${status.rate_hz.toFixed(2)}/s` : status.frames_received);
  showCount("missing", status.frames_missing);
  showCount("rejected", status.frames_rejected);
  setText("source", status.source);
  const sun = sunText(status);
  setText("sun", sun);
  element("sun-reading").hidden = sun === "";
}

/** Describes the Sun's position and its next rise or set, in UTC; empty if it is unknown. */
export function sunText({ sun_elevation_deg: elevation, sun_azimuth_deg: azimuth, sun_next: kind, sun_next_time: time }) {
  if (!Number.isFinite(elevation) || !Number.isFinite(azimuth)) return "";
  const verb = { rise: "rises", set: "sets" }[kind];
  const next = verb && time ? `, ${verb} ${clock(Date.parse(time) / 1000).slice(0, 5)} UTC` : "";
  return `${elevation.toFixed(1)}°, az ${azimuth.toFixed(0)}°${next}`;
}

/** Shows over the picture why it is old, empty or cannot be drawn. */
export function showBanner({ state, stale, isEmpty, failed, missing }) {
  const banner = element("banner");
  banner.hidden = !stale && !isEmpty && !failed;
  banner.classList.toggle("quiet", !stale);
  const words = failed ? `The picture cannot be drawn: ${failed}` : stale ? `${state.word}: ${state.why}` : missing || `Nothing has been received yet. ${state.why}`;
  setText("banner", words);
}

/** Sets the text of an element, cut to MAX_WORDS characters; unchanged text is not set again, to save a layout. */
export function setText(id, words) {
  const at = element(id), text = String(words).slice(0, MAX_WORDS);
  if (at.textContent !== text) at.textContent = text;
}

function showCount(id, count) {
  setText(id, count ?? "unknown");
  element(id).classList.toggle("bad", count > 0);
}
