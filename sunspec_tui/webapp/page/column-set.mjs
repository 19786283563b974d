// Columns of the tiles in an interval, as rows for levels, background and spectrum.

import { quietMedian, withoutBackground } from "./background.mjs";
import { isSigned } from "./levels.mjs";
import { ONLY_MEAN, RESTART } from "./history-message.mjs";

export class ColumnSet {
  /** `tiles` are loaded tiles of one product with equal numbers of bins; `highest` chooses the highest values instead of the means. */
  constructor(product, tiles, { begin, end }, highest) {
    this.product = product;
    this.tiles = tiles;
    this.highest = highest;
    this.bins = tiles[0]?.bins ?? 0;
    this.width = tiles[0]?.width ?? 1;
    this.background = null;
    this.columns = [];
    for (const tile of tiles.filter((each) => each.bins === this.bins)) {
      for (let n = 0; n < tile.count; n++) {
        if (tile.ends[n] > begin && tile.begins[n] < end) this.columns.push({ tile, n });
      }
    }
  }

  get filled() { return this.columns.length; }

  /** Indices of all columns, as those of rows. */
  get indices() { return Int32Array.from({ length: this.columns.length }, (_, n) => n); }

  /** Values of a tile that the picture shows. */
  valuesOf(tile) { return this.highest ? tile.peak : tile.mean; }

  /** Returns the power of a column, without the background if there is one. */
  row(index) {
    const row = this.power(index), { background } = this;
    return background ? row.map((each, bin) => withoutBackground(each, background[bin], isSigned(this.product))) : row;
  }

  /** Returns the power of a column as received. */
  power(index) {
    const { tile, n } = this.columns[index];
    return this.valuesOf(tile).subarray(n * this.bins, (n + 1) * this.bins);
  }

  /** Computes the background of these columns. */
  findBackground() {
    this.background = quietMedian({ bins: this.bins, row: (index) => this.power(index) }, this.indices);
    return this.background;
  }

  /** Returns the index of the column that covers a time, the shortest one; -1 if there is none. */
  at(time) {
    let found = -1;
    this.columns.forEach(({ tile, n }, index) => {
      if (tile.begins[n] > time || tile.ends[n] <= time) return;
      if (found < 0 || this.length(index) < this.length(found)) found = index;
    });
    return found;
  }

  length(index) {
    const { tile, n } = this.columns[index];
    return tile.ends[n] - tile.begins[n];
  }

  /** Begins of the columns with a restart of the producer. */
  get restarts() {
    return this.columns.filter(({ tile, n }) => tile.marks[n] & RESTART).map(({ tile, n }) => tile.begins[n]);
  }

  /** Describes a column: a row, or the mean or the highest value of how many seconds. */
  describe(index) {
    const { tile, n } = this.columns[index];
    if (tile.rows[n] === 1) return "row";
    return `${this.highest && !(tile.marks[n] & ONLY_MEAN) ? "highest" : "mean"} of ${seconds(this.length(index))}`;
  }

  /** Describes all columns; names the longest ones if only they are known in parts. */
  get words() {
    if (!this.filled) return "";
    const lengths = this.columns.map((_, index) => this.length(index));
    const shortest = lengths.indexOf(Math.min(...lengths)), longest = lengths.indexOf(Math.max(...lengths));
    const words = this.describe(shortest) === "row" ? "rows" : this.describe(shortest);
    const isCoarse = lengths[longest] > 1.5 * lengths[shortest] && this.describe(longest) !== "row";
    return isCoarse ? `${words}, in parts only ${this.describe(longest)}` : words;
  }
}

const seconds = (length) => `${Number(length.toFixed(3))} s`;
