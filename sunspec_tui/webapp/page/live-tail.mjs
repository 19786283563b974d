// Draw the newest rows after the tiles: tiles of the newest minutes are loaded only now and then.

import { CAPACITY } from "./row-buffer.mjs";
import { evenRuns } from "./tile-image.mjs";

export class LiveTail {
  constructor() {
    this.image = null;
    this.colours = null;
    this.numbers = new Float64Array(CAPACITY).fill(-1); // numbers of the rows in the image
  }

  /** Returns the rows that end after a time, oldest first, as indices. */
  rowsAfter(history, time) {
    const found = [];
    for (let n = 0; n < history.filled; n++) {
      const index = (history.head + CAPACITY - 1 - n) % CAPACITY;
      if (!(history.times[index] > time)) break;
      found.push(index);
    }
    return found.reverse();
  }

  /** Draws rows; `draw(image, x, columns, begin, end)` draws columns of the image from time to time. */
  draw(history, indices, { colours, width, highest, cadence }, draw) {
    if (!indices.length) return;
    this.#fit(colours);
    for (const index of indices) this.#paint(history, index, width, highest);
    const ends = indices.map((index) => history.times[index]);
    const typical = cadence > 0 ? cadence : ends.length > 1 ? (ends.at(-1) - ends[0]) / (ends.length - 1) : 0.25;
    const begins = ends.map((end, n) => n && end - ends[n - 1] < 1.5 * typical ? ends[n - 1] : end - typical);
    for (const run of evenRuns(begins, ends)) {
      // A run may cross the end of the ring.
      for (let n = run.first; n < run.after;) {
        const columns = Math.min(run.after - n, CAPACITY - indices[n]);
        draw(this.image, indices[n], columns, begins[n], ends[n + columns - 1]);
        n += columns;
      }
    }
  }

  #fit(colours) {
    this.image ??= document.createElement("canvas");
    if (this.colours && colours.isSame(this.colours)) return;
    Object.assign(this.image, { width: CAPACITY, height: colours.height });
    this.context = this.image.getContext("2d");
    this.column = this.context.createImageData(1, colours.height);
    this.colours = colours;
    this.numbers.fill(-1);
  }

  #paint(history, index, width, highest) {
    const key = history.numbers[index] + history.version * 2 ** 40;
    if (this.numbers[index] === key) return;
    this.numbers[index] = key;
    this.colours.paint(folded(history.row(index), width, highest), new Uint32Array(this.column.data.buffer), 1, 0);
    this.context.putImageData(this.column, index, 0);
  }
}

/** Returns a row with `width` neighbouring bins as one: their mean, or the highest. */
export function folded(row, width, highest) {
  if (width === 1) return row;
  return Float32Array.from({ length: Math.ceil(row.length / width) }, (_, n) => {
    const good = row.subarray(n * width, (n + 1) * width).filter(Number.isFinite);
    if (!good.length) return NaN;
    return highest ? Math.max(...good) : good.reduce((sum, each) => sum + each, 0) / good.length;
  });
}
