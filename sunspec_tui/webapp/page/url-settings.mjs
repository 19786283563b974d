// Read and write the view's settings in the address after "#".
// So a view can be shared; browsers do not send this part of an address to the server.

import { MAX_SPAN_S, MAX_TIME_S, MIN_SPAN_S } from "./history-tiles.mjs";
import { PRODUCTS } from "./row-messages.mjs";

export const BOUNDS = {
  rate: [1, 60], height: [128, 1200], floor: [-200, 400], ceiling: [-200, 400],
  start: [0, MAX_TIME_S], end: [0, MAX_TIME_S], span: [0, MAX_SPAN_S],
};
const WHOLE = ["rate", "height"];
// Times are seconds since 1970 UTC. A span without a start ends at the newest time.
const DEFAULTS = {
  product: "XX", palette: "viridis", rate: 30, height: 600, floor: null, ceiling: null, auto: true, linear: false, remove_background: false,
  theme: "system", renderer: "auto", start: null, end: null, span: 0, show: "highest", bursts: true,
  interference: false,
};
const CHOICES = {
  product: PRODUCTS, theme: ["system", "dark", "light"], renderer: ["auto", "webgl", "2d"], show: ["highest", "mean"],
};

/** Returns the settings in an address; an invalid value keeps its default. */
export function parse(hash) {
  const settings = { ...DEFAULTS };
  for (const [key, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!Object.hasOwn(DEFAULTS, key)) continue;
    const value = parseValue(key, text);
    if (value !== undefined) settings[key] = value;
  }
  const { floor, ceiling } = settings;
  if (floor !== null && ceiling !== null && floor >= ceiling) settings.floor = settings.ceiling = null;
  const length = settings.end - settings.start;
  if (settings.start === null || settings.end === null || !(length >= MIN_SPAN_S && length <= MAX_SPAN_S)) settings.start = settings.end = null;
  else settings.span = 0;
  return settings;
}

function parseValue(key, text) {
  if (key in BOUNDS) {
    const number = Number(text), [least, most] = BOUNDS[key];
    return text.trim() !== "" && (!WHOLE.includes(key) || Number.isInteger(number)) && number >= least && number <= most ? number : undefined;
  }
  if (typeof DEFAULTS[key] === "boolean") return text === "1" ? true : text === "0" ? false : undefined;
  if (key in CHOICES) return CHOICES[key].includes(text) ? text : undefined;
  return /^[A-Za-z_/]{1,20}$/.test(text) ? text : undefined;
}

/** Returns the part of the address with the settings that differ from their defaults. */
export function format(settings) {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(settings)) {
    if (value === DEFAULTS[key] || value === null || (settings.auto && (key === "floor" || key === "ceiling"))) continue;
    const isTime = key === "start" || key === "end" || key === "span";
    parameters.set(key, typeof value === "boolean" ? (value ? "1" : "0") : String(isTime ? Math.round(value * 100) / 100 : value));
  }
  const text = parameters.toString();
  return text ? `#${text}` : "";
}

export const clamp = (key, value) => Math.min(BOUNDS[key][1], Math.max(BOUNDS[key][0], value));
