// Draw the waterfall on a 2D canvas, pixel by pixel, in browsers without WebGL2.

import { toDb } from "./levels.mjs";

export class PlainPainter {
  static title = "2D canvas";

  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
  }

  /** Does nothing: `draw` reads the rows from the buffer. */
  load() {}

  draw({ history, indices, levels, decibels, palette, masked, gap }) {
    const { width, height } = this.canvas;
    if (!width || !height || !history.bins) return;
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const colours = new Uint32Array(palette.buffer);
    const bad = packed(masked), none = packed(gap);
    const lines = edges(history.bins, height);
    for (let x = 0; x < width; x++) {
      const rows = between(indices, x, width);
      for (let y = 0; y < height; y++) {
        const power = rows.length ? strongest(history, rows, lines[y], lines[y + 1], decibels) : NaN;
        const level = decibels ? toDb(power) : power;
        const at = (level - levels[0]) / (levels[1] - levels[0]);
        const code = Math.round(Math.min(1, Math.max(0, at)) * 255);
        pixels[(height - 1 - y) * width + x] = Number.isNaN(level) ? (rows.length ? bad : none) : colours[code];
      }
    }
    this.context.putImageData(image, 0, 0);
  }
}

function edges(bins, pixels) {
  return Int32Array.from({ length: pixels + 1 }, (_, n) => Math.floor(n / pixels * bins + 1e-3));
}

/** Returns the indices of the rows that share a column of pixels. */
function between(indices, x, width) {
  const begin = Math.floor(x / width * indices.length + 1e-3);
  const end = Math.max(begin + 1, Math.floor((x + 1) / width * indices.length + 1e-3));
  return indices.subarray(begin, end).filter((index) => index >= 0);
}

function strongest(history, rows, begin, end, decibels) {
  let power = NaN;
  for (const index of rows) {
    const base = index * history.bins;
    for (let b = begin; b < Math.max(begin + 1, end); b++) {
      const here = history.values[base + b];
      if (!Number.isFinite(here) || (decibels && here <= 0)) continue;
      if (!(Math.abs(here) <= Math.abs(power))) power = here;
    }
  }
  return power;
}

const packed = ([red, green, blue]) => (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
