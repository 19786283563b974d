// The cursor: the cell of the waterfall that the readout describes.

import { clock } from "./format.mjs";
import { describePower, element } from "./status-text.mjs";

/** Returns the cell at a place of the waterfall, in CSS pixels; null outside the waterfall. */
export function cellAt(x, y, columns, bins) {
  const { clientWidth: width, clientHeight: height } = element("waterfall");
  if (x < 0 || x >= width || y < 0 || y >= height) return null;
  return { column: Math.floor(x / width * columns), bin: Math.floor((height - y) / height * bins) };
}

/** Returns a cell moved by columns and by steps of four bins. Without a cell, it starts at the middle of the newest column. */
export function movedCell(cell, byColumns, bySteps, columns, bins) {
  const { column, bin } = cell ?? { column: columns - 1, bin: bins >> 1 };
  return {
    column: Math.min(columns - 1, Math.max(0, column + byColumns)),
    bin: Math.min(bins - 1, Math.max(0, bin + 4 * bySteps)),
  };
}

/** Shows two lines through a cell; none without a cell. */
export function showCursorLines(cell, box, columns, bins) {
  const along = element("along"), across = element("across");
  along.hidden = across.hidden = !cell;
  if (!cell) return;
  const x = box.left + (cell.column + 0.5) / columns * (box.right - box.left);
  const y = box.bottom - (cell.bin + 0.5) / bins * (box.bottom - box.top);
  Object.assign(along.style, { left: `${x}px`, top: `${box.top}px`, height: `${box.bottom - box.top}px` });
  Object.assign(across.style, { left: `${box.left}px`, top: `${y}px`, width: `${box.right - box.left}px` });
}

/** Returns time, frequency and power of a cell; `foreground` has the rows without background, or is null. */
export function readoutText(cell, { history, foreground, indices, frame, cadence, unit }) {
  const mhz = frame.low + (cell.bin + 0.5) / history.bins * (frame.high - frame.low);
  const index = indices[cell.column] ?? -1;
  const time = clock(history.timeAt(indices, cell.column, cadence), 2);
  const power = index < 0 ? NaN : history.row(index)[cell.bin];
  const over = index >= 0 && foreground ? foreground.row(index)[cell.bin] : null;
  return `${time} UTC   ${mhz.toFixed(3)} MHz   ${history.product} ${describePower(index, power, history.product, over, unit)}`;
}
