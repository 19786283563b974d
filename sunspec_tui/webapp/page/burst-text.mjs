// Describe bursts in words. Pure functions.

import { clock, day } from "./format.mjs";

const WORDS = {
  III: "type III", IIIG: "group of type III", II: "type II", IV: "continuum (type IV)", I: "noise storm (type I)", RFI: "interference", "?": "unknown",
};
const UNSURE = 0.5; // a confidence below this is shown as doubt

export const isInterference = ({ type }) => type === "RFI";

/** Returns the type as a short label; one that is not sure has a question mark. */
export const label = ({ type, confidence }) => type !== "?" && confidence < UNSURE ? `${type}?` : type;

export const typeWords = ({ type }) => WORDS[type] ?? String(type);

export const sure = ({ confidence }) => `${Math.round(100 * confidence)} %`;

export const band = ({ low_mhz: low, high_mhz: high }) => `${Math.round(low)}–${Math.round(high)}`;

/** Returns a number with a minus sign; a dash if it is unknown. */
export function signed(value, digits) {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Returns a drift rate, or its `error`; those of slow drifts have more digits. */
export const drift = ({ drift_mhz_s: rate }, value = rate) => signed(value, rate !== null && Math.abs(rate) < 1 ? 3 : 1);

export const strength = ({ peak_db: peak }) => signed(peak, 1);

/** Returns the time of the begin, with the date if it is another day than `today`. */
export function beginText({ begin_s: begin }, today) {
  return today && day(begin) !== today ? `${day(begin).slice(5)} ${clock(begin).slice(0, 5)}` : clock(begin);
}

/** Returns type, time and strength in one line. */
export function headline(burst) {
  const peak = burst.peak_db === null ? "" : `, ${strength(burst)} dB`;
  return `${label(burst)} ${clock(burst.begin_s)}${peak}${burst.is_open ? ", in progress" : ""}`;
}

/** Returns what a screen reader says of a row in the list. */
export function spoken(burst) {
  const parts = [typeWords(burst), `${day(burst.begin_s)} ${clock(burst.begin_s)} UTC`, `${sure(burst)} sure`, `${Math.round(burst.low_mhz)} to ${Math.round(burst.high_mhz)} MHz`];
  return [...parts, burst.is_open && "in progress", burst.is_wrong && "marked as wrong"].filter(Boolean).join(", ");
}

/** Returns all numbers of a burst. */
export function detail(burst) {
  const { drift_mhz_s: rate, drift_error_mhz_s: error, circular, lanes, lane_ratio: ratio, reason } = burst;
  const parts = [
    `${typeWords(burst)}, ${sure(burst)}`, `${day(burst.begin_s)} ${clock(burst.begin_s)}–${burst.is_open ? "" : clock(burst.end_s)} UTC`, `${band(burst)} MHz`,
    burst.peak_db !== null && `peak ${strength(burst)} dB at ${clock(burst.peak_s)}`,
    rate !== null && `drift ${drift(burst)}${error === null ? "" : ` ± ${drift(burst, error)}`} MHz/s`,
    circular !== null && `V/I ${signed(circular, 2)}`, lanes > 1 && `${lanes} lanes${ratio === null ? "" : ` (ratio ${ratio.toFixed(2)})`}`,
    burst.is_saturated && "receiver saturated", burst.is_open && "in progress", burst.is_wrong && "marked as wrong",
  ].filter(Boolean);
  return parts.join(", ") + (reason ? `. ${reason}` : "");
}
