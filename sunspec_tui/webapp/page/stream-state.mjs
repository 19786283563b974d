// Derive the displayed state of the stream from messages and their ages. Pure functions.

import { duration } from "./format.mjs";

export const SILENT_S = 2.5, NO_NEWS_S = 4;

/** Returns the state as a word, the reason, and true if the picture is stale. Ages are in seconds. */
export function streamState({ connected, status, statusAge, rowAge, paused, waiting }) {
  if (!connected) {
    const why = waiting || "the server does not answer, trying again";
    return { word: "DISCONNECTED", kind: "disconnected", why, stale: true };
  }
  if (status && statusAge > NO_NEWS_S) {
    return { word: "DISCONNECTED", kind: "disconnected", why: `nothing from the server for ${duration(statusAge)}`, stale: true };
  }
  const silent = rowAge !== null && rowAge > (status?.stall_after_s ?? SILENT_S) + 1;
  // A row that came after the status is newer evidence.
  const outdated = rowAge !== null && rowAge < statusAge;
  if (status && ((status.state === "stalled" && !outdated) || silent)) {
    const seconds = Math.max(rowAge ?? 0, (status.silence_s ?? 0) + statusAge);
    const link = status.link === "connected" ? "" : `, ${status.link}`;
    return { word: "STALLED", kind: "stalled", why: `no frame for ${seconds < 120 ? `${seconds.toFixed(1)} s` : duration(seconds)}${link}`, stale: true };
  }
  if (!status || (status.state !== "live" && !outdated)) {
    return { word: "CONNECTING", kind: "connecting", why: status ? status.link : "", stale: false };
  }
  if (paused) return { word: "PAUSED", kind: "paused", why: "the picture is paused, frames are counted", stale: false };
  if (status.alarms.length) return { word: "LIVE", kind: "lost", why: status.alarms.join(", "), stale: false };
  return { word: "LIVE", kind: "live", why: status.warnings.join(", "), stale: false };
}
