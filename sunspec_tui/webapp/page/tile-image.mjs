// Compute the colours of columns once, as images that are then drawn at any scale.

import { toDb } from "./levels.mjs";
import { withoutBackground } from "./background.mjs";

const BAD = -1;

/** Paints columns of power with the colours of one picture. */
export class ColumnColours {
  /** `exactBins` is the number of bins of the height, which may end within the last bin. */
  constructor({ height, bins, exactBins, levels, decibels, diverging, palette, masked, background }) {
    Object.assign(this, { height, bins, levels, decibels, diverging, background });
    this.colours = new Uint32Array(palette.buffer);
    this.bad = packed(masked);
    this.lines = Int32Array.from({ length: height + 1 }, (_, n) => Math.min(bins, Math.floor(n / height * exactBins + 1e-3)));
    this.codes = new Int16Array(bins);
    this.key = [height, bins, exactBins, levels, decibels, diverging, masked].join();
  }

  /** Returns true if `other` makes the same colours. */
  isSame(other) {
    return other !== null && this.key === other.key && this.background === other.background && this.colours.buffer === other.colours.buffer;
  }

  /** Writes a column into pixels of an image `width` wide. */
  paint(power, pixels, width, x) {
    const { codes, lines, height, colours, bad } = this;
    this.#code(power);
    for (let y = 0; y < height; y++) {
      const end = Math.max(lines[y] + 1, lines[y + 1]);
      let code = BAD;
      for (let bin = lines[y]; bin < end && bin < codes.length; bin++) code = this.#stronger(code, codes[bin]);
      pixels[(height - 1 - y) * width + x] = code === BAD ? bad : colours[code];
    }
  }

  #stronger(one, other) {
    if (one === BAD || other === BAD) return one === BAD ? other : one;
    return (this.diverging ? Math.abs(2 * other - 255) > Math.abs(2 * one - 255) : other > one) ? other : one;
  }

  #code(power) {
    const { codes, levels: [floor, ceiling], decibels, background, diverging } = this;
    for (let bin = 0; bin < codes.length; bin++) {
      const value = background ? withoutBackground(power[bin], background[bin], diverging) : power[bin];
      const level = decibels ? toDb(value) : Number.isFinite(value) ? value : NaN;
      codes[bin] = Number.isNaN(level) ? BAD : Math.round(Math.min(1, Math.max(0, (level - floor) / (ceiling - floor))) * 255);
    }
  }
}

/** Returns the image of a tile, painted again only for other colours. `values` are column by column. */
export function tileImage(tile, values, colours) {
  if (tile.image && tile.values === values && colours.isSame(tile.colours)) return tile.image;
  const { count, bins } = tile, { height } = colours;
  tile.image ??= document.createElement("canvas");
  Object.assign(tile.image, { width: Math.max(1, count), height });
  if (count) {
    const context = tile.image.getContext("2d"), image = context.createImageData(count, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let n = 0; n < count; n++) colours.paint(values.subarray(n * bins, (n + 1) * bins), pixels, count, n);
    context.putImageData(image, 0, 0);
  }
  Object.assign(tile, { values, colours });
  return tile.image;
}

export const imageBytes = ({ image }) => image ? 4 * image.width * image.height : 0;

/** Returns runs of columns that follow one another evenly: first index, index after the last, and times. */
export function evenRuns(begins, ends, count = begins.length) {
  const runs = [];
  for (let n = 0; n < count; n++) {
    const run = runs.at(-1), width = ends[n] - begins[n];
    // A drift of half a column within a run would show a column at another one's time.
    const expected = run && run.begin + (n - run.first) * run.width;
    if (run && Math.abs(begins[n] - expected) < 0.4 * run.width && Math.abs(width - run.width) < 0.1 * run.width) {
      run.after = n + 1;
      run.end = ends[n];
    } else runs.push({ first: n, after: n + 1, begin: begins[n], end: ends[n], width });
  }
  return runs;
}

export const packed = ([red, green, blue]) => (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
