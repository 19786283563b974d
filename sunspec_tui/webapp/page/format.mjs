// Choose axis ticks, format numbers and times, and fit a canvas to its box.

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000];

/** Returns round numbers from `low` to `high`, at most `most`. */
export function ticks(low, high, most) {
  if (!(high > low) || most < 1) return [];
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const interval = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const values = [];
  // For numbers so large that n + 1 equals n, the loop would never end.
  const first = Math.ceil(low / interval - 1e-9);
  if (!Number.isSafeInteger(first)) return [];
  for (let n = first; n * interval <= high + interval * 1e-9 && values.length <= 2 * most; n++) values.push(n * interval);
  return values;
}

/** Returns the interval of round times, at most `most` in a span of seconds. */
export const clockInterval = (seconds, most) => STEPS_S.find((each) => each >= seconds / most) ?? STEPS_S.at(-1);

/** True if the time has a year of four digits; other times, and NaN, are shown as a dash. */
const isDated = (seconds) => seconds >= -62167219200 && seconds < 253402300799;

export function clock(seconds, digits = 0) {
  if (!isDated(seconds)) return "–";
  const text = new Date(Math.round(seconds * 1000)).toISOString();
  return digits ? text.slice(11, 12 + 8 + Math.min(3, digits)) : text.slice(11, 19);
}

export const day = (seconds) => isDated(seconds) ? new Date(seconds * 1000).toISOString().slice(0, 10) : "–";

/** Formats a number with as many digits as its size needs. */
export function short(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(2).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

/** Formats a duration in a suitable unit. */
export function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const size = Math.abs(seconds);
  if (size < 10) return `${seconds.toFixed(2)} s`;
  if (size < 120) return `${seconds.toFixed(1)} s`;
  if (size < 7200) return `${(seconds / 60).toFixed(1)} min`;
  if (size < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  if (size < 63115200) return `${(seconds / 86400).toFixed(1)} days`;
  return `${(seconds / 31557600).toFixed(1)} years`;
}

/** Fits a canvas to its box and the screen's pixels; the returned `context` draws in CSS pixels. */
export function fitCanvas(canvas) {
  const ratio = globalThis.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const wide = Math.round(width * ratio), high = Math.round(height * ratio);
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
