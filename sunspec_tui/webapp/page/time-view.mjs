// The interval of time that the page shows, and how zoom and pan change it. Pure functions.

import { MAX_SPAN_S, MIN_SPAN_S } from "./history-tiles.mjs";

/** Returns an interval whose span is `factor` times as long; the time at `share` of the width stays where it is. */
export function zoomed({ begin, end }, factor, share) {
  const span = Math.min(MAX_SPAN_S, Math.max(MIN_SPAN_S, (end - begin) * factor));
  const at = begin + share * (end - begin);
  return { begin: at - share * span, end: at + (1 - share) * span };
}

/** Returns an interval moved by a share of its span; above 0 towards later times. */
export function moved({ begin, end }, share) {
  const by = share * (end - begin);
  return { begin: begin + by, end: end + by };
}

/** Returns an interval moved so that it ends at the newest time at the latest, and shows at least a tenth of the known time. */
export function withinKnown({ begin, end }, oldest, newest) {
  const span = end - begin;
  const latest = Math.min(end, newest);
  const last = Math.max(latest, Math.min(newest, oldest + span / 10));
  return { begin: last - span, end: last };
}

/** Returns true if an interval ends at the newest time, so that it follows the stream. */
export const endsAtNewest = ({ begin, end }, newest) => end >= newest - 1e-3 * (end - begin);
