// The levels of the picture's colours: automatic or set by hand.

import { fromDb, isSigned, pictureLevels, toDb } from "./levels.mjs";

const LEVELS_MS = 1000;

export class ColourLevels {
  constructor(settings, controls) {
    this.settings = settings;
    this.controls = controls;
    this.drop();
  }

  /** Forgets the levels; the next picture finds new ones. */
  drop() {
    this.found = null;
    this.expire();
  }

  /** Makes the next picture find levels, near the present ones if those fit. */
  expire() {
    this.foundAt = -Infinity;
  }

  /** Finds the levels of rows; a paused picture keeps its levels until a setting changes. */
  find(rows, indices, paused) {
    const { settings } = this;
    if (!rows.filled) return;
    const signed = isSigned(rows.product);
    if (!settings.auto && settings.ceiling !== null && (signed || (settings.floor !== null && settings.floor < settings.ceiling))) {
      const size = fromDb(settings.ceiling);
      this.found = signed ? [-size, size] : [settings.floor, settings.ceiling];
    } else if (paused ? this.foundAt === -Infinity : performance.now() - this.foundAt > LEVELS_MS) {
      this.foundAt = performance.now();
      this.found = pictureLevels(rows, indices, this.found);
      // The levels of a signed product are symmetric about zero, so it has only a ceiling.
      this.controls.showLevels(signed ? null : this.found[0], signed ? toDb(this.found[1]) : this.found[1]);
    }
  }

  /** Returns levels on the scale of the colours: decibels, or power. */
  onScale(product) {
    return isSigned(product) || !this.settings.linear ? this.found : this.found.map(fromDb);
  }
}
