// Mark notes and bursts on the picture of rows, and on that of an interval.

import { around, timeScale } from "./notes.mjs";

/** Marks the picture of the newest rows. */
export function drawRowMarks(page, indices) {
  const { box, colours, font, frame, history, cadence, notes, bursts, status } = page;
  const cell = page.cursor ?? page.pointed, columns = indices.length, scale = timeScale(history, indices, cadence);
  const oldest = history.times[indices.find((index) => index >= 0)] - (cadence ?? 0);
  notes.update(status?.observer_notes, oldest);
  notes.draw({ box, scale, columns, at: cell?.column + 0.5, colours, font });
  const place = cell && { x: (cell.column + 0.5) / columns, y: (cell.bin + 0.5) / history.bins };
  bursts.draw({ box, scale, columns, frame, place, font });
}

/** Marks the picture of an interval; `place` is the cursor in shares of its width and height, or null. */
export function drawIntervalMarks(page, { begin, end }, place) {
  if (!Number.isFinite(begin)) return;
  const { box, colours, font, frame, notes, bursts, status } = page, scale = [[0, begin], [1, end]];
  notes.update(status?.observer_notes, ...around(begin, end));
  notes.draw({ box, scale, columns: 1, at: place?.x, colours, font });
  bursts.draw({ box, scale, columns: 1, frame, place, font });
}
