// What the page says of the stream, from what it knows and for how long it has known it. Pure functions of values.

import { span } from "./axes.mjs";

export const SILENT_S = 2.5, NO_NEWS_S = 4;

/** State as a word, the reason in a few words, and whether the picture is old. Times are in seconds, ages of what came last. */
export function judged({ connected, status, statusAge, rowAge, paused, waiting }) {
  if (!connected) {
    const why = waiting || "the server does not answer, trying again";
    return { word: "DISCONNECTED", kind: "disconnected", why, stale: true };
  }
  if (status && statusAge > NO_NEWS_S) {
    return { word: "DISCONNECTED", kind: "disconnected", why: `no word from the server for ${span(statusAge)}`, stale: true };
  }
  const silent = rowAge !== null && rowAge > (status?.stall_after_s ?? SILENT_S) + 1;
  // A row that came after the status knows better.
  const outdated = rowAge !== null && rowAge < statusAge;
  if (status && ((status.state === "stalled" && !outdated) || silent)) {
    const seconds = Math.max(rowAge ?? 0, (status.silence_s ?? 0) + statusAge);
    const link = status.link === "connected" ? "" : `, ${status.link}`;
    return { word: "STALLED", kind: "stalled", why: `no frame for ${seconds < 120 ? `${seconds.toFixed(1)} s` : span(seconds)}${link}`, stale: true };
  }
  if (!status || (status.state !== "live" && !outdated)) {
    return { word: "CONNECTING", kind: "connecting", why: status ? status.link : "", stale: false };
  }
  if (paused) return { word: "PAUSED", kind: "paused", why: "the picture stands, frames are counted", stale: false };
  if (status.alarms.length) return { word: "LIVE", kind: "lost", why: status.alarms.join(", "), stale: false };
  return { word: "LIVE", kind: "live", why: status.warnings.join(", "), stale: false };
}
